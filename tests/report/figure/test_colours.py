"""Colours: text on each of them is readable, and people of any colour vision can tell them apart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations

import pytest

from archcalc.report.figure.colours import DARK, KINDS, LIGHT, palette
from archcalc.report.figure.words import Kind

# Dichromats after Machado, Oliveira and Fernandes 2009, "A Physiologically-based Model for Simulation of Color Vision
# Deficiency", severity 1.0; they apply to linear RGB.
VISION = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
TO_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
WHITE = (0.95047, 1.0, 1.08883)

Three = tuple[float, ...]


def linear(colour: str) -> Three:
    values = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return tuple(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values)


def times(matrix: tuple[Three, ...], vector: Three) -> Three:
    return tuple(sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)


def luminance(colour: str) -> float:
    return times(TO_XYZ, linear(colour))[1]


def contrast(one: str, other: str) -> float:
    """WCAG 2.1, contrast ratio."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def lab(colour: str, vision: str) -> Three:
    seen = tuple(min(max(value, 0.0), 1.0) for value in times(VISION[vision], linear(colour)))
    x, y, z = (value / white for value, white in zip(times(TO_XYZ, seen), WHITE, strict=True))

    def root(value: float) -> float:
        return math.pow(value, 1 / 3) if value > 216 / 24389 else (24389 / 27 * value + 16) / 116

    return 116 * root(y) - 16, 500 * (root(x) - root(y)), 200 * (root(y) - root(z))


def distance(one: str, other: str, vision: str) -> float:
    """CIE 1976."""
    pairs = zip(lab(one, vision), lab(other, vision), strict=True)
    return math.sqrt(sum((a - b) ** 2 for a, b in pairs))


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_text_is_readable_on_every_ground(colours: Mapping[str, str]) -> None:
    for ground in (*KINDS, "paper", "frame"):
        assert contrast(colours["ink"], colours[ground]) >= 4.5, ground
    for ground in ("paper", "frame"):
        assert contrast(colours["soft"], colours[ground]) >= 4.5, ground
    assert contrast(colours["on_dark"], colours["dark"]) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("vision", VISION)
def test_kinds_are_told_apart(colours: Mapping[str, str], vision: str) -> None:
    for one, other in combinations(KINDS, 2):
        assert distance(colours[one], colours[other], vision) >= 10, (one, other)


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("vision", VISION)
def test_bars_are_seen_on_their_track(is_dark: bool, vision: str) -> None:
    """A bar of 1x1 convolutions had 10.4 on dark paper, at a contrast of 1.06: none was seen."""
    colours = palette(list(Kind), is_dark)
    for kind in KINDS:
        assert distance(colours[f"bar_{kind}"], colours["track"], vision) >= 13, kind


def test_a_kind_takes_a_colour_that_no_other_has() -> None:
    kinds = [Kind.LINEAR, Kind.ATTENTION, Kind.EMBEDDING, Kind.RECURRENT, Kind.OTHER]
    found = palette(kinds, False)
    assert len({found[kind.name] for kind in kinds}) == len(kinds)
    every = palette(list(Kind), False)
    assert {every[kind.name] for kind in Kind} == {LIGHT[name] for name in KINDS}
