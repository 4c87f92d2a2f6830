"""Widths of texts: those of the widest font that figures name."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.report.figure.glyphs import fitted, width

FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts")
TEXTS = ["<0.1%", "+", "3×3 conv, 64, /2", "inception_4e", "64×112×112", "↑2 · 1.58 G", "bottleneck, form 1 of 2", "H"]


@pytest.mark.parametrize("is_bold", [False, True])
def test_no_text_is_wider_than_the_table_says(is_bold: bool) -> None:
    fonts = pytest.importorskip("PIL.ImageFont", reason="Pillow draws the texts that are measured")
    name = "DejaVuSans-Bold.ttf" if is_bold else "DejaVuSans.ttf"
    found = [path for folder in FOLDERS if folder.is_dir() for path in folder.rglob(name)]
    if not found:
        pytest.skip(f"{name} is not installed")
    font = fonts.truetype(str(found[0]), 1000)
    for text in TEXTS:
        true = font.getlength(text) / 1000
        assert true <= width(text, 1, is_bold) <= true * 1.03 + 0.01, text


def test_a_text_that_does_not_fit_is_cut() -> None:
    assert fitted("short", 100, 11) == "short"
    cut = fitted("a name that is much too long", 60, 11)
    assert cut.endswith("…")
    assert width(cut, 11) <= 60
