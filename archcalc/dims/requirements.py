"""What a rule requires of sizes: met, broken, or left as an assumption that is printed with the formula."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from fractions import Fraction
from typing import Literal, TypeAlias

from archcalc.dims.atoms import Condition, Dim
from archcalc.dims.decide import at_least_bound, at_most_bound, equal, leaves_remainder
from archcalc.named import NamedTuple

Relation: TypeAlias = 'Literal["==", "!=", ">=", "divisible"]'
"""How a and b of an assumption stand to each other; `divisible`: a by b."""


class RequirementError(ValueError):
    """A requirement that sizes break, or that nobody can decide."""

    def __init__(self, code: str, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.help = code, message, help

    def __reduce__(self) -> tuple[type[RequirementError], tuple[str, str, str | None]]:
        return RequirementError, (self.code, self.message, self.help)


class Assumption(NamedTuple):
    """A requirement on a and b that holds for some values only: "resolution is divisible by 7"."""

    text: str
    code: str
    a: Dim
    b: Dim
    relation: Relation = "=="


class Sentence(NamedTuple):
    """What is said where a requirement is broken: a template, and what it is filled in with."""

    template: str
    values: Mapping[str, object]


_collected: ContextVar[list[Assumption] | None] = ContextVar("collected assumptions", default=None)
_sentences: ContextVar[dict[Assumption, Sentence] | None] = ContextVar("their sentences", default=None)


@contextmanager
def collecting_assumptions() -> Iterator[list[Assumption]]:
    """The list that undecided requirements are appended to, in order, repetitions included."""
    assumptions: list[Assumption] = []
    token = _collected.set(assumptions)
    try:
        yield assumptions
    finally:
        _collected.reset(token)


@contextmanager
def collecting_sentences() -> Iterator[dict[Assumption, Sentence]]:
    """Undecided requirements, each with what is said where it is broken; the first sentence of equal ones."""
    sentences: dict[Assumption, Sentence] = {}
    token = _sentences.set(sentences)
    try:
        with collecting_assumptions():
            yield sentences
    finally:
        _sentences.reset(token)


def assume(text: str, code: str, a: Dim, b: Dim, relation: Relation = "==") -> None:
    """Record an assumption; without anyone to record it, it is an error."""
    assumptions = _collected.get()
    if assumptions is None:
        raise RequirementError("undecided", f"it depends on the variables whether {text}", f"needed for `{code}`")
    assumptions.append(Assumption(text, code, a, b, relation))


def _undecided(assumed: Assumption, message: str, values: Mapping[str, object]) -> None:
    assume(*assumed)
    sentences = _sentences.get()
    if sentences is not None:
        sentences.setdefault(assumed, Sentence(message, values))


def require_equal(a: Dim, b: Dim, code: str, message: str, help: str | None = None, **values: object) -> None:
    """Refuse a != b; message and help are templates of a, b and the values."""
    holds = equal(a, b)
    if isinstance(holds, Condition):
        _undecided(Assumption(f"{a} is equal to {b}", code, a, b), message, {"a": a, "b": b, **values})
    elif not holds:
        raise _broken(code, message, help, {"a": a, "b": b, **values})


def require_divides(
    divisor: Dim, number: Dim, code: str, message: str, help: str | None = None, **values: object
) -> None:
    """Refuse a number that is no multiple of the divisor; message and help are templates as above."""
    holds = _divides(divisor, number)
    if holds is None:
        assumed = Assumption(f"{number} is divisible by {divisor}", code, number, divisor, "divisible")
        _undecided(assumed, message, {"divisor": divisor, "number": number, **values})
    elif not holds:
        raise _broken(code, message, help, {"divisor": divisor, "number": number, **values})


def require_at_least(
    value: Dim, minimum: Dim, code: str, message: str, help: str | None = None, **values: object
) -> None:
    """Refuse a value below the minimum; message and help are templates as above."""
    low = at_least_bound(value - minimum)
    if low is not None and low >= 0:
        return
    high = at_most_bound(value - minimum)
    if high is None or high >= 0:
        assumed = Assumption(f"{value} is at least {minimum}", code, value, minimum, ">=")
        _undecided(assumed, message, {"value": value, "minimum": minimum, **values})
    else:
        raise _broken(code, message, help, {"value": value, "minimum": minimum, **values})


def _divides(divisor: Dim, number: Dim) -> bool | None:
    if isinstance(divisor, int):
        if divisor < 1:
            return False
        if isinstance(number, int):
            return number % divisor == 0
        if leaves_remainder(number, divisor):
            return False
    quotient = number // divisor
    return True if quotient * divisor == number else None


def _broken(code: str, message: str, help: str | None, values: dict[str, object]) -> RequirementError:
    texts = {name: number_text(value) for name, value in values.items()}
    return RequirementError(code, message.format(**texts), None if help is None else help.format(**texts))


def number_text(value: object) -> str:
    """A value as a spec has it: fractions of six digits or fewer as decimals, truths in small letters."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Fraction) and value.denominator > 1 and (value * 10**6).denominator == 1:
        return str(float(value))
    return str(value)
