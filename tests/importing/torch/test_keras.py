"""Models of Keras 3 on its torch backend; where Keras is installed."""

from __future__ import annotations

import os

import pytest

torch = pytest.importorskip("torch")
os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")

from archcalc.importing.decompile import decompile  # noqa: E402
from archcalc.importing.totals import totals_of  # noqa: E402
from archcalc.source import SpecError  # noqa: E402
from archcalc.torch_bridge.trace import read_torch  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(keras.backend.backend() != "torch", reason="Keras runs on another backend"),
]

# Trainable and other parameters as the summary of keras.applications' models prints them (Keras 3.15.1).
APPLICATIONS = {
    "MobileNetV2": (3_504_872, 34_112),
    "ResNet50": (25_583_592, 53_120),
    "DenseNet121": (7_978_856, 83_648),
    "EfficientNetB0": (5_288_548, None),
    "Xception": (22_855_952, 54_528),
    "InceptionV3": (23_817_352, 34_432),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", APPLICATIONS)
def test_applications(name: str) -> None:
    calls = read_torch(f"keras:{name}")
    totals = totals_of(calls)
    params, statistics = APPLICATIONS[name]
    assert totals.params == params
    assert statistics is None or totals.buffers == statistics
    found = decompile(calls)
    assert found.text, found.proof.differences


def test_a_model_that_is_none() -> None:
    with pytest.raises(SpecError) as raised:
        read_torch("keras:ResNet5")
    assert [each.code for each in raised.value.diagnostics] == ["unknown-model"]
