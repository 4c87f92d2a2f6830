"""What is peculiar to single operators, worked by hand or by brute force."""

from __future__ import annotations

import ast
from fractions import Fraction
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
    Arithmetic,
    Example,
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
from tests.ops.refusals import SEQUENCE_REFUSALS
from tests.ops.test_every_operator import documented


def make(name: str, **arguments: Any) -> Operator:
    return OPERATORS[name].of(arguments)


def connections(operator: Operator, x: Any) -> Any:
    return operator.connections(x, operator.infer(x))


def arithmetic(operator: Operator, x: Any) -> Arithmetic:
    return operator.arithmetic(x, operator.infer(x))


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


# Interpolation.


@pytest.mark.parametrize(
    ("mode", "x", "additions", "multiplications"),
    [
        # between two values, a + t*(b - a): along a row; two rows and between them; two planes and between them
        ("bilinear", sequence(1, 3), 2, 1),
        ("bilinear", image(1, 3, 3), 2 * 3, 3),
        ("bilinear", Shape(1, (3, 3, 3)), 2 * 7, 7),
        # four rows of four values and one between them, each a sum of four products (Keys 1981)
        ("bicubic", image(1, 3, 3), 5 * 3, 5 * 4),
    ],
)
def test_interpolations_of_one_output(mode: str, x: Shape, additions: int, multiplications: int) -> None:
    counted: Any = arithmetic(make("upsample", scale=2, mode=mode), x)
    outputs = x.positions * 2**x.rank
    assert (counted.additions, counted.multiplications) == (additions * outputs, multiplications * outputs)
    assert counted.status == "counted"


# Norms.


def test_batch_norm_without_statistics_counts_as_instance_norm() -> None:
    x = image(3, 4, 5)
    batch = make("batch_norm", statistics=False)
    assert batch.parameters(x).buffers == 0
    assert arithmetic(batch, x) == arithmetic(make("instance_norm", scale=True, shift=True), x)


def test_group_norm_at_its_extremes() -> None:
    x = image(6, 4, 5)
    plain = {"scale": False, "shift": False}
    one = arithmetic(make("group_norm", groups=1, **plain), x)
    assert one == arithmetic(make("layer_norm", whole=True, **plain), x)
    assert arithmetic(make("group_norm", groups=6, **plain), x) == arithmetic(make("instance_norm"), x)


# Activations: the operations of the formula that the docstring shows are those that are counted.

FORMULAS = {name: cls for name, cls in OPERATORS.items() if hasattr(cls, "formula")}
TRANSCENDENTALS = {"exp", "log", "tanh", "erf"}
BINARY = {ast.Add: "additions", ast.Sub: "additions", ast.Mult: "multiplications", ast.Div: "divisions"}


def operations(formula: str) -> dict[str, int]:
    """How often a formula uses each kind of elementary operation; of a choice, the longer side."""
    found = dict.fromkeys((*BINARY.values(), "comparisons", "transcendentals"), 0)

    def walk(node: ast.AST) -> None:
        if isinstance(node, ast.IfExp):
            longer, shorter = operations(ast.unparse(node.body)), operations(ast.unparse(node.orelse))
            for kind in found:
                found[kind] += max(longer[kind], shorter[kind])
            walk(node.test)
            return
        if isinstance(node, ast.BinOp):
            found[BINARY[type(node.op)]] += 1
        elif isinstance(node, ast.Compare):
            found["comparisons"] += 1
        elif isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name)
            found["transcendentals" if node.func.id in TRANSCENDENTALS else "comparisons"] += 1
        for child in ast.iter_child_nodes(node):
            walk(child)

    walk(ast.parse(formula, mode="eval"))
    return found


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_are_counted(name: str) -> None:
    operator = make(name, **FORMULAS[name].examples[0].arguments)
    formula = str(vars(FORMULAS[name])["formula"])
    counted = arithmetic(operator, features(1))._asdict()
    assert {kind: counted[kind] for kind in operations(formula)} == operations(formula)


@pytest.mark.parametrize(
    ("approximate", "formula"),
    [
        (False, "0.5 * x * (1 + erf(x * 0.7071))"),
        (True, "0.5 * x * (1 + tanh(0.7978 * (x + 0.044715 * x * x * x)))"),
    ],
)
def test_gelu_is_counted(approximate: bool, formula: str) -> None:
    counted = arithmetic(make("gelu", approximate=approximate), features(1))._asdict()
    assert {kind: counted[kind] for kind in operations(formula)} == operations(formula)


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


