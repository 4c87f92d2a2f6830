"""Short words for operations, and counts with three digits."""

from __future__ import annotations

import pytest

from archcalc.engine.network import load
from archcalc.ops import OPERATORS
from archcalc.report.figure.words import WORDS, Kind, brief, label_of


def test_every_operator_has_a_short_word() -> None:
    assert set(WORDS) == set(OPERATORS)
    assert max(len(word.text) for word in WORDS.values()) <= 22


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "10.0 K"),
        (173_408_256, "173 M"),
        (6_422_528, "6.42 M"),
        (999_600_000, "1.00 G"),
    ],
)
def test_counts_have_three_digits(value: int, text: str) -> None:
    assert brief(value) == text


@pytest.mark.parametrize(
    ("layer", "text", "kind"),
    [
        ("conv(64, 7, stride=2, padding=3)", "7×7 conv, 64, /2", Kind.CONV),
        ("conv(64, (1, 7), padding=same)", "1×7 conv, 64", Kind.CONV),
        ("conv(64, 1)", "1×1 conv, 64", Kind.POINTWISE),
        ("conv(8, 3, padding=2, dilation=2)", "3×3 conv, 8, dilation 2", Kind.CONV),
        ("conv(6, 3, groups=3)", "3×3 depthwise, 6", Kind.DEPTHWISE),
        ("depthwise(3)", "3×3 depthwise", Kind.DEPTHWISE),
        ("maxpool(2)", "2×2 max pool, /2", Kind.POOL),
        ("maxpool(3, stride=1, padding=1)", "3×3 max pool", Kind.POOL),
        ("deconv(8, 2, stride=2)", "2×2 up-conv, 8, ↑2", Kind.TRANSPOSED),
        ("global_avgpool", "global avg pool", Kind.POOL),
        ("linear(1000)", "fc, 1,000", Kind.LINEAR),
        ("upsample(2)", "upsample, ↑2", Kind.OTHER),
    ],
)
def test_words_of_operations(layer: str, text: str, kind: Kind) -> None:
    node = load(f"network: n\ninput: image(3, 32, 32)\nlayers:\n  a: {layer}\n").graph().nodes[0]
    label = label_of(node)
    assert ", ".join([label.word, *label.rest]) == text
    assert label.kind is kind
