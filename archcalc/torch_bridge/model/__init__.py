"""Real torch models from specs, and the definitions of torchvision beside them."""
