"""Receptive fields: by hand, and against what gradients of real torch modules reach."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

import archcalc
from archcalc.graph import NETWORK_INPUT, Graph
from archcalc.ops import CAUSAL, GLOBAL, NOTHING, OPERATORS, AnyWindow, TorchCall, Window
from archcalc.results.field import ReceptiveField
from tests.engine.small import network

HALF = Fraction(1, 2)


def field(size: int, jump: int | Fraction = 1, centre: int | Fraction = 0) -> ReceptiveField:
    """The same along both axes."""
    return ReceptiveField((size,) * 2, (Fraction(jump),) * 2, (Fraction(centre),) * 2)


BY_HAND = {
    "one convolution": ("a: conv(1, 3)", field(3, 1, 1)),
    "padded": ("a: conv(1, 3, padding=1)", field(3, 1, 0)),
    "two": ("a: conv(1, 3) * 2", field(5, 1, 2)),
    # 3, then 2 more taps that are 2 apart
    "after a stride": ("a: conv(1, 3, stride=2)\nb: conv(1, 3)", field(7, 2, 3)),
    "even kernel": ("a: maxpool(2)", field(2, 2, HALF)),
    "dilated": ("a: conv(1, 3, dilation=4)", field(9, 1, 4)),
    "dilated and padded": ("a: conv(1, 3, dilation=4, padding=half)", field(9, 1, 0)),
    "stride beyond the kernel": ("a: conv(1, 1, stride=3)\nb: conv(1, 2)", field(4, 3, 3 * HALF)),
    "pointwise": ("a: conv(1, 3) >> relu >> batch_norm >> dropout(0.5)", field(3, 1, 1)),
    # one branch sees 1, the other 5 pixels
    "branches": ("m: add(identity, conv(1, 5, padding=half))", field(5, 1, 0)),
    # rows and columns 0..2 of one, -2..0 of the other
    "branches apart": ("m: add(conv(1, 3, padding=(0, 2, 0, 2)), conv(1, 3, padding=(2, 0, 2, 0)))", field(5, 1, 0)),
    # the wide branch, cut by 4 to 8 positions, reads 3..5; the other was cut to pixel 4 before
    "branches cut to one": ("m: concat(conv(1, 3, padding=1), crop(sides=4), align=crop, reference=1)", field(3, 1, 4)),
    # 32 copies cut to 28 positions begin with pixel 1, the padded ones 6 before the input
    "copies cut": ("m: add(upsample(2), pad(6), align=crop, reference=1)", field(8, 1, -5 * HALF)),
    # all 16 positions of 3 pixels each, as far as these are inside the input
    "global": ("a: conv(1, 3, padding=1)\nb: global_avgpool", field(16, 0, 15 * HALF)),
    # seven positions, the last of which reads pixels 12 to 14: none reads the last
    "linear": ("a: conv(1, 3, stride=2)\nb: linear(5)", field(15, 0, 7)),
    "linear twice": ("a: linear(5)\nb: linear(6)", field(16, 0, 15 * HALF)),
    # pixels 6 to 9 by the branch, and pixel 0, 1, ..., 15 beside them
    "global in part": ("m: mul(identity, crop(4) >> global_avgpool)", field(10, 1, 9 * HALF)),
    "twice as dense": ("a: maxpool(2)\nb: upsample(2)", field(2, 1, HALF)),
    # neighbours among four copies: the window of 3 reaches into the next pixel at every fourth
    "four times as dense": ("a: upsample(4)\nb: conv(1, 3, padding=1)", field(2, Fraction(1, 4), -HALF)),
    # the windows reach a copy to the left of every second fourth: pixels -1 and 0, then 0 alone
    "strides over copies": ("a: upsample(4)\nb: conv(1, 3, stride=2, padding=1)", field(2, HALF, -HALF)),
    "a window over copies": ("a: upsample(2)\nb: conv(1, 2)", field(2, HALF, 0)),
    # output j adds up what inputs j - 3 to j spread
    "transposed without a stride": ("a: deconv(1, 4)", field(4, 1, -3 * HALF)),
    "transposed and cropped": ("a: deconv(1, 3, padding=(2, 0, 2, 0))", field(3, 1, 1)),
    "transposed with gaps": ("a: conv(1, 3)\nb: deconv(1, 1, stride=3)", field(3, Fraction(1, 3), 1)),
    "adapted to one": ("a: adaptive_avgpool(1)\nb: upsample(2)", field(16, 0, 15 * HALF)),
    # every position is scaled by all 16 of its channel
    "squeezed": ("m: mul(identity, adaptive_avgpool(1) >> conv(1, 1))", field(16, 0, 15 * HALF)),
    "cubic to as many": ("a: upsample(1, mode=bicubic)", field(1)),
    # 16 positions in windows of 3, the last of which hangs over the end: each is brought back to its own window
    "unpooled": ("a: maxpool(3, ceil=true)\nb: unpool(a)", field(3, 1, 1)),
    # pixels 0 to 15, four copies of each
    "global over copies": (
        "a: upsample(4)\nb: conv(1, 3, padding=1)\nc: global_avgpool",
        field(16, 0, 15 * HALF),
    ),
    # every second position of a spread map reads a pixel, the first of them pixel 1
    "the first reads nothing": ("a: deconv(1, 1, stride=2, padding=1)", field(1, HALF, HALF)),
    # pixel 4 of one, pixels -1 to 1 of the other, from where they move on by 1 and by 2
    "branches that move apart": ("m: add(crop(8), conv(1, 3, stride=2, padding=1))", field(6, 2, 3 * HALF)),
    # two copies of a pixel, and four of a pair of pixels, which is what all four then see
    "branches of unlike copies": ("m: add(upsample(2), maxpool(2) >> upsample(4))", field(2, HALF, HALF)),
    # Simonyan and Zisserman: three 3x3 are a 7x7
    "three for seven": ("a: conv(1, 3, padding=half) * 3", field(7, 1, 0)),
    # conv1 and pool1 of GoogLeNet and ResNet
    "a stem": ("a: conv(1, 7, stride=2, padding=half)\nb: maxpool(3, stride=2, padding=1)", field(11, 4, 0)),
}


@pytest.mark.parametrize(("layers", "expected"), BY_HAND.values(), ids=BY_HAND)
def test_by_hand(layers: str, expected: ReceptiveField) -> None:
    assert archcalc.analyze(network(layers, "image(1, 16, 16)")).receptive_field == expected


def test_what_reads_nothing_has_a_field_of_none() -> None:
    """Every second position between the pixels that were spread two apart."""
    small = network("a: deconv(1, 1, stride=2) >> conv(1, 1, stride=2, padding=1)", "image(1, 16, 16)")
    found = archcalc.analyze(small).receptive_field
    assert found is not None
    assert found.size == (0, 0)


def test_axes_are_apart() -> None:
    small = network("a: conv(1, (1, 7), stride=(1, 2), padding=half)\nb: conv(1, (3, 1))", "image(1, 16, 32)")
    assert archcalc.analyze(small).receptive_field == ReceptiveField(
        (3, 7), (Fraction(1), Fraction(2)), (Fraction(1), Fraction(0))
    )


def test_sequences_and_volumes() -> None:
    sequence = archcalc.analyze(network("a: conv(1, 3, dilation=2, padding=4)", "sequence(1, 20)"))
    assert sequence.receptive_field == ReceptiveField((5,), (Fraction(1),), (Fraction(-2),))
    volume = archcalc.analyze(network("a: conv(1, 3, stride=2)", "volume(1, 9, 9, 9)"))
    assert volume.receptive_field == ReceptiveField((3,) * 3, (Fraction(2),) * 3, (Fraction(1),) * 3)


def test_features_have_none() -> None:
    cost = archcalc.analyze(network("a: linear(3)", "features(2)"))
    assert cost.receptive_field is None
    assert cost.layers[0].receptive_field is None


def test_each_layer_has_its_own() -> None:
    """VGG's first two blocks: 3, 5, 6, 10, 14, 16."""
    layers = archcalc.analyze("vgg16").layers
    sizes = [layer.receptive_field.size[0] for layer in layers if layer.receptive_field][:6]
    assert sizes == [3, 5, 6, 10, 14, 16]


