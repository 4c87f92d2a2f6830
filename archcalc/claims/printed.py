"""A printed figure as numbers: its value, and what it can have been before it was rounded.

Everything follows from the digits: nothing here is a tolerance that somebody chose.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import NamedTuple

from archcalc.results.claim import Agreement, Value

LONGEST = 200
PRECISIONS = ("about", "at least", "at most")


class PrintError(ValueError):
    """A text that does not read as a figure; `help` is the way out."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.help = help


class Figure(NamedTuple):
    """One number: what stands there, and the unit of its last digit that counts [0: all digits stand]."""

    value: Fraction
    unit: Fraction

    def rounded(self) -> tuple[Fraction, Fraction]:
        """What rounds to it, both ends included."""
        return self.value - self.unit / 2, self.value + self.unit / 2

    def truncated(self) -> tuple[Fraction, Fraction]:
        """What is truncated to it, the upper end not included."""
        return self.value, self.value + self.unit


class Quotient(NamedTuple):
    """A fraction `1/12`: exact, unless the text says about; then its denominator is a rounded number."""

    numerator: int
    denominator: int

    @property
    def value(self) -> Fraction:
        """The number."""
        return Fraction(self.numerator, self.denominator)

    @property
    def about(self) -> tuple[Fraction, Fraction]:
        """From the next smaller to the next larger half of a denominator."""
        return Fraction(2 * self.numerator, 2 * self.denominator + 1), Fraction(
            2 * self.numerator, 2 * self.denominator - 1
        )


class Printed(NamedTuple):
    """A text read: a number, a list of them, or true or false; and in which sense it is said."""

    figures: tuple[Figure | Quotient, ...]
    precision: str = ""  # one of PRECISIONS, or "more than", "less than"
    factors: tuple[int, ...] = ()  # of `3x3`, which is a shape beside a shape, and a product beside a number
    truth: bool | None = None

    def range(self) -> tuple[Fraction | None, Fraction | None] | None:
        """From where to where a single number agrees; None for what is exact, or no single number."""
        if self.truth is not None or len(self.figures) != 1:
            return None
        (figure,) = self.figures
        if self.precision in ("at least", "more than"):
            return figure.value, None
        if self.precision in ("at most", "less than"):
            return None, figure.value
        if isinstance(figure, Quotient):
            return figure.about if self.precision == "about" else None
        if figure.unit == 0:
            return None
        if self.precision == "about":
            return figure.value - figure.unit, figure.value + figure.unit
        return figure.rounded()[0], figure.truncated()[1]

    def agreement(self, ours: Value) -> Agreement | None:
        """How a computed value agrees with it; None: it does not."""
        if self.truth is not None or isinstance(ours, bool):
            return "exact" if self.truth is ours else None
        if not isinstance(ours, tuple):
            return self._one(self.figures[0], ours) if len(self.figures) == 1 else None
        figures = tuple(Figure(Fraction(factor), Fraction(0)) for factor in self.factors) or self.figures
        if len(figures) == 1 and len(set(ours)) == 1:  # 7 says of 7x7 all that there is to say
            figures *= len(ours)
        if len(figures) != len(ours) or any(isinstance(value, tuple) for value in ours):
            return None
        found = [
            self._one(figure, value)
            for figure, value in zip(figures, ours, strict=True)
            if not isinstance(value, tuple)
        ]
        return None if None in found else max(found, key=_WEAKEST.index)

    def _one(self, figure: Figure | Quotient, ours: int | Fraction) -> Agreement | None:
        match self.precision:
            case "at least":
                return "bound" if ours >= figure.value else None
            case "at most":
                return "bound" if ours <= figure.value else None
            case "more than":
                return "bound" if ours > figure.value else None
            case "less than":
                return "bound" if ours < figure.value else None
        if ours == figure.value:
            return "exact"
        if isinstance(figure, Quotient):
            low, high = figure.about
            return "about" if self.precision and low <= ours <= high else None
        if self.precision:
            return "about" if abs(ours - figure.value) <= figure.unit else None
        low, high = figure.rounded()
        if low <= ours <= high:
            return "rounded"
        low, high = figure.truncated()
        return "truncated" if low <= ours < high else None


_WEAKEST: list[Agreement | None] = ["exact", "bound", "rounded", "truncated", "about"]

_SIGNS = {
    "about": "about",
    "approximately": "about",
    "around": "about",
    "roughly": "about",
    "nearly": "about",
    "almost": "about",
    "~": "about",
    "≈": "about",
    "at least": "at least",
    "≥": "at least",
    ">=": "at least",
    "at most": "at most",
    "up to": "at most",
    "≤": "at most",
    "<=": "at most",
    "more than": "more than",
    "over": "more than",
    ">": "more than",
    "less than": "less than",
    "below": "less than",
    "<": "less than",
}
_SIGN = re.compile("|".join(sorted((re.escape(sign) for sign in _SIGNS), key=len, reverse=True)), re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "k": 1, "M": 2, "B": 3, "G": 3, "T": 4}
_WORDS = {"thousand": 1, "million": 2, "billion": 3, "trillion": 4}
UNITS = frozenset(
    {"B", "bytes", "bits", "params", "parameters", "weights", "biases", "connections", "neurons", "units"}
    | {"layers", "blocks", "modules", "filters", "channels", "maps", "pixels"}
    | {"ops", "operations", "flop", "flops", "mac", "macs", "mult-adds", "multiply-adds", "multiply-accumulates"}
)
_NUMBER = re.compile(
    r"""(?P<whole>\d{1,3}(?:,\d{3})+|\d*)(?P<decimals>\.\d+)?
    [ ]?-?(?P<scale>(?i:thousand|million|billion|trillion)|[KMGT]i|[KkMBGT](?![a-z]))?
    [ ]?-?(?P<unit>%|[x×]|times|[A-Za-z][A-Za-z-]*)?""",
    re.VERBOSE,
)
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,18})?) ?%?")
_QUOTIENT = re.compile(r"(\d+) ?/ ?(\d+)")
_PRODUCT = re.compile(r"\d+(?: ?[x×*] ?\d+)*")
_FACTOR = re.compile(r"\d+")
_BETWEEN = re.compile(r", | to | and |; ?")
_HELP = "say with `reads:` how it reads: a number, a fraction `1/3`, a shape `256x28x28` or `true`"


