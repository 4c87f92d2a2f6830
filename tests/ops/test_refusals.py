"""What operators refuse: every code that a docstring names, and what is said."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from archcalc.dims import RequirementError
from archcalc.ops import (
    OPERATORS,
    ArgumentError,
    Example,
    LayerReference,
    Shape,
    Table,
    features,
    image,
    sequence,
)
from tests.ops.making import make
from tests.ops.refusals import SEQUENCE_REFUSALS
from tests.ops.test_every_operator import documented

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
    ("dropout", {"p": Fraction(11, 10)}, features(3), "dropout leaves out a share of at most 1; p is 1.1", None),
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