# Refusals: every code that a docstring names, with an input that gives it.

TABLE = Table(((True, False), (True, True)))
POOL = LayerReference("pool", 0, image(4, 8, 8), image(4, 4, 4))
EMBEDDING = LayerReference("words", 0, Shape(None, (7,)), sequence(16, 7))
REFUSALS: list[tuple[str, dict[str, Any], Any, str]] = [
    ("conv", {"channels": 4, "kernel": 3, "groups": 2}, image(3, 8, 8), "indivisible-groups"),
    ("conv", {"channels": 3, "kernel": 3, "groups": 2}, image(4, 8, 8), "indivisible-groups"),
    ("conv", {"channels": 2, "kernel": 1, "connections": TABLE}, image(3, 8, 8), "table-mismatch"),
    ("deconv", {"channels": 4, "kernel": 3, "groups": 2}, image(3, 8, 8), "indivisible-groups"),
    ("deconv", {"channels": 4, "kernel": 3, "padding": "same"}, image(3, 8, 8), "padding-word"),
    ("deconv", {"channels": 4, "kernel": 1, "padding": 4}, image(3, 8, 8), "window-larger-than-input"),
    (
        "deconv",
        {"channels": 4, "kernel": 3, "stride": 2, "output_padding": 2},
        image(3, 8, 8),
        "output-padding-too-large",
    ),
    ("maxpool", {"kernel": 2, "ceil": True, "padding": "same"}, image(3, 8, 8), "ceil-with-same"),
    ("avgpool", {"kernel": 2, "ceil": True, "padding": "same"}, image(3, 8, 8), "ceil-with-same"),
    ("avgpool", {"kernel": 3, "padding": 1}, Shape(1, (2, 8, 8)), "window-larger-than-input"),
    ("lppool", {"kernel": 3, "stride": 2, "ceil": True}, Shape(1, (8, 8, 2)), "window-larger-than-input"),
    ("adaptive_avgpool", {"size": 5000}, image(3, 8, 8), "adaptive-outputs"),
    ("adaptive_maxpool", {"size": 5000}, image(3, 8, 8), "adaptive-outputs"),
    ("linear", {"channels": 5, "weights": POOL}, features(9), "tie-mismatch"),
    ("group_norm", {"groups": 2}, image(3, 8, 8), "indivisible-groups"),
    ("glu", {}, features(3), "odd-channels"),
    ("softmax2d", {}, sequence(3, 8), "image-needed"),
    ("upsample", {"scale": 2, "mode": "bicubic"}, sequence(3, 8), "image-needed"),
    ("unpool", {"pool": POOL}, image(4, 5, 4), "unpool-mismatch"),
    ("unpool", {"pool": POOL}, sequence(4, 4), "unpool-mismatch"),
    ("pad", {"padding": 8, "mode": "reflect"}, image(3, 8, 8), "reflection-larger-than-input"),
    ("crop", {}, image(3, 8, 8), "crop-arguments"),
    ("crop", {"size": 2, "sides": 2}, image(3, 8, 8), "crop-arguments"),
    ("crop", {"size": 9}, image(3, 8, 8), "crop-larger-than-input"),
    ("crop", {"sides": 4}, image(3, 8, 8), "crop-larger-than-input"),
    ("pad_channels", {"channels": 2}, image(3, 8, 8), "fewer-channels"),
    ("slice_channels", {"start": 2, "stop": 2}, image(3, 8, 8), "channels-out-of-range"),
    ("slice_channels", {"start": 2, "stop": 4}, image(3, 8, 8), "channels-out-of-range"),
    ("channel_shuffle", {"groups": 2}, image(3, 8, 8), "indivisible-groups"),
    ("pixel_shuffle", {"factor": 2}, image(6, 8, 8), "indivisible-channels"),
    ("pixel_unshuffle", {"factor": 3}, image(6, 8, 9), "indivisible-extent"),
    *[(name, {}, (image(3, 8, 8), image(3, 8, 7)), "shape-mismatch") for name in ("concat", "add", "mul", "mean")],
    *[
        (name, {"align": "crop"}, (image(3, 8, 8), image(3, 8, 7)), "crop-larger-than-input")
        for name in ("concat", "add", "mul", "mean")
    ],
    *[
        (name, {"reference": 2}, (features(3), features(3)), "no-such-branch")
        for name in ("concat", "add", "mul", "mean")
    ],
    *[
        (
            name,
            {"kernel": 9, **({"channels": 1} if name == "conv" else {})},
            image(3, 8, 8),
            "window-larger-than-input",
        )
        for name in ("conv", "depthwise", "maxpool", "avgpool", "lppool", "subsample")
    ],
    *[
        (name, {"p": Fraction(11, 10)}, features(3), "share-above-one")
        for name in ("dropout", "spatial_dropout", "alpha_dropout", "drop_path")
    ],
    ("patch_embedding", {"channels": 1, "patch": 9}, image(3, 8, 8), "window-larger-than-input"),
    ("linear", {"channels": 9, "weights": EMBEDDING}, sequence(8, 7), "tie-mismatch"),
    *SEQUENCE_REFUSALS,
]


