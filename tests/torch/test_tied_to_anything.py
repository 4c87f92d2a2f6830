"""A linear layer tied to whatever stands before it: refused in the spec, or run by torch."""

from __future__ import annotations

from pathlib import Path

import pytest

import archcalc

pytest.importorskip("torch")

from archcalc.torch_bridge.verify.verify import verify

pytestmark = pytest.mark.torch

# With one channel all of them have as many weights as are needed, or none where one is.
WITH_WEIGHTS = ["linear(1)", "linear(1, bias=false)", "linear(1, norm=batch_norm, activation=prelu)", "linear(1) * 2"]
WITHOUT = [
    *("relu", "dropout", "batch_norm", "layer_norm", "rms_norm", "prelu", "channel_scale", "rbf(1)", "opaque(1)"),
    *(
        "opaque(1, params=1, macs=1)",
        "flatten",
        "gelu",
        "scale(2)",
        "slice_channels(0, 1)",
        "softmax",
        "linear(1) >> relu",
    ),
]


@pytest.mark.parametrize("first", [*WITH_WEIGHTS, *WITHOUT])
def test_what_is_tied_runs_or_is_refused(first: str, tmp_path: Path) -> None:
    for input in ("features(1)", "image(1, 1, 1)", "sequence(1, 1)"):
        path = tmp_path / "tied.yaml"
        text = f"network: tied\ninput: {input}\nlayers:\n  a: {first}\n  b: linear(1, weights=a)\n  c: share(b)\n"
        path.write_text(text, encoding="utf-8")
        if first in WITHOUT:
            with pytest.raises(archcalc.SpecError) as caught:
                verify(str(path), ["torch"])
            assert caught.value.diagnostics[0].code == "tie-mismatch"
        else:
            assert verify(str(path), ["torch"]).differences == []
