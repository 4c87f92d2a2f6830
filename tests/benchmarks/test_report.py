"""reports/performance.md: every ratio is the quotient of the figures beside it, and names no machine or path."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPORT = Path(__file__).parents[2] / "reports" / "performance.md"
UNITS = {"s": 1.0, "ms": 1e-3, "MiB": 1.0}


def rows() -> list[list[str]]:
    """Lines of the tables of ratios."""
    found, inside = [], False
    for line in REPORT.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[-2:] == ["ratio", "target"]:
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and not cells[0].startswith(":"):
            found.append(cells)
    return found


def figure(text: str) -> tuple[float, float]:
    """A figure with its unit, and half of its last digit that is written."""
    number, unit = text.split()
    value = float(number)
    digits = re.sub(r"e.*", "", number).lstrip("0.")
    decimals = len(number.partition(".")[2]) if "." in number else 0
    if "e" in number:
        exponent = int(number.partition("e")[2])
        decimals = len(digits.partition(".")[2]) - exponent
    return value * UNITS[unit], 0.5 * 10.0**-decimals * UNITS[unit]


@pytest.mark.skipif(not REPORT.exists(), reason="written by commands.py")
def test_ratios_are_quotients() -> None:
    found = rows()
    assert len(found) >= 9
    for what, ours, other, written, _ in found:
        (a, slack_a), (b, slack_b) = figure(ours), figure(other)
        if "to imports alone" in what:
            (a, slack_a), (b, slack_b) = (b, slack_b), (a, slack_a)
        low, high = (b - slack_b) / (a + slack_a), (b + slack_b) / (a - slack_a)
        assert low * 0.995 <= float(written) <= high * 1.005, what


@pytest.mark.skipif(not REPORT.exists(), reason="written by commands.py")
def test_report_names_no_host_and_no_path() -> None:
    text = REPORT.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w`])/(tmp|home|root|usr|work)\b", text)
    assert re.search(r"^- date: \d{4}-\d\d-\d\d$", text, re.MULTILINE)
