"""What an operator is: its rules, worked examples and the torch module it corresponds to, in one class.

A rule runs on whole numbers and on polynomials alike (`archcalc.dims`), so it uses `+ - * //`, `**` with a
literal and the vocabulary of `dims`, and never branches on a number; `tests/ops/test_rules.py` holds that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from typing import Any, ClassVar, Literal, TypeVar

from archcalc.dims import Condition, Dim, Polynomial, require_at_least
from archcalc.named import NamedTuple
from archcalc.ops.arguments import REQUIRED, Argument, ArgumentError, LayerReference
from archcalc.ops.roles import Roles
from archcalc.ops.shape import Shape

RULES = ("infer", "parameters", "arithmetic", "connections", "window", "torch")
RULES_WITH_DEFAULT = ("state", "masked", "saved")  # nothing, unless an operator says otherwise
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
    def status(self) -> Literal["counted", "zero", "unknown"]:
        """Whether an operation is counted, declared to have none, or not known."""
        return "unknown" if not self.known else "zero" if self.reason else "counted"


class Window(NamedTuple):
    """What one output position reads along each spatial axis; kernel and stride in input positions.

    `upsample` is above 1 where outputs are denser than inputs (transposed convolution, upsampling). `whole` tells the
    axes of which every position is read, if there are some; there the numbers say nothing. `is_known` is False where
    more may be read than these numbers say.
    """

    kernel: tuple[Dim, ...]
    stride: tuple[Dim, ...]
    padding: tuple[Dim, ...]  # before the first position
    dilation: tuple[Dim, ...]
    upsample: tuple[Dim, ...] = ()
    whole: tuple[bool | Condition, ...] = ()
    is_known: bool = True

    @property
    def extent(self) -> tuple[Dim, ...]:
        """Input positions from the first tap to the last, both included."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))


# A position reads its own position; every position reads all of them; those up to its own; nothing of the input.
POINTWISE: Literal["pointwise"] = "pointwise"
GLOBAL: Literal["global"] = "global"
CAUSAL: Literal["causal"] = "causal"
NOTHING: Literal["nothing"] = "nothing"
AnyWindow = Window | Literal["pointwise", "global", "causal", "nothing"]


class Kept(NamedTuple):
    """A tensor that the forward pass makes for the backward pass alone, elements of one example."""

    elements: Dim
    what: Literal["values", "indices", "mask", "statistics", "workspace"] = "values"
    shared: bool = False  # one for all examples of a batch


KEPT_BITS: Mapping[str, int] = {"indices": 64, "statistics": 32, "workspace": 8}
"""Bits of an element by what it is; values and masks have those of the activations."""


class Saved(NamedTuple):
    """What an operation keeps of the forward pass for the backward pass, beside its parameters.

    `inputs` are places among its inputs that it keeps whole, `output` tells whether it keeps what it gives, `made` are
    tensors that nothing else reads. Whoever adds up counts each storage once.
    """

    inputs: tuple[int, ...] = ()
    output: bool = False
    made: tuple[Kept, ...] = ()
    for_weights: bool = False  # inputs are kept for the gradient of the weights alone: not where these are frozen


OWN_INPUT = Saved(inputs=(0,))
OWN_OUTPUT = Saved(output=True)


class TorchCall(NamedTuple):
    """The torch module or function that does the same, as data: `TorchCall("nn.ReLU")`. Arguments may be calls."""

    target: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = {}

    def __str__(self) -> str:
        def written(value: Any) -> str:
            return repr(value) if isinstance(value, str) else str(value)

        named = [f"{name}={written(value)}" for name, value in self.kwargs.items()]
        return f"{self.target}({', '.join([*map(written, self.args), *named])})"


class Copies(NamedTuple):
    """How often an operation is stored, and how often it is computed at each position: experts, of which few work."""

    stored: Dim = 1
    computed: Dim = 1


ONE = Copies()


class Example(NamedTuple):
    """A worked example: documentation, and a test of every figure it names.

    `x` is the input's shape; of a merge the shapes of its branches, by their roles where it has roles; `()` of a
    source. `expect` holds fields of `Parameters` and `Arithmetic`, `params`, `connections`, `state` and `masked`.
    """

    source: str
    x: Shape | tuple[Shape, ...] | Mapping[str, Shape]
    arguments: Mapping[str, Any]
    y: Shape
    expect: Mapping[str, int]

    def operation(self, cls: type[Operator]) -> tuple[Operator, Any]:
        """The operator of this example, and its input as the rules take it."""
        operator = cls.of(dict(self.arguments))
        if not isinstance(self.x, Mapping):
            return operator, self.x
        assert cls.roles is not None
        given = cls.roles.in_order(self.x)
        return operator.variant(given=given), tuple([self.x[role] for role in given])


