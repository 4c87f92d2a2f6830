"""Costs of whole networks: sums, assumptions about batch, dtype and heads, shared weights, memory."""

from __future__ import annotations

import pytest

import archcalc
from archcalc.engine.cost.conventions import CONVENTIONS
from archcalc.engine.network import Network
from archcalc.results.cost import DTYPES, NetworkCost
from tests.engine.sample import sampled
from tests.engine.small import network

SUMMED = (
    "params",
    "weights",
    "biases",
    "norm_params",
    "buffers",
    "macs",
    "flops",
    "connections",
    "neurons",
    "activations",
    "stored_params",
    "size_bytes",
)
ELEMENTARY = ("additions", "multiplications", "divisions", "comparisons", "transcendentals")
PER_EXAMPLE = (
    "connections",
    "neurons",
    "params",
    "weights",
    "biases",
    "norm_params",
    "buffers",
    "stored_params",
    "size_bytes",
)
PER_BATCH = ("macs", "flops", "activations", "peak_activations", *ELEMENTARY)


@pytest.mark.parametrize("with_heads", [False, True])
@pytest.mark.parametrize("name", sampled())
def test_totals_are_sums_over_layers(name: str, with_heads: bool) -> None:
    """The totals are found without the layers; they must say the same."""
    cost = archcalc.analyze(name, with_heads=with_heads)
    assert len(cost.layers) == cost.totals.layers
    for field in SUMMED:
        assert getattr(cost.totals, field) == sum(getattr(layer, field) for layer in cost.layers), field
    totals = cost.totals
    assert totals.params == totals.weights + totals.biases + totals.norm_params
    assert totals.flops == 2 * totals.macs + sum(getattr(totals, field) for field in ELEMENTARY)
    assert totals.counted + totals.zero + totals.unknown == sum(len(layer.nodes) for layer in cost.layers)
    assert max(layer.out_shape.elements for layer in cost.layers) < totals.peak_activations
    assert all(isinstance(getattr(totals, field), int) for field in (*SUMMED, *PER_BATCH))
    assert sum(len(layers) for layers in cost.stages().values()) == totals.layers


@pytest.mark.parametrize("name", ["lenet5", "alexnet", "googlenet", "resnet50@torchvision", "vgg11@bn"])
@pytest.mark.parametrize("batch", [2, 7, 256])
def test_batch_multiplies_what_is_computed(name: str, batch: int) -> None:
    one, many = archcalc.analyze(name), archcalc.analyze(name, batch=batch)
    for field in PER_BATCH:
        assert getattr(many.totals, field) == batch * getattr(one.totals, field), field
    for field in PER_EXAMPLE:
        assert getattr(many.totals, field) == getattr(one.totals, field), field
    for field in ("macs", "flops", "activations"):
        assert sum(getattr(layer, field) for layer in many.layers) == getattr(many.totals, field)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtype_is_the_size_of_a_weight(dtype: str) -> None:
    cost = archcalc.analyze("lenet@caffe", dtype=dtype)
    assert cost.totals.size_bytes * 8 == cost.totals.params * DTYPES[dtype]
    assert cost.dtype == dtype


def test_half_bytes_are_rounded_up() -> None:
    small = network("fc: linear(1, bias=false)", "features(5)")
    assert archcalc.analyze(small, dtype="int4").totals.size_bytes == 3


@pytest.mark.parametrize("name", ["lenet5", "googlenet", "resnet18"])
def test_convention_macs(name: str) -> None:
    cost = archcalc.analyze(name, convention="macs", batch=2)
    assert cost.totals.flops == cost.totals.macs
    assert all(layer.flops == layer.macs for layer in cost.layers)
    assert cost.convention.column == "macs"


def test_conventions_are_data() -> None:
    for name, convention in CONVENTIONS.items():
        assert convention.name == name
        assert convention.about
        assert convention.source
    assert CONVENTIONS["arithmetic"].column == "flops_arithmetic"


