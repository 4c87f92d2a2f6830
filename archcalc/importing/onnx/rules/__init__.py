"""What each operator of ONNX is in the neutral program: one function an operator, or one for several alike."""

from archcalc.importing.onnx.rules import (
    contributed,
    control,
    layout,
    norms,
    pointwise,
    products,
    quantised,
    recurrent,
    reductions,
    windows,
)

__all__ = [
    "contributed",
    "control",
    "layout",
    "norms",
    "pointwise",
    "products",
    "quantised",
    "recurrent",
    "reductions",
    "windows",
]
