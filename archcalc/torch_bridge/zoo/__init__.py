"""Networks of specs as transformers and timm define them, on the meta device; one file for each kind of network."""