@pytest.mark.parametrize(
    ("name", "size", "jump"),
    [
        # Araujo, Norris and Sim 2019, Table 1, with the strides where TF-slim has them
        ("alexnet@tfslim", 195, 32),
        ("vgg16", 212, 32),
        ("resnet50@tfslim", 483, 32),
        ("resnet101@tfslim", 1027, 32),
        ("resnet152@tfslim", 1507, 32),
        # by hand: 11 after pool1; 3x3s at jumps 4 4 4, 4 8 8 8, 8 16 16 16 16 16, 16 32 32 add twice their sum, 416
        ("resnet50@torchvision", 427, 32),
    ],
)
def test_published(name: str, size: int, jump: int) -> None:
    """Before the global pool and the linear layers."""
    layers = archcalc.analyze(name).layers
    last = next(index for index, layer in enumerate(layers) if layer.type in ("global_avgpool", "linear"))
    seen = next(layer for layer in reversed(layers[:last]) if layer.type != "dropout").receptive_field
    assert seen is not None
    assert (seen.size, seen.jump) == ((size, size), (Fraction(jump),) * 2)


# Against torch: a network with positive weights, and the input pixels that the gradient of one output reaches.

REAL = {
    "chain": "a: conv(2, 3)\nb: conv(3, 5, padding=2)",
    "stride": "a: conv(2, 3, stride=2, padding=1)\nb: conv(2, 3, stride=3)\nc: conv(1, 2)",
    "dilation": "a: conv(2, 3, dilation=3, padding=half)\nb: conv(2, 3, dilation=2, stride=2)",
    "asymmetric": "a: conv(2, (1, 5), padding=half)\nb: conv(2, (3, 2), stride=(2, 1))",
    "groups": "a: conv(4, 3, padding=1)\nb: conv(4, 3, groups=2)\nc: depthwise(3)\nd: conv(1, 1)",
    "pooling": "a: conv(2, 3)\nb: maxpool(3, stride=2)\nc: avgpool(2)\nd: conv(1, 3, padding=1)",
    "residual": "a: conv(2, 3, stride=2)\nm: add(conv(2, 3, padding=half) >> conv(2, 3, padding=half), identity)",
    "branches": "m: concat(conv(1, 1), conv(1, 3, padding=1), conv(2, 5, padding=2))\nb: conv(1, 2, stride=2)",
    "lopsided branches": (
        "m: concat(conv(1, 3, padding=(0, 2, 0, 2)), conv(1, 3, padding=(2, 0, 2, 0)))\nb: conv(1, 3)"
    ),
    "pool branch": "m: concat(conv(1, 3, stride=2, padding=1), maxpool(3, stride=2, padding=1))\nb: conv(1, 3)",
    "after upsampling": (
        "a: conv(2, 3, stride=4, padding=1) >> upsample(2) >> conv(2, 3, padding=1) >> upsample(2) >> "
        "conv(2, 3, padding=1)"
    ),
    "copies and strides": "a: upsample(3)\nb: conv(2, 3, stride=2, padding=1)\nc: conv(2, 2, dilation=2)",
    "transposed": "a: conv(2, 3, stride=2)\nb: deconv(1, 4, stride=2, padding=1)",
    "transposed 3": "a: conv(2, 3, stride=3)\nb: deconv(1, 3, stride=3)",
    "transposed wide": "a: conv(2, 2, stride=2)\nb: deconv(1, 6, stride=2, padding=2)\nc: conv(1, 3, padding=1)",
    "upsampled": "a: maxpool(2)\nb: upsample(2)\nc: conv(1, 3, padding=half)",
    "norm and activation": "a: conv(2, 3, norm=batch_norm, activation=relu, padding=half)\nb: relu\nc: conv(1, 3)",
}
SIDE, MARGIN = 48, 8  # zeros beyond the maps in between cut fields near the border


