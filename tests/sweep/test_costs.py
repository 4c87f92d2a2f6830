"""Every configuration of a sweep, held to the integer engine one by one."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import archcalc
from archcalc.dims import Dim, variable
from archcalc.engine.cost.conventions import CONVENTIONS
from archcalc.engine.cost.quantities import FLOPS, OPERATIONS
from archcalc.engine.network import analyze
from archcalc.engine.sweep.arrays import evaluate_grid, evaluate_points
from archcalc.engine.sweep.chunk import SweepMismatchError
from archcalc.engine.sweep.expansion import SWEPT, Expansion
from archcalc.engine.sweep.plan import make_plan
from archcalc.results.sweep import Sweep
from archcalc.source import Source, SpecError
from archcalc.spec.library import all_names, choose
from archcalc.spec.read import read_spec

NAMES = [name for name in all_names() if "resolution" in archcalc.load(name).spec.settable]
SPACES = [name for name in NAMES if archcalc.load(name).spec.space]  # of which --over sweeps all members


def one_by_one(network: Any, found: Sweep, batch: int = 1, **options: Any) -> None:
    """Every combination of the axes is a row with the costs of the integer engine, or no network to that either."""
    axes = found.heading.axes
    columns = found.columns
    rows = {
        tuple(str(columns[axis.name][row]) for axis in axes): {name: int(columns[name][row]) for name in SWEPT}
        for row in range(len(found))
    }
    assert len(rows) == len(found)
    lost = 0
    for indices in product(*(range(axis.size) for axis in axes)):
        settings = {axis.name: axis.value(index) for axis, index in zip(axes, indices, strict=True)}
        key = tuple(str(axis.column(np.array([index]))[0]) for axis, index in zip(axes, indices, strict=True))
        own = {name: str(value) for name, value in settings.items() if name != "batch"}
        try:
            totals = analyze(network, int(settings.get("batch", batch)), own, **options).totals
        except SpecError:
            lost += 1
            assert key not in rows
        else:
            assert rows[key] == {name: getattr(totals, name) for name in SWEPT}, settings
    assert found.tally.lost == lost
    assert found.tally.computed == lost + len(found)


def network_of(text: str) -> archcalc.Network:
    return archcalc.Network(*choose(read_spec(Source("net.yaml", text))))


@pytest.mark.parametrize("name", [name for name in NAMES if "1202" not in name and name not in SPACES])
def test_resolutions_of_every_network(name: str) -> None:
    first = int(archcalc.load(name).graph().input.spatial[0])
    found = archcalc.sweep(name, {"resolution": [1, first // 2 + 3, first, first + 37]})
    assert len(found)
    one_by_one(name, found)


def test_operations_and_flops_of_every_convention() -> None:
    over = {"resolution": "33:65:16", "width": "0.5,1", "batch": "1,3"}
    names = ("macs", *OPERATIONS, *FLOPS)
    found = archcalc.sweep("resnet50@torchvision", over, quantities=names).columns
    for row in range(12):
        resolution, width, batch = (str(found[name][row]) for name in over)
        settings = {"resolution": resolution, "width": width}
        totals = {
            name: analyze("resnet50@torchvision", int(batch), settings, convention=name).totals for name in CONVENTIONS
        }
        assert {name: found[name][row] for name in FLOPS} == {name: totals[FLOPS[name].name].flops for name in FLOPS}
        for name in OPERATIONS:
            assert found[name][row] == getattr(totals["arithmetic"], name)
    columns = archcalc.sweep("resnet50@torchvision", {"resolution": "224"}, quantities=["flops_fvcore"]).columns
    assert columns["flops_fvcore"].tolist() == [4_111_512_576]  # as fvcore 0.1.5.post20221221 prints


def test_lenet_at_its_own_size_costs_what_the_paper_says() -> None:
    columns = archcalc.sweep("lenet5", {"resolution": "28:36:4"}).columns
    (row,) = np.flatnonzero(columns["resolution"] == 32)
    assert columns["params"][row] == 60_000  # LeCun et al. 1998, section II.B
    assert columns["connections"][row] == 340_908


def test_resnet50_at_multiples_of_32() -> None:
    columns = archcalc.sweep("resnet50@torchvision", {"resolution": "32:640:32"}).columns
    for n, macs in enumerate(columns["macs"].tolist(), 1):
        assert macs == 83_410_944 * n**2 + 2_048_000  # fitted to torchvision's model, counted by fvcore


@pytest.mark.parametrize(
    ("name", "over"),
    [
        ("resnet50", {"resolution": "20:90:14", "width": "0.25:1:0.25", "classes": [10, 1000]}),
        ("resnet50@torchvision", {"depth": "[2,2,2,2];[3,4,6,3]", "resolution": "32:64:16", "width": "1/8,1,3/2"}),
        ("resnet50", {"stride_at": "1:3", "resolution": "31,64", "shortcut": "option_b,option_c"}),
        ("vgg16", {"resolution": "16:64:16", "width": "0.3:1:0.1", "batch": [1, 3]}),
        ("resnet20", {"n": "1:4", "width": "1,2", "resolution": "30:32"}),
        ("alexnet", {"padding1": "0,1,2", "groups": "1:3", "resolution": "200:227:9"}),
        ("enet", {"height": "32:64:8", "width": "32:64:8"}),
        ("squeezenet1_0@pruned", {"resolution": "200:230:10", "classes": "10,100"}),
        ("fractalnet20", {"columns": "1:3", "resolution": "32,64"}),
        ("ciresan-1", {"units": "[10,20];[30]", "classes": "2:4"}),
    ],
)
def test_axes_of_every_kind(name: str, over: dict[str, Any]) -> None:
    found = archcalc.sweep(name, over)
    assert len(found)
    one_by_one(name, found)


def test_what_stays_free_and_what_is_looped() -> None:
    over = {"resolution": "64,96", "depth": "[2,2,2,2];[3,4,6,3]", "width": "0.5,1", "block": "basic,bottleneck"}
    found = archcalc.sweep("resnet50", over)
    assert found.heading.looped == {"resnet50": ("depth", "block")}
    assert archcalc.sweep("resnet50", {"width": "0.3:1:0.1"}).heading.looped == {"resnet50": ("width",)}
    assert archcalc.sweep("alexnet", {"padding1": "0,1"}).heading.looped == {"alexnet": ()}


@pytest.mark.parametrize("deep", ["true,false", "false,true"])
def test_an_axis_that_decides_the_structure_at_some_values_is_looped_only_there(deep: str) -> None:
    text = "network: n\ninput: image(3, r, r)\nvariables: {r: 8, deep: false, k: 1}\n"
    network = network_of(f"{text}layers:\n  one: conv(4, 3, padding=half) * (k if deep else 1)\n")
    found = archcalc.sweep(network, {"r": "4,8", "k": "1:3", "deep": deep})
    assert found.heading.looped == {"n": ("deep",)}
    one_by_one(network, found)


WIDTHS = """\
network: widths
input: image(3, resolution, resolution)
variables: {width: 1, resolution: 32, kernel: 3}
modules:
  separable(channels, stride=1):
    - depthwise(kernel, stride=stride, padding=half)
    - conv(make_divisible(channels*width, 8), 1)
