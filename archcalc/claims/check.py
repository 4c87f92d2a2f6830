"""The ledger checked: every claim computed again, and its entry held to what comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from archcalc.claims.printed import read_printed
from archcalc.claims.read import read_ledger, same_network
from archcalc.claims.value import Evaluator, ValueProblemError, question
from archcalc.results.claim import EXACT, Claim, ClaimResult, Ledger, Status, Value
from archcalc.source import Diagnostic, SpecError
from archcalc.source.memo import recalled, remembered
from archcalc.source.places import specs_folder
from archcalc.spec.library import file_and_variant, looks_like_file

NOT_COMPUTED = ("not_computable", "quoted")  # verdicts


def ledger_folder() -> Path:
    """Where the ledger is that comes with archcalc."""
    return specs_folder() / "claims"


def check_ledger(folder: Path | None = None, is_wanted: Callable[[Claim], bool] | None = None) -> Ledger:
    """Compute every claim, or those that are wanted.

    Args:
        folder: where the files are; None: the ledger that comes with archcalc. Files of networks that claims name are
            looked for in the folder that holds it.
        is_wanted: which claims.

    Raises:
        SpecError: there is no such folder, or no file in it.
    """
    folder, own = (ledger_folder(), True) if folder is None else (folder, False)
    paths = [folder] if folder.is_file() else sorted(folder.glob("*.yaml"))
    if not paths:
        message = f"there is no ledger in `{folder}`"
        raise SpecError([Diagnostic("no-ledger", message, help="a folder with one YAML file for each source")])
    files = read_ledger(paths, [f"specs/claims/{path.name}" for path in paths] if own else None)
    claims = [claim for file in files for claim in file.claims]
    wanted = claims if is_wanted is None else list(filter(is_wanted, claims))
    beside = (folder.parent if folder.is_file() else folder).parent
    evaluator = Evaluator(beside, known_answers(claims, beside, len(wanted) == len(claims)) if own else None)
    results = [check_claim(claim, evaluator) for claim in wanted]
    sources = [file.source for file in files if file.source is not None]
    findings = [finding for file in files for finding in file.findings]
    return Ledger(sources, results, findings)


def known_answers(claims: Sequence[Claim], folder: Path, is_computed: bool) -> dict[str, Any] | None:
    """Values of all claims by what they ask, from an earlier process; or else computed and kept, where that is said."""
    specs = sorted(folder.glob("*.yaml"))
    named = {name for claim in claims for name in claim.networks if looks_like_file(name)}
    paths = [*specs, *sorted({folder / file_and_variant(name)[0] for name in named})]
    if not is_computed:
        found: dict[str, Any] | None = recalled("values", paths)
        return found

    def computed() -> dict[str, Any]:
        evaluator = Evaluator(folder)
        return {question(of): evaluator.answer(of) for of in claims if of.verdict not in NOT_COMPUTED}

    answers: dict[str, Any] = remembered("values", paths, computed)
    return answers


def figures_of(network: str) -> list[ClaimResult]:
    """What the ledger that comes with archcalc has of a network.

    Raises:
        SpecError: a file of the ledger does not read.
    """
    found = check_ledger(is_wanted=lambda claim: any(same_network(name, network) for name in claim.networks))
    if found.findings:
        raise SpecError(found.findings)
    return list(found.results)


def check_claim(claim: Claim, evaluator: Evaluator) -> ClaimResult:
    """Compute a claim, and hold its entry to it."""
    if claim.verdict in NOT_COMPUTED:
        return ClaimResult(claim, claim.verdict)
    printed = read_printed(claim.reads or claim.printed, claim.thousand, claim.precision, claim.digits)
    try:
        ours = evaluator.value(claim)
    except ValueProblemError as error:
        return ClaimResult(claim, "broken", problem=str(error), help=error.help)
    agreement = printed.agreement(ours)
    status: Status
    if claim.verdict == "differs":
        status = "stale" if agreement else "differs" if is_same(ours, claim.expect) else "broken"
    elif agreement is None:
        status = "broken"
    elif agreement in EXACT:
        status = "reproduces"  # an entry may say `rounds` of a rounded print that happens to be hit
    else:
        status = "rounds" if claim.verdict == "rounds" else "broken"
    return ClaimResult(claim, status, ours, agreement, printed.range())


def is_same(ours: Value, expect: Value | None) -> bool:
    """Equal, and of one kind: true is not 1."""
    if isinstance(ours, tuple):
        return isinstance(expect, tuple) and len(ours) == len(expect) and all(map(is_same, ours, expect))
    return ours == expect and isinstance(ours, bool) is isinstance(expect, bool)
