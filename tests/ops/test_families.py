"""What is peculiar to an operator or to a family of them, against enumeration and by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from archcalc.dims import RequirementError
from archcalc.ops import (
    GLOBAL,
    OPERATORS,
    POINTWISE,
    ArgumentError,
    LayerReference,
    Operator,
    Shape,
    Table,
    Window,
    features,
    image,
    sequence,
    words_of,
)
from tests.ops.making import arithmetic, make


def connections(operator: Operator, x: Any) -> Any:
    return operator.connections(x, operator.infer(x))


# LeNet-5, LeCun et al. 1998, section II.B: each layer's figures, and both totals that the paper prints.

C3 = """
X...XXX..XXXX.XX
XX...XXX..XXXX.X
XXX...XXX..X.XXX
.XXX..XXXX..X.XX
..XXX..XXXX.XX.X
...XXX..XXXX.XXX
"""
LENET = [
    (make("conv", channels=6, kernel=5), 156, 122_304),
    (make("subsample", kernel=2), 12, 5880),
    (
        make(
            "conv",
            channels=16,
            kernel=5,
            connections=Table(tuple(tuple(mark == "X" for mark in row) for row in C3.split())),
        ),
        1516,
        151_600,
    ),
    (make("subsample", kernel=2), 32, 2000),
    (make("conv", channels=120, kernel=5), 48_120, 48_120),
    (make("linear", channels=84), 10_164, 10_164),
    (make("rbf", channels=10), 0, 840),
]


def test_lenet5() -> None:
    x = image(1, 32, 32)
    params = joined = depth = 0
    for operator, stored, connected in LENET:
        found = operator.parameters(x)
        assert found.weights + found.biases == stored
        assert connections(operator, x) == connected
        params += stored
        joined += connected
        depth += operator.weighted or operator.pooling
        x = operator.infer(x)
    assert (params, joined, depth) == (60_000, 340_908, 7)
    assert x == features(10)


# Sliding windows.


@given(st.integers(1, 30), st.integers(1, 6), st.integers(1, 6), st.integers(0, 3), st.integers(1, 3))
def test_ceil_mode_against_enumeration(extent: int, kernel: int, stride: int, pad: int, dilation: int) -> None:
    """A last window may hang over, if it starts before the right padding."""
    reach = dilation * (kernel - 1) + 1
    assume(2 * pad <= reach)  # as torch asks; beyond it, windows lie in the padding alone
    starts = range(-pad, extent + pad, stride)
    whole = [start for start in starts if start + reach <= extent + pad]
    pool = make("maxpool", kernel=kernel, stride=stride, padding=pad, dilation=dilation, ceil=True)
    floor = make("maxpool", kernel=kernel, stride=stride, padding=pad, dilation=dilation)
    if whole:
        # one more where positions are left over, as long as it starts inside the input or the left padding
        beyond = whole[-1] + stride
        left_over = whole[-1] + reach < extent + pad
        expected = len(whole) + (left_over and beyond < extent)
        assert floor.infer(sequence(1, extent)).spatial == (len(whole),)
        assert pool.infer(sequence(1, extent)).spatial == (expected,)
    else:
        with pytest.raises(RequirementError):
            floor.infer(sequence(1, extent))


@given(st.integers(1, 40), st.integers(1, 7), st.integers(1, 5), st.integers(1, 3))
def test_same_padding_gives_whole_windows(extent: int, kernel: int, stride: int, dilation: int) -> None:
    conv = make("conv", channels=1, kernel=kernel, stride=stride, padding="same", dilation=dilation)
    y = conv.infer(sequence(1, extent))
    assert y.spatial == (-(-extent // stride),)
    window = conv.window(sequence(1, extent))
    assert isinstance(window, Window)
    before = window.padding[0]
    lacking = max((y.spatial[0] - 1) * stride + dilation * (kernel - 1) + 1 - extent, 0)
    assert before == lacking // 2


def test_valid_padding_is_none_and_half_leaves_the_middle() -> None:
    """Of 8 positions: windows of 3 that lie inside, as many as positions, and 8 + 2 that a kernel of 3 adds up to."""
    for name in ("conv", "depthwise", "maxpool", "deconv"):
        channels = {"channels": 1} if name in ("conv", "deconv") else {}
        found = {}
        for padding in ("valid", "half"):
            layer = make(name, **channels, kernel=3, stride=1, padding=padding)
            found[padding] = layer.infer(sequence(1, 8)).spatial
        assert found == {"valid": (10,) if name == "deconv" else (6,), "half": (8,)}


def test_pools_take_same_padding() -> None:
    """As TensorFlow: ceil(7/2) and ceil(8/2) windows; the first begins before the input by half of what they lack."""
    for name in ("maxpool", "avgpool"):
        pool = make(name, kernel=3, stride=2, padding="same")
        assert pool.infer(image(2, 7, 8)) == image(2, 4, 4)
        window = pool.window(image(2, 7, 8))
        assert isinstance(window, Window)
        assert window.padding == (1, 0)  # of 4*2 + 1 - 7 = 2 positions and of 4*2 + 1 - 8 = 1


def test_what_is_opaque_reads_its_stride_at_least() -> None:
    window = Window((2, 4), (2, 4), (0, 0), (1, 1), is_known=False)
    assert make("opaque", channels=3, stride=(2, 4)).window(image(1, 8, 8)) == window
    assert make("opaque", channels=3).window(features(8)) == POINTWISE


def test_stride_of_a_pool_is_its_kernel() -> None:
    for name in ("maxpool", "avgpool", "lppool", "subsample"):
        assert make(name, kernel=3).infer(image(2, 9, 10)) == image(2, 3, 3)


def test_squeezenet_pools_round_up() -> None:
    """Iandola et al. 2016, Table 1: 111x111 to 55x55; with ceil=true, 54x54 after 109x109 and 27 after 54."""
    pool = make("maxpool", kernel=3, stride=2, ceil=True)
    assert [pool.infer(image(1, n, n)).spatial[0] for n in (111, 109, 54, 13)] == [55, 54, 27, 6]


@given(st.integers(1, 40), st.integers(1, 12))
def test_adaptive_windows_against_enumeration(extent: int, size: int) -> None:
    """Window i from floor(i*e/s) to ceil((i + 1)*e/s)."""
    windows = [(i * extent // size, -(-(i + 1) * extent // size)) for i in range(size)]
    lengths = [end - start for start, end in windows]
    for name in ("adaptive_avgpool", "adaptive_maxpool"):
        pool = make(name, size=size)
        assert connections(pool, sequence(3, extent)) == 3 * sum(lengths)
        counted = arithmetic(pool, sequence(3, extent))
        assert counted.additions + counted.comparisons == 3 * (sum(lengths) - size)
        window = pool.window(sequence(3, extent))
        assert isinstance(window, Window)
        assert max(lengths) <= window.kernel[0] <= max(lengths) + 1
        assert (window.padding, window.dilation, window.upsample) == ((0,), (1,), ())
        if extent % size == 0:
            assert window.kernel == (extent // size,)
            assert window.stride == (extent // size if size > 1 else 1,)  # a single one is as a global pooling


# Linear layers.


def test_linear_takes_all_features_but_in_a_sequence() -> None:
    linear = make("linear", channels=10)
    assert linear.infer(image(3, 4, 5)) == linear.infer(features(60)) == features(10)
    assert linear.infer(sequence(3, 4)) == sequence(10, 4)
    assert linear.window(image(3, 4, 5)) == GLOBAL
    assert linear.window(sequence(3, 4)) == linear.window(features(3)) == POINTWISE


def test_tied_weights_are_computed_but_not_stored() -> None:
    embedding = LayerReference("embedding", 0, Shape(None, (7,)), sequence(16, 7))
    tied = make("linear", channels=1000, weights=embedding, bias=False)
    assert tied.parameters(sequence(16, 7)).weights == 0
    assert arithmetic(tied, sequence(16, 7)).macs == 16 * 1000 * 7
    assert connections(tied, sequence(16, 7)) == 16 * 1000 * 7
    encoder = LayerReference("encoder", 0, features(30), features(4))
    assert make("linear", channels=30, weights=encoder).infer(features(4)) == features(30)


# Merges.


def test_crop_takes_the_extents_of_the_reference() -> None:
    branches = (image(8, 20, 20), image(8, 14, 12))
    for name, channels in (("concat", 16), ("add", 8), ("mul", 8), ("mean", 8)):
        assert make(name, align="crop", reference=1).infer(branches) == image(channels, 14, 12)


def test_mul_repeats_extents_of_one() -> None:
    mul = make("mul")
    assert mul.infer((image(8, 1, 5), image(8, 7, 1))) == image(8, 7, 5)
    with pytest.raises(RequirementError, match="branches give 8x7x5 and 8x7x2") as caught:
        mul.infer((image(8, 7, 5), image(8, 7, 2)))
    assert caught.value.help == "only a branch of extent 1, or of features, is repeated"


def test_a_mismatch_names_both_shapes() -> None:
    with pytest.raises(RequirementError) as caught:
        make("add").infer((image(256, 56, 56), image(64, 56, 56)))
    assert str(caught.value) == "add needs branches of one shape; branches give 256x56x56 and 64x56x56"
    with pytest.raises(
        RequirementError, match="add needs branches of one rank; branches give image 2x3x3 and sequence 2x3"
    ):
        make("add").infer((image(2, 3, 3), sequence(2, 3)))


def test_features_are_added_to_every_position() -> None:
    """As a time is to a map; which branch comes first does not matter."""
    for name in ("add", "mul"):
        for branches in [(image(4, 3, 5), features(4)), (features(4), image(4, 3, 5))]:
            assert make(name).infer(branches) == image(4, 3, 5)
            counted = arithmetic(make(name), branches)
            assert counted.additions + counted.multiplications == 60
        with pytest.raises(RequirementError, match="branches give 4x3x5 and 3"):
            make(name).infer((image(4, 3, 5), features(3)))


# Declared zeros and unknowns.


def test_states() -> None:
    copies = ("concat", "dropout", "flatten")
    for name in copies:
        x: Any = (features(3), features(3)) if name == "concat" else features(3)
        assert arithmetic(make(name), x).status == "zero"
        assert arithmetic(make(name), x).reason
    assert arithmetic(make("relu"), features(3)).status == "counted"
    assert arithmetic(make("opaque", channels=2), features(3)).status == "unknown"
    half_known = arithmetic(make("opaque", channels=2, macs=5), features(3))
    assert (half_known.status, half_known.macs) == ("unknown", 5)
    assert half_known.reason == "its parameters are not known"
    told = make("opaque", channels=2, macs=5, params=0)
    assert (arithmetic(told, features(3)).status, arithmetic(told, features(3)).macs) == ("unknown", 5)
    assert not {"params", "macs"} & told.not_told()
    assert {"connections", "neurons", "depth", "receptive_field", "flops"} <= told.not_told()


def test_elements_by_kind() -> None:
    """Conventions weigh output elements of each kind of work."""
    x = image(4, 6, 6)
    for name, arguments, kind, elements in [
        ("maxpool", {"kernel": 2}, "pooling", 36),
        ("global_avgpool", {}, "pooling", 4),
        ("adaptive_maxpool", {"size": 2}, "pooling", 16),
        ("subsample", {"kernel": 3}, "pooling", 16),
        ("batch_norm", {}, "norm", 144),
        ("layer_norm", {}, "norm", 144),
        ("group_norm", {"groups": 2}, "norm", 144),
        ("rms_norm", {}, "norm", 144),
        ("lrn", {}, "norm", 144),
        ("relu", {}, "activation", 144),
        ("prelu", {}, "activation", 144),
        ("glu", {}, "activation", 72),
        ("softmax", {}, "activation", 144),
        ("linear", {"channels": 7}, "bias", 7),
        ("conv", {"channels": 2, "kernel": 3}, "bias", 32),
        ("subsample", {"kernel": 2}, "bias", 36),
    ]:
        assert getattr(arithmetic(make(name, **arguments), x), kind) == elements, name
    for name in ("add", "mul", "mean"):
        assert arithmetic(make(name), (x, x, x)).merge == 144


KINDS = {"norm": "norm", "layer_norm": "norm", "pool": "pooling", "adaptive": "pooling"}
KINDS |= dict.fromkeys(("pointwise", "gates", "softmax"), "activation")


@pytest.mark.parametrize("name", [name for name, cls in OPERATORS.items() if cls.family in KINDS])
def test_outputs_are_elements_of_their_kind(name: str) -> None:
    """Each output element once, of the kind of work that the operator's file is about."""
    for example in OPERATORS[name].examples:
        counted = arithmetic(*example.operation(OPERATORS[name]))
        assert getattr(counted, KINDS[OPERATORS[name].family]) == example.y.elements


