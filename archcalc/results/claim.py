"""The ledger of published figures as data: sources, claims, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from archcalc.results.storage import Bits
from archcalc.source import Diagnostic, Source, Span

Value: TypeAlias = "int | Fraction | tuple[Value, ...]"
"""What is computed: exact; a shape or a list is a tuple, a yes or no a bool."""

Verdict = Literal["reproduces", "rounds", "differs", "not_computable", "quoted"]
Status = Literal["reproduces", "rounds", "differs", "not_computable", "quoted", "broken", "stale"]
Kind = Literal["erratum", "convention", "variant", "rounding", "unexplained"]
Agreement = Literal["exact", "rounded", "truncated", "about", "bound"]
Range: TypeAlias = "tuple[Fraction | None, Fraction | None]"
EXACT: tuple[Agreement, ...] = ("exact", "bound")  # nothing was rounded
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
STATUSES: tuple[Status, ...] = get_args(Status)
KINDS: tuple[Kind, ...] = get_args(Kind)

ACCURACIES = ("top1", "top5", "top1_error", "top5_error")
"""What is quoted and not computed: parts of the validation images in percent, under the weights that `where:` names."""

RECALLED = "from memory"
"""How `read` begins for a figure that nobody looked up."""


class ClaimSource(NamedTuple):
    """A paper, code or text that prints figures."""

    citekey: str
    title: str
    authors: str
    year: int | None
    reference: str
    read: str
    confidence: str
    note: str
    file: Source


class Settings(NamedTuple):
    """Under which assumptions a network is counted."""

    set: tuple[tuple[str, Any], ...] = ()
    input: tuple[int, ...] | None = None
    batch: int = 1
    dtype: str = "fp32"
    convention: str = ""
    with_heads: bool = False
    bits: Bits | None = None
    density: Fraction | None = None


PLAIN = Settings()


@dataclass(frozen=True, slots=True)
class Claim:
    """A figure that somebody printed, and what the ledger says of it."""

    id: str
    source: ClaimSource
    span: Span  # of the id
    printed: str
    reads: str
    where: str
    network: str
    at: str
    quantity: str
    value: str  # an expression, instead of network and quantity
    networks: tuple[str, ...]  # all that it speaks of
    settings: Settings
    thousand: int
    precision: str
    digits: int | None
    verdict: Verdict
    kind: Kind | None
    expect: Value | None
    because: str
    note: str
    read: str
    confidence: str
    replaces: str

    @property
    def is_recalled(self) -> bool:
        """Whether the figure was recalled and not read."""
        return self.read.lower().startswith(RECALLED)

    @property
    def is_unexplained(self) -> bool:
        """Whether it is recorded that nobody knows why it differs."""
        return self.kind == "unexplained"


class ClaimResult(NamedTuple):
    """What became of a claim."""

    claim: Claim
    status: Status
    ours: Value | None = None
    agreement: Agreement | None = None
    range: Range | None = None  # what would agree, where the print is one number and not exact
    problem: str = ""  # why nothing is computed
    help: str = ""

    @property
    def fails(self) -> bool:
        """Whether somebody has to look at it."""
        return self.status in ("broken", "stale")


class Accuracy(NamedTuple):
    """What somebody measured of a network with weights of theirs, in percent; an error of 30% is an accuracy of 70."""

    source: ClaimSource
    where: str
    input: tuple[int, ...] | None  # None: that of the spec
    is_recalled: bool
    top1: Fraction | None = None
    top5: Fraction | None = None
    printed: tuple[str, ...] = ()  # as it stands there: `top1 76.13`


class Ledger(NamedTuple):
    """All claims, checked; and what of the files does not read."""

    sources: Sequence[ClaimSource]
    results: Sequence[ClaimResult]
    findings: Sequence[Diagnostic] = ()

    @property
    def fails(self) -> bool:
        """Whether a claim is broken or stale, or a file does not read."""
        return bool(self.findings) or any(result.fails for result in self.results)
