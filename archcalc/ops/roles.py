"""Branches that have meanings: which there are, which of them a merge needs, what unnamed ones are."""

from __future__ import annotations

from collections.abc import Iterable

from archcalc.named import NamedTuple


class Roles(NamedTuple):
    """Roles of the branches of a merge: all of one of the `forms` are needed, `optional` ones may be given beside.

    `Roles((("q", "k", "v"), ("q", "kv"), ("qkv",)), ("bias",))`: three unnamed branches are q, k and v, two q and kv.
    A merge with roles is never collapsed to its one branch and never taken apart into another.
    """

    forms: tuple[tuple[str, ...], ...]
    optional: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every role once, in order."""
        return tuple(dict.fromkeys([*(role for form in self.forms for role in form), *self.optional]))

    def of_unnamed(self, count: int) -> tuple[str, ...] | None:
        """Roles of so many unnamed branches: those of the form that has as many, else the first form and more."""
        for form in self.forms:
            if len(form) == count:
                return form
        longer = (*self.forms[0], *self.optional)
        return longer[:count] if len(self.forms[0]) < count <= len(longer) else None

    def in_order(self, given: Iterable[str]) -> tuple[str, ...]:
        """Roles in the one order in which rules get their shapes, however they were written."""
        found = set(given)
        return tuple([role for role in self.names if role in found])

    def lacking(self, given: Iterable[str]) -> str | None:
        """What is wrong with a set of roles: `needs k and v`, `takes q or qkv, not both`; None: nothing."""
        found = set(given) - set(self.optional)
        if any(found == set(form) for form in self.forms):
            return None
        nearest = max(self.forms, key=lambda form: len(found.intersection(form)))
        missing = [role for role in nearest if role not in found]
        if missing:
            return f"needs {_listed(missing)}" + (f" beside {_listed(self.in_order(found))}" if found else "")
        extra = [role for role in self.in_order(found) if role not in nearest]
        return f"takes {_listed(nearest)}, and not {_listed(extra)} beside"

    def __str__(self) -> str:
        """`q, k, v, or q, kv, or qkv; and bias`."""
        needed = ", or ".join([", ".join(form) for form in self.forms])
        return needed + (f"; and {', '.join(self.optional)}" if self.optional else "")


def _listed(roles: Iterable[str]) -> str:
    *most, last = roles
    return f"{', '.join(most)} and {last}" if most else last