def test_arithmetic_by_hand() -> None:
    """Every operation of a small net, added up by hand."""
    small = network(
        """
        conv: conv(2, 3, padding=1, activation=relu)
        pool: maxpool(2)
        fc: linear(3)
        """,
        "image(1, 4, 4)",
    )
    totals = archcalc.analyze(small).totals
    # conv: 16 positions x 2 maps x 9 taps; fc: 2 x 2 x 2 features x 3 outputs
    assert totals.macs == 16 * 2 * 9 + 8 * 3
    assert totals.additions == 32 + 3  # a bias each
    assert totals.comparisons == 32 + 8 * 3  # a ReLU each, and three for the largest of four
    assert totals.flops == 2 * totals.macs + 35 + 56
    assert totals.connections == 32 * 10 + 8 * 4 + 3 * 9
    assert totals.neurons == 32 + 3
    assert totals.activations == 32 + 8 + 3
    assert (totals.weights, totals.biases) == (18 + 24, 2 + 3)


def test_heads_count_when_asked_for() -> None:
    small = network(
        """
        a: linear(4)
        b: linear(5)
        """,
        "features(3)",
        "heads:\n  aux: tap(a) >> linear(7)",
    )
    without, having = archcalc.analyze(small), archcalc.analyze(small, with_heads=True)
    assert without.heads == having.heads == ["aux"]
    assert without.totals.macs == 3 * 4 + 4 * 5
    assert having.totals.macs == without.totals.macs + 4 * 7
    assert [layer.head for layer in having.layers] == ["", "", "aux"]
    assert having.totals.depth == without.totals.depth == 2  # of the network, whatever its heads


def test_further_outputs_count() -> None:
    small = network(
        """
        a: linear(4)
        b: linear(5)
        """,
        "features(3)",
        "outputs:\n  other: tap(a) >> linear(7) >> linear(7) >> linear(7)",
    )
    cost = archcalc.analyze(small)
    assert cost.totals.macs == 3 * 4 + 4 * 5 + 4 * 7 + 7 * 7 + 7 * 7
    assert cost.totals.depth == 4
    assert not any(layer.head for layer in cost.layers)


def test_shared_weights_are_computed_twice_and_stored_once() -> None:
    small = network(
        """
        stem: conv(4, 1)
        twice: conv(4, 3, padding=1, norm=batch_norm)
        again: share(twice)
        """,
        "image(4, 8, 8)",
    )
    cost = archcalc.analyze(small)
    stem, twice, again = cost.layers
    assert (twice.params, twice.buffers) == (4 * 4 * 9 + 4 + 8, 8)
    assert (again.params, again.weights, again.biases, again.norm_params, again.buffers) == (0, 0, 0, 0, 0)
    assert again.macs == twice.macs == 4 * 4 * 9 * 64
    assert cost.totals.params == stem.params + twice.params
    assert cost.totals.macs == stem.macs + 2 * twice.macs
    assert (cost.totals.depth, cost.totals.neurons) == (3, 3 * 4 * 64)


def test_tied_weights_are_stored_once_with_biases_of_their_own() -> None:
    small = network(
        """
        encode: linear(4)
        decode: linear(10, weights=encode)
        """,
        "features(10)",
    )
    cost = archcalc.analyze(small)
    encode, decode = cost.layers
    assert (encode.weights, encode.biases) == (40, 4)
    assert (decode.weights, decode.biases) == (0, 10)
    assert cost.totals.params == 40 + 4 + 10
    assert cost.totals.macs == 40 + 40


def test_sharing_a_tied_layer_stores_nothing_more() -> None:
    small = network(
        """
        encode: linear(4)
        decode: linear(10, weights=encode)
        narrow: linear(4)
        again: share(decode)
        """,
        "features(10)",
    )
    cost = archcalc.analyze(small)
    assert [layer.params for layer in cost.layers] == [44, 10, 44, 0]
    assert cost.totals.params == sum(layer.params for layer in cost.layers)


