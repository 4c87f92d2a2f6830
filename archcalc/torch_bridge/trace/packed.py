"""Sequences that are packed for recurrent layers: of a batch of one that is the sequence itself, without its batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

PACKING = {"_pack_padded_sequence", "_pad_packed_sequence"}


def repacked(name: str, args: Sequence[Any]) -> tuple[Tensor, Tensor]:
    """What packing or padding gives, by views that a tracer sees; lengths that are not known are those of all.

    Args:
        name: of the operation in ATen, one of `PACKING`.
        args: in the order of its schema.
    """
    if name == "_pack_padded_sequence":
        x, lengths, is_batch_first = args
        rows = x.select(0 if is_batch_first else 1, 0)
        if not lengths.is_meta and int(lengths.max()) < rows.shape[0]:
            rows = rows.narrow(0, 0, int(lengths.max()))
        return rows, torch.ones(rows.shape[0], dtype=torch.int64, device="cpu")
    rows, _, is_batch_first = args[:3]
    return rows.unsqueeze(0 if is_batch_first else 1), torch.tensor([rows.shape[0]], device="cpu")


def unpacked(args: tuple[Any, ...], is_batch_first: bool) -> tuple[Any, ...] | None:
    """Arguments of a recurrent layer with the sequence in the place of a packed one; None: there is none."""
    if not args or not isinstance(args[0], PackedSequence):
        return None
    return (args[0].data.unsqueeze(0 if is_batch_first else 1), *args[1:])


def packed_again(packed: PackedSequence, given: Any, is_batch_first: bool) -> Any:
    """What a recurrent layer gives of a packed sequence: packed, and its states."""
    y, states = given
    rows = y.squeeze(0 if is_batch_first else 1)
    return PackedSequence(rows, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices), states
