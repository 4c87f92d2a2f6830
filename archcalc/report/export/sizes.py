"""Extents as whole numbers: of a network that is written out, none is a formula."""

from __future__ import annotations

from typing import Any

from archcalc.ops import window


def per_axis(value: Any, rank: int, name: str) -> tuple[int, ...]:
    """One number for each spatial axis; a single number serves all of them."""
    found: Any = window.per_axis(value, rank, name)
    return found  # type: ignore[no-any-return]  # of a graph without free variables
