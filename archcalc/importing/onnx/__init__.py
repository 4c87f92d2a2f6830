"""ONNX files: their nodes as neutral calls, their weights traced, their constants folded; no weight is read."""

from archcalc.importing.onnx.calls import read_onnx

__all__ = ["read_onnx"]
