"""What a spec may ask for: never unbounded time or memory."""

from __future__ import annotations

from archcalc.named import NamedTuple

LARGEST = 2**63  # whole numbers of a spec stay below
RECURSION = 12_000  # calls of Python within one another, where the nesting that is allowed takes more than 1,000
LONGEST_NAMES = 2**28  # characters of the names of all layers of a network, together


class Limits(NamedTuple):
    """Bounds that are checked before the work is done."""

    expression: int = 4_000  # characters
    parentheses: int = 50  # nested brackets in one expression
    nesting: int = 100  # modules inside modules
    steps: int = 3_000_000  # of expansion, also where no layer comes out
    layers: int = 100_000

    @property
    def raisable(self) -> dict[str, int]:
        """Those that a caller may raise; the others are below limits of Python itself."""
        return {"steps": self.steps, "layers": self.layers}


DEFAULT_LIMITS = Limits()


def how_to_raise(limit: str) -> str:
    """The help line of an error that says that a limit was hit."""
    if limit in DEFAULT_LIMITS.raisable:
        return f"if it is meant, raise the limit: --limit {limit}=N, or analyze(..., limits=Limits({limit}=N))"
    return {
        "integer": "whole numbers stay below 2^63, so that sweeps can use 64 bits; this limit is fixed",
        "names": "give modules and entries shorter names; this limit is fixed",
        "variables": "write a value out instead of naming another variable; this limit is fixed",
        "nesting": "does the recursion of a module end? this limit is fixed; a repeat `* n` is not nested",
    }[limit]
