"""What the page of measured memory says of ours is what is told now."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("torch", reason="the torch extra is not installed")
pytest.importorskip("torchvision", reason="the torch extra is not installed")

from archcalc.torch_bridge.profile.memory import LINES, PAGE, page, read_lines, torchvision_case

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("name", ["resnet18@torchvision", "swin_v2_t", "squeezenet1_1"])
def test_our_column_is_what_is_told_now(name: str) -> None:
    found = [line for line in read_lines(LINES) if line.kind == "training" and line.network == name]
    assert len(found) == 2
    for line in found:
        assert torchvision_case(name, 96, line.batch).ours(line.optimizer) == line.ours


def test_the_page_is_made_of_the_lines() -> None:
    written = PAGE.read_text(encoding="utf-8")
    found = re.search(
        r"^Written by `[^`]+` on (\d{4}-\d\d-\d\d, torch [\d.]+, CPU, \d+ threads)\.", written, re.MULTILINE
    )
    assert found
    assert written == page(read_lines(LINES), found[1])
