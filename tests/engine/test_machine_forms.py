"""Bytes read and written, and the peak of memory, as closed forms and in sweeps: by hand, and at every value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archcalc.dims import evaluate, maximum, variable
from archcalc.engine.cost.traffic import traffic
from archcalc.engine.formula.closed_form import closed_form
from archcalc.engine.formula.forms import formulas
from archcalc.engine.memory.form import ON_A_MACHINE, largest
from archcalc.engine.memory.memory import peak_memory
from archcalc.engine.network import analyze
from archcalc.engine.sweep.run import sweep
from archcalc.source import SpecError
from tests.cli.running import run, spec


def told(name: str, quantity: str, batch: int = 1, dtype: str = "fp32", **set: int) -> int:
    """By whole numbers alone."""
    cost = analyze(name, batch, set, dtype=dtype)
    if quantity == "peak_memory":
        return peak_memory(cost)
    return sum(moved[ON_A_MACHINE.index(quantity)] for moved in traffic(cost, cost.layers))


def test_peak_of_a_small_network_by_hand(tmp_path: Path) -> None:
    """n x n numbers in; at the first convolution they and 8 maps, at the second 8 maps and 4 more, the input held. The
    weights, 8 x 9 + 4 x 8 x 9, stand beside."""
    text = """\
network: n
input: image(1, resolution, resolution)
variables: {resolution: 10}
defaults:
  conv: {padding: half, bias: false}
layers:
  a: conv(8, 3)
  b: conv(4, 3)
"""
    form = closed_form(spec(tmp_path, text, "n.yaml"), ["resolution"], "peak_memory")
    for n in (1, 10, 1000):
        assert form(resolution=n) == 4 * (8 * 9 + 4 * 8 * 9 + (1 + 8 + 4) * n * n)


def test_traffic_of_resnet50_has_a_short_form() -> None:
    """Of every 32nd resolution: what layers read and write grows with the square, parameters are read once."""
    found = formulas("resnet50", ["resolution"], ["read_bytes", "write_bytes", "peak_memory"])
    for n in (32, 64, 224, 320):
        for name in ("read_bytes", "write_bytes", "peak_memory"):
            assert found.simple.evaluate("", name, {"resolution": n}) == told("resnet50", name, resolution=n)


@pytest.mark.parametrize(
    ("name", "over", "dtype"),
    [
        ("resnet18", {"resolution": "33,64", "batch": "1,3"}, "fp32"),
        ("gpt2", {"length": "1,17,64"}, "int4"),
        ("lenet5", {"batch": "1:4"}, "bf16"),
        ("mixtral_8x7b", {"length": "1,7"}, "bf16"),  # how many experts are used has no form
        ("resnet18", {"depth": "[1,1,1,1];[2,2,2,2]", "batch": "1,2"}, "fp32"),
    ],
)
def test_sweeps_give_what_whole_numbers_give(name: str, over: dict[str, str], dtype: str) -> None:
    """Each point, by a function that knows nothing of polynomials."""
    found = sweep(name, over, quantities=ON_A_MACHINE, dtype=dtype)
    rows = found.to_frame().to_dict("records")
    assert rows
    for row in rows:
        given = {axis: row[axis] for axis in over}
        batch = int(given.pop("batch", 1))
        for quantity in ON_A_MACHINE:
            assert row[quantity] == told(name, quantity, batch, dtype, **given)


def test_experts_of_an_open_number_of_tokens_have_no_form() -> None:
    with pytest.raises(SpecError, match="have no closed form"):
        formulas("mixtral_8x7b", ["length"], ["read_bytes"])
    assert formulas("mixtral_8x7b", ["length"], ["peak_memory"]).exact.rows


def test_a_peak_is_no_sum_of_parts() -> None:
    with pytest.raises(SpecError, match="of the whole network"):
        formulas("lenet5", ["batch"], ["peak_memory"], by="stage")


def test_the_largest_of_sums_leaves_out_what_is_never_larger() -> None:
    n = variable("n")
    found = largest([n, 3 * n, n**2 + 2, 2 * n, n**2])
    assert found == maximum(3 * n, n**2 + 2)
    assert [evaluate(found, {"n": at}) for at in (1, 2, 3)] == [3, 6, 11]


def test_intensity_is_a_column_wherever_columns_are_chosen() -> None:
    """F6 of LeNet-5: 84 x 120 products and as many sums over its inputs, weights and outputs at 4 bytes."""
    found = json.loads(run("show", "lenet5", "--columns", "name,flops_arithmetic,read_bytes,write_bytes,intensity",
                           "--sort", "intensity", "--format", "json").stdout)  # fmt: skip
    (layer,) = (of for of in found["networks"][0]["layers"] if of["name"] == "F6")
    moved = 4 * (120 + 84 * 121) + 4 * 84
    assert layer["read_bytes"] + layer["write_bytes"] == moved
    assert layer["intensity"] == pytest.approx(layer["flops_arithmetic"] / moved)
    values = [of["intensity"] for of in found["networks"][0]["layers"]]
    assert values == sorted(values, reverse=True)


def test_a_cache_writes_what_is_new() -> None:
    """In a step after 99 positions GPT-2 writes the keys or the values of one position to each cache."""
    cost = analyze("gpt2", step=True, set={"past": 99})
    moved = dict(zip([layer.name for layer in cost.layers], traffic(cost, cost.layers), strict=True))
    caches = [moved[layer.name] for layer in cost.layers if layer.type == "cache"]
    assert caches
    assert {written for _, written in caches} == {768 * 4}


@pytest.mark.parametrize("view", ["flatten", "transpose", "dropout(0.5)", "slice_channels(0, 4)"])
def test_views_move_nothing(view: str, tmp_path: Path) -> None:
    """Beside a pooling, which reads 8 x 4 numbers and writes 8."""
    text = f"network: n\ninput: sequence(8, 4)\nlayers:\n  pooled: global_avgpool\n  seen: {view}\n"
    cost = analyze(spec(tmp_path, text, "n.yaml"))
    moved = dict(zip([layer.name for layer in cost.layers], traffic(cost, cost.layers), strict=True))
    assert moved == {"pooled": (4 * 8 * 4, 4 * 8), "seen": (0, 0)}
