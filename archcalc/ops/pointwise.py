"""Activations of single elements: one row of a table each, from which its class is made.

The rules are the functions below; a row gives what one element costs. A change of sign is not counted; a
comparison with a constant is one comparison, and so is `abs`. `exp log tanh erf` are transcendental.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from archcalc.dims import Dim
from archcalc.named import NamedTuple
from archcalc.ops.arguments import REQUIRED, Argument, argument
from archcalc.ops.base import (
    POINTWISE,
    AnyWindow,
    Arithmetic,
    Example,
    Kept,
    Operator,
    Parameters,
    Saved,
    TorchCall,
    operator,
)
from archcalc.ops.checks import require_channels
from archcalc.ops.shape import Shape, features, image

ANY_NUMBER = -(2**62)  # a bound that leaves out nothing


def for_each(number: Dim, cost: Arithmetic) -> Arithmetic:
    """That cost for each of so many elements."""
    return Arithmetic(
        additions=cost.additions * number,
        multiplications=cost.multiplications * number,
        divisions=cost.divisions * number,
        comparisons=cost.comparisons * number,
        transcendentals=cost.transcendentals * number,
        activation=number,
    )


def _infer(self: Any, x: Shape) -> Shape:
    """Output shape."""
    require_channels(x, self.name)
    return x


def _parameters(self: Any, x: Shape) -> Parameters:
    """Nothing stored."""
    return Parameters()


def _arithmetic(self: Any, x: Shape, y: Shape) -> Arithmetic:
    """The same operations for each element."""
    return for_each(y.elements, self.cost)


def _connections(self: Any, x: Shape, y: Shape) -> Dim:
    """None: LeCun et al. count units with weights."""
    return 0


def _window(self: Any, x: Shape) -> AnyWindow:
    """Its own position."""
    return POINTWISE


def _torch(self: Any, x: Shape) -> TorchCall:
    """The module of that name, with the arguments in order."""
    return TorchCall(self.module, tuple(float(value) for value in self.values().values()))


def _saved(self: Any, x: Shape, y: Shape) -> Saved:
    """Its input or its output, whichever its derivative is told by; of a formula in several steps what these keep."""
    inputs, output, made = KEEPS.get(self.name, (1, False, 0))
    return Saved((0,) * inputs, output, tuple([Kept(x.elements)] * made))


# Of the activations whose derivative is not told by the input alone: whether torch keeps the input, the output, and
# how many tensors more. torch: tools/autograd/derivatives.yaml.
KEEPS = {
    "relu": (0, True, 0),
    "sigmoid": (0, True, 0),
    "tanh": (0, True, 0),
    "exp": (0, True, 0),
    "rrelu": (1, False, 1),  # the slopes
    "quick_gelu": (1, False, 1),  # the gate
    "softcap": (0, False, 1),  # the hyperbolic tangent
    "scaled_tanh": (0, False, 1),
    "tanhshrink": (0, False, 1),
    "softsign": (1, False, 1),  # the denominator
    "log_sigmoid": (1, False, 1),  # an exponential
}
IN_PLACE = {"relu", "relu6", "leaky_relu", "rrelu", "elu", "selu", "celu", "silu", "mish", "hard_sigmoid", "hard_swish"}
IN_PLACE |= {"hard_tanh", "threshold"}  # those whose module in torch has `inplace`


class Activation(NamedTuple):
    """A row of the table; the two examples are at 10 features and at 2*3*4 = 24 elements."""

    title: str
    formula: str  # of one element x, in Python; a test counts its operations, and compares its values with torch
    module: str
    cost: Arithmetic  # of one element
    ten: dict[str, int]
    twenty_four: dict[str, int]
    source: str
    arguments: Mapping[str, tuple[str, Any, int]] = {}  # name: documentation, default, least


TABLE: dict[str, Activation] = {
    "relu": Activation(
        "Rectified linear unit",
        "max(x, 0)",
        "nn.ReLU",
        Arithmetic(comparisons=1),
        {"comparisons": 10, "additions": 0},
        {"comparisons": 24},
        "Nair and Hinton 2010, section 2",
    ),
    "relu6": Activation(
        "Rectified linear unit cut off at 6",
        "min(max(x, 0), 6)",
        "nn.ReLU6",
        Arithmetic(comparisons=2),
        {"comparisons": 20},
        {"comparisons": 48},
        "Krizhevsky 2010, Convolutional Deep Belief Networks on CIFAR-10",
    ),
    "leaky_relu": Activation(
        "Leaky rectified linear unit",
        "x if x > 0 else slope * x",
        "nn.LeakyReLU",
        Arithmetic(comparisons=1, multiplications=1),
        {"comparisons": 10, "multiplications": 10},
        {"comparisons": 24, "multiplications": 24},
        "Maas et al. 2013, equation (2)",
        {"slope": ("slope below zero", Fraction(1, 100), ANY_NUMBER)},
    ),
    "rrelu": Activation(
        "Randomised leaky rectified linear unit; at inference the slope is the middle of its range",
        "x if x > 0 else 0.22916666666666666 * x",
        "nn.RReLU",
        Arithmetic(comparisons=1, multiplications=1),
        {"comparisons": 10, "multiplications": 10},
        {"comparisons": 24, "multiplications": 24},
        "Xu et al. 2015, section 2.4",
    ),
    "elu": Activation(
        "Exponential linear unit",
        "x if x > 0 else alpha * (exp(x) - 1)",
        "nn.ELU",
        Arithmetic(comparisons=1, transcendentals=1, additions=1, multiplications=1),
        {"comparisons": 10, "transcendentals": 10, "additions": 10, "multiplications": 10},
        {"comparisons": 24, "transcendentals": 24, "additions": 24, "multiplications": 24},
        "Clevert et al. 2016, equation (15)",
        {"alpha": ("limit for small inputs, sign changed", 1, 0)},
    ),
    "selu": Activation(
        "Scaled exponential linear unit",
        "1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * (exp(x) - 1))",
        "nn.SELU",
        Arithmetic(comparisons=1, transcendentals=1, additions=1, multiplications=2),
        {"comparisons": 10, "transcendentals": 10, "additions": 10, "multiplications": 20},
        {"comparisons": 24, "transcendentals": 24, "additions": 24, "multiplications": 48},
        "Klambauer et al. 2017, equation (2)",
    ),
    "celu": Activation(
        "Continuously differentiable exponential linear unit",
        "x if x > 0 else alpha * (exp(x / alpha) - 1)",
        "nn.CELU",
        Arithmetic(comparisons=1, divisions=1, transcendentals=1, additions=1, multiplications=1),
        {"comparisons": 10, "divisions": 10, "transcendentals": 10, "additions": 10, "multiplications": 10},
        {"comparisons": 24, "divisions": 24, "transcendentals": 24, "multiplications": 24},
        "Barron 2017, equation (2)",
        {"alpha": ("limit for small inputs, sign changed", 1, 0)},
    ),
    "silu": Activation(
        "Sigmoid linear unit, also called swish",
        "x * (1 / (1 + exp(-x)))",
        "nn.SiLU",
        Arithmetic(transcendentals=1, additions=1, divisions=1, multiplications=1),
        {"transcendentals": 10, "additions": 10, "divisions": 10, "multiplications": 10},
        {"transcendentals": 24, "additions": 24, "divisions": 24, "multiplications": 24},
        "Elfwing et al. 2018, equation (2); Ramachandran et al. 2017",
    ),
    "quick_gelu": Activation(
        "Gaussian error linear unit by a logistic function",
        "x * (1 / (1 + exp(-(1.702 * x))))",
        "archcalc.QuickGELU",
        Arithmetic(transcendentals=1, additions=1, divisions=1, multiplications=2),
        {"transcendentals": 10, "additions": 10, "divisions": 10, "multiplications": 20},
        {"transcendentals": 24, "additions": 24, "divisions": 24, "multiplications": 48},
        "Hendrycks and Gimpel 2016, section 2; Radford et al. 2021 (CLIP)",
    ),
    "softcap": Activation(
        "Soft cap: keeps numbers within a bound",
        "cap * tanh(x / cap)",
        "archcalc.SoftCap",
        Arithmetic(transcendentals=1, divisions=1, multiplications=1),
        {"transcendentals": 10, "divisions": 10, "multiplications": 10},
        {"transcendentals": 24, "divisions": 24, "multiplications": 24},
        "Gemma Team 2024 (Gemma 2), section 2",
        {"cap": ("the bound", REQUIRED, 1)},
    ),
    "mish": Activation(
        "Mish",
        "x * tanh(log(1 + exp(x)))",
        "nn.Mish",
        Arithmetic(transcendentals=3, additions=1, multiplications=1),
        {"transcendentals": 30, "additions": 10, "multiplications": 10},
        {"transcendentals": 72, "additions": 24, "multiplications": 24},
        "Misra 2020, equation (1)",
    ),
    "sigmoid": Activation(
        "Logistic function",
        "1 / (1 + exp(-x))",
        "nn.Sigmoid",
        Arithmetic(transcendentals=1, additions=1, divisions=1),
        {"transcendentals": 10, "additions": 10, "divisions": 10},
        {"transcendentals": 24, "additions": 24, "divisions": 24},
        "Rumelhart et al. 1986, equation (2)",
    ),
    "hard_sigmoid": Activation(
        "Piecewise linear logistic function",
        "min(max(x + 3, 0), 6) / 6",
        "nn.Hardsigmoid",
        Arithmetic(additions=1, comparisons=2, divisions=1),
        {"additions": 10, "comparisons": 20, "divisions": 10},
        {"additions": 24, "comparisons": 48, "divisions": 24},
        "Howard et al. 2019 (MobileNetV3), section 5.2",
    ),
    "hard_swish": Activation(
        "Piecewise linear swish",
        "x * (min(max(x + 3, 0), 6) / 6)",
        "nn.Hardswish",
        Arithmetic(additions=1, comparisons=2, divisions=1, multiplications=1),
        {"additions": 10, "comparisons": 20, "divisions": 10, "multiplications": 10},
        {"additions": 24, "comparisons": 48, "divisions": 24, "multiplications": 24},
        "Howard et al. 2019 (MobileNetV3), section 5.2",
    ),
    "hard_tanh": Activation(
        "Piecewise linear hyperbolic tangent",
        "min(max(x, low), high)",
        "nn.Hardtanh",
        Arithmetic(comparisons=2),
        {"comparisons": 20},
        {"comparisons": 48},
        "Collobert 2004, section 5.1.2",
        {"low": ("smallest output", -1, ANY_NUMBER), "high": ("largest output", 1, ANY_NUMBER)},
    ),
    "tanh": Activation(
        "Hyperbolic tangent",
        "tanh(x)",
        "nn.Tanh",
        Arithmetic(transcendentals=1),
        {"transcendentals": 10},
        {"transcendentals": 24},
        "LeCun et al. 1998, appendix A",
    ),
    "scaled_tanh": Activation(
        "LeNet's squashing function",
        "1.7159 * tanh(0.6666666666666666 * x)",
        "archcalc.ScaledTanh",
        Arithmetic(transcendentals=1, multiplications=2),
        {"transcendentals": 10, "multiplications": 20},
        {"transcendentals": 24, "multiplications": 48},
        "LeCun et al. 1998, equation (6) and appendix A",
    ),
    "exp": Activation(
        "Exponential function",
        "exp(x)",
        "archcalc.Exponential",
        Arithmetic(transcendentals=1),
        {"transcendentals": 10, "additions": 0},
        {"transcendentals": 24},
        "Liu et al. 2022 (Swin V2), code of its cosine attention: a temperature kept as its logarithm",
    ),
    "tanhshrink": Activation(
        "What the hyperbolic tangent takes off",
        "x - tanh(x)",
        "nn.Tanhshrink",
        Arithmetic(transcendentals=1, additions=1),
        {"transcendentals": 10, "additions": 10},
        {"transcendentals": 24, "additions": 24},
        "torch.nn.Tanhshrink",
    ),
    "softplus": Activation(
        "Smooth rectified linear unit",
        "log(1 + exp(x))",
        "nn.Softplus",
        Arithmetic(transcendentals=2, additions=1),
        {"transcendentals": 20, "additions": 10},
        {"transcendentals": 48, "additions": 24},
        "Dugas et al. 2001, equation (4)",
    ),
    "softsign": Activation(
        "Softsign",
        "x / (1 + abs(x))",
        "nn.Softsign",
        Arithmetic(comparisons=1, additions=1, divisions=1),
        {"comparisons": 10, "additions": 10, "divisions": 10},
        {"comparisons": 24, "additions": 24, "divisions": 24},
        "Glorot and Bengio 2010, section 3",
    ),
    "softshrink": Activation(
        "Soft threshold",
        "x - at if x > at else (x + at if x < -at else 0)",
        "nn.Softshrink",
        Arithmetic(comparisons=2, additions=1),
        {"comparisons": 20, "additions": 10},
        {"comparisons": 48, "additions": 24},
        "torch.nn.Softshrink",
        {"at": ("distance from zero that becomes zero", Fraction(1, 2), 0)},
    ),
    "hardshrink": Activation(
        "Hard threshold on both sides",
        "x if x > at else (x if x < -at else 0)",
        "nn.Hardshrink",
        Arithmetic(comparisons=2),
        {"comparisons": 20},
        {"comparisons": 48},
        "torch.nn.Hardshrink",
        {"at": ("distance from zero that becomes zero", Fraction(1, 2), 0)},
    ),
    "threshold": Activation(
        "Threshold",
        "x if x > at else value",
        "nn.Threshold",
        Arithmetic(comparisons=1),
        {"comparisons": 10},
        {"comparisons": 24},
        "torch.nn.Threshold",
        {
            "at": ("inputs above it pass", REQUIRED, ANY_NUMBER),
            "value": ("output for all others", REQUIRED, ANY_NUMBER),
        },
    ),
    "log_sigmoid": Activation(
        "Logarithm of the logistic function",
        "-log(1 + exp(-x))",
        "nn.LogSigmoid",
        Arithmetic(transcendentals=2, additions=1),
        {"transcendentals": 20, "additions": 10},
        {"transcendentals": 48, "additions": 24},
        "torch.nn.LogSigmoid",
    ),
}

RULES_OF_A_ROW = {
    "infer": _infer,
    "parameters": _parameters,
    "arithmetic": _arithmetic,
    "connections": _connections,
    "window": _window,
    "saved": _saved,
    "torch": _torch,
}
WORDS_OF_COSTS = ("additions", "multiplications", "divisions", "comparisons", "transcendentals")


class _Document:
    """The documentation of the class of a row, written when somebody reads it."""

    def __init__(self, row: Activation) -> None:
        self.row = row

    def __get__(self, instance: object, owner: object) -> str:
        return _document(self.row)


def _document(row: Activation) -> str:
    costs = ", ".join(f"{getattr(row.cost, kind)} {kind}" for kind in WORDS_OF_COSTS if getattr(row.cost, kind))
    sources = dict.fromkeys((row.source, f"torch.{row.module}" if row.module.startswith("nn.") else row.source))
    return (
        f"{row.title}: `{row.formula}` for each element.\n\n"
        "    Shapes:  unchanged.\n"
        f"    Counts:  for each element {costs}; activation = outputs; connections = 0.\n"
        "    Errors:  no-channels.\n"
        f"    Source:  {'; '.join(sources)}.\n"
    )


def _define(name: str, row: Activation) -> type[Operator]:
    """The class of a row: as if written out, with every rule its own."""
    given = {key: max(least, 0) for key, (_, default, least) in row.arguments.items() if default is REQUIRED}
    declared: dict[str, Argument] = {
        key: argument("number", doc, default, least) for key, (doc, default, least) in row.arguments.items()
    }
    by_hand = "by hand: the operations of the formula, {} times"
    namespace = {
        "__doc__": _Document(row),
        "__module__": __name__,
        **RULES_OF_A_ROW,
        **declared,
        "cost": row.cost,
        "in_place": name in IN_PLACE,
        "formula": row.formula,
        "module": row.module,
        "examples": (
            Example(by_hand.format(10), features(10), given, features(10), row.ten),
            Example(by_hand.format("2*3*4"), image(2, 3, 4), given, image(2, 3, 4), row.twenty_four),
        ),
    }
    cls: type[Operator] = type("".join(part.title() for part in name.split("_")), (Operator,), namespace)
    return operator(name)(cls)


for _name, _row in TABLE.items():
    _define(_name, _row)
