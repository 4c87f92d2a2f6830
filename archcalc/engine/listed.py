"""The totals of all networks that come with archcalc, as a list shows them: kept from an earlier process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archcalc.source.memo import remembered
from archcalc.source.places import specs_folder

if TYPE_CHECKING:
    from archcalc.engine.library import Broken


def listed_families() -> tuple[list[list[dict[str, Any]]], list[Broken]]:
    """Networks by file as `totals_object` gives them; and what of the specs does not read or expand."""
    broken: list[Broken] = []

    def computed() -> list[list[dict[str, Any]]] | None:
        from archcalc.engine import library
        from archcalc.results.rows import totals_object

        families, wrong = library.analysed_families(is_known_good=True)
        broken.extend(wrong)
        found.extend([totals_object(cost) for cost in members] for members in families)
        return None if wrong else found

    found: list[list[dict[str, Any]]] = []
    known = remembered("totals", sorted(specs_folder().glob("*.yaml")), computed)
    return known or found, broken