def build(torch: Any, call: TorchCall) -> Any:
    """The module with positive weights; the largest value as a sum, so that every pixel of the window counts."""
    module = getattr(torch.nn, call.target.removeprefix("nn."))(
        *(build(torch, value) if isinstance(value, TorchCall) else value for value in call.args), **call.kwargs
    )
    if isinstance(module, torch.nn.MaxPool2d):
        return lambda x: torch.nn.functional.avg_pool2d(x, module.kernel_size, module.stride, module.padding)
    for parameter in module.parameters():
        torch.nn.init.constant_(parameter, 1)
    return module.eval().double()


def run(torch: Any, graph: Graph, x: Any) -> Any:
    """The output of a graph, node by node, from the torch calls of its operators."""
    given = {NETWORK_INPUT: x}
    for index, node in enumerate(graph.nodes):
        call = node.operator.torch(node.x)
        inputs = [given[read] for read in node.inputs]
        if call.target == "torch.cat":
            given[index] = torch.cat(inputs, **call.kwargs)
        elif call.target.startswith("torch."):
            given[index] = sum(inputs)
        else:
            given[index] = build(torch, call)(*inputs)
    return given[graph.output]


@pytest.mark.torch
@pytest.mark.parametrize("layers", REAL.values(), ids=REAL)
def test_gradients_reach_as_far(layers: str) -> None:
    """The pixels that interior output positions depend on: no more, and at some positions no fewer."""
    torch = pytest.importorskip("torch")
    small = network(layers, f"image(1, {SIDE}, {SIDE})")
    cost = archcalc.analyze(small)
    found = cost.receptive_field
    assert found is not None
    x = torch.ones((1, 1, SIDE, SIDE), dtype=torch.float64, requires_grad=True)
    y = run(torch, cost.graph, x)
    assert tuple(y.shape[1:]) == (cost.layers[-1].out_shape.channels, *cost.layers[-1].out_shape.spatial)
    dense = "deconv" in layers or "upsample" in layers  # positions that are not all alike
    largest = [0, 0]
    compared = 0
    for position in range(min(y.shape[2:])):
        (gradient,) = torch.autograd.grad(y[0, :, position, position].sum(), x, retain_graph=True)
        reached = gradient[0, 0].nonzero()
        for axis in range(2):
            low, high = int(reached[:, axis].min()), int(reached[:, axis].max())
            if low < MARGIN or high >= SIDE - MARGIN:
                continue
            compared += 1
            half = Fraction(found.size[axis] - 1, 2)
            centre = found.first_centre[axis] + position * found.jump[axis]
            largest[axis] = max(largest[axis], high - low + 1)
            if dense:
                assert high - low + 1 <= found.size[axis]
            else:
                assert (Fraction(low), Fraction(high)) == (centre - half, centre + half)
    assert compared > 2
    assert largest == list(found.size)


@pytest.mark.parametrize(
    ("window", "seen", "local"),
    [
        # every position sees all 16 pixels; the path beside it the 3 of the convolution
        (GLOBAL, field(16, 0, 15 * HALF), field(3, 1, 0)),
        # the last position sees all 16, the first pixels 0 and 1; from one to the next it is one pixel more
        (CAUSAL, field(16, 1, HALF), field(3, 1, 0)),
        # a branch that comes from no input adds nothing
        (NOTHING, field(3, 1, 0), field(3, 1, 0)),
        # an unknown one is not dropped
        (Window((1, 1), (1, 1), (0, 0), (1, 1), is_known=False), field(3)._replace(is_at_least=True), None),
    ],
    ids=["global", "causal", "nothing", "unknown"],
)
def test_unions_tell_nothing_everything_and_the_unknown_apart(
    window: AnyWindow, seen: ReceptiveField, local: ReceptiveField | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OPERATORS["relu"], "window", lambda self, x: window)
    cost = archcalc.analyze(network("a: conv(1, 3, padding=1)\nb: add(relu, identity)", "image(1, 16, 16)"))
    assert cost.receptive_field == seen
    assert cost.local_receptive_field == (local or seen)
