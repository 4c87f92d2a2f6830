"""What an operator is: arguments, rules, worked examples and the torch module it corresponds to, in one class.

A rule runs on whole numbers and on polynomials alike (`archcalc.dims`), so it uses `+ - * //`, `**` with a
literal and the vocabulary of `dims`, and never branches on a number; `tests/ops/test_rules.py` holds that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

from archcalc.dims import FREE, Dim, Polynomial, Ratio, prod

REQUIRED: Any = type("Required", (), {"__repr__": lambda _: "required"})()
RULES = ("infer", "parameters", "arithmetic", "connections", "window", "torch")
HEADINGS = ("Shapes:", "Counts:", "Errors:", "Source:")


class Shape(NamedTuple):
    """Channels first, batch left out: `image(3, 224, 224)` is `Shape(3, (224, 224))`.

    No spatial axes: a vector of features. `channels` is None for token ids before their embedding.
    """

    channels: Any  # Dim, or None for tokens; Any spares every rule a cast
    spatial: tuple[Dim, ...] = ()

    @property
    def rank(self) -> int:
        """Number of spatial axes: 0 features, 1 sequence, 2 image, 3 volume."""
        return len(self.spatial)

    @property
    def positions(self) -> Dim:
        """Product of the spatial extents; 1 for a vector of features."""
        return prod(self.spatial)

    @property
    def elements(self) -> Dim:
        """Scalars in one example."""
        return prod(self.spatial) if self.channels is None else self.channels * prod(self.spatial)

    @property
    def kind(self) -> str:
        """The word of the language for it: features, sequence, image, volume or tokens."""
        return "tokens" if self.channels is None else ("features", "sequence", "image", "volume")[self.rank]

    def __str__(self) -> str:
        axes = self.spatial if self.channels is None else (self.channels, *self.spatial)
        return "x".join(f"({axis})" if isinstance(axis, Polynomial) else str(axis) for axis in axes)


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


class ArgumentError(ValueError):
    """A value that an argument does not take; `help` is the way out."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.help = help


class LayerReference(NamedTuple):
    """An earlier layer given as an argument: `unpool(pool)`, `linear(n, weights=embedding)`."""

    name: str
    node: int  # index of the node that gives the layer's output
    x: Shape
    y: Shape


class Table(NamedTuple):
    """A connection table: `rows[i][j]` says whether output map j reads input map i."""

    rows: tuple[tuple[bool, ...], ...]

    @property
    def inputs(self) -> int:
        """Input maps: rows as drawn."""
        return len(self.rows)

    @property
    def outputs(self) -> int:
        """Output maps: columns as drawn."""
        return len(self.rows[0])

    @property
    def connected(self) -> int:
        """Pairs of maps that are connected."""
        return sum(map(sum, self.rows))


Kind = Literal["count", "extents", "padding", "flag", "number", "word", "table", "layer", "operation"]


class Argument:
    """One argument of an operator: the language, its messages and the manual are made from these."""

    __slots__ = ("at_least", "attribute", "default", "doc", "kind", "name", "words")

    def __init__(self, kind: Kind, doc: str, default: Any, at_least: int, words: tuple[str, ...], name: str) -> None:
        self.name = name  # in the language
        self.attribute = name  # of the operator's instances
        self.kind: Kind = kind
        self.doc = doc
        self.default = default
        self.at_least = at_least
        self.words = words

    @property
    def is_required(self) -> bool:
        """Whether a call must give it."""
        return self.default is REQUIRED

    def convert(self, value: Any) -> Any:
        """The value as the rules take it.

        Raises:
            ArgumentError: it is not of this argument's kind, or out of bounds.
        """
        if value is None and self.default is None:
            return None
        return _CONVERT[self.kind](self, value)


def argument(
    kind: Kind,
    doc: str,
    default: Any = REQUIRED,
    at_least: int = 1,
    words: tuple[str, ...] = (),
    name: str = "",
) -> Any:
    """Declare an argument in the body of an operator's class; the order of declaration is that of a call.

    Its name in the language is that of the attribute, unless that would hide a rule (`connections`).
    """
    return Argument(kind, doc, default, at_least, words, name)


def _number_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Fraction):
        return str(float(value)) if (value * 10**6).denominator == 1 else str(value)
    return str(value)


