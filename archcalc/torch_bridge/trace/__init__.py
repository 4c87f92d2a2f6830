"""Reads a torch module as it runs without memory: operations, modules around them, arguments of constructors."""

from archcalc.torch_bridge.trace.read import read_module
from archcalc.torch_bridge.trace.sources import read_torch

__all__ = ["read_module", "read_torch"]
