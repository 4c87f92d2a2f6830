"""The static site from Python: `archcalc.site("site")`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Site:
    """A site that was written: its folder, and how many files it has."""

    folder: Path
    files: int

    @property
    def index(self) -> Path:
        """The page to open first; it needs no server."""
        return self.folder / "index.html"


def site(folder: str | Path, workers: int = 1) -> Site:
    """Write all networks, comparisons, published figures, operators and the language as a static site.

    Args:
        folder: a new one, or that of an earlier site, which is brought up to date.
        workers: processes that make pages; above 1 the calling script needs `if __name__ == "__main__":`.

    Raises:
        NotASiteError: the folder holds something else; nothing was written.
        SpecError: a spec of the library is wrong.
        MissingExtraError: Jinja2 or markdown-it-py is not installed, with the line to type.
        ValueError: less than one worker.
        OSError: a file cannot be written.
    """
    from archcalc.claims.check import check_ledger
    from archcalc.engine.library import analysed_families
    from archcalc.report.site.folder import made_before, write
    from archcalc.report.site.site import site as files_of
    from archcalc.source import SpecError
    from archcalc.source.extra import require

    if workers < 1:
        raise ValueError(f"{workers} workers make no page; there is at least one")
    require("jinja2", "markdown_it", extra="page")
    folder = Path(folder)
    made_before(folder)  # refuses a folder of somebody else before minutes of work
    families, broken = analysed_families()
    if broken:
        raise SpecError([diagnostic for _, error in broken for diagnostic in error.diagnostics])
    return Site(folder, write(folder, files_of(families, check_ledger(), workers)))
