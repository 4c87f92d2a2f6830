"""Bytes that a layer reads and writes, worked by hand."""

from __future__ import annotations

from pathlib import Path

from archcalc.engine.cost.traffic import traffic
from archcalc.engine.groups import grouped
from archcalc.engine.network import analyze
from archcalc.results.cost import NetworkCost
from tests.cli.running import spec


def by_name(cost: NetworkCost) -> dict[str, tuple[int, int]]:
    return {layer.name: bytes for layer, bytes in zip(cost.layers, traffic(cost, cost.layers), strict=True)}


def test_a_convolution_reads_its_input_and_weights_and_writes_its_output() -> None:
    """LeNet-5: 32 x 32 inputs and 156 parameters of 4 bytes; 6 maps of 28 x 28."""
    found = by_name(analyze("lenet5"))
    assert found["C1"] == ((32 * 32 + 156) * 4, 6 * 28 * 28 * 4)
    assert found["F6"] == ((120 + 10_164) * 4, 84 * 4)


def test_batch_multiplies_activations_and_the_dtype_all() -> None:
    found = by_name(analyze("lenet5", batch=8, dtype="fp16"))
    assert found["C1"] == ((8 * 32 * 32 + 156) * 2, 8 * 6 * 28 * 28 * 2)


def test_operations_of_a_layer_work_in_place_and_buffers_are_left_out() -> None:
    """conv1 of ResNet-50: weights, scale and shift of the norm; neither the norm nor the rectifier reads again."""
    found = by_name(analyze("resnet50"))
    assert found["conv1"] == ((3 * 224 * 224 + 64 * 3 * 49 + 2 * 64) * 4, 64 * 112 * 112 * 4)
    assert found["conv2.1.add"] == (2 * 256 * 56 * 56 * 4, 256 * 56 * 56 * 4)


def test_a_merge_of_one_thing_with_itself_reads_it_once_and_shared_weights_are_read_again(tmp_path: Path) -> None:
    text = """\
network: n
input: features(6)
layers:
  a: linear(6)
  b: share(a)
  c: linear(6, weights=a)
  d: add(identity, identity)
"""
    found = by_name(analyze(spec(tmp_path, text, "n.yaml")))
    assert found["a"] == found["b"] == found["c"] == ((6 + 36 + 6) * 4, 6 * 4)
    assert found["d"] == (6 * 4, 6 * 4)


def test_stages_and_types_are_the_sums_of_their_layers() -> None:
    cost = analyze("resnet18")
    layers = traffic(cost, cost.layers)
    stages = traffic(cost, grouped(cost, "stage"))
    assert sum(read for read, _ in stages) == sum(read for read, _ in layers)
    assert sum(written for _, written in stages) == sum(written for _, written in layers)