PEAKS = {
    # input 16; conv 16 + 32; conv 32 + 64; pool 64 + 16
    "chain": ("a: conv(2, 1)\nb: conv(4, 1)\nc: maxpool(2)", 32 + 64),
    # norm and activation work in place: input 16 + 64, then 64 + 16
    "in place": ("a: conv(4, 1, norm=batch_norm, activation=relu)\nb: conv(1, 1)", 16 + 64),
    # a ReLU of its own is a layer, so 64 + 64
    "written out": ("a: conv(4, 1)\nb: relu\nc: conv(1, 1)", 64 + 64),
    # the input of 16 waits for the sum: 16 + 48 while the wide one is made, 16 + 48 + 16 while the narrow one is,
    # 16 + 16 + 16 in the sum
    "residual": ("add:\n  convs: conv(3, 1) >> conv(1, 1)\n  shortcut: identity", 16 + 48 + 16),
    # branches of 16, 32 and 48 that all read the input: 16 + 16, + 32, + 48; then without the input, but with the
    # 96 of the result: 96 + 96
    "branches": ("m: concat(conv(1, 1), conv(2, 1), conv(3, 1))", 96 + 96),
    # an earlier layer of 64 waits: 16 + 64; 64 + 4; 64 + 4 + 4; 64 + 4 + 64 after enlarging; 64 + 64 + 128
    "skip": (
        "a: conv(4, 1)\nb: maxpool(2) >> conv(1, 1) >> conv(4, 1) >> upsample(2)\nc: concat(identity, a)",
        64 + 64 + 128,
    ),
    # the last layer is small: the peak is at the first, input and all
    "first": ("a: conv(8, 1)\nb: global_avgpool\nc: linear(2)", 16 + 128),
}


@pytest.mark.parametrize(("layers", "peak"), PEAKS.values(), ids=PEAKS)
def test_peak_activations(layers: str, peak: int) -> None:
    cost = archcalc.analyze(network(layers, "image(1, 4, 4)"))
    assert cost.totals.peak_activations == peak


def test_peak_activations_with_an_output_kept() -> None:
    """An output that counts stays alive to the end: 16 + 64; 64 + 16; 64 + 16 + 16."""
    small = network("a: conv(4, 1)\nb: conv(1, 1)\nc: conv(1, 1)", "image(1, 4, 4)", "outputs:\n  o: tap(a)")
    assert archcalc.analyze(small).totals.peak_activations == 64 + 16 + 16


def unknown() -> NetworkCost:
    return archcalc.analyze(
        network(
            """
            a: conv(4, 1)
            secret: opaque(8, stride=2)
            fc: linear(2)
            """
        )
    )


def test_what_is_not_known_makes_totals_lower_bounds() -> None:
    cost = unknown()
    assert cost.totals.at_least
    assert cost.totals.unknown == 1
    assert [layer.status for layer in cost.layers] == ["counted", "unknown", "counted"]
    assert cost.layers[1].reason
    assert cost.totals.macs == 64 * 4 + 8 * 4 * 4 * 2
    assert not archcalc.analyze("resnet50").totals.at_least


def test_declared_zeros_have_reasons() -> None:
    cost = archcalc.analyze(network("a: conv(4, 1)\nd: dropout(0.5)\ne: conv(2, 1, activation=relu)"))
    assert [layer.status for layer in cost.layers] == ["counted", "zero", "counted"]
    assert cost.layers[1].reason
    assert cost.layers[2].reason == ""
    assert (cost.totals.counted, cost.totals.zero) == (3, 1)


@pytest.mark.parametrize(
    ("layers", "depths"),
    [
        ("a: conv(2, 1) >> conv(2, 1)\nb: maxpool(2)", (2, 3)),
        # the longer branch counts, the projection does not
        ("m: add(conv(2, 1) >> conv(2, 1), conv(2, 1))", (2, 2)),
        ("m: add(conv(2, 1), conv(2, 1) >> relu >> conv(2, 1) >> conv(2, 1))", (3, 3)),
        ("m: concat(maxpool(2), conv(2, 2, stride=2))", (1, 1)),
        ("a: relu", (0, 0)),
    ],
)
def test_depth_is_of_the_longest_path(layers: str, depths: tuple[int, int]) -> None:
    totals = archcalc.analyze(network(layers)).totals
    assert (totals.depth, totals.depth_with_pooling) == depths


def test_equal_layers_are_layers_of_their_own() -> None:
    """Repeats have weights of their own, although each is costed once."""
    single: Network = network("a: conv(4, 3, padding=half)", "image(4, 8, 8)")
    many: Network = network("a: conv(4, 3, padding=half) * 50", "image(4, 8, 8)")
    one, fifty = archcalc.analyze(single).totals, archcalc.analyze(many).totals
    for field in (*PER_EXAMPLE, "macs", "flops", "layers", "depth"):
        assert getattr(fifty, field) == 50 * getattr(one, field), field
    assert fifty.peak_activations == one.peak_activations == 2 * 4 * 64
