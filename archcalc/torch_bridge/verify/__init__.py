"""Specs held against real models: shapes, parameters, gradients, receptive fields, other libraries' counts."""
