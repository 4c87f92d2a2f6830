"""What arguments take and refuse, and how messages name a value."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from archcalc.dims import variable
from archcalc.dims.ratio import over
from archcalc.ops import OPERATORS, Argument, ArgumentError, LayerReference, Operator, Table, TorchCall, features

TABLE = Table(((True, False, True), (True, True, False)))
LAYER = LayerReference("conv1", 0, features(3), features(4))
ROUND = "floor(...), round(...) or make_divisible(..., 8) gives a whole number"
DRAW = "draw it under `tables:`"


def argument(operator: str, name: str) -> Argument:
    return OPERATORS[operator].arguments[name]


@pytest.mark.parametrize(
    ("operator", "name", "value", "message", "help"),
    [
        ("conv", "channels", 0, "channels is 0; it must be at least 1", None),
        ("conv", "channels", True, "channels must be a whole number, not true", None),
        ("conv", "channels", None, "channels must be a whole number, not none", None),
        ("conv", "channels", "wide", "channels must be a whole number, not the word `wide`", None),
        ("conv", "channels", (1, 2), "channels must be a whole number, not a list of 2", None),
        ("conv", "channels", TABLE, "channels must be a whole number, not a connection table", None),
        ("conv", "kernel", TABLE, "kernel must be a whole number, not a connection table", None),
        (
            "conv",
            "padding",
            TABLE,
            "padding must be a number, numbers, or one of half, same, valid, causal, not a connection table",
            None,
        ),
        ("conv", "channels", LAYER, "channels must be a whole number, not the layer `conv1`", None),
        ("conv", "channels", Fraction(5, 2), "channels is 2.5; it must be a whole number", ROUND),
        ("conv", "channels", Fraction(1, 10**6), "channels is 1e-06; it must be a whole number", ROUND),
        ("conv", "channels", Fraction(1, 10**7), "channels is 1/10000000; it must be a whole number", ROUND),
        ("conv", "channels", Fraction(1, 3), "channels is 1/3; it must be a whole number", ROUND),
        (
            "conv",
            "channels",
            over(variable("width"), 2),
            "channels is (width)/2; it must be a whole number for all values",
            ROUND,
        ),
        ("conv", "kernel", (3, 0), "kernel is 0; it must be at least 1", None),
        ("conv", "kernel", (), "kernel has 0 numbers; one for each spatial axis is meant", None),
        ("conv", "kernel", (1, 2, 3, 4), "kernel has 4 numbers; one for each spatial axis is meant", None),
        ("conv", "padding", (0,) * 7, "padding has 7 numbers; one or two for each spatial axis", None),
        ("conv", "padding", (), "padding has 0 numbers; one or two for each spatial axis", None),
        ("conv", "padding", -1, "padding is -1; it must be at least 0", None),
        ("conv", "padding", Fraction(1, 2), "padding is 0.5; it must be a whole number", ROUND),
        ("conv", "padding", "full", "padding must be one of half, same, valid, causal, not the word `full`", None),
        (
            "conv",
            "padding",
            False,
            "padding must be a number, numbers, or one of half, same, valid, causal, not false",
            None,
        ),
        ("conv", "bias", 1, "bias must be true or false, not 1", None),
        ("conv", "connections", 3, "connections must be a connection table, not 3", DRAW),
        ("dropout", "p", Fraction(-1, 4), "p is -0.25; it must be at least 0", None),
        ("dropout", "p", True, "p must be a number, not true", None),
        ("dropout", "p", "half", "p must be a number, not the word `half`", None),
        ("upsample", "mode", "cubic", "mode must be one of nearest, bilinear, bicubic, not the word `cubic`", None),
        ("upsample", "mode", 3, "mode must be one of nearest, bilinear, bicubic, not 3", None),
        ("unpool", "pool", 2, "pool must name an earlier layer, not 2", None),
    ],
)
def test_a_refusal_names_the_argument_and_the_value(
    operator: str, name: str, value: Any, message: str, help: str | None
) -> None:
    with pytest.raises(ArgumentError) as caught:
        argument(operator, name).convert(value)
    assert (str(caught.value), caught.value.help) == (message, help)


@pytest.mark.parametrize(
    ("operator", "name", "value"),
    [
        ("conv", "channels", 1),
        ("conv", "channels", variable("width")),
        ("conv", "kernel", (3,)),
        ("conv", "kernel", (1, 2, 3)),
        ("conv", "padding", 0),
        ("conv", "padding", (0, 0, 0, 0, 0, 1)),
        ("conv", "padding", "same"),
        ("conv", "padding", variable("border", 0)),
        ("conv", "connections", None),
        ("conv", "connections", TABLE),
        ("dropout", "p", 0),
        ("dropout", "p", Fraction(1, 3)),
        ("linear", "weights", LAYER),
        ("maxpool", "stride", None),
        ("concat", "align", None),
        ("concat", "align", "crop"),
    ],
)
def test_a_value_is_taken_as_it_is(operator: str, name: str, value: Any) -> None:
    converted = argument(operator, name).convert(value)
    assert (type(converted), converted) == (type(value), value)


# What may be nothing: as in torch, and a channel or branch counted from 0. All other sizes and counts are 1 or more.
FROM_ZERO = {
    "padding": {"conv", "depthwise", "deconv", "maxpool", "avgpool", "pad", "local", "deform_conv", "unfold"},
    "output_padding": {"deconv"},
    "sides": {"crop"},
    "start": {"slice_channels", "slice_positions"},
    "reference": {"concat", "add", "mul", "mean"},
    "params": {"opaque"},
    "macs": {"opaque"},
    "alpha": {"lrn", "elu", "celu"},
    "beta": {"lrn"},
    "k": {"lrn"},
    "at": {"softshrink", "hardshrink"},
    "eps": {"batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm"},
    "p": {"dropout", "spatial_dropout", "alpha_dropout", "drop_path"},
    "past": {"position_embedding", "cache"},
    "part": {"rotary"},
    "index": {"select_token"},
    "axes": {"layer_norm"},
    "shift": {"attend"},
}
OF_ANY_SIGN = {
    "slope": {"leaky_relu"},
    "low": {"hard_tanh"},
    "high": {"hard_tanh"},
    "at": {"threshold"},
    "value": {"threshold"},
    "factor": {"scale"},
    "shift": {"roll"},
}


def test_bounds() -> None:
    for name, cls in OPERATORS.items():
        for declared in cls.arguments.values():
            if declared.kind in ("count", "extents", "padding", "number"):
                if name in OF_ANY_SIGN.get(declared.name, set()):
                    assert declared.convert(-(10**6)) == -(10**6)
                    continue
                least = 0 if name in FROM_ZERO.get(declared.name, set()) else 1
                assert declared.convert(least) == least
                with pytest.raises(ArgumentError, match=f"it must be at least {least}"):
                    declared.convert(least - 1)


def test_what_counts_in_the_depth() -> None:
    """Layers with weights, as papers count them; with pooling where asked. Norms and activations count in neither."""
    weighted = {name for name, cls in OPERATORS.items() if cls.weighted}
    assert weighted == {
        "conv",
        "depthwise",
        "deconv",
        "linear",
        "rbf",
        "patch_embedding",
        "lstm",
        "gru",
        "rnn",
        "local",
        "deform_conv",
    }
    assert {name for name, cls in OPERATORS.items() if cls.pooling} == {
        *("maxpool", "avgpool", "lppool", "subsample", "global_maxpool", "global_avgpool"),
        *("adaptive_maxpool", "adaptive_avgpool"),
    }


def test_a_table_counts_its_rows_columns_and_marks() -> None:
    assert (TABLE.inputs, TABLE.outputs, TABLE.connected) == (2, 3, 4)


def test_an_operator_needs_its_arguments_and_takes_no_others() -> None:
    with pytest.raises(ArgumentError, match=r"^conv needs kernel$"):
        OPERATORS["conv"](channels=3)
    with pytest.raises(ArgumentError, match=r"^relu has no argument slope$"):
        OPERATORS["relu"](slope=1)


def test_values_are_in_the_order_of_declaration() -> None:
    """The order of a call: what torch.nn.MaxPool2d has, too."""
    values = OPERATORS["maxpool"].of({"ceil": True, "kernel": 2}).values()
    assert list(values.items()) == [("kernel", 2), ("stride", None), ("padding", 0), ("dilation", 1), ("ceil", True)]


def test_true_is_not_one() -> None:
    """Equal operators are one object, and those of `1` and `true` are not equal."""
    OPERATORS["dropout"].of({"p": 1})
    with pytest.raises(ArgumentError):
        OPERATORS["dropout"].of({"p": True})


def test_a_name_is_given_once_and_every_rule_is_defined() -> None:
    from archcalc.ops.base import operator

    with pytest.raises(TypeError, match="operator conv is already defined by Conv"):
        operator("conv")(OPERATORS["relu"])
    assert OPERATORS["conv"].__name__ == "Conv"
    with pytest.raises(TypeError, match=r"^Half does not define parameters, arithmetic, connections, window, torch$"):
        type("Half", (Operator,), {"infer": OPERATORS["relu"].infer})


def test_a_call_reads_as_it_is_written() -> None:
    call = TorchCall("nn.Conv2d", (3, 8), {"kernel_size": (3, 3), "bias": False})
    assert str(call) == "nn.Conv2d(3, 8, kernel_size=(3, 3), bias=False)"
    assert str(TorchCall("nn.Sequential", (TorchCall("nn.Flatten"), call))) == f"nn.Sequential(nn.Flatten(), {call})"
