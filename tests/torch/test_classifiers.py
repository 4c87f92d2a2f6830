"""All classifiers and segmentation networks of torchvision are specs, and equal its definitions of them."""

from __future__ import annotations

import pytest

from archcalc.torch_bridge.verify.verify import verify

torchvision = pytest.importorskip("torchvision")
pytest.importorskip("fvcore")
pytestmark = pytest.mark.torch

from archcalc.torch_bridge.model.definitions import DEFINITIONS  # noqa: E402

RECENT = [name for name in DEFINITIONS if name.startswith(("regnet", "vit", "swin", "maxvit"))]
SEGMENTATION = [name for name, definition in DEFINITIONS.items() if definition.builder.startswith("segmentation.")]
WHOLE = {"params", "buffers", "macs", "out_shape", "param_shapes"}


def test_every_classifier_of_torchvision_is_a_spec() -> None:
    """80 of 80 in torchvision 0.29; a release with another names it here."""
    theirs = set(torchvision.models.list_models(module=torchvision.models))
    assert len(theirs) >= 80
    assert theirs - {definition.builder for definition in DEFINITIONS.values()} == set()


def test_every_segmentation_network_of_torchvision_is_a_spec() -> None:
    theirs = torchvision.models.list_models(module=torchvision.models.segmentation)
    assert {f"segmentation.{name}" for name in theirs} == {DEFINITIONS[name].builder for name in SEGMENTATION}


@pytest.mark.parametrize("name", [*RECENT, *SEGMENTATION])
def test_totals_and_shapes_of_parameters(name: str) -> None:
    found = verify(name, "torchvision")
    assert found.differences == []
    assert {check.quantity for check in found.of("torchvision", WHOLE)} == WHOLE


@pytest.mark.parametrize("name", ["swin_t", "swin_v2_t"])
@pytest.mark.parametrize("input", [(3, 97, 130), (3, 30, 512), (3, 256, 256), (3, 237, 237)])
def test_swin_takes_any_image(name: str, input: tuple[int, int, int]) -> None:
    """Patches that do not fill, maps that are no whole windows or no whole pairs of patches, maps below a window."""
    found = verify(name, "torchvision", input=input)
    assert found.differences == []
    assert {check.quantity for check in found.of("torchvision", WHOLE)} == WHOLE


@pytest.mark.parametrize(
    "name",
    [
        "vit_b_32",
        "swin_t",
        "swin_v2_t",
        "maxvit_t",
        "deit_tiny@distilled",
        "regnet_y_400mf",
        "deeplabv3_resnet50",
        "lraspp_mobilenet_v3_large",
    ],
)
def test_every_operation(name: str) -> None:
    """Shapes, parameters, buffers and MACs of each, built from the spec; fvcore's too."""
    assert verify(name, ["torch", "fvcore"]).differences == []