layers:
  stem: conv(make_divisible(32*width, 8), 3, stride=2, padding=half)
  body: separable(64) >> separable(128, stride=2)
  joined:
    - add:
        - identity
        - identity if x.channels == 48 else conv(x.channels, 1)
  pool: global_avgpool
  fc: linear(10)
"""


def test_widths_made_divisible_and_a_choice_at_some_of_them() -> None:
    """At a width where `x.channels == 48` the network is another one: it is computed apart."""
    network = network_of(WIDTHS)
    found = archcalc.sweep(network, {"width": "0.125:2:0.125", "resolution": "8:32:8"})
    assert found.heading.looped == {"widths": ()}
    one_by_one(network, found)
    drawn = archcalc.sweep(network, {"width": "0.125:2:0.125", "resolution": "8:32:8"}, sample=50)
    assert_rows_are_among(drawn, found)


def assert_rows_are_among(drawn: Sweep, found: Sweep) -> None:
    known = set(map(tuple, found.to_frame().itertuples(index=False)))
    rows = list(map(tuple, drawn.to_frame().itertuples(index=False)))
    assert rows
    assert set(rows) <= known


def test_the_first_that_is_no_network_is_told() -> None:
    """A window of 3 does not fit into 1 or 2 pixels without padding: the fifth and sixth configurations."""
    text = "network: n\ninput: image(3, r, r)\nvariables: {r: 8, p: 1}\nlayers:\n  one: conv(4, 3, padding=p)\n"
    found = archcalc.sweep(network_of(text), {"p": "1,0", "r": "1:4"})
    assert found.heading.looped == {"n": ("p",)}
    (left_out,) = found.tally.left_out
    assert (left_out.points, left_out.number, left_out.settings) == (2, 4, "p=0 r=1")


def test_heads_dtype_set_and_batch() -> None:
    found = archcalc.sweep(
        "googlenet", {"resolution": "193:224:31"}, set={"classes": 10}, batch=4, dtype="fp16", with_heads=True
    )
    columns = found.columns
    for row, resolution in enumerate(columns["resolution"].tolist()):
        totals = analyze(
            "googlenet", 4, {"resolution": resolution, "classes": 10}, dtype="fp16", with_heads=True
        ).totals
        assert {name: int(columns[name][row]) for name in SWEPT} == {name: getattr(totals, name) for name in SWEPT}


def test_several_networks_keep_their_order() -> None:
    found = archcalc.sweep(["vgg11", "resnet18"], {"resolution": "32,64"})
    assert found.columns["network"].tolist() == ["vgg11", "vgg11", "resnet18", "resnet18"]
    alone = archcalc.sweep("resnet18", {"resolution": "32,64"})
    assert found.columns["macs"].tolist()[2:] == alone.columns["macs"].tolist()


def test_past_64_bits_python_counts_on() -> None:
    found = archcalc.sweep("resnet50@torchvision", {"resolution": "32000000,3200000000", "batch": "1,1000000"})
    assert "macs" in found.tally.wide
    assert "params" not in found.tally.wide
    assert found.columns["macs"].dtype == object
    exact = [(83_410_944 * n**2 + 2_048_000) * batch for n in (10**6, 10**8) for batch in (1, 10**6)]
    assert found.columns["macs"].tolist() == exact
    assert found.columns["params"].dtype == np.int64
    assert archcalc.sweep("resnet50", {"resolution": "32,320"}).tally.wide == frozenset()


def test_a_sample_is_drawn_from_the_axes_and_again_the_same() -> None:
    over = {"resolution": "32:64:8", "width": "0.25:1:0.25", "depth": "[2,2,2,2];[1,1,1,1]"}
    whole = archcalc.sweep(["resnet18", "resnet34"], over)
    drawn = archcalc.sweep(["resnet18", "resnet34"], over, sample=60, seed=3)
    assert len(drawn) == 60
    assert_rows_are_among(drawn, whole)
    again = archcalc.sweep(["resnet18", "resnet34"], over, sample=60, seed=3)
    assert again.to_frame().equals(drawn.to_frame())
    other = archcalc.sweep(["resnet18", "resnet34"], over, sample=60, seed=4)
    assert not other.to_frame().equals(drawn.to_frame())
    assert len(archcalc.sweep(["resnet18", "resnet34"], over, sample=80)) == 80  # no more than there are: all
    assert archcalc.sweep(["resnet18", "resnet34"], over, sample=80).heading.sample is None


def test_a_sample_of_a_space_too_large_to_list() -> None:
    over = {"resolution": "32:1000000", "width": "1/64:10000:1/64", "classes": "1:1000000"}
    found = archcalc.sweep("resnet18", over, sample=500)
    assert len(found) == 500
    assert found.tally.checked == 16


def test_a_sample_of_many_expansions_is_drawn_in_smaller_chunks() -> None:
    """Nearly every draw of 2^14 takes an expansion of its own where there are more than 64."""
    assert make_plan("resnet20", {"n": "1:64", "resolution": "32:100000"}, sample=2**14).chunks == 1
    assert make_plan("resnet20", {"n": "1:65", "resolution": "32:100000"}, sample=2**14).chunks == 2


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_chunks_do_not_change_what_comes_out(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    over = {"resolution": "8:64:8", "depth": "[2,2,2,2];[1,1,1,1];[1,2,1,1]", "width": "0.25:1:0.25"}
    whole = archcalc.sweep(["resnet18", "vgg11"], {"resolution": "8:64:8", "width": "0.25:1:0.25"})
    looped = archcalc.sweep("resnet18", over)
    monkeypatch.setattr("archcalc.engine.sweep.plan.CHUNK", chunk)
    monkeypatch.setattr("archcalc.engine.sweep.plan.MOST_EXPANSIONS", 2)
    assert archcalc.sweep("resnet18", over).to_frame().equals(looped.to_frame())
    again = archcalc.sweep(["resnet18", "vgg11"], {"resolution": "8:64:8", "width": "0.25:1:0.25"})
    assert again.to_frame().equals(whole.to_frame())
    assert again.tally == whole.tally


def test_a_wrong_number_in_arrays_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Expansion.costs

    def wrong(self: Expansion, *arguments: Any) -> Any:
        found = right(self, *arguments)
        return {**found, "macs": found["macs"] + 1}

    monkeypatch.setattr(Expansion, "costs", wrong)
    with pytest.raises(SweepMismatchError, match=r"resnet18 at resolution=.*by the integer engine"):
        archcalc.sweep("resnet18", {"resolution": "32:64"})


def test_an_assumption_that_is_overlooked_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Expansion.__init__

    def overlooks(self: Expansion, *arguments: Any) -> None:
        right(self, *arguments)
        self.requirements = []

    monkeypatch.setattr(Expansion, "__init__", overlooks)
    with pytest.raises(SweepMismatchError, match="no network by the integer engine"):
        archcalc.sweep("vgg16", {"resolution": "1:32"})


def test_a_size_beyond_the_limits_of_the_language_is_refused() -> None:
    text = "network: n\ninput: image(3, a, a)\nvariables: {a: 1, b: 1}\nlayers:\n  one: conv(a*b, 1)\n"
    with pytest.raises(SpecError, match="2\\^63"):
        archcalc.sweep(network_of(text), {"a": "1000000000000000", "b": "1000000000000"})


def test_grids_and_points_agree() -> None:
    r, w, c = variable("r"), variable("w"), variable("c")
    numbers: list[Dim] = [7, r, (r + 1) // 2 * w - c, (r * w + c) // (w + c), r**2 * w**2 * ((r + 3) // 4) + 3 * c * w]
    values = {"r": np.arange(1, 12), "w": np.array([3, 1, 8]), "c": np.array([5])}
    grid = evaluate_grid(numbers, values, np.dtype(np.int64))
    indices = {name: of.reshape(-1) for name, of in zip(values, np.indices((11, 3, 1)), strict=True)}
    points = evaluate_points(numbers, values, indices, np.dtype(np.int64))
    few = {name: of[4:6] for name, of in indices.items()}
    for on_grid, at_points, at_few in zip(
        grid, points, evaluate_points(numbers, values, few, np.dtype(np.int64)), strict=True
    ):
        flat = np.broadcast_to(on_grid, (11, 3, 1)).reshape(-1)
        assert np.broadcast_to(at_points, flat.shape).tolist() == flat.tolist()
        assert np.broadcast_to(at_few, 2).tolist() == flat[4:6].tolist()


def test_planning_and_run_share_one_expansion(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder over length x past: expanded once with both free; the others are the points that are checked."""
    from archcalc.engine.network import Network

    expanded = []
    genuine = Network.graph

    def counted(self: Network, *arguments: Any, **named: Any) -> Any:
        expanded.append(named.get("free"))
        return genuine(self, *arguments, **named)

    monkeypatch.setattr(Network, "graph", counted)
    archcalc.sweep("gpt2", {"length": "1:8:1", "past": "0:9:1"}, quantities=["macs", "state"])
    assert len([free for free in expanded if free]) == 1
