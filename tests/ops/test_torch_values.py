"""The torch modules that operators name have the arguments that are meant: what they compute of a few numbers."""

from __future__ import annotations

import inspect
import math
from fractions import Fraction
from typing import Any

import pytest

from archcalc.ops import OPERATORS, LayerReference, Shape, Table, features, image, sequence

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

NUMBERS = [[-1.0, 0.5], [2.0, 3.0], [0.0, -4.0]]  # three channels at two positions


def module(name: str, x: Shape, **arguments: Any) -> Any:
    from archcalc.torch_bridge.model.build import make_module

    return make_module(OPERATORS[name].of(arguments).torch(x)).double().eval()


def run(name: str, x: Shape, given: Any, **arguments: Any) -> Any:
    """What a module with fresh weights gives for one example, as nested lists."""
    return module(name, x, **arguments)(torch.tensor([given], dtype=torch.float64))[0].tolist()


# What is not torch's: channels that follow from the input, softmax over the channels, a stride that is the kernel.
DIFFERENT = {
    **{name: {"dim"} for name in ("glu", "softmax", "softmin", "log_softmax")},
    **{name: {"stride"} for name in ("maxpool", "avgpool", "lppool")},
    "depthwise": {"groups"},
    "prelu": {"num_parameters"},
    "to_sequence": {"start_dim"},
    "upsample": {"scale_factor"},  # which an operator needs and a module does not
}


@pytest.mark.parametrize("name", OPERATORS)
def test_defaults_are_those_of_torch(name: str) -> None:
    """With its required arguments alone, an operator is the module with its own alone."""
    cls = OPERATORS[name]
    example = cls.examples[0]
    given = {key: value for key, value in example.arguments.items() if cls.arguments[key].is_required}
    given |= {"crop": {"size": 5}, "upsample": {"scale": 2}}.get(name, {})
    operator, x = example.operation(cls)
    call = cls.of(given).variant(given=operator.given).torch(x)
    if not call.target.startswith("nn."):
        return
    signature = inspect.signature(getattr(torch.nn, call.target.removeprefix("nn.")))
    values = signature.bind(*call.args, **call.kwargs).arguments
    different = set()
    for key, value in values.items():
        default = signature.parameters[key].default
        if default is not inspect.Parameter.empty and {*(value if isinstance(value, tuple) else [value])} != {default}:
            different.add(key)
    assert different == DIFFERENT.get(name, set())


@pytest.mark.parametrize("x", [-2.0, -0.3, 0.0, 1.7])
def test_gelu(x: float) -> None:
    """Hendrycks and Gimpel 2016, section 2: x * Phi(x), and the formula with tanh."""
    (exact,) = run("gelu", features(1), [x])
    assert exact == pytest.approx(x * 0.5 * (1 + math.erf(x / math.sqrt(2))), rel=1e-12)
    (close,) = run("gelu", features(1), [x], approximate=True)
    assert close == pytest.approx(0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))), rel=1e-12)


@pytest.mark.parametrize(("name", "sign"), [("softmax", 1), ("softmin", -1)])
def test_softmax_is_over_the_channels_of_each_position(name: str, sign: int) -> None:
    found = run(name, sequence(3, 2), NUMBERS)
    for at in (0, 1):
        powers = [math.exp(sign * channel[at]) for channel in NUMBERS]
        assert [channel[at] for channel in found] == pytest.approx([power / sum(powers) for power in powers])
    logarithms = run("log_softmax", sequence(3, 2), NUMBERS)
    powers = [math.exp(channel[1]) for channel in NUMBERS]
    assert [math.exp(channel[1]) for channel in logarithms] == pytest.approx([power / sum(powers) for power in powers])


def test_glu_multiplies_the_first_half_by_the_logistic_function_of_the_second() -> None:
    found = run("glu", sequence(4, 1), [[1.0], [2.0], [0.0], [3.0]])
    assert found == [[0.5], [pytest.approx(2 / (1 + math.exp(-3)))]]


