"""Measurements on a GPU: events, memory, energy, and what happens where memory ends."""

from __future__ import annotations

import pytest

import archcalc

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU"),
]

from archcalc.torch_bridge.profile.nvml import gpu_of  # noqa: E402
from archcalc.torch_bridge.profile.profile import MeasurementError, profile  # noqa: E402


@pytest.mark.parametrize("dtype", ["fp32", "fp16", "bf16"])
def test_a_gpu_is_measured(dtype: str) -> None:
    found = profile("resnet18", device="cuda", batch=8, dtype=dtype, layers=True, channels_last=True)
    assert found.environment.device_name == torch.cuda.get_device_name()
    assert found.environment.cuda == torch.version.cuda
    weights = archcalc.analyze("resnet18").totals.params * (4 if dtype == "fp32" else 2)
    assert found.peak_memory_bytes is not None
    assert found.peak_memory_bytes > weights
    assert found.median_s > 0
    assert found.residue_s == pytest.approx(found.median_s - sum(layer.median_s for layer in found.layers))


def test_a_gpu_that_is_full() -> None:
    free, _ = torch.cuda.mem_get_info()
    with pytest.raises(MeasurementError, match="it takes at least") as caught:
        profile("vgg16", device="cuda", batch=free // 1_000_000)
    assert caught.value.code == "out-of-memory"
    assert profile("lenet5", device="cuda", train=True).median_s > 0  # and goes on


def test_training_takes_more_of_a_gpu_than_inference() -> None:
    inference = profile("resnet18", device="cuda", batch=8)
    training = profile("resnet18", device="cuda", batch=8, train=True, layers=True)
    assert training.executed_macs > 2 * inference.executed_macs
    assert training.peak_memory_bytes is not None
    assert inference.peak_memory_bytes is not None
    assert training.peak_memory_bytes > inference.peak_memory_bytes
    assert all(layer.median_s > 0 for layer in training.layers)


def test_energy_and_clocks_where_the_library_tells() -> None:
    found = profile("resnet18", device="cuda", batch=8)
    gpu = gpu_of(torch.device("cuda", 0))
    if gpu is None:
        pytest.skip("nvidia-ml-py is not installed")
    assert found.environment.driver == gpu.driver()
    assert found.environment.clock_mhz
    assert (found.energy_j is None) is (gpu.energy_j() is None)
    assert found.energy_j is None or found.energy_j > 0


def test_a_compiled_model_on_a_gpu() -> None:
    assert profile("squeezenet1_1", device="cuda", batch=4, dtype="fp16", compile=True).compiled
