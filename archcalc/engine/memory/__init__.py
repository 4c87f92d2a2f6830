"""What a network needs on a machine: tensors and their lives, training, work of the backward pass, shares of ranks."""
