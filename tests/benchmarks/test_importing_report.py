"""reports/importing.md: it is what its rows say, and names no machine or path."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from tests.benchmarks.importing.__main__ import REPORTS, read_rows, write_rows
from tests.benchmarks.importing.models import Row
from tests.benchmarks.importing.page import page, summary

ROWS = [
    Row("torchvision", "torchvision:a", 10, 100, 1000, 100, 1000, 12, 20, True, True),
    Row("torchvision", "torchvision:b", 10, 100, 1000, 100, 999, 30, None, True, False, 2),
    Row("torchvision", "torchvision:c", params_torch=7, unused=3, error="cannot-trace: it fails"),
]


def test_the_page_is_what_its_rows_say() -> None:
    rows = read_rows(REPORTS / "importing.csv")
    assert rows
    text = (REPORTS / "importing.md").read_text(encoding="utf-8")
    assert text == page(rows)
    assert "/tmp" not in text
    assert str(Path.home()) not in text


def test_a_line_of_the_summary() -> None:
    line = "| classifiers | 2 of 3 | 1 of 3 | 2 of 3 | 1 | 1 | 21 | 0.60 (1) |"
    assert summary("classifiers", ROWS) == line


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.csv", ROWS)
    assert read_rows(tmp_path / "rows.csv") == ROWS
