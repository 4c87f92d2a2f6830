"""Colours by their names, for light and dark paper. Kinds are told apart by people of any colour vision."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from archcalc.report.figure.words import Kind

ARCS = tuple(f"arc{number}" for number in range(6))  # of dense blocks, one for each source
LIGHT: Mapping[str, str] = {
    "paper": "#ffffff",
    "ink": "#1d2733",
    "soft": "#5b6875",
    "edge": "#48535f",
    "link": "#5b6f8a",
    "frame": "#f5f7f9",
    "rim": "#c3ccd4",
    "track": "#eef0f2",
    "dark": "#3d4a58",
    "on_dark": "#ffffff",
    "CONV": "#74aede",
    "POINTWISE": "#bfe0f6",
    "DEPTHWISE": "#79cdb2",
    "TRANSPOSED": "#f3e583",
    "POOL": "#f4b46e",
    "LINEAR": "#dba6c8",
    "OTHER": "#e6e7e9",
    "rest": "#b3b9c0",
    **dict(zip(ARCS, ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9"), strict=True)),
}
DARK: Mapping[str, str] = {
    "paper": "#14191f",
    "ink": "#edf1f5",
    "soft": "#a3afba",
    "edge": "#9aa7b3",
    "link": "#8fa6c4",
    "frame": "#1c232b",
    "rim": "#3a4652",
    "track": "#252d36",
    "dark": "#d5dde5",
    "on_dark": "#14191f",
    "CONV": "#2b66a6",
    "POINTWISE": "#5e6c94",
    "DEPTHWISE": "#107051",
    "TRANSPOSED": "#676f13",
    "POOL": "#c13005",
    "LINEAR": "#8a3a72",
    "OTHER": "#39424c",
    "rest": "#5f6b78",
    **dict(zip(ARCS, ("#56b4e9", "#f0883e", "#2bc79a", "#e09cc2", "#d9b430", "#9ad0f5"), strict=True)),
}
KINDS = ("CONV", "POINTWISE", "DEPTHWISE", "TRANSPOSED", "POOL", "LINEAR", "OTHER")  # that have a colour of their own
# Kinds that take the colour of another where that does not occur.
_BORROW = {
    Kind.ATTENTION: ("DEPTHWISE", "TRANSPOSED", "CONV"),
    Kind.EMBEDDING: ("TRANSPOSED", "POOL", "POINTWISE"),
    Kind.RECURRENT: ("CONV", "POOL", "POINTWISE"),
}


def palette(kinds: Collection[Kind], is_dark: bool) -> dict[str, str]:
    """Colours of a figure in which these kinds occur."""
    colours = dict(DARK if is_dark else LIGHT)
    taken = {kind.name for kind in kinds}
    for kind, choices in _BORROW.items():
        free = next((choice for choice in choices if choice not in taken), "OTHER")
        taken.add(free)
        colours[kind.name] = colours[free]
    for kind in Kind:
        colours[f"bar_{kind.name}"] = colours["rest" if colours[kind.name] == colours["OTHER"] else kind.name]
    return colours