def percent(text: str) -> Fraction | None:
    """A part in percent, whether the sign stands there or not: `76.13`, `6.7%`; None: it is none."""
    found = _PERCENT.fullmatch(text.strip())
    value = Fraction(found[1]) if found else None
    return value if value is not None and value <= 100 else None


@lru_cache(maxsize=4096)
def read_printed(text: str, thousand: int = 1000, precision: str = "", digits: int | None = None) -> Printed:
    """What a text says.

    Args:
        text: as printed: `60M`, `1,248,424`, `64x112x112`, `<0.5MB`, `12x`, `1/12`.
        thousand: what K is; M is its square.
        precision: one of PRECISIONS, where the text around it says so.
        digits: so many digits count; the zeros after them do not.

    Raises:
        PrintError: it is no figure.
    """
    rest = " ".join(text.split())
    if len(rest) > LONGEST:
        raise PrintError(f"a figure of more than {LONGEST} characters does not read", _HELP)
    if found := _SIGN.match(rest):
        said = _SIGNS[found[0].lower()]
        if precision and precision != said:
            raise PrintError(f"`{text}` says {said}, and the entry says {precision}", "leave `precision:` out")
        precision, rest = said, rest[found.end() :].strip()
    if rest.lower() in ("true", "false"):
        return Printed((), truth=rest.lower() == "true")
    if rest.startswith("[") and rest.endswith("]"):
        rest = rest[1:-1].strip()
    parts = _BETWEEN.split(rest)
    if len(parts) > 1:
        return Printed(tuple(_figure(part, text, thousand, precision, digits) for part in parts), precision)
    terms = rest.split("+")
    if all(_PRODUCT.fullmatch(term.strip()) for term in terms) and (len(terms) > 1 or not rest.isdecimal()):
        factors = [tuple(map(int, _FACTOR.findall(term))) for term in terms]
        value = sum(map(prod, factors))
        return Printed((Figure(Fraction(value), Fraction(0)),), precision, factors[0] if len(factors) == 1 else ())
    return Printed((_figure(rest, text, thousand, precision, digits),), precision)


def _figure(part: str, text: str, thousand: int, precision: str, digits: int | None) -> Figure | Quotient:
    """One number of a text."""
    part = part.strip()
    if found := _QUOTIENT.fullmatch(part):
        if int(found[2]) == 0:
            raise PrintError(f"`{text}` divides by 0", _HELP)
        return Quotient(int(found[1]), int(found[2]))
    found = _NUMBER.fullmatch(part)
    if found is None or not (found["whole"] or found["decimals"]):
        raise PrintError(f"`{text}` does not read as a figure", _HELP)
    unit = found["unit"] or ""
    is_ratio = unit in ("x", "X", "×", "times")
    if not (is_ratio or unit in ("", "%") or unit in UNITS or unit.lower() in UNITS):
        raise PrintError(f"`{text}` has a unit that is not known: `{unit}`", _HELP)
    scale = _scale(found["scale"] or "", thousand) * (Fraction(1, 100) if unit == "%" else 1)
    whole, decimals = found["whole"].replace(",", ""), (found["decimals"] or ".")[1:]
    value = Fraction(int(whole + decimals), 10 ** len(decimals)) * scale
    last = scale / 10 ** len(decimals)
    is_whole = not decimals and not found["scale"] and not is_ratio and unit != "%"
    written = (whole + decimals).lstrip("0")
    zeros = len(written) - len(written.rstrip("0")) if not decimals else 0
    if digits is not None:
        dropped = len(written) - digits
        if not 0 <= dropped <= zeros:
            raise PrintError(
                f"`{text}` has {len(written)} digits, of which {len(written) - zeros} to {len(written)} can count",
                "`digits:` leaves zeros at the end out, nothing else",
            )
        return Figure(value, last * 10**dropped)
    if precision == "about":
        if (written if decimals else written.rstrip("0")) == "1":  # a unit as large as the number would say nothing
            zeros -= 1
        return Figure(value, last * Fraction(10) ** zeros)
    return Figure(value, Fraction(0) if is_whole else last)


def _scale(scale: str, thousand: int) -> Fraction:
    if scale.endswith("i"):
        return Fraction(1024 ** _POWERS[scale[0]])
    return Fraction(thousand ** (_WORDS.get(scale.lower()) or _POWERS[scale]))