@pytest.mark.parametrize(
    ("name", "arguments", "x", "channels", "positions"),
    [
        ("conv", {"channels": 2, "kernel": 3}, image(3, 6, 6), 2, 16),
        ("depthwise", {"kernel": 3, "multiplier": 2}, image(3, 6, 6), 6, 16),
        ("deconv", {"channels": 2, "kernel": 3}, image(3, 6, 6), 2, 64),  # more than the inputs
        ("patch_embedding", {"channels": 5, "patch": 2}, image(3, 6, 6), 5, 9),
        ("linear", {"channels": 7}, sequence(3, 6), 7, 6),
        ("subsample", {"kernel": 2}, image(3, 6, 6), 3, 9),
    ],
)
def test_a_bias_is_an_addition_and_a_connection_of_each_output(
    name: str, arguments: dict[str, Any], x: Shape, channels: int, positions: int
) -> None:
    """By hand: what a layer with a bias has more than the same layer without one."""
    more, fewer = (make(name, **arguments, bias=bias) for bias in (True, False))
    assert make(name, **arguments).parameters(x) == more.parameters(x)
    assert more.parameters(x) == fewer.parameters(x)._replace(biases=channels)
    outputs = channels * positions
    without: Any = arithmetic(fewer, x)
    assert without.bias == 0
    assert arithmetic(more, x) == without._replace(additions=without.additions + outputs, bias=outputs)
    assert connections(more, x) - connections(fewer, x) == outputs


