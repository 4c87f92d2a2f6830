"""Caffe's prototxt: the text format, the net in it, and a rule for each type of layer."""

from archcalc.importing.prototxt.read import read_prototxt

__all__ = ["read_prototxt"]
