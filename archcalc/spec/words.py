"""Every name that has a meaning of its own in the language."""

from __future__ import annotations

from archcalc.ops import OPERATORS, words_of
from archcalc.spec.functions import FUNCTIONS

CONSTANTS = {"true": True, "false": False, "none": None}
REFERENCES = ("tap", "share")  # go on from an earlier layer; compute an earlier body again
IDENTITY = "identity"
TRAINABLE = "trainable"  # an argument of every call of an operator or module: `trainable=false` freezes its parameters
INPUT = "input"
INPUTS = {  # kinds of inputs, and their numbers
    "image": ("channels", "height", "width"),
    "volume": ("channels", "depth", "height", "width"),
    "sequence": ("channels", "length"),
    "features": ("channels",),
    "tokens": ("length",),
}
MERGES = frozenset(name for name, operator in OPERATORS.items() if operator.merges)
ARGUMENT_WORDS = frozenset(words_of(OPERATORS.values())) - {"none"}
# No name of a file may be one of these; others hide the operator, function or word of that name in the file.
UNNAMEABLE = frozenset({*MERGES, *CONSTANTS, *REFERENCES, IDENTITY, INPUT, "x"})
RESERVED = frozenset({*OPERATORS, *FUNCTIONS, *CONSTANTS, *REFERENCES, IDENTITY, INPUT, *ARGUMENT_WORDS, "x"})
X_PARTS = ("channels", "height", "width", "depth", "length")


def argument_count(count: int) -> str:
    """How many arguments something takes, for messages."""
    return "no arguments" if count == 0 else f"{count} argument{'s' * (count != 1)}"


def meaning(name: str) -> str:
    """What a reserved name is, for messages."""
    if name in MERGES:
        return "a merge"
    if name in OPERATORS:
        return "an operator"
    if name in FUNCTIONS:
        return "a function"
    return "a word"