for _name, _cls in OPERATORS.items():
    if _cls.roles is not None:
        continue
    _inputs: dict[str, Any] = {"no-channels": Shape(None, (8,)), "no-spatial-axes": features(8)}
    for _code, _x in _inputs.items():
        if _code in documented(_cls):
            REFUSALS.append((_name, dict(_cls.examples[0].arguments), (_x, _x) if _cls.merges else _x, _code))
    if "axes-mismatch" in documented(_cls):
        _axes = next(name for name, each in _cls.arguments.items() if each.kind in ("extents", "padding", "factors"))
        _map: Any = (image(4, 8, 8),) * 2 if _cls.merges else image(4, 8, 8)
        REFUSALS.append((_name, {**_cls.examples[0].arguments, _axes: (1, 1, 1)}, _map, "axes-mismatch"))


@pytest.mark.parametrize(("name", "arguments", "x", "code"), REFUSALS)
def test_refusals(name: str, arguments: dict[str, Any], x: Any, code: str) -> None:
    operator, x = Example("", x, arguments, features(1), {}).operation(OPERATORS[name])
    with pytest.raises(RequirementError) as caught:
        operator.infer(x)
    assert caught.value.code == code
    assert "{" not in str(caught.value) + str(caught.value.help)


@pytest.mark.parametrize("name", OPERATORS)
def test_every_documented_refusal_has_a_case(name: str) -> None:
    assert documented(OPERATORS[name]) == {code for each, _, _, code in REFUSALS if each == name}


def test_arguments_are_refused_in_sentences() -> None:
    with pytest.raises(ArgumentError, match="channels is 25\\.5; it must be a whole number"):
        make("linear", channels=Fraction(51, 2))
    with pytest.raises(ArgumentError, match="relu has no argument slope"):
        make("relu", slope=1)
    with pytest.raises(ArgumentError, match="maxpool needs kernel"):
        make("maxpool")


@pytest.mark.parametrize(
    ("name", "arguments", "x", "y"),
    [
        ("conv", {"channels": 2, "kernel": 9, "padding": (1, 0)}, sequence(1, 8), sequence(2, 1)),
        ("conv", {"channels": 4, "kernel": 1, "groups": 4}, sequence(8, 5), sequence(4, 5)),
        ("deconv", {"channels": 1, "kernel": 1, "padding": (3, 4)}, sequence(1, 8), sequence(1, 1)),
        ("maxpool", {"kernel": 8}, image(3, 8, 8), image(3, 1, 1)),
        ("adaptive_avgpool", {"size": 4096}, sequence(1, 8), sequence(1, 4096)),
        ("group_norm", {"groups": 8}, features(8), features(8)),
        ("glu", {}, features(2), features(1)),
        ("pad", {"padding": 9}, sequence(1, 8), sequence(1, 26)),
        ("pad", {"padding": 9, "mode": "replicate"}, sequence(1, 8), sequence(1, 26)),
        ("pad", {"padding": 7, "mode": "reflect"}, sequence(1, 8), sequence(1, 22)),  # torch asks for less than 8
        ("pad", {"padding": (2, 1)}, image(1, 8, 8), image(1, 12, 10)),
        ("crop", {"size": 8}, sequence(1, 8), sequence(1, 8)),
        ("crop", {"sides": ((3, 4),)}, sequence(1, 8), sequence(1, 1)),
        ("crop", {"sides": (0, 1)}, image(1, 8, 8), image(1, 8, 6)),
        ("slice_channels", {"start": 2, "stop": 3}, features(3), features(1)),
        ("dropout", {"p": 1}, features(3), features(3)),
        ("mul", {}, (image(2, 1, 8), image(2, 8, 8)), image(2, 8, 8)),
        ("add", {"align": "crop", "reference": 1}, (sequence(2, 8), sequence(2, 8)), sequence(2, 8)),
    ],
)
def test_what_just_fits_is_taken(name: str, arguments: dict[str, Any], x: Any, y: Shape) -> None:
    assert make(name, **arguments).infer(x) == y


