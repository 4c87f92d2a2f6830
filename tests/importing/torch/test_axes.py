"""Axes as parts of channels and positions, by hand."""

from __future__ import annotations

import pytest

from archcalc.importing.axes import AxesError, Factor, complete, merged, reshaped, whole

C, H, W = 0, 1, 2


def test_heads_are_parts_of_the_channels() -> None:
    axes = ((), whole(H, 7), whole(C, 12))
    assert reshaped(axes, (1, 7, 3, 2, 2)) == (
        (),
        (Factor(H, 1, 7),),
        (Factor(C, 4, 3),),
        (Factor(C, 2, 2),),
        (Factor(C, 1, 2),),
    )


def test_windows_are_put_together_again() -> None:
    axes = reshaped(((), whole(H, 14), whole(W, 14), whole(C, 8)), (1, 2, 7, 2, 7, 8))
    moved = tuple(axes[n] for n in (0, 1, 3, 2, 4, 5))
    windows = reshaped(moved, (4, 49, 8))
    assert windows == (
        (Factor(H, 7, 2), Factor(W, 7, 2)),
        (Factor(H, 1, 7), Factor(W, 1, 7)),
        (Factor(C, 1, 8),),
    )
    back = reshaped(windows, (1, 2, 2, 7, 7, 8))
    assert reshaped(tuple(back[n] for n in (0, 1, 3, 2, 4, 5)), (1, 14, 14, 8)) == (
        (),
        whole(H, 14),
        whole(W, 14),
        whole(C, 8),
    )


def test_flattened_positions_run_row_by_row() -> None:
    assert reshaped((whole(C, 3), whole(H, 2), whole(W, 5)), (3, 10)) == (
        whole(C, 3),
        (Factor(H, 1, 2), Factor(W, 1, 5)),
    )


def test_parts_that_follow_each_other_are_one() -> None:
    assert merged([Factor(C, 6, 2), Factor(C, 1, 6)]) == (Factor(C, 1, 12),)
    assert merged([Factor(C, 1, 6), Factor(C, 6, 2)]) == (Factor(C, 1, 6), Factor(C, 6, 2))
    assert merged([Factor(C, 1, 1)]) == ()


@pytest.mark.parametrize("shape", [(4, 3), (2, 3), (12, 2)])
def test_an_axis_that_ends_within_a_part_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(AxesError):
        reshaped(
            ((Factor(H, 1, 2),), (Factor(C, 1, 6),)) if shape == (12, 2) else ((Factor(H, 1, 6),), whole(C, 2)), shape
        )


def test_complete_means_every_index_once() -> None:
    assert complete(((Factor(C, 4, 3),), (Factor(C, 1, 4),)), C, 12)
    assert not complete(((Factor(C, 4, 3),),), C, 12)
    assert not complete(((Factor(C, 1, 4),),), C, 12)
