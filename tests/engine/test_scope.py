"""Costs of what is under a path."""

from __future__ import annotations

import pytest

import archcalc
from archcalc.engine.groups import grouped
from archcalc.results.cost import Totals
from tests.engine.small import network

ADDED = ("params", "weights", "biases", "norm_params", "buffers", "macs", "flops", "connections", "neurons", "layers")


def test_inception_3a_with_reductions_and_without() -> None:
    """387,072 weights without the 1x1 reductions, 163,328 with them and the projection, 157,184 without that."""
    reduced = archcalc.analyze("googlenet", scope="inception_3a")
    naive = archcalc.analyze("googlenet@naive", scope="inception_3a")
    assert (reduced.totals.weights, naive.totals.weights) == (163_328, 387_072)
    assert round(163_328 / 387_072, 2) == 0.42
    (projection,) = [layer for layer in reduced.layers if layer.name == "inception_3a.pool.conv"]
    assert reduced.totals.weights - projection.weights == 157_184
    assert reduced.totals.macs == reduced.totals.weights * 28 * 28


@pytest.mark.parametrize("name", ["googlenet", "resnet50", "squeezenet1_0@pruned", "fractalnet20", "enet"])
@pytest.mark.parametrize("batch", [1, 3])
def test_stages_sum_to_the_network(name: str, batch: int) -> None:
    whole = archcalc.analyze(name, batch=batch)
    parts = [archcalc.analyze(name, batch=batch, scope=stage) for stage in whole.stages()]
    for field in (*ADDED, "stored_params", "activations", "counted", "zero"):
        assert sum(getattr(part.totals, field) for part in parts) == getattr(whole.totals, field), field
    assert [layer.name for part in parts for layer in part.layers] == [layer.name for layer in whole.layers]
    assert max(part.totals.peak_activations for part in parts) <= whole.totals.peak_activations


def test_rows_are_those_of_the_network() -> None:
    whole = {layer.name: layer for layer in archcalc.analyze("resnet50").layers}
    part = archcalc.analyze("resnet50", scope="conv2.1")
    for layer in part.layers:
        other = whole[layer.name]
        assert (layer.params, layer.macs, layer.in_shape, layer.out_shape) == (
            other.params,
            other.macs,
            other.in_shape,
            other.out_shape,
        )
        assert layer.receptive_field == other.receptive_field
    assert part.receptive_field == part.layers[-1].receptive_field
    assert sum(row.macs for row in grouped(part, "op")) == part.totals.macs


def test_depth_and_activations_of_a_block() -> None:
    """Both branches read the block's input: 16 x 8 x 8; the longest has two layers with weights."""
    small = network(
        """
        stem: conv(16, 3, padding=half)
        block:
          add:
            convs: conv(8, 1) >> conv(16, 3, padding=half)
            shortcut: conv(16, 1)
        out: conv(2, 1)
        """
    )
    totals = archcalc.analyze(small, scope="block").totals
    assert (totals.depth, totals.layers) == (2, 4)
    assert totals.activations == (8 + 16 + 16 + 16) * 64
    assert totals.peak_activations == (16 + 16 + 16) * 64


def test_what_is_read_from_two_places() -> None:
    """A decoder's block reads what is below it and an earlier layer: 4 x 4 x 4 and 2 x 8 x 8."""
    small = network(
        """
        down: conv(2, 3, padding=half)
        pool: maxpool(2) >> conv(4, 1)
        up:
          - deconv(2, 2, stride=2)
          - concat(identity, down)
          - conv(1, 1)
        """
    )
    totals = archcalc.analyze(small, scope="up").totals
    assert totals.depth == 2
    # the deconvolution's input and output, and `down`; then output and `down` and both together
    assert totals.peak_activations == max(64 + 128 + 128, 128 + 128 + 256)


def test_what_is_read_later_stays_alive() -> None:
    small = network("a:\n  b: conv(4, 1)\n  c: conv(1, 1)\nd: concat(identity, a.b)")
    assert archcalc.analyze(small, scope="a").totals.peak_activations == 64 * 5


def test_weights_from_outside_are_stored_outside() -> None:
    small = network("a: linear(5)\nb: share(a)\nc: linear(5, weights=a)", "features(5)")
    assert archcalc.analyze(small, scope="b").totals.params == 0
    assert archcalc.analyze(small, scope="c").totals.params == 5
    assert archcalc.analyze(small, scope="a").totals.params == 30


def test_a_head_needs_no_option() -> None:
    heads = [archcalc.analyze("googlenet", scope=name).totals.params for name in ("aux1", "aux2")]
    both = archcalc.analyze("googlenet", with_heads=True).totals.params - archcalc.analyze("googlenet").totals.params
    assert sum(heads) == both


def test_without_a_scope_nothing_changes() -> None:
    assert archcalc.analyze("googlenet", scope="").totals == archcalc.analyze("googlenet").totals
    assert isinstance(archcalc.analyze("googlenet", scope="conv1").totals, Totals)


@pytest.mark.parametrize(
    ("scope", "near"),
    [
        ("inception_3x", "`inception_3b`"),
        ("inception_3a.5x6", "`inception_3a.5x5`"),
        ("zzz", "archcalc show googlenet"),
    ],
)
def test_an_unknown_scope(scope: str, near: str) -> None:
    with pytest.raises(archcalc.SpecError) as caught:
        archcalc.analyze("googlenet", scope=scope)
    (found,) = caught.value.diagnostics
    assert found.code == "unknown-scope"
    assert near in (found.help or "")