def test_response_norm_has_its_constants_in_their_places() -> None:
    """Krizhevsky et al. 2012, section 3.3, with alpha divided by the size as in torch."""
    found = run("lrn", sequence(3, 2), NUMBERS, size=3, alpha=Fraction(1, 2), beta=Fraction(1, 4), k=2)
    for channel in range(3):
        squares = sum(NUMBERS[near][1] ** 2 for near in range(max(0, channel - 1), min(3, channel + 2)))
        assert found[channel][1] == pytest.approx(NUMBERS[channel][1] / (2 + 0.5 / 3 * squares) ** 0.25)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        # windows of 3 over 1 2 3 4, every second, one position of padding after: 1 2 3 and 3 4 .
        ({"padding": (0, 1)}, [2.0, 7 / 3]),
        ({"padding": (0, 1), "count_include_pad": False}, [2.0, 3.5]),
        ({"padding": 1}, [1.0, 3.0]),
        ({"padding": 1, "count_include_pad": False}, [1.5, 3.0]),
        # two before, more than half of the window: . . 1, 1 2 3
        ({"padding": (2, 0)}, [1 / 3, 2.0]),
        ({"padding": (2, 0), "count_include_pad": False}, [1.0, 2.0]),
        # 1 2 3 and what hangs over, 3 4, which torch divides by what is inside the padded input
        ({"ceil": True}, [2.0, 3.5]),
    ],
)
def test_means_of_windows_over_an_edge(arguments: dict[str, Any], expected: list[float]) -> None:
    x = [[1.0, 2.0, 3.0, 4.0]]
    assert run("avgpool", sequence(1, 4), x, kernel=3, stride=2, **arguments) == [pytest.approx(expected)]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"padding": (0, 1)}, [-1.0, -3.0]),
        ({"padding": (2, 0)}, [-1.0, -1.0]),
        ({"padding": "same"}, [-1.0, -3.0]),
        ({"padding": 1, "dilation": 2}, [-2.0]),  # . 2 4
        ({"kernel": 2, "dilation": 2}, [-1.0]),
        ({"kernel": 2, "padding": 1}, [-1.0, -2.0, -4.0]),
        ({"kernel": 2, "padding": (1, 2), "ceil": True}, [-1.0, -2.0, -4.0]),
    ],
)
def test_the_largest_of_windows_over_an_edge(arguments: dict[str, Any], expected: list[float]) -> None:
    """All numbers are negative, so that a zero of padding would be seen."""
    x = [[-1.0, -2.0, -3.0, -4.0]]
    assert run("maxpool", sequence(1, 4), x, **{"kernel": 3, "stride": 2, **arguments}) == [expected]


def test_padding_of_one_axis_may_be_uneven_and_of_another_even() -> None:
    """By hand: sums of two neighbours in a row after a column of zeros, then in a column below a row of zeros."""
    x = [[[1.0, 2.0], [3.0, 4.0]]]
    for padding, kernel, expected in [
        ((0, 0, 1, 0), (1, 2), [[1.0, 3.0], [3.0, 7.0]]),
        ((1, 0, 0, 0), (2, 1), [[1.0, 2.0], [4.0, 6.0]]),
    ]:
        layer = module("conv", image(1, 2, 2), channels=1, kernel=kernel, padding=padding, bias=False)
        for weights in layer.parameters():
            torch.nn.init.ones_(weights)
        assert layer(torch.tensor([x], dtype=torch.float64))[0].tolist() == [expected]


def test_a_transposed_convolution_may_be_cut_on_one_side() -> None:
    """By hand: of two rows and columns the first column, or the last row, is left out."""
    for padding, expected in [((0, 0, 1, 0), [[2.0], [4.0]]), ((0, 1, 0, 0), [[1.0, 2.0]])]:
        layer = module("deconv", image(1, 2, 2), channels=1, kernel=1, padding=padding, bias=False)
        for weights in layer.parameters():
            torch.nn.init.ones_(weights)
        assert layer(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]], dtype=torch.float64))[0].tolist() == [expected]


def test_channels_of_zeros_are_appended() -> None:
    for rank in range(4):
        x = torch.full((1, 2, *[2] * rank), 7.0, dtype=torch.float64)
        y = module("pad_channels", Shape(2, (2,) * rank), channels=5)(x)
        assert [channel.mean().item() for channel in y[0]] == [7, 7, 0, 0, 0]


@pytest.mark.parametrize("factor", [2, (2, 2), (1, 2)])
def test_shuffles_of_one_factor_or_of_one_for_each_axis(factor: Any) -> None:
    """Shi et al. 2016, equation (4): the channels of a block are its positions, row by row."""
    across = 2 if factor != (1, 2) else 1
    x = [[[float(channel)]] for channel in range(2 * across)]
    y = [[float(2 * row + column) for column in range(2)] for row in range(across)]
    assert run("pixel_shuffle", image(2 * across, 1, 1), x, factor=factor) == [y]
    assert run("pixel_unshuffle", image(1, across, 2), [y], factor=factor) == x


def test_power_pooling_is_the_root_of_a_sum_of_squares() -> None:
    assert run("lppool", sequence(1, 4), [[3.0, 4.0, 6.0, 8.0]], kernel=2) == [pytest.approx([5.0, 10.0])]


