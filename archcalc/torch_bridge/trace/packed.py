"""Sequences that are packed for recurrent layers: of a batch of one that is the sequence itself, without its batch.

Of several, such as the sentences of one text, it is all of them, positions first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
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
        rows = _positions_first(x, is_batch_first)
        if not lengths.is_meta and int(lengths.max()) < rows.shape[0]:
            rows = rows.narrow(0, 0, int(lengths.max()))
        count = x.shape[0 if is_batch_first else 1]
        return rows, torch.full((rows.shape[0],), count, device="cpu")
    rows, sizes, is_batch_first, value, length = args
    lengths = torch.full((int(sizes[0]),), rows.shape[0], device="cpu")
    if length > rows.shape[0]:
        rows = nn.functional.pad(rows, [0, 0] * (rows.ndim - 1) + [0, length - rows.shape[0]], value=value)
    return _with_batch(rows, sizes, is_batch_first), lengths


def _positions_first(x: Tensor, is_batch_first: bool) -> Tensor:
    """A padded batch as the data of a packed one."""
    batch = 0 if is_batch_first else 1
    if x.shape[batch] == 1:
        return x.select(batch, 0)
    return x.transpose(0, 1) if is_batch_first else x


def _with_batch(rows: Tensor, sizes: Tensor, is_batch_first: bool) -> Tensor:
    """The data of a packed batch as a padded one."""
    if int(sizes[0]) == 1:
        return rows.unsqueeze(0 if is_batch_first else 1)
    return rows.transpose(0, 1) if is_batch_first else rows


def unpacked(args: tuple[Any, ...], is_batch_first: bool) -> tuple[Any, ...]:
    """Arguments of a recurrent layer, the first of which is packed, with the sequence in its place."""
    return (_with_batch(args[0].data, args[0].batch_sizes, is_batch_first), *args[1:])


def packed_again(packed: PackedSequence, given: Any, is_batch_first: bool) -> Any:
    """What a recurrent layer gives of a packed sequence: packed, and its states."""
    y, states = given
    rows = _positions_first(y, is_batch_first)
    return PackedSequence(rows, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices), states