# Other operators.


def test_pad_channels_to_as_many_is_allowed() -> None:
    assert make("pad_channels", channels=5).infer(features(5)) == features(5)


def test_pairs_of_sides_mean_the_same_on_every_input() -> None:
    """By hand; two numbers are those of two axes, so that a sequence of one axis refuses them."""
    pairs = ((1, 2), (3, 4))
    assert make("crop", sides=pairs).infer(image(3, 20, 30)) == image(3, 17, 23)
    assert make("crop", sides=(1, 2, 3, 4)).infer(image(3, 20, 30)) == image(3, 17, 23)
    assert make("crop", sides=(1, 2)).infer(image(3, 20, 30)) == image(3, 18, 26)
    assert make("crop", sides=((19, 25),)).infer(sequence(3, 50)) == sequence(3, 6)
    assert make("crop", sides=(3,)).infer(sequence(3, 50)) == sequence(3, 44)
    with pytest.raises(RequirementError, match="sides has 2 numbers for an input with 1 spatial axis") as caught:
        make("crop", sides=(19, 25)).infer(sequence(3, 50))
    assert caught.value.help == "sides=((19, 25),) cuts 19 before and 25 after"
    with pytest.raises(RequirementError, match="sides has 1 numbers for an input with 2 spatial axes"):
        make("crop", sides=((19, 25),)).infer(image(3, 50, 50))
    assert make("pad", padding=pairs).infer(image(3, 20, 30)) == image(3, 23, 37)
    assert make("conv", channels=5, kernel=3, padding=pairs).infer(image(3, 20, 30)) == image(5, 21, 35)
    assert make("maxpool", kernel=2, stride=1, padding=((0, 1), (1, 0))).infer(image(3, 5, 5)) == image(3, 5, 5)
    assert make("conv", channels=5, kernel=3, padding=((2, 0),)).infer(sequence(3, 9)) == sequence(5, 9)