class Operator:
    """Base of all operators. A subclass declares arguments, defines every rule itself and holds examples.

    Rules get the input shape `x` and the output shape `y`. Where an operator `merges`, `x` is a tuple of shapes; where
    its branches have `roles`, a rule asks for one by `self.branch(x, "k")`; where it is a source, `x` is `()`.
    Instances are interned by `of` and `variant`, so that equal operators are one object and what is computed of them
    is computed once.
    """

    name: ClassVar[str]
    family: ClassVar[str]
    arguments: ClassVar[dict[str, Argument]]
    defaults: ClassVar[dict[str, Any]]  # of all arguments, REQUIRED for those without one
    refers: ClassVar[tuple[str, ...]]  # attributes that hold earlier layers
    examples: ClassVar[tuple[Example, ...]] = ()
    merges: ClassVar[bool] = False  # takes several inputs
    nests: ClassVar[bool] = True  # a merge of itself is one merge, and that of one branch is the branch
    roles: ClassVar[Roles | None] = None  # of a merge whose branches have meanings: which there are
    sources: ClassVar[bool] = False  # reads no input: first in its chain
    looks_up: ClassVar[bool] = False  # reads y.elements of its weights, and not all of them: one row for each position
    keeps: ClassVar[bool] = False  # gives the positions of earlier steps before those of its input
    views: ClassVar[bool] = False  # gives the memory of its input under another shape
    in_place: ClassVar[bool] = False  # may write what it gives over its input, as torch's `inplace=True`
    starts: ClassVar[bool] = False  # reads its further inputs in the first step only: a first hidden state
    weighted: ClassVar[bool] = False  # counts in the depth of a network
    pooling: ClassVar[bool] = False  # counts in the depth with pooling
    _instances: ClassVar[dict[tuple[Any, ...], Operator]]

    given: tuple[str, ...] = ()  # roles of the branches, in the order of `x`
    copies: Copies = ONE  # rules do not know of it: `cost_of` counts with it
    trainable: bool = True  # `trainable=false` freezes what it stores
    undecided: tuple[tuple[Argument, Polynomial], ...] = ()  # arguments that free variables may make too small
    _variants: dict[tuple[Any, ...], Operator]

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
        cls.refers = tuple([each.attribute for each in cls.arguments.values() if each.kind == "layer"])
        cls._instances = {}
        missing = [rule for rule in RULES if rule not in vars(cls)]
        if missing:
            raise TypeError(f"{cls.__name__} does not define {', '.join(missing)}")

    def __init__(self, **arguments: Any) -> None:
        undecided: list[tuple[Argument, Polynomial]] = []
        for name, declared in self.arguments.items():
            value = arguments.pop(name, declared.default)
            if value is REQUIRED:
                raise ArgumentError(f"{self.name} needs {name}")
            # A default stands as a rule takes it: `tests/ops` holds that it is what converting it gives.
            if value is not declared.default:
                value = declared.convert(value)
                if type(value) is not int:
                    undecided += [(declared, number) for number in declared.undecided(value)]
            setattr(self, declared.attribute, value)
        if arguments:
            raise ArgumentError(f"{self.name} has no argument {next(iter(arguments))}")
        self.undecided = tuple(undecided)
        self._variants = {((), ONE, True): self}

    @classmethod
    def of(cls: type[OperatorT], values: Mapping[str, Any]) -> OperatorT:
        """The one instance with these (converted or raw) values, in any order."""
        key = (*values, *map(type, values.values()), *values.values())  # True is not 1
        found = cls._instances.get(key)
        if found is None:
            found = cls._instances[key] = cls(**values)
        return found  # type: ignore[return-value]  # each class holds its own instances

    def variant(
        self: OperatorT,
        given: tuple[str, ...] | None = None,
        copies: Copies | None = None,
        trainable: bool | None = None,
    ) -> OperatorT:
        """The one instance with the same arguments and other branches, copies, or frozen; None: as here."""
        given = self.given if given is None else given
        copies = self.copies if copies is None else ONE if copies == ONE else copies
        trainable = self.trainable if trainable is None else trainable
        found = self._variants.get((given, copies, trainable))
        if found is None:
            found = self._variants[given, copies, trainable] = copy(self)
            found.given, found.copies, found.trainable = given, copies, trainable
        return found  # type: ignore[return-value]  # variants are of one class

    def branch(self, x: Any, role: str) -> Any:
        """Shape of the branch with a role, None where it is not given."""
        return dict(zip(self.given, x, strict=True)).get(role)

    def copies_of(self, role: str) -> Copies:
        """How often what stands in a branch is stored and computed."""
        return ONE

    def values(self) -> dict[str, Any]:
        """Arguments and their values, in order of declaration."""
        return {name: getattr(self, declared.attribute) for name, declared in self.arguments.items()}

    def earlier_layers(self) -> list[LayerReference]:
        """Earlier layers among its arguments."""
        return [layer for name in self.refers if (layer := getattr(self, name)) is not None]

    def require_arguments(self) -> None:
        """Refuse arguments below what they may be, or assume that they are not.

        Raises:
            RequirementError: one is too small, whatever the free variables are.
        """
        for argument, value in self.undecided:
            message = f"{argument.name} is {{value}}; it must be at least {{minimum}}"
            require_at_least(value, argument.at_least, "bad-argument", message)

    # The rules. Each subclass defines the first six; `x: Any` here because merges take a tuple.

    def not_told(self) -> frozenset[str]:
        """Quantities, as the columns of results are called, of which the rules give lower bounds alone."""
        return frozenset()

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

    def state(self, x: Any, y: Shape) -> Dim:
        """Elements of one example that the next step reads: what earlier steps and this one leave."""
        return 0

    def masked(self, x: Any, y: Shape) -> Dim:
        """Of the macs, those of pairs that a mask excludes."""
        return 0

    def saved(self, x: Any, y: Shape) -> Saved:
        """What training keeps until the backward pass; nothing, as of copies, sums and views."""
        return Saved()


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
