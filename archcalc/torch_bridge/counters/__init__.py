"""What other tools count of a model, run where they are installed, and why they differ."""