@pytest.mark.parametrize("sides", [((1, 2), 3), ((1, 2, 3), (4, 5, 6)), ((1,), (2,))])
def test_pairs_of_sides_have_two_numbers_each(sides: Any) -> None:
    with pytest.raises(ArgumentError, match="two numbers for each axis, before and after"):
        make("crop", sides=sides)


def test_crop_leaves_the_middle() -> None:
    window = make("crop", size=(3, 4)).window(image(1, 8, 8))
    assert isinstance(window, Window)
    assert window.padding == (-2, -2)


def test_unpool_gives_what_the_pool_read() -> None:
    pool = make("maxpool", kernel=2)
    x = image(4, 9, 7)
    reference = LayerReference("pool", 0, x, pool.infer(x))
    unpool = make("unpool", pool=reference)
    assert unpool.infer(pool.infer(x)) == x
    # each position of the pool's output was found in two by two of its input
    assert unpool.window(pool.infer(x)) == Window((2, 2), (1, 1), (0, 0), (1, 1), (2, 2))


def test_a_vector_of_features_has_no_positions_to_flatten() -> None:
    assert make("flatten").window(features(5)) == POINTWISE
    assert make("flatten").window(sequence(5, 3)) == GLOBAL


@given(st.integers(1, 9), st.integers(1, 6), st.sampled_from(["bilinear", "bicubic"]))
def test_upsampling_is_a_transposed_convolution(extent: int, scale: int, mode: str) -> None:
    """Its window, read as a transposed convolution, gives as many outputs."""
    up = make("upsample", scale=scale, mode=mode)
    x = image(1, extent, extent)
    window = up.window(x)
    assert isinstance(window, Window)
    positions = (extent - 1) * scale - 2 * window.padding[0] + window.kernel[0]
    assert up.infer(x).spatial[0] == positions


def test_padding_of_a_transposed_output_is_below_stride_or_dilation() -> None:
    """As torch.nn.ConvTranspose2d: one of them is enough, along each axis."""
    assert make("deconv", channels=1, kernel=2, stride=3, output_padding=2).infer(image(1, 2, 2)) == image(1, 7, 7)
    assert make("deconv", channels=1, kernel=2, dilation=3, output_padding=2).infer(image(1, 2, 2)) == image(1, 7, 7)
    with pytest.raises(RequirementError, match="an output_padding of 1 is not below the stride, 1, or the dilation, 1"):
        make("deconv", channels=1, kernel=2, stride=(2, 1), output_padding=1).infer(image(1, 2, 2))


def test_equal_operators_are_one() -> None:
    assert make("maxpool", kernel=3) is make("maxpool", kernel=3)
    assert make("scale", factor=1) is not make("scale", factor=2)
    assert make("relu").family == "pointwise"


def test_words_are_few() -> None:
    """They are reserved in specs: no layer, module, variable or argument can have their names."""
    assert words_of(OPERATORS.values()) == {
        *("half", "same", "valid", "causal"),
        *("nearest", "bilinear", "bicubic"),
        *("zeros", "reflect", "replicate"),
        "crop",
    }
