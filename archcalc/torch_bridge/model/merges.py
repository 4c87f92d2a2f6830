"""Merges of branches that torch's functions do not do: of any number of them, or cut to one extent."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor, nn


class _Merge(nn.Module):
    """A merge of any number of branches; with `align="crop"` all are cut, centred, to the extents of one."""

    def __init__(self, align: str | None = None, reference: int = 0) -> None:
        super().__init__()
        self.align, self.reference = align, reference

    def aligned(self, branches: Sequence[Tensor]) -> list[Tensor]:
        """Branches of one extent."""
        if self.align is None:
            return list(branches)
        extents = branches[self.reference].shape[2:]
        return [_centred(branch, extents) for branch in branches]


class Concat(_Merge):
    """Concatenation along the channels."""

    def forward(self, *branches: Tensor) -> Tensor:
        """Concatenate."""
        return torch.cat(self.aligned(branches), 1)


class Add(_Merge):
    """Sum of the branches."""

    def forward(self, *branches: Tensor) -> Tensor:
        """Add."""
        return reduce(torch.add, _of_one_rank(self.aligned(branches)))


class Mul(_Merge):
    """Product of the branches."""

    def forward(self, *branches: Tensor) -> Tensor:
        """Multiply."""
        return reduce(torch.mul, _of_one_rank(self.aligned(branches)))


class Mean(_Merge):
    """Mean of the branches (Larsson et al. 2017, the join)."""

    def forward(self, *branches: Tensor) -> Tensor:
        """Add, then divide."""
        return reduce(torch.add, self.aligned(branches)) / len(branches)


class Join(nn.Module):
    """Sequences one after the other; one that depends on no input is there for each example."""

    def forward(self, *branches: Tensor) -> Tensor:
        """Concatenate along the positions."""
        batch = max(len(branch) for branch in branches)
        return torch.cat([branch.expand(batch, *branch.shape[1:]) for branch in branches], 2)


class Dot(nn.Module):
    """The dot product of two branches over the channels, at each position."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """A product of a row and a column for each, so that counters of FLOPs see it."""
        rows, columns = (branch.movedim(1, -1).reshape(-1, 1, branch.shape[1]) for branch in (a, b))
        return torch.bmm(rows, columns.transpose(1, 2)).reshape(len(a), 1, *a.shape[2:])


def _of_one_rank(branches: Sequence[Tensor]) -> list[Tensor]:
    """Features as maps of one position, where others are maps."""
    rank = max(branch.dim() for branch in branches)
    return [branch.reshape(*branch.shape, *(1,) * (rank - branch.dim())) for branch in branches]


def _centred(x: Tensor, extents: Sequence[int]) -> Tensor:
    for axis, extent in enumerate(extents, start=2):
        x = x.narrow(axis, (x.shape[axis] - extent) // 2, extent)
    return x
