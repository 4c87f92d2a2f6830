"""Arguments of operators, declared once: the language, its messages and the manual are made from these."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Literal

from archcalc.dims import FREE, Dim, Polynomial, Ratio, at_least_bound, number_text
from archcalc.named import NamedTuple
from archcalc.ops.shape import Shape

REQUIRED: Any = type("Required", (), {"__repr__": lambda _: "required"})()


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


Kind = Literal[
    "count", "extents", "padding", "factors", "size", "flag", "number", "word", "table", "layer", "operation"
]


class Argument:
    """One argument of an operator."""

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

    def undecided(self, value: Any) -> tuple[Polynomial, ...]:
        """Numbers of a converted value that free variables may make less than they may be."""
        if type(value) is tuple:
            return tuple([x for item in value for x in self.undecided(item)])
        if not isinstance(value, Polynomial):
            return ()
        least = at_least_bound(value - self.at_least)
        return () if least is not None and least >= 0 else (value,)

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
            f"{argument.name} is {number_text(value)}; it must be a whole number{for_all}",
            "floor(...), round(...) or make_divisible(..., 8) gives a whole number",
        )
    raise ArgumentError(f"{argument.name} must be a whole number, not {describe(value)}")


def _convert_extents(argument: Argument, value: Any) -> Dim | tuple[Dim, ...]:
    if type(value) is tuple:  # a table or a layer is a tuple too
        if not 1 <= len(value) <= 3:
            raise ArgumentError(f"{argument.name} has {len(value)} numbers; one for each spatial axis is meant")
        return tuple(_convert_count(argument, item) for item in value)
    return _convert_count(argument, value)


def _convert_factors(argument: Argument, value: Any) -> Any:
    """One growth, or one for each axis; a fraction is no whole number, and stays one."""
    if type(value) is tuple:
        if not 1 <= len(value) <= 3:
            raise ArgumentError(f"{argument.name} has {len(value)} numbers; one for each spatial axis is meant")
        return tuple(_convert_factors(argument, item) for item in value)
    if isinstance(value, Fraction) and value.denominator != 1:
        if value > 0:
            return value
        raise ArgumentError(f"{argument.name} is {number_text(value)}; it must be above 0")
    return _convert_count(argument, int(value) if isinstance(value, Fraction) else value)


def _convert_size(argument: Argument, value: Any) -> Any:
    """Extents, as numbers or as those of an earlier layer."""
    if not isinstance(value, LayerReference):
        return _convert_extents(argument, value)
    if value.y.rank == 0:
        raise ArgumentError(f"{argument.name} names the layer `{value.name}`, whose output {value.y} has no extents")
    return value.y.spatial


def _convert_padding(argument: Argument, value: Any) -> str | Dim | tuple[Dim | tuple[Dim, ...], ...]:
    if isinstance(value, str):
        return _convert_word(argument, value)
    if type(value) is tuple:  # a table or a layer is a tuple too
        pairs = [item for item in value if type(item) is tuple]
        if not 1 <= len(value) <= (3 if pairs else 6):
            raise ArgumentError(f"{argument.name} has {len(value)} numbers; one or two for each spatial axis")
        if not pairs:
            return tuple(_convert_count(argument, item) for item in value)
        if len(pairs) < len(value) or any(len(pair) != 2 for pair in pairs):
            help = f"of an image: {argument.name}=((1, 2), (3, 4))"
            raise ArgumentError(f"{argument.name} must have two numbers for each axis, before and after", help)
        return tuple(tuple(_convert_count(argument, item) for item in pair) for pair in pairs)
    if isinstance(value, (int, Fraction, *FREE)) and not isinstance(value, bool):
        return _convert_count(argument, value)
    raise ArgumentError(
        f"{argument.name} must be a number, numbers, or one of {', '.join(argument.words)}, not {describe(value)}"
    )


def _convert_flag(argument: Argument, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    is_number = isinstance(value, int) and value > 1  # channels, as other frameworks ask for them
    help = "what there are of channels comes with the input: leave the number out" if is_number else None
    raise ArgumentError(f"{argument.name} must be true or false, not {describe(value)}", help)


def _convert_number(argument: Argument, value: Any) -> Fraction | int:
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        if value < argument.at_least:
            raise ArgumentError(f"{argument.name} is {number_text(value)}; it must be at least {argument.at_least}")
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
    "factors": _convert_factors,
    "size": _convert_size,
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
        return number_text(value)
    if isinstance(value, str):
        return f"the word `{value}`"
    if type(value) is tuple:
        return f"a list of {len(value)}"
    if isinstance(value, Table):
        return "a connection table"
    if isinstance(value, LayerReference):
        return f"the layer `{value.name}`"
    return "a layer"
