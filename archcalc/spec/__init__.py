"""The spec language: YAML text to a model with places, and the model to a graph."""
