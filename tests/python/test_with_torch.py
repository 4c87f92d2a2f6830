"""What needs torch."""

from __future__ import annotations

import json

import pytest

import archcalc
from tests.cli.running import NET, run

torch = pytest.importorskip("torch")


def test_verify_and_reconcile_are_answers() -> None:
    found = archcalc.verify("lenet5", against=["torch"])
    assert not found.differences
    written = json.loads(run("verify", "lenet5", "--against", "torch", "--format", "json").stdout)
    assert json.loads(found.to_json()) == written
    with pytest.raises(ValueError, match="no tool is called torchh"):
        archcalc.verify("lenet5", against=["torchh"])
    with pytest.raises(ValueError, match="needs a network"):
        archcalc.verify()


def test_recorded_figures_are_reconciled() -> None:
    pytest.importorskip("torchvision")
    found = archcalc.reconcile("resnet50@torchvision", ["thop"], recorded=True)
    assert [tool.figure.number for tool in found.tools] == [4_133_742_592]
    assert found.to_dict()["reconciliation"]


def test_a_text_becomes_a_model() -> None:
    model = archcalc.to_torch(NET)
    assert sum(parameter.numel() for parameter in model.parameters()) == archcalc.analyze(NET).totals.params


def test_a_tensor_in_place_of_a_shape_is_refused_in_words() -> None:
    """A convolution of images is given an input without its channels: told, whatever says the shape."""
    for input in (torch.zeros(8, 8), {"input": torch.zeros(8, 8)}):
        with pytest.raises(archcalc.SpecError):
            archcalc.from_torch(torch.nn.Conv2d(3, 4, 3), input)