def test_layers_are_normalised_over_channels_or_as_a_whole() -> None:
    each = torch.tensor(run("layer_norm", sequence(3, 2), NUMBERS))
    assert each.mean(0).tolist() == pytest.approx([0, 0], abs=1e-6)
    whole = torch.tensor(run("layer_norm", sequence(3, 2), NUMBERS, whole=True))
    assert whole.mean().item() == pytest.approx(0, abs=1e-6)
    assert whole.mean(0).tolist() != pytest.approx([0, 0], abs=1e-2)


@pytest.mark.parametrize("name", ["layer_norm", "batch_norm", "group_norm", "instance_norm"])
@pytest.mark.parametrize(("scale", "shift"), [(True, True), (True, False), (False, True), (False, False)])
def test_norms_have_the_parameters_that_are_asked_for(name: str, scale: bool, shift: bool) -> None:
    groups = {"groups": 1} if name == "group_norm" else {}
    for x in (features(3), sequence(3, 2)):
        if name == "instance_norm" and x.rank == 0:
            continue
        found = module(name, x, scale=scale, shift=shift, **groups)
        named = [key for key, asked in (("weight", scale), ("bias", shift)) if asked]
        assert [key for key, _ in found.named_parameters()] == named


def test_interpolation_with_corners_that_stay() -> None:
    found = run("upsample", sequence(1, 2), [[0.0, 3.0]], scale=2, mode="bilinear", align_corners=True)
    assert found == [pytest.approx([0.0, 1.0, 2.0, 3.0])]
    # else outputs lie at -1/4, 1/4, 3/4 and 5/4 of the way, those outside at the ends
    found = run("upsample", sequence(1, 2), [[0.0, 3.0]], scale=2, mode="bilinear")
    assert found == [pytest.approx([0.0, 0.75, 2.25, 3.0])]
    assert run("upsample", sequence(1, 2), [[0.0, 3.0]], scale=2) == [[0.0, 0.0, 3.0, 3.0]]


def test_weights_that_are_tied_are_given_to_each_call() -> None:
    encoder = LayerReference("encoder", 0, features(3), features(2))
    weights = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], dtype=torch.float64)
    decoder = module("linear", features(2), channels=3, weights=encoder, bias=False)
    assert not list(decoder.parameters())
    assert decoder(torch.tensor([[1.0, 10.0]], dtype=torch.float64), weights).tolist() == [[41.0, 52.0, 63.0]]
    with_bias = module("linear", features(2), channels=3, weights=encoder)
    assert [tuple(each.shape) for each in with_bias.parameters()] == [(3,)]


def test_a_connection_table_is_a_module_of_its_own() -> None:
    table = Table(((True, False), (True, True)))
    shapes = {}
    for bias in (True, False):
        layer = module("conv", sequence(2, 4), channels=2, kernel=3, connections=table, bias=bias)
        assert tuple(layer(torch.ones(1, 2, 4, dtype=torch.float64)).shape) == (1, 2, 2)
        shapes[bias] = sorted(tuple(each.shape) for each in layer.parameters())
    assert shapes == {True: [(2,), (3, 1, 3)], False: [(3, 1, 3)]}


def test_merges_cut_to_the_reference() -> None:
    from archcalc.torch_bridge.model.build import make_module

    x = (sequence(1, 4), sequence(1, 2))
    wide, short = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]]), torch.tensor([[[10.0, 20.0]]])
    expected = {"concat": [[2, 3], [10, 20]], "add": [[12, 23]], "mul": [[20, 60]], "mean": [[6, 11.5]]}
    for name, numbers in expected.items():
        call = OPERATORS[name].of({"align": "crop", "reference": 1}).torch(x)
        assert make_module(call)(wide, short)[0].tolist() == numbers


@pytest.mark.parametrize("name", ["dropout", "spatial_dropout", "alpha_dropout"])
def test_a_share_is_left_out(name: str) -> None:
    assert module(name, image(3, 2, 2), p=Fraction(1, 8)).p == 0.125
    assert module(name, image(3, 2, 2)).p == 0.5  # as torch's own


@pytest.mark.parametrize(("rank", "name"), [(0, "Dropout"), (1, "Dropout1d"), (2, "Dropout2d"), (3, "Dropout3d")])
def test_maps_are_left_out_as_a_whole(rank: int, name: str) -> None:
    """Features have no maps: each is left out by itself."""
    assert type(module("spatial_dropout", Shape(3, (2,) * rank), p=Fraction(1, 8))).__name__ == name


def test_slopes_of_prelu() -> None:
    """He et al. 2015: one for each channel, 0.25 at first."""
    assert run("prelu", features(2), [-4.0, 4.0]) == [-1.0, 4.0]
    assert module("prelu", features(2)).weight.tolist() == [0.25, 0.25]
    assert module("prelu", features(2), shared=True).weight.tolist() == [0.25]
