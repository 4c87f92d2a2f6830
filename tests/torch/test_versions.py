"""Tools whose conventions are data of `tests/engine/conventions/versions.csv`, run where they are installed."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

MEASURED = Path(__file__).parents[1] / "engine" / "conventions" / "versions.csv"
MODULES: dict[str, Any] = {
    "conv3x3_bias": lambda: torch.nn.Conv2d(8, 16, 3, padding=1),
    "convT_groups4": lambda: torch.nn.ConvTranspose2d(8, 16, 2, stride=2, groups=4, bias=False),
    "bn2d_affine": lambda: torch.nn.BatchNorm2d(8),
    "relu6_module": torch.nn.ReLU6,
    "maxpool_3x3s2p1": lambda: torch.nn.MaxPool2d(3, 2, 1),
    "adaptive_avgpool_7": lambda: torch.nn.AdaptiveAvgPool2d(7),
}


def recorded(case: str, convention: str) -> int:
    with MEASURED.open(encoding="utf-8") as file:
        (row,) = (row for row in csv.DictReader(file) if row["case"] == case)
    return int(row[convention])


@pytest.mark.parametrize("case", MODULES)
def test_torchscan(case: str) -> None:
    torchscan = pytest.importorskip("torchscan")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = torchscan.crawl_module(torch.nn.Sequential(MODULES[case]()).eval(), (8, 16, 16))["totals"]
    assert found["module_flops"]["known_value"] == recorded(case, "torchscan")
    assert found["macs"]["known_value"] == recorded(case, "torchscan_macs")


@pytest.mark.parametrize("case", MODULES)
def test_torchlens(case: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torchlens = pytest.importorskip("torchlens")
        trace = torchlens.trace(MODULES[case]().eval(), torch.zeros(1, 8, 16, 16))
    assert int(trace.total_flops_forward) == recorded(case, "torchlens")
