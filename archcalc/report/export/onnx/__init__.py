"""ONNX: a graph with shapes and without weights, node by node from the operations of a network."""