TOO_MANY = "{} has 3 numbers for an input with 2 spatial axes"
MESSAGES: list[tuple[str, dict[str, Any], Any, str, str | None]] = [
    *[
        (name, {**arguments, axes: (1, 1, 1)}, image(4, 8, 8), TOO_MANY.format(axes), "give one number, or 2")
        for name, arguments, names in [
            ("conv", {"channels": 4, "kernel": 3}, "kernel stride padding dilation"),
            ("depthwise", {"kernel": 3}, "kernel stride padding dilation"),
            ("deconv", {"channels": 4, "kernel": 3}, "kernel stride padding output_padding dilation"),
            ("patch_embedding", {"channels": 4}, "patch"),
            ("maxpool", {"kernel": 3}, "kernel stride padding dilation"),
            ("avgpool", {"kernel": 3}, "kernel stride padding"),
            ("lppool", {"kernel": 3}, "kernel stride"),
            ("subsample", {"kernel": 3}, "kernel stride"),
            ("adaptive_avgpool", {}, "size"),
            ("adaptive_maxpool", {}, "size"),
            ("upsample", {}, "scale size"),
            ("pixel_shuffle", {}, "factor"),
            ("pixel_unshuffle", {}, "factor"),
            ("pad", {}, "padding"),
            ("crop", {}, "size"),
            ("crop", {}, "sides"),
            ("opaque", {"channels": 4}, "stride"),
        ]
        for axes in names.split()
    ],
    *[
        (name, {**arguments, "groups": 2}, image(3, 8, 8), "3 input channels do not divide into 2 groups", None)
        for name, arguments in [
            ("conv", {"channels": 4, "kernel": 3}),
            ("deconv", {"channels": 4, "kernel": 3}),
            ("group_norm", {}),
            ("channel_shuffle", {}),
        ]
    ],
    *[
        (
            name,
            {"channels": 3, "kernel": 3, "groups": 2},
            image(4, 8, 8),
            "3 output channels do not divide into 2 groups",
            None,
        )
        for name in ("conv", "deconv")
    ],
    *[
        (
            "conv",
            {"channels": channels, "kernel": 1, "connections": TABLE},
            image(inputs, 8, 8),
            f"the connection table has 2 {words}",
            "rows are input maps, columns are output maps",
        )
        for inputs, channels, words in [(3, 2, "rows for 3 input channels"), (2, 3, "columns for 3 output channels")]
    ],
    (
        "conv",
        {"channels": 2, "kernel": 1, "groups": 2, "connections": TABLE},
        image(2, 8, 8),
        "a connection table says what groups would; groups is 2",
        None,
    ),
    (
        "deconv",
        {"channels": 4, "kernel": 3, "padding": "same"},
        image(3, 8, 8),
        "deconv does not take padding=same",
        "give numbers, half or valid",
    ),
    (
        "deconv",
        {"channels": 4, "kernel": 1, "padding": 4},
        image(3, 8, 8),
        "the padding crops the whole output away (0)",
        None,
    ),
    (
        "maxpool",
        {"kernel": 2, "ceil": True, "padding": "same"},
        image(3, 8, 8),
        "maxpool takes ceil=true or padding=same, not both",
        "padding=same already gives ceil(input / stride) outputs",
    ),
    (
        "maxpool",
        {"kernel": 3, "dilation": 4, "padding": (0, 0, 1, 0)},
        image(3, 9, 7),
        "a window of 9 does not fit into an extent of 7 with padding 1 and 0",
        "pad the input, or use a smaller kernel or a larger input",
    ),
    (
        "linear",
        {"channels": 9, "weights": EMBEDDING},
        sequence(8, 7),
        "words embeds in 16 channels; these weights read 8",
        None,
    ),
    ("linear", {"channels": 5, "weights": POOL}, features(9), "pool has 1024 weights; 45 are needed here", None),
    ("glu", {}, features(3), "3 channels have no halves", None),
    (
        "softmax2d",
        {},
        sequence(3, 8),
        "softmax2d reads an image; its input is sequence 3x8",
        "softmax reads any input",
    ),
    (
        "upsample",
        {"scale": 2, "mode": "bicubic"},
        sequence(3, 8),
        "upsample with mode=bicubic reads an image; its input is sequence 3x8",
        "mode=bilinear reads any input with spatial axes",
    ),
    (
        "unpool",
        {"pool": POOL},
        image(4, 5, 4),
        "unpool needs what pool gave, 4x4x4; its input is 4x5x4",
        "bring the input to the shape that the pool gave",
    ),
    ("unpool", {"pool": POOL}, sequence(4, 4), "unpool reads sequence 4x4; pool gives image 4x4x4", None),
    (
        "pad",
        {"padding": 8, "mode": "reflect"},
        image(3, 8, 8),
        "an extent of 8 reflects into fewer positions than padding needs",
        None,
    ),
    ("crop", {}, image(3, 8, 8), "crop takes one of size and sides", "crop(size=28)"),
    ("crop", {"size": 9}, image(3, 8, 8), "crop cannot enlarge an extent of 8", "pad enlarges"),
    ("crop", {"sides": 4}, image(3, 8, 8), "nothing is left of an extent of 8", None),
    (
        "pad_channels",
        {"channels": 2},
        image(3, 8, 8),
        "pad_channels to 2 cannot take away from 3 channels",
        "slice_channels takes channels away",
    ),
    (
        "slice_channels",
        {"start": 2, "stop": 2},
        image(3, 8, 8),
        "slice_channels from 2 to 2 holds no channel",
        None,
    ),
    (
        "slice_channels",
        {"start": 2, "stop": 4},
        image(3, 8, 8),
        "slice_channels up to 4 needs as many channels; the input has 3",
        None,
    ),
    ("pixel_shuffle", {"factor": 2}, image(6, 8, 8), "6 channels do not make blocks of 4 positions", None),
    ("pixel_unshuffle", {"factor": 3}, image(6, 8, 9), "an extent of 8 does not divide into blocks of 3", None),
    *[
        (
            name,
            {},
            (image(3, 8, 8), image(3, 8, 7)),
            f"{name} needs branches of one {what}; branches give 3x8x8 and 3x8x7",
            help,
        )
        for name, what, help in [
            ("concat", "extent", None),
            ("add", "shape", "only a branch of extent 1, or of features, is repeated"),
            ("mul", "shape", "only a branch of extent 1, or of features, is repeated"),
            ("mean", "shape", None),
        ]
    ],
    *[
        (
            name,
            {},
            (features(3), features(4)),
            f"{name} needs branches of one shape; branches give 3 and 4",
            "a 1x1 projection changes the channels of a branch",
        )
        for name in ("add", "mul", "mean")
    ],
    (
        "add",
        {"align": "crop"},
        (image(3, 8, 8), image(3, 8, 7)),
        "add with align=crop cuts branches to 3x8x8; a branch gives 3x8x7",
        "reference=1 cuts to the second branch, reference=0, the default, to the first",
    ),
    ("mean", {"reference": 2}, (features(3), features(3)), "mean has branches 0 to 1; reference is 2", None),
    ("dropout", {"p": Fraction(11, 10)}, features(3), "dropout leaves out a share of at most 1; p is 11/10", None),
    ("relu", {}, Shape(None, (8,)), "relu reads channels; its input is tokens 8", "an embedding comes first"),
    (
        "conv",
        {"channels": 4, "kernel": 3},
        features(8),
        "conv slides over spatial axes; its input is features 8",
        "linear(...) reads features; an embedding comes first for tokens",
    ),
]


@pytest.mark.parametrize(("name", "arguments", "x", "message", "help"), MESSAGES)
def test_refusals_say_what_is_wrong(
    name: str, arguments: dict[str, Any], x: Any, message: str, help: str | None
) -> None:
    """The argument under its name, and the numbers that do not go together."""
    with pytest.raises(RequirementError) as caught:
        make(name, **arguments).infer(x)
    assert (str(caught.value), caught.value.help) == (message, help)
