"""Masks, caches and recurrences by brute force: pairs counted one by one, states written down."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.dims import evaluate, variable
from archcalc.ops import OPERATORS, ArgumentError, LayerReference, Operator, Shape, image, sequence


def attend(x: dict[str, Shape], **arguments: Any) -> tuple[Operator, tuple[Shape, ...]]:
    operator = OPERATORS["attend"].of(arguments)
    given_ = operator.roles.in_order(x) if operator.roles else ()
    return operator.variant(given=given_), tuple(x[role] for role in given_)


def masked(x: dict[str, Shape], **arguments: Any) -> Any:
    operator, shapes = attend(x, **arguments)
    return operator.masked(shapes, operator.infer(shapes))


def macs(x: dict[str, Shape], **arguments: Any) -> Any:
    operator, shapes = attend(x, **arguments)
    return operator.arithmetic(shapes, operator.infer(shapes)).macs


@pytest.mark.parametrize("queries", range(1, 14))
def test_masked_pairs_of_every_past_and_window(queries: int) -> None:
    """Each query is one of the last keys; it reads itself and at most window - 1 before. Heads of 1 and values of 2."""
    for past, window in product(range(21), [None, *range(1, 31)]):
        keys = past + queries
        left_out = sum(
            not (key <= past + query and (window is None or key > past + query - window))
            for query in range(queries)
            for key in range(keys)
        )
        x = {"q": sequence(1, queries), "k": sequence(1, keys), "v": sequence(2, keys)}
        assert masked(x, heads=1, causal=True, window=window) == 3 * left_out


@pytest.mark.parametrize("queries", range(1, 14))
def test_masked_pairs_of_keys_from_a_cache_with_a_window(queries: int) -> None:
    """The cache has thrown away what no query reads: what is masked is fewer, what is read is the same."""
    for past, window in product(range(21), range(1, 31)):
        cache = OPERATORS["cache"].of({"past": past, "window": window})
        keys = cache.infer(sequence(1, queries))
        read = sum(min(window, past + query + 1) for query in range(queries))
        x = {"q": sequence(1, queries), "k": keys, "v": keys}
        arguments = {"heads": 1, "causal": True, "window": window}
        assert macs(x, **arguments) - masked(x, **arguments) == 2 * read
        assert cache.state(sequence(1, queries), keys) == min(past + queries, window - 1)


@given(st.integers(1, 30), st.integers(0, 9))
def test_masked_pairs_of_a_window_to_both_sides(length: int, side: int) -> None:
    left_out = sum(abs(query - key) > side for query in range(length) for key in range(length))
    x = {"qkv": sequence(3, length)}
    assert masked(x, heads=1, window=2 * side + 1) == 2 * left_out


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 4))
def test_blocks_are_attentions_of_their_own(rows: int, block: int, columns: int) -> None:
    x = {"qkv": image(12, rows * block, columns * block)}
    alone = {"qkv": image(12, block, block)}
    for causal in (False, True):
        for number in (macs, masked):
            whole = number(x, heads=2, blocks=block, causal=causal)
            assert whole == rows * columns * number(alone, heads=2, causal=causal)


def test_masked_has_a_closed_form_without_halves() -> None:
    """12 layers of GPT-2: 9216 * length^2 - 9216 * length, as counted by hand: 768 * (n^2 - n) for a layer."""
    length = variable("length")
    x = {role: sequence(768, length) for role in ("q", "k", "v")}
    assert 12 * masked(x, heads=12, causal=True) == 9216 * length**2 - 9216 * length


def test_masked_with_a_window_stays_one_minimum() -> None:
    """One new query after a cache with a window reads all that is left there."""
    past = variable("past", 0)
    cache = OPERATORS["cache"].of({"past": past, "window": 4096})
    keys = cache.infer(sequence(8, 1))
    form = masked({"q": sequence(8, 1), "k": keys, "v": keys}, heads=2, causal=True, window=4096)
    assert [evaluate(form, {"past": number}) for number in (0, 5, 4094, 4095, 10_000)] == [0] * 5


def test_branches_of_one_attention_however_they_are_given() -> None:
    """q, k and v apart, k and v as one, all as one: the same sums of products."""
    q, kv = sequence(12, 5), sequence(6, 5)
    apart = {"q": q, "k": kv, "v": kv}
    for x in (apart, {"q": q, "kv": sequence(12, 5)}, {"qkv": sequence(24, 5)}):
        assert macs(x, heads=4, kv_heads=2) == 5 * 5 * 24
        operator, shapes = attend(x, heads=4, kv_heads=2)
        assert operator.infer(shapes) == q


def test_values_may_be_narrower_than_keys() -> None:
    """DeepSeek-AI 2024, section 3.1.2: 128 heads of 192 for queries and keys, of 128 for values."""
    x = {"q": sequence(128 * 192, 1), "k": sequence(128 * 192, 10), "v": sequence(128 * 128, 10)}
    assert macs(x, heads=128) == 10 * 128 * (192 + 128)


@pytest.mark.parametrize(("name", "states"), [("lstm", 2), ("gru", 1), ("rnn", 1)])
def test_what_a_recurrent_layer_keeps(name: str, states: int) -> None:
    x = sequence(3, 7)
    for bidirectional, expected in ((False, states * 2 * 5), (True, 0)):
        operator = OPERATORS[name].of({"hidden": 5, "layers": 2, "bidirectional": bidirectional})
        assert operator.state(x, operator.infer(x)) == expected


def test_a_causal_convolution_keeps_what_its_padding_stands_for() -> None:
    """By hand: 3 taps spaced 2 apart read 4 positions before their own; padding that looks ahead keeps nothing."""
    x = sequence(6, 9)
    for name, channels in (("conv", {"channels": 4}), ("depthwise", {})):
        causal = OPERATORS[name].of({**channels, "kernel": 3, "dilation": 2, "padding": "causal"})
        assert causal.infer(x).spatial == (9,)
        assert causal.window(x).padding == (4,)  # type: ignore[union-attr]
        assert causal.state(x, causal.infer(x)) == 6 * 4
        half = OPERATORS[name].of({**channels, "kernel": 3, "dilation": 2, "padding": "half"})
        assert half.state(x, half.infer(x)) == 0


def test_upsampling_to_a_size_or_by_a_fraction() -> None:
    """By hand: 3/2 of 5 are 7, as torch rounds down; of a layer its extents are taken."""
    up = OPERATORS["upsample"]
    assert up.of({"scale": Fraction(3, 2)}).infer(sequence(2, 5)) == sequence(2, 7)
    assert up.of({"scale": (2, Fraction(1, 2))}).infer(image(2, 5, 5)) == image(2, 10, 2)
    layer = LayerReference("earlier", 3, image(3, 9, 9), image(7, 13, 11))
    assert up.of({"size": layer, "mode": "bilinear"}).infer(image(2, 5, 5)) == image(2, 13, 11)
    # to a multiple it is a whole factor; to another size one of every 4 of 6 times as many
    assert up.of({"size": 8}).window(sequence(1, 4)) == up.of({"scale": 2}).window(sequence(1, 4))
    window = up.of({"size": 6}).window(sequence(1, 4))
    assert (window.upsample, window.stride) == ((6,), (4,))  # type: ignore[union-attr]
    with pytest.raises(ArgumentError, match="names the layer `head`, whose output 10 has no extents"):
        up.of({"size": LayerReference("head", 3, Shape(4), Shape(10))})
    with pytest.raises(ArgumentError, match=r"scale is -0\.5; it must be above 0"):
        up.of({"scale": Fraction(-1, 2)})


def test_an_expert_is_stored_by_all_and_computed_by_few() -> None:
    route = OPERATORS["route"].of({"experts": 8, "top": 2})
    assert [route.copies_of(role) for role in ("router", "expert", "shared")] == [(1, 1), (8, 2), (1, 1)]
