"""Models that the `onnx` package ships for its own tests: networks of 2017 without weights, and single operators.

Parameters are those of the originals: bvlc_alexnet and bvlc_googlenet as Caffe's model zoo has them (this library's
`alexnet` and `googlenet@caffe` hold the same), VGG-19, ResNet-50 and SqueezeNet 1.1 as torchvision lists them.
"""

from pathlib import Path

import pytest

pytest.importorskip("onnx")

import onnx

from archcalc.importing.decompile import decompile
from archcalc.importing.onnx.calls import read_onnx
from archcalc.importing.totals import totals_of
from archcalc.source import SpecError

DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"
NETWORKS = {
    "bvlc_alexnet": 60_965_224,
    "inception_v1": 6_998_552,
    "vgg19": 143_667_240,
    "resnet50": 25_557_032,
    "squeezenet": 1_235_496,
    "densenet121": None,
    "inception_v2": None,
    "shufflenet": None,
    "zfnet512": None,
}

pytestmark = pytest.mark.skipif(not (DATA / "light").is_dir(), reason="this version of onnx ships no models")


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name: str) -> None:
    calls = read_onnx(DATA / "light" / f"light_{name}.onnx")
    totals = totals_of(calls)
    assert not totals.bounds
    if NETWORKS[name] is not None:
        assert totals.params == NETWORKS[name]
    if name == "vgg19":  # Simonyan and Zisserman 2015, configuration E, as this library's vgg19 is verified
        assert totals.macs == 19_632_062_464
    assert decompile(calls).proof.differences == []


def test_every_operator_is_read_or_refused() -> None:
    """No model of the package ends in anything else than calls or a diagnostic."""
    paths = sorted(path for path in DATA.rglob("model.onnx"))
    assert len(paths) > 100
    read = 0
    for path in paths:
        try:
            read += len(read_onnx(path).calls) > 0
        except SpecError as refused:
            (found,) = refused.diagnostics
            assert found.code in ("bad-graph", "cannot-import", "unsupported-opset"), path
            assert "fault of archcalc" not in found.message, path
    assert read > 100
