"""The reports from Python: `archcalc.reports("reports")`; `archcalc.report` is the room that renders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Reports:
    """A folder of reports, and what in it was not as it should be; that is so still where it was only looked at."""

    folder: Path
    files: int  # that it consists of
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    stale: tuple[str, ...]  # of networks that are no more

    @property
    def was_up_to_date(self) -> bool:
        """Whether every file said what the specs say."""
        return not (self.missing or self.changed or self.stale)


def reports(folder: str | Path = "reports", check: bool = False) -> Reports:
    """Write a page, a table and a figure of every network, the totals, the ledger, and the manual of operators.

    Args:
        folder: a new one, or one to bring up to date; files in it that are not made here stay as they are.
        check: write nothing, and say what would be written.

    Raises:
        SpecError: a spec of the library is wrong, or the ledger.
        OSError: a file cannot be written.
    """
    from archcalc.claims.check import check_ledger
    from archcalc.engine.library import analysed_families
    from archcalc.report.pages import folder as pages
    from archcalc.source import SpecError

    families, broken = analysed_families()
    if broken:
        raise SpecError([diagnostic for _, error in broken for diagnostic in error.diagnostics])
    ledger = check_ledger()
    if ledger.findings:
        raise SpecError(ledger.findings)
    files = pages.reports(families, ledger)
    found = pages.differences(Path(folder), files) if check else pages.write(Path(folder), files)
    return Reports(Path(folder), len(files), *map(tuple, found))
