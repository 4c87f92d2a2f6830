"""One published figure in words: what is printed, what is computed, how the two agree, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from archcalc.report.media import numbers
from archcalc.results.claim import EXACT, STATUSES, Claim, ClaimResult, Status, Value

WORDS: dict[Status, str] = {
    "reproduces": "REPRODUCES",
    "rounds": "ROUNDS",
    "differs": "DIFFERS (recorded)",
    "not_computable": "not computable",
    "quoted": "quoted",
    "broken": "BROKEN",
    "stale": "STALE",
}
_HOW = {
    "exact": "exactly",
    "rounded": "rounded",
    "truncated": "truncated",
    "about": "within one unit of the last digit that counts",
    "bound": "within the bound",
}


def printed(claim: Claim) -> str:
    """The text as printed, on one line, with what was said of it."""
    said = f"{claim.precision} " if claim.precision else ""
    return f"{said}{' '.join(claim.printed.split())}"


def written(value: Value | None, is_shape: bool = False) -> str:
    """A value as people read it: `9,408`, `8.711`, `true`; `256x28x28` where it is a shape, else `[3, 5]`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        items = [str(item) if isinstance(item, int) else written(item) for item in value]
        return "x".join(items) if is_shape else f"[{', '.join(items)}]"
    return f"{value:,}" if isinstance(value, int) else _decimal(value)


def computed(result: ClaimResult) -> str:
    """What is computed of a claim, as people read it."""
    return written(result.ours, bool(result.claim.quantity))


def literal(value: Value) -> str:
    """A value as `expect:` takes it: `9408`, `63/560`, `[256, 28, 28]`."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(literal, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _decimal(value: Fraction, digits: int = 4) -> str:
    """A ratio: short decimals whole, others to some significant digits, rounded half up."""
    short = value * 10**digits
    if short.denominator == 1 and abs(short) < 10**9:
        return numbers.exact(value)
    size, places = abs(value), digits - 1
    while size >= 10 and places:
        size, places = size / 10, places - 1
    while 0 < size < 1:
        size, places = size * 10, places + 1
    return f"{'-' * (value < 0)}{numbers.decimal(abs(value.numerator), value.denominator, places)}"


def agreeing(result: ClaimResult) -> str:
    """What would agree with the print: `between 58.5 M and 61 M`."""
    if result.range is None:
        return ""
    low, high = (None if edge is None else _edge(edge) for edge in result.range)
    return f"{low} or more" if high is None else f"{high} or less" if low is None else f"{low} to {high}"


def _edge(value: Fraction) -> str:
    return f"{value.numerator:,}" if value.denominator == 1 else _decimal(value, 6)


def verdict(result: ClaimResult) -> str:
    """The verdict, and how a figure agrees where that is not plain: `ROUNDS (truncated)`, `REPRODUCES (bound)`."""
    how = result.agreement if result.agreement in ("truncated", "about", "bound") and not result.fails else ""
    return f"{WORDS[result.status]} ({how})" if how else WORDS[result.status]


def finding(result: ClaimResult) -> tuple[str, str]:
    """What is wrong with a claim that is broken or stale, and what to do."""
    claim = result.claim
    if result.ours is None:
        return f"cannot be computed: {result.problem}", result.help or "correct the entry"
    ours, expect = computed(result), literal(result.ours)
    how = _HOW[result.agreement] if result.agreement else ""
    if result.status == "stale":
        verdict = "reproduces" if result.agreement in EXACT else "rounds"
        return (
            f"the recorded difference is no more: computed is {ours}, which agrees {how}",
            f"set `verdict: {verdict}` and take kind: and expect: out, if the change is right",
        )
    if claim.verdict == "differs":
        return (
            f"the entry expects {written(claim.expect, bool(claim.quantity))}, computed is {ours}",
            f"find out which is right; if what is computed, set `expect: {expect}`",
        )
    if how:
        return f"computed is {ours}, which agrees {how}, and is not what is printed", "set `verdict: rounds`"
    range_ = agreeing(result)
    return (
        f"printed is {printed(claim)}{f' ({range_})' if range_ else ''}, computed is {ours}",
        f"find out which is right; a difference is recorded with `verdict: differs`, kind:, `expect: {expect}` and "
        "because:",
    )


def place(claim: Claim) -> str:
    """Where its entry is: `specs/claims/szegedy2015going.yaml:12`."""
    return f"{claim.source.file.name}:{claim.source.file.position(claim.span.start)[0]}"


def against(result: ClaimResult) -> str:
    """What is printed, and what is computed where that is known."""
    ours = computed(result)
    return f"printed {printed(result.claim)}, computed {ours}" if ours else f"printed {printed(result.claim)}"


def reasons(results: Iterable[ClaimResult]) -> list[str]:
    """Why figures differ, a line for each."""
    return [reason(result) for result in results if result.status == "differs"]


def reason(result: ClaimResult) -> str:
    """Why a figure differs."""
    return f"{result.claim.id} ({result.claim.kind}): {against(result)}. {result.claim.because}"


def failure(result: ClaimResult) -> str:
    """What is wrong with a figure, where its entry is, and what to do."""
    message, help = finding(result)
    claim = result.claim
    return f"{WORDS[result.status]} {claim.id}: {message} ({place(claim)}, {claim.where}). To do: {help}"


def counted(results: Iterable[ClaimResult]) -> dict[Status, int]:
    """How many there are of each status."""
    found = Counter(result.status for result in results)
    return {status: found[status] for status in STATUSES}


# for programs


CLAIM_COLUMNS = [
    "id",
    "source",
    "reference",
    "where",
    "printed",
    "reads",
    "precision",
    "network",
    "at",
    "quantity",
    "value",
    "status",
    "agreement",
    "computed",
    "kind",
    "because",
    "read",
    "confidence",
    "problem",
]


def claim_row(result: ClaimResult) -> dict[str, Any]:
    """A claim as CSV holds it; what is computed as `expect:` takes it."""
    claim = result.claim
    found = {
        "source": claim.source.citekey,
        "reference": claim.source.reference,
        "status": result.status,
        "agreement": result.agreement or "",
        "computed": None if result.ours is None else literal(result.ours),
        "kind": claim.kind or "",
        "problem": finding(result)[0] if result.fails else "",
    }
    return {name: found[name] if name in found else getattr(claim, name) for name in CLAIM_COLUMNS}


def claim_object(result: ClaimResult) -> dict[str, Any]:
    """A claim as JSON holds it: whole numbers and lists as such, ratios exact as `a/b`."""
    return claim_row(result) | {"computed": None if result.ours is None else _plain(result.ours)}


def _plain(value: Value) -> Any:
    if isinstance(value, tuple):
        return list(map(_plain, value))
    return str(value) if isinstance(value, Fraction) else value
