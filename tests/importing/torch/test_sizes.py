"""Texts that hold at any size of the input: held to torch's own count at sizes that nothing was read at."""

# What modules of torch give is Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional  # noqa: E402

import archcalc  # noqa: E402
from archcalc.importing.sources import imported  # noqa: E402
from tests.importing.torch.reading import macs  # noqa: E402

pytestmark = pytest.mark.torch


def assert_right_at(sizes: list[tuple[int, int]], model: nn.Module, text: str, folder: Path) -> None:
    """The text's MACs are FlopCounterMode's at these sizes."""
    file = folder / "net.yaml"
    file.write_text(text)
    meta = model.to("meta").eval()
    for size in sizes:
        assert archcalc.analyze(str(file), input=(3, *size)).totals.macs == macs(meta, (3, *size)), size


@pytest.mark.parametrize("is_second", [False, True])
def test_windows_that_do_not_fit_the_map(is_second: bool, tmp_path: Path) -> None:
    """Swin at 224 fills its windows of 7: that it pads, cuts, moves windows and pads before merging shows elsewhere."""
    swin = pytest.importorskip("torchvision").models.swin_transformer
    kinds: dict[str, Any] = (
        {"block": swin.SwinTransformerBlockV2, "downsample_layer": swin.PatchMergingV2} if is_second else {}
    )
    window = [8, 8] if is_second else [7, 7]
    model = swin.SwinTransformer([4, 4], 16, [2, 2], [2, 4], window, **kinds)
    found = imported(model, (3, 112, 112))
    assert found.proof.is_of_both, found.proof.differences
    assert "x.height%2" in found.text
    assert f"ceil(x.height/{window[0]})*{window[0]} - x.height" in found.text
    assert f"(shift={window[0] // 2})" in found.text
    assert_right_at([(144, 176), (100, 191)], model, found.text, tmp_path)


class Pooled(nn.Module):
    """A branch that knows the whole image, as DeepLab has it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return functional.interpolate(self.conv(x.mean((2, 3), keepdim=True)), size=x.shape[-2:], mode="bilinear")


class Segmenter(nn.Module):
    """Maps that grow to what an earlier one had, not by a factor."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.deep = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 4, 1)
        self.pooled, self.local, self.head = Pooled(), nn.Conv2d(8, 4, 3, padding=1), nn.Conv2d(8, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        deep = self.deep(self.stem(x))
        found = torch.cat([self.pooled(deep), self.local(deep)], 1)
        return self.head(functional.interpolate(found, size=x.shape[-2:], mode="bilinear"))


def test_maps_that_grow_to_the_extents_of_another(tmp_path: Path) -> None:
    model = Segmenter()
    found = imported(model, (3, 64, 64))
    assert found.proof.is_of_both, found.proof.differences
    assert "upsample(mode=bilinear, size=(x.height, x.width))" in found.text
    assert "upsample(mode=bilinear, size=(height, width))" in found.text
    assert_right_at([(64, 64), (60, 71), (33, 130)], model, found.text, tmp_path)
