"""Files of weights, read by their headers alone: safetensors and GGUF, beside the networks that they are of."""
