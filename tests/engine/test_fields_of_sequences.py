"""Receptive fields of attention and recurrence: all positions, those up to one's own, or a window of them."""

from __future__ import annotations

from fractions import Fraction

import pytest

import archcalc
from archcalc.results.field import ReceptiveField


def field(text: str) -> ReceptiveField:
    found = archcalc.analyze(f"network: n\n{text}").receptive_field
    assert found is not None
    return found


SELF = """\
input: sequence(8, 12)
layers:
  a:
    attend({}):
      q: linear(8)
      k: linear(8)
      v: linear(8)
"""


@pytest.mark.parametrize(
    ("arguments", "size", "jump"),
    [
        ("heads=2", 12, 0),
        ("heads=2, causal=true", 12, 1),  # of the last position; the first sees one
        ("heads=2, causal=true, window=5", 5, 1),  # itself and four before
        ("heads=2, window=5", 5, 1),  # itself and two on each side
    ],
)
def test_attention(arguments: str, size: int, jump: int) -> None:
    found = field(SELF.format(arguments))
    assert (found.size, found.jump, found.is_at_least) == ((size,), (Fraction(jump),), False)


def test_windows_add_up_as_the_paper_says() -> None:
    """Jiang et al. 2023, section 2: a window of 4,096 in 32 layers is a span of about 131K tokens (32 x 4,096)."""
    found = archcalc.analyze("mistral_7b").receptive_field
    assert found is not None
    assert found.size == (1 + 32 * 4_095,)


@pytest.mark.parametrize("more", ["", ", shift=3", ", grid=true"])
def test_blocks_are_lower_bounds(more: str) -> None:
    """Positions of a block see the same, and blocks of blocks no more, so that nothing slides: at least itself."""
    text = "input: image(6, 14, 14)\nlayers:\n  a: conv(6, 3, padding=1)\n  b:\n"
    text += f"    attend(heads=2, blocks=7{more}):\n"
    text += "      qkv: conv(18, 1)\n"
    found = field(text)
    assert (found.size, found.is_at_least) == ((3, 3), True)


@pytest.mark.parametrize(("call", "jump"), [("lstm(4)", 1), ("gru(4, bidirectional=true)", 0)])
def test_recurrent_layers(call: str, jump: int) -> None:
    found = field(f"input: sequence(6, 5)\nlayers:\n  a: {call}\n")
    assert (found.size, found.jump) == ((5,), (Fraction(jump),))


def test_a_roll_goes_the_shorter_way_around() -> None:
    """By hand: torch.roll by 3 of 8 puts position p - 3 at p; by 9 position p - 1."""
    for shift, first in ((3, -3), (9, -1), (-2, 2), (6, 2)):
        found = field(f"input: sequence(2, 8)\nlayers:\n  a: roll({shift})\n")
        assert (found.size, found.first_centre) == ((1,), (Fraction(first),))


def test_what_sees_all_of_the_input_sees_no_more() -> None:
    """Blocks are bounds of what is seen; behind global pooling it is all 14 x 14 pixels, and there are no more."""
    text = (
        "network: n\ninput: image(6, 14, 14)\nlayers:\n  a:\n    attend(heads=2, blocks=7):\n      qkv: conv(18, 1)\n"
    )
    cost = archcalc.analyze(text + "  pool: global_avgpool\n")
    seen, local = cost.receptive_field, cost.local_receptive_field
    assert seen is not None
    assert local is not None
    assert (seen.size, seen.is_at_least) == ((14, 14), False)
    assert (local.size, local.is_at_least) == ((1, 1), True)
    assert cost.to_dict()["totals"]["lower_bounds"] == ["local_receptive_field"]
