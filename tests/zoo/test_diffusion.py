"""Stable Diffusion's U-Net and DiT as diffusers defines them; DeiT as timm does, with its outputs."""

from __future__ import annotations

import pytest

from archcalc.torch_bridge.zoo.definitions import MODELS
from archcalc.torch_bridge.zoo.models import parameters

torch = pytest.importorskip("torch", reason="the torch extra is not installed")
pytestmark = pytest.mark.torch

from archcalc.torch_bridge.verify.verify import verify  # noqa: E402

DIFFUSION = [name for name, model in MODELS.items() if model.library == "diffusers"]


@pytest.mark.parametrize("name", DIFFUSION)
def test_networks_are_as_diffusers_defines_them(name: str) -> None:
    """Parameters and MACs on meta, to the last integer; what its DiT has more is told by its reason."""
    pytest.importorskip("diffusers", reason="the zoo extra is not installed")
    found = verify(name, ["diffusers"])
    assert found.differences == []
    states = {check.quantity: check.state for check in found.checks}
    assert states == dict.fromkeys(("params", "macs"), "equal" if name == "sd_unet" else "not counted")


def test_what_diffusers_prints_of_the_largest() -> None:
    """As published: 859.52 M of Stable Diffusion 1's U-Net; DiT-XL/2's checkpoint in diffusers has 749.83 M."""
    pytest.importorskip("diffusers", reason="the zoo extra is not installed")
    assert parameters(MODELS["sd_unet"].build()) == 859_520_964
    assert parameters(MODELS["dit_xl_2"].build()) == 749_826_464


@pytest.mark.parametrize("distilled", [False, True], ids=["plain", "distilled"])
def test_outputs_of_deit_are_timms(distilled: bool) -> None:
    """Every parameter's shape, the counts, and outputs with timm's weights in ours."""
    timm = pytest.importorskip("timm", reason="the zoo extra is not installed")
    name = "deit_tiny@distilled" if distilled else "deit_tiny"
    model = timm.create_model(f"deit_tiny_{'distilled_' * distilled}patch16_224").eval()
    found = verify(name, model, values=True)
    assert found.differences == []
    assert {check.quantity for check in found.checks} == {
        *("out_shape", "params", "buffers", "macs", "param_shapes", "values"),
    }
