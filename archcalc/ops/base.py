"""What an operator is: its rules, worked examples and the torch module it corresponds to, in one class.

A rule runs on whole numbers and on polynomials alike (`archcalc.dims`), so it uses `+ - * //`, `**` with a
literal and the vocabulary of `dims`, and never branches on a number; `tests/ops/test_rules.py` holds that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

from archcalc.dims import Dim
from archcalc.ops.arguments import REQUIRED, Argument, ArgumentError
from archcalc.ops.shape import Shape

RULES = ("infer", "parameters", "arithmetic", "connections", "window", "torch")
HEADINGS = ("Shapes:", "Counts:", "Errors:", "Source:")


class Parameters(NamedTuple):
    """Stored scalars of an operation: trainable ones by kind, and `buffers` (running statistics, fixed codes)."""

    weights: Dim = 0
    biases: Dim = 0
    norm: Dim = 0
    buffers: Dim = 0


class Arithmetic(NamedTuple):
    """Elementary operations for one example, and elements by kind; conventions weigh these.

    `macs` are multiply-accumulate pairs. The elements (`bias`, `norm`, `activation`, `pooling`, `merge`) are output
    elements of that kind of work, which other tools multiply by a constant. `reason` says why there is none;
    `known` is False where the arithmetic is not known, which makes every total "at least".
    """

    macs: Dim = 0
    additions: Dim = 0
    multiplications: Dim = 0
    divisions: Dim = 0
    comparisons: Dim = 0
    transcendentals: Dim = 0
    bias: Dim = 0
    norm: Dim = 0
    activation: Dim = 0
    pooling: Dim = 0
    merge: Dim = 0
    reason: str = ""
    known: bool = True

    @classmethod
    def none(cls, reason: str) -> Arithmetic:
        """Declared zero, with the reason that reports show."""
        return cls(reason=reason)

    @classmethod
    def unknown(cls, reason: str) -> Arithmetic:
        """Not known: totals that hold it are "at least"."""
        return cls(reason=reason, known=False)

    @property
    def state(self) -> Literal["counted", "zero", "unknown"]:
        """Which of the three states an operation is in."""
        return "unknown" if not self.known else "zero" if self.reason else "counted"


class Window(NamedTuple):
    """What one output position reads along each spatial axis; kernel and stride in input positions.

    `upsample` is above 1 where outputs are denser than inputs (transposed convolution, upsampling).
    """

    kernel: tuple[Dim, ...]
    stride: tuple[Dim, ...]
    padding: tuple[Dim, ...]  # before the first position
    dilation: tuple[Dim, ...]
    upsample: tuple[Dim, ...] = ()

    @property
    def extent(self) -> tuple[Dim, ...]:
        """Input positions from the first tap to the last, both included."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))


# A position reads its own position; every position reads all of them.
POINTWISE: Literal["pointwise"] = "pointwise"
GLOBAL: Literal["global"] = "global"
AnyWindow = Window | Literal["pointwise", "global"]


class TorchCall(NamedTuple):
    """The torch module or function that does the same, as data: `TorchCall("nn.ReLU")`. Arguments may be calls."""

    target: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = {}

    def __str__(self) -> str:
        named = [f"{name}={value}" for name, value in self.kwargs.items()]
        return f"{self.target}({', '.join([str(value) for value in self.args] + named)})"


class Example(NamedTuple):
    """A worked example: documentation, and a test of every figure it names."""

    source: str
    x: Shape | tuple[Shape, ...]
    arguments: Mapping[str, Any]
    y: Shape
    expect: Mapping[str, int]


class Operator:
    """Base of all operators. A subclass declares arguments, defines every rule itself and holds examples.

    Rules get the input shape `x` (a tuple of shapes where `merges`) and the output shape `y`. Instances are
    interned by `of`, so that equal operators are one object and what is computed of them is computed once.
    """

    name: ClassVar[str]
    family: ClassVar[str]
    arguments: ClassVar[dict[str, Argument]]
    defaults: ClassVar[dict[str, Any]]  # of all arguments, REQUIRED for those without one
    examples: ClassVar[tuple[Example, ...]] = ()
    merges: ClassVar[bool] = False  # takes several inputs
    weighted: ClassVar[bool] = False  # counts in the depth of a network
    pooling: ClassVar[bool] = False  # counts in the depth with pooling
    _instances: ClassVar[dict[tuple[Any, ...], Operator]]

    def __init_subclass__(cls) -> None:
        cls.family = cls.__module__.rpartition(".")[2]
        cls.arguments = {}
        for name, value in list(vars(cls).items()):
            if isinstance(value, Argument):
                value.attribute = name
                value.name = value.name or name
                cls.arguments[value.name] = value
                delattr(cls, name)
        cls.defaults = {name: declared.default for name, declared in cls.arguments.items()}
        cls._instances = {}
        missing = [rule for rule in RULES if rule not in vars(cls)]
        if missing:
            raise TypeError(f"{cls.__name__} does not define {', '.join(missing)}")

    def __init__(self, **arguments: Any) -> None:
        for name, declared in self.arguments.items():
            value = arguments.pop(name, declared.default)
            if value is REQUIRED:
                raise ArgumentError(f"{self.name} needs {name}")
            # A default stands as a rule takes it: `tests/ops` holds that it is what converting it gives.
            setattr(self, declared.attribute, value if value is declared.default else declared.convert(value))
        if arguments:
            raise ArgumentError(f"{self.name} has no argument {next(iter(arguments))}")

    @classmethod
    def of(cls: type[OperatorT], values: Mapping[str, Any]) -> OperatorT:
        """The one instance with these (converted or raw) values, in any order."""
        key = (*values, *map(type, values.values()), *values.values())  # True is not 1
        found = cls._instances.get(key)
        if found is None:
            found = cls._instances[key] = cls(**values)
        return found  # type: ignore[return-value]  # each class holds its own instances

    def values(self) -> dict[str, Any]:
        """Arguments and their values, in order of declaration."""
        return {name: getattr(self, declared.attribute) for name, declared in self.arguments.items()}

    # The rules. Each subclass defines all of them; `x: Any` here because merges take a tuple.

    def infer(self, x: Any) -> Shape:
        """Output shape."""
        raise NotImplementedError

    def parameters(self, x: Any) -> Parameters:
        """Stored scalars."""
        raise NotImplementedError

    def arithmetic(self, x: Any, y: Shape) -> Arithmetic:
        """Elementary operations for one example."""
        raise NotImplementedError

    def connections(self, x: Any, y: Shape) -> Dim:
        """Connections as LeCun et al. 1998 count them: for every output unit its incoming weights and its bias."""
        raise NotImplementedError

    def window(self, x: Any) -> AnyWindow:
        """What one output position reads."""
        raise NotImplementedError

    def torch(self, x: Any) -> TorchCall:
        """The torch module that computes the same."""
        raise NotImplementedError


OperatorT = TypeVar("OperatorT", bound=Operator)
OPERATORS: dict[str, type[Operator]] = {}


def operator(name: str) -> Callable[[type[OperatorT]], type[OperatorT]]:
    """Register an operator under its name in the language; a name is given once."""

    def register(cls: type[OperatorT]) -> type[OperatorT]:
        if name in OPERATORS:
            raise TypeError(f"operator {name} is already defined by {OPERATORS[name].__name__}")
        cls.name = name
        OPERATORS[name] = cls
        return cls

    return register


def words_of(operators: Iterable[type[Operator]]) -> set[str]:
    """Every word that some argument takes; they are reserved in specs."""
    return {word for cls in operators for declared in cls.arguments.values() for word in declared.words}
