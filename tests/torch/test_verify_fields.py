"""Receptive fields as gradients show them, and what is not compared."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from archcalc.engine.network import load
from tests.cli.running import spec

torch = pytest.importorskip("torch")
pytest.importorskip("fvcore")
pytest.importorskip("torchvision")
pytestmark = pytest.mark.torch


from archcalc.torch_bridge.model.build import build  # noqa: E402
from archcalc.torch_bridge.model.thin import thin  # noqa: E402
from archcalc.torch_bridge.verify.receptive_field import Seen, measure  # noqa: E402
from archcalc.torch_bridge.verify.verify import verify  # noqa: E402
from tests.torch.verifying import the  # noqa: E402

# What is measured.


def field_of(text: str, folder: Path, operation: str) -> dict[str, Any]:
    found = verify(spec(folder, text, "field.yaml"), ["torch"])
    assert found.differences == []
    return {
        check.quantity: check.theirs
        for check in found.checks
        if check.operation == operation and check.quantity in ("receptive_field", "jump", "first_centre")
    }


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        # by hand: 1 + 2 + 2; then 3 more taps of 2 pixels
        ("a: conv(4, 3) >> conv(4, 3, stride=2) >> conv(4, 4)", ((11, 11), (2, 2), (5, 5))),
        ("a: conv(4, 3, dilation=(1, 3))", ((3, 7), (1, 1), (1, 3))),
        ("a: conv(4, (5, 1), stride=(1, 2), padding=(2, 0))", ((5, 1), (1, 2), (0, 0))),
        # by hand: a window of 3 pools, 2 apart, begins one before the input
        ("a: maxpool(3, stride=2, padding=1)", ((3, 3), (2, 2), (0, 0))),
        ("a: maxpool(2, ceil=true) >> conv(4, 2)", ((4, 4), (2, 2), (1.5, 1.5))),
        # by hand: the wider branch
        ("a:\n    - add:\n        b: conv(3, 5, padding=2)\n        c: identity", ((5, 5), (1, 1), (0, 0))),
        ("a: pad((2, 0, 1, 0)) >> conv(4, 2)", ((2, 2), (1, 1), (-1.5, -0.5))),
        ("a: pad((50, 0, 0, 60)) >> conv(4, 2)", ((2, 2), (1, 1), (-49.5, 0.5))),
        # by hand: output j adds up what inputs j - 3 to j spread
        ("a: deconv(4, 4)", ((4, 4), (1, 1), (-1.5, -1.5))),
        # by hand: taps 2 apart, from pixels -2 and -1 on
        ("a: maxpool(3, stride=2, padding=(2, 0, 1, 0), dilation=2, ceil=true)", ((5, 5), (2, 2), (0, 1))),
        # by hand: output j adds up what inputs j - 4, j - 2 and j spread
        ("a: deconv(4, 3, dilation=2)", ((5, 5), (1, 1), (-2, -2))),
        # by hand: 40 positions that see 3 pixels are cut by 4 on every side, as those were that see one
        (
            "a:\n    - add(align=crop, reference=1):\n        b: conv(3, 3, padding=1)\n        c: crop(sides=4)",
            ((3, 3), (1, 1), (4, 4)),
        ),
        # by hand: of three rows one reads a pixel; of two columns one reads two, at first pixels -1 and 0
        ("a: deconv(4, (1, 3), stride=(3, 2)) >> conv(4, 1)", ((1, 2), (1 / 3, 0.5), (0, -0.5))),
        # by hand: rows 1 and columns 2 apart from where 0 was; the first that reads anything is 2 and 1 further
        ("a: deconv(4, 1, stride=3, padding=(1, 0, 2, 0))", ((1, 1), (1 / 3, 1 / 3), (1 / 3, 2 / 3))),
        # by hand: windows of 5 rows, and all 40 columns
        ("a: adaptive_avgpool((8, 1))", ((5, 40), (5, 0), (2, 19.5))),
        # by hand: each position is back where its window was, also where the last hangs over the end
        ("a: maxpool(4)\n  b: unpool(a)", ((4, 4), (1, 1), (1.5, 1.5))),
        ("a: maxpool(3)\n  b: unpool(a)", ((3, 3), (1, 1), (1, 1))),
        ("a: maxpool(3, ceil=true)\n  b: unpool(a)", ((3, 3), (1, 1), (1, 1))),
        # by hand: a local layer reads as a convolution does: 3 rows from -1 on, 2 columns with a gap between them
        ("a: local(4, (3, 2), stride=(2, 1), padding=((1, 1), (0, 2)), dilation=(1, 2))", ((3, 3), (2, 1), (0, 1))),
        ("a: conv(4, 3, padding=1) >> local(4, 3, padding=1)", ((5, 5), (1, 1), (0, 0))),
        # by hand: every pixel is there twice, so that three neighbours see two; the first reads pixels 0, 0 and 1
        ("a: upsample(2) >> conv(4, 3)", ((2, 2), (0.5, 0.5), (0.5, 0.5))),
    ],
)
def test_fields_are_what_gradients_show(layers: str, expected: tuple[Any, ...], tmp_path: Path) -> None:
    text = f"network: fields\ninput: image(3, 40, 40)\nlayers:\n  {layers}\n"
    name = load(spec(tmp_path, text, "field.yaml")).graph().nodes[-1].name
    seen = field_of(text, tmp_path, name)
    assert (seen["receptive_field"], seen["jump"], seen.get("first_centre")) == expected


def test_windows_of_a_sequence_that_stand_as_channels_are_windows(tmp_path: Path) -> None:
    """By hand: taps 2 apart see 5 positions, two of them side by side 6; each was taken for its own."""
    text = "network: rows\ninput: sequence(1, 10)\nlayers:\n  a: unfold(3, padding=2, dilation=2)\n  b: conv(2, 2)\n"
    assert field_of(text, tmp_path, "a") == {"receptive_field": (5,), "jump": (1,), "first_centre": (0,)}
    assert field_of(text, tmp_path, "b") == {"receptive_field": (6,), "jump": (1,), "first_centre": (0.5,)}


def test_a_field_wider_than_the_input_is_measured_whole() -> None:
    """VGG-16's is 212 after pool5 (Araujo et al. 2019, table), at any resolution; linear layers see all 224 pixels."""
    found = verify("vgg16", ["torch"])
    assert the(found.checks, "receptive_field", "pool5").theirs == (212, 212)
    assert the(found.checks, "receptive_field", "fc8").theirs == (224, 224)


