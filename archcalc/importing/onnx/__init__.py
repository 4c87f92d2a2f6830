"""ONNX files: their nodes as neutral calls, their weights traced, their constants folded; no weight is read."""