def _convert_count(argument: Argument, value: Any) -> Dim:
    if isinstance(value, int) and not isinstance(value, bool):
        if value < argument.at_least:
            raise ArgumentError(f"{argument.name} is {value}; it must be at least {argument.at_least}")
        return value
    if isinstance(value, Polynomial):
        return value
    if isinstance(value, (Fraction, Ratio)):
        for_all = " for all values" * isinstance(value, Ratio)
        raise ArgumentError(
            f"{argument.name} is {_number_text(value)}; it must be a whole number{for_all}",
            "floor(...), round(...) or make_divisible(..., 8) gives a whole number",
        )
    raise ArgumentError(f"{argument.name} must be a whole number, not {describe(value)}")


def _convert_extents(argument: Argument, value: Any) -> Dim | tuple[Dim, ...]:
    if isinstance(value, tuple):
        if not 1 <= len(value) <= 3:
            raise ArgumentError(f"{argument.name} has {len(value)} numbers; one for each spatial axis is meant")
        return tuple(_convert_count(argument, item) for item in value)
    return _convert_count(argument, value)


def _convert_padding(argument: Argument, value: Any) -> str | Dim | tuple[Dim, ...]:
    if isinstance(value, str):
        return _convert_word(argument, value)
    if isinstance(value, tuple):
        if not 1 <= len(value) <= 6:
            raise ArgumentError(f"{argument.name} has {len(value)} numbers; one or two for each spatial axis")
        return tuple(_convert_count(argument, item) for item in value)
    if isinstance(value, (int, Fraction, *FREE)) and not isinstance(value, bool):
        return _convert_count(argument, value)
    raise ArgumentError(
        f"{argument.name} must be a number, numbers, or one of {', '.join(argument.words)}, not {describe(value)}"
    )


def _convert_flag(argument: Argument, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ArgumentError(f"{argument.name} must be true or false, not {describe(value)}")


def _convert_number(argument: Argument, value: Any) -> Fraction | int:
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        if value < argument.at_least:
            raise ArgumentError(f"{argument.name} is {_number_text(value)}; it must be at least {argument.at_least}")
        return value
    raise ArgumentError(f"{argument.name} must be a number, not {describe(value)}")


def _convert_word(argument: Argument, value: Any) -> str:
    if value is None:
        value = "none"
    if isinstance(value, str) and value in argument.words:
        return value
    raise ArgumentError(f"{argument.name} must be one of {', '.join(argument.words)}, not {describe(value)}")


def _convert_table(argument: Argument, value: Any) -> Table:
    if isinstance(value, Table):
        return value
    raise ArgumentError(f"{argument.name} must be a connection table, not {describe(value)}", "draw it under `tables:`")


def _convert_layer(argument: Argument, value: Any) -> LayerReference:
    if isinstance(value, LayerReference):
        return value
    raise ArgumentError(f"{argument.name} must name an earlier layer, not {describe(value)}")


def _convert_operation(argument: Argument, value: Any) -> Any:
    return value  # a layer expression; the expansion makes an operation of its own of it


_CONVERT: dict[str, Callable[[Argument, Any], Any]] = {
    "count": _convert_count,
    "extents": _convert_extents,
    "padding": _convert_padding,
    "flag": _convert_flag,
    "number": _convert_number,
    "word": _convert_word,
    "table": _convert_table,
    "layer": _convert_layer,
    "operation": _convert_operation,
}


def describe(value: Any) -> str:
    """A value as messages name it."""
    if value is None:
        return "none"
    if isinstance(value, (bool, int, Fraction, *FREE)):
        return _number_text(value)
    if isinstance(value, str):
        return f"the word `{value}`"
    if isinstance(value, tuple) and type(value) is tuple:
        return f"a list of {len(value)}"
    if isinstance(value, Table):
        return "a connection table"
    if isinstance(value, LayerReference):
        return f"the layer `{value.name}`"
    return "a layer"


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


def image(channels: Dim, height: Dim, width: Dim) -> Shape:
    """Shape of an image, for examples and tests."""
    return Shape(channels, (height, width))


def features(channels: Dim) -> Shape:
    """Shape of a vector of features, for examples and tests."""
    return Shape(channels)


def sequence(channels: Dim, length: Dim) -> Shape:
    """Shape of a sequence, for examples and tests."""
    return Shape(channels, (length,))


def rank_suffix(x: Shape) -> str:
    """`1d`, `2d` or `3d`, as torch names its modules; features count as 1d."""
    return f"{max(x.rank, 1)}d"


def words_of(operators: Iterable[type[Operator]]) -> set[str]:
    """Every word that some argument takes; they are reserved in specs."""
    return {word for cls in operators for declared in cls.arguments.values() for word in declared.words}