def test_the_field_before_anything_global_is_measured(tmp_path: Path) -> None:
    """The end of a stage is not: two 3x3 windows see 5 pixels, and all 8 positions of them the 8 that there are."""
    layers = "  a: conv(4, 3, padding=2) >> conv(4, 3) >> global_avgpool\n"
    found = verify(spec(tmp_path, f"network: ends\ninput: image(3, 8, 8)\nlayers:\n{layers}"), ["torch"]).checks
    fields = {check.operation: check.theirs for check in found if check.quantity == "receptive_field"}
    assert fields == {"a.conv_2": (5, 5), "a.global_avgpool": (8, 8)}


@pytest.mark.parametrize("last", ["global_avgpool", "global_maxpool", "linear(5)"])
def test_a_whole_map_is_read_from_its_first_position_on(last: str, tmp_path: Path) -> None:
    """Three copies of each of 10 pixels are these, and not one more, as they would be from the second copy on."""
    text = f"network: copied\ninput: image(3, 10, 10)\nlayers:\n  a: upsample(3)\n  b: {last}\n"
    assert field_of(text, tmp_path, "b") == {"receptive_field": (10, 10), "first_centre": (4.5, 4.5)}


@pytest.mark.parametrize("sides", [(50, 50), (100, 0), (0, 100)])
def test_a_field_is_measured_whole_whatever_is_expected_of_it(sides: tuple[int, int], tmp_path: Path) -> None:
    layers = f"  a: conv(1, 101, padding={sides})\n"
    graph = load(spec(tmp_path, f"network: wide\ninput: sequence(1, 8)\nlayers:\n{layers}")).graph()
    axis = thin(build(graph, device="meta"), graph, 0)
    (seen,) = measure(axis, [axis.of[0]], hint=1).values()
    assert seen == Seen(101, Fraction(1), Fraction(50 - sides[0]))


def test_windows_that_lie_unevenly_are_not_compared(tmp_path: Path) -> None:
    path = spec(tmp_path, "network: uneven\ninput: image(3, 14, 14)\nlayers:\n  a: adaptive_avgpool(4)\n")
    found = verify(path, ["torch"])
    check = the(found.checks, "receptive_field", "a")
    assert (check.state, check.theirs) == ("not counted", "")
    assert "unevenly" in check.reason
    assert found.differences == []


@pytest.mark.parametrize("window", ["3, stride=2", "2, stride=3", "2, dilation=3", "3, padding=1"])
def test_what_depends_on_the_data_is_not_compared(window: str, tmp_path: Path) -> None:
    layers = f"  a: maxpool({window})\n  b: unpool(a)\n"
    found = verify(spec(tmp_path, f"network: undone\ninput: image(3, 14, 14)\nlayers:\n{layers}"), ["torch"])
    assert the(found.checks, "receptive_field", "a").state == "equal"
    check = the(found.checks, "receptive_field", "b")
    assert (check.state, check.theirs) == ("not counted", "")
    assert "depends on where they found it" in check.reason
    assert found.differences == []
