"""Attention, mixtures, scans and values of no input, channels first: what torch has no module for.

Products of queries, keys and values are matrix products of all pairs, so that a counter of FLOPs sees the rectangle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional


class Attend(nn.Module):
    """Scaled dot-product attention over branches by their roles."""

    def __init__(
        self,
        roles: Sequence[str],
        heads: int,
        kv_heads: int | None = None,
        causal: bool = False,
        window: int | None = None,
        blocks: int | tuple[int, ...] | None = None,
        shift: int | tuple[int, ...] = 0,
        grid: bool = False,
        scale_channels: int | None = None,
    ) -> None:
        super().__init__()
        self.roles, self.heads, self.kv_heads = tuple(roles), heads, kv_heads or heads
        self.causal, self.window, self.blocks = causal, window, blocks
        self.shift, self.grid, self.scale_channels = shift, grid, scale_channels

    def forward(self, *branches: Tensor) -> Tensor:
        """Compare, take the softmax, add up the values."""
        given = dict(zip(self.roles, branches, strict=True))
        q, k, v = self._split(given)
        extents = q.shape[2:]
        blocks = self._of_axes(self.blocks, len(extents))
        moves = self._moves(extents, blocks)
        q, k, v = (_moved(part, moves, -1) for part in (q, k, v))
        q, k, v = (_in_blocks(part, blocks, self.grid) for part in (q, k, v))  # (batch, blocks, channels, positions)
        query, key, value = (
            _parts(part, 2, number).transpose(3, 4)
            for part, number in ((q, self.heads), (k, self.kv_heads), (v, self.kv_heads))
        )
        shared = self.heads // self.kv_heads
        key, value = (part.repeat_interleave(shared, 2) for part in (key, value))
        key, value = (part.expand(max(len(query), len(part)), *part.shape[1:]) for part in (key, value))
        query = query.expand(max(len(query), len(key)), *query.shape[1:])
        scores = torch.matmul(query, key.transpose(3, 4))
        root = (self.scale_channels or query.shape[-1]) ** 0.5
        scores = scores * _of_heads(given["scale"]) if "scale" in given else scores / root
        if "bias" in given:
            scores = scores + self._bias(given["bias"], scores.shape[-2:], blocks)
        scores = scores + self._mask(scores)
        if any(moves):
            regions = _in_blocks(_regions(extents, moves).to(scores.device), blocks)[:, :, 0]
            strangers = regions.unsqueeze(3) != regions.unsqueeze(2)  # (1, blocks, queries, keys)
            scores = scores.masked_fill(strangers.unsqueeze(2), float("-inf"))
        if "sinks" in given:
            sinks = _of_heads(given["sinks"]).expand(*scores.shape[:-1], 1)
            weights = torch.cat([scores, sinks], -1).softmax(-1)[..., :-1]
        else:
            weights = scores.softmax(-1)
        y = torch.matmul(weights, value).transpose(3, 4).flatten(2, 3)
        return _moved(_out_of_blocks(y, blocks, extents, self.grid), moves, 1)

    def _split(self, given: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys, values, however they are given."""
        if "qkv" in given:
            qkv = given["qkv"]
            width = qkv.shape[1] // (self.heads + 2 * self.kv_heads)
            sizes = [width * self.heads, width * self.kv_heads, width * self.kv_heads]
            q, k, v = torch.split(qkv, sizes, 1)
        elif "kv" in given:
            q, kv = given["q"], given["kv"]
            keys = q.shape[1] // self.heads * self.kv_heads
            k, v = torch.split(kv, [keys, kv.shape[1] - keys], 1)
        else:
            q, k, v = given["q"], given["k"], given["v"]
        return q, k, v

    @staticmethod
    def _of_axes(value: int | tuple[int, ...] | None, rank: int) -> tuple[int, ...] | None:
        return (value,) * rank if isinstance(value, int) else value

    def _moves(self, extents: Sequence[int], blocks: tuple[int, ...] | None) -> tuple[int, ...]:
        """How far blocks are moved along each axis: not at all where one is all there is."""
        shifts = self._of_axes(self.shift, len(extents)) or ()
        return tuple(
            shift if extent > block else 0
            for shift, extent, block in zip(shifts, extents, blocks or extents, strict=True)
        )

    def _mask(self, scores: Tensor) -> Tensor:
        """Minus infinity for pairs that no query reads; queries are the last of the keys."""
        queries, keys = scores.shape[-2:]
        if not self.causal and self.window is None:
            return scores.new_zeros(())
        ahead = torch.arange(keys, device=scores.device) - torch.arange(
            keys - queries, keys, device=scores.device
        ).unsqueeze(1)
        if self.causal:
            left_out = (ahead > 0) | (ahead <= -self.window if self.window else ahead > 0)
        else:
            left_out = ahead.abs() > ((self.window or 1) - 1) // 2
        return scores.new_zeros(queries, keys).masked_fill(left_out, float("-inf"))

    def _bias(self, bias: Tensor, pairs: Sequence[int], blocks: tuple[int, ...] | None) -> Tensor:
        """A number for each pair: as it is, or from a table by the distance along each axis."""
        if bias.dim() == 4:
            return bias.unsqueeze(1)
        queries, keys = pairs
        entries = bias.shape[2]
        if blocks is not None and entries == prod(2 * block - 1 for block in blocks):
            axes = torch.meshgrid(*[torch.arange(block, device=bias.device) for block in blocks], indexing="ij")
            index = torch.zeros(queries, keys, dtype=torch.int64, device=bias.device)
            for axis, block in zip(axes, blocks, strict=True):
                places = axis.flatten()
                index = index * (2 * block - 1) + places.unsqueeze(1) - places + block - 1
        else:  # buckets of distances
            places = torch.arange(keys, device=bias.device)
            index = (places[keys - queries :].unsqueeze(1) - places) % entries
        return bias[:, :, index].unsqueeze(1)


class Experts(nn.ModuleList):
    """Copies of a module, of which the first so many work: each on its part of the batch.

    They stand for those that a router would choose: as many are stored and as many work, but not by its choice.
    """

    def __init__(self, copies: Iterable[nn.Module], computed: int) -> None:
        super().__init__(copies)
        self.computed = computed

    def forward(self, *inputs: Tensor) -> Tensor:
        """Each part by its own copy; what is there once for all parts is given to each."""
        if not inputs:
            return torch.cat([self[number]() for number in range(self.computed)])
        parts = [
            each.chunk(self.computed) if len(each) % self.computed == 0 else (each,) * self.computed for each in inputs
        ]
        return torch.cat([self[number](*part) for number, part in enumerate(zip(*parts, strict=True))])


class Route(nn.Module):
    """The outputs of the experts that work, which come one after the other in the batch, weighted and added."""

    def __init__(self, roles: Sequence[str], top: int) -> None:
        super().__init__()
        self.roles, self.top = tuple(roles), top

    def forward(self, *branches: Tensor) -> Tensor:
        """Choose, weigh, add."""
        given = dict(zip(self.roles, branches, strict=True))
        weights = given["router"].topk(self.top, 1).values.movedim(1, 0).unsqueeze(2)  # (top, batch, 1, extent...)
        y = (_parts(given["expert"], 0, self.top) * weights).sum(0)
        return y + given["shared"] if "shared" in given else y


class Scan(nn.Module):
    """Selective state space, position by position (Gu and Dao 2023, algorithm 2)."""

    def __init__(self, roles: Sequence[str], channels: int, states: int, heads: int | None = None) -> None:
        super().__init__()
        self.roles, self.states, self.heads = tuple(roles), states, heads
        size: tuple[int, ...] = (channels, states) if heads is None else (heads,)
        self.logarithm = nn.Parameter(torch.zeros(size))  # of minus A
        self.through = nn.Parameter(torch.ones(size[0]))  # D
        self.bias = None if heads is None else nn.Parameter(torch.zeros(heads))

    def forward(self, *branches: Tensor) -> Tensor:
        """Write, decay and read the state of each channel."""
        given = dict(zip(self.roles, branches, strict=True))
        x, dt = given["x"].transpose(1, 2), given["dt"].transpose(1, 2)  # (batch, length, ...)
        batch, length, channels = x.shape
        steps = functional.softplus(dt if self.bias is None else dt + self.bias)
        rates = -self.logarithm.exp()
        if self.heads is None:
            decays = (steps.unsqueeze(-1) * rates).exp()
            through: Tensor = self.through
        else:
            width = channels // self.heads
            decays = (steps * rates).exp().repeat_interleave(width, -1).unsqueeze(-1)
            steps, through = steps.repeat_interleave(width, -1), self.through.repeat_interleave(width)
        written, read = (
            _parts(given[role].transpose(1, 2), 2, -1, self.states).flatten(0, 1) for role in ("B", "C")
        )  # (batch * length, groups, states)
        groups = written.shape[1]
        columns = (steps * x).reshape(batch * length * groups, channels // groups, 1)
        added = torch.bmm(columns, written.flatten(0, 1).unsqueeze(1)).reshape(batch, length, channels, self.states)
        state = added.new_zeros(batch, channels, self.states)
        states = []
        for at in range(length):
            state = decays[:, at] * state + added[:, at]
            states.append(state)
        kept = torch.stack(states, 1).reshape(batch * length * groups, channels // groups, self.states)
        y = torch.bmm(kept, read.flatten(0, 1).unsqueeze(2)).reshape(batch, length, channels)
        direct = torch.bmm(x.reshape(-1, 1, 1), through.expand(batch, length, channels).reshape(-1, 1, 1))
        return (y + direct.reshape(batch, length, channels)).transpose(1, 2)


class Delta(nn.Module):
    """Gated delta rule, position by position (Yang et al. 2024, equation 10)."""

    def __init__(self, roles: Sequence[str], heads: int, k_heads: int | None = None) -> None:
        super().__init__()
        self.roles, self.heads, self.k_heads = tuple(roles), heads, k_heads or heads
        self.logarithm = nn.Parameter(torch.zeros(heads))  # of A
        self.bias = nn.Parameter(torch.zeros(heads))

    def forward(self, *branches: Tensor) -> Tensor:
        """Decay, correct and read the matrix of each head."""
        given = dict(zip(self.roles, branches, strict=True))
        shared = self.heads // self.k_heads
        q, k = (
            _parts(given[role], 1, self.k_heads).repeat_interleave(shared, 1).flatten(0, 1) for role in ("q", "k")
        )  # (batch * heads, channels, length)
        v = _parts(given["v"], 1, self.heads).flatten(0, 1)
        decay = (
            -self.logarithm.exp().unsqueeze(1) * functional.softplus(given["decay"] + self.bias.unsqueeze(1))
        ).exp()
        a, beta = decay.flatten(0, 1), given["beta"].flatten(0, 1)
        state = v.new_zeros(len(v), v.shape[1], k.shape[1])
        outputs = []
        for at in range(v.shape[2]):
            key, query = k[:, :, at : at + 1], q[:, :, at : at + 1]
            state = a[:, at, None, None] * state
            error = beta[:, at, None, None] * (v[:, :, at : at + 1] - torch.bmm(state, key))
            state = state + torch.bmm(error, key.transpose(1, 2))
            outputs.append(torch.bmm(state, query))
        return _parts(torch.cat(outputs, 2), 0, -1, self.heads).flatten(1, 2)


class Constant(nn.Module):
    """Values that depend on no input, as a batch of one; stored as tables are: a row of channels for each position."""

    weight: Tensor

    def __init__(self, size: tuple[int, ...], trained: bool = True) -> None:
        super().__init__()
        channels, *extents = size
        values = torch.randn(*extents, channels) * 0.02
        if trained:
            self.weight = nn.Parameter(values)
        else:
            self.register_buffer("weight", values)

    def forward(self) -> Tensor:
        """Channels first."""
        return self.weight.movedim(-1, 0).unsqueeze(0)


def _parts(x: Tensor, axis: int, count: int, size: int = -1) -> Tensor:
    """An axis as so many parts of so many elements."""
    return x.reshape(*x.shape[:axis], count, size, *x.shape[axis + 1 :])


def _of_heads(values: Tensor) -> Tensor:
    """A number for each head, spread over the pairs of (batch, blocks, heads, queries, keys)."""
    return values.reshape(values.shape[0], 1, values.shape[1], 1, 1)


def _moved(x: Tensor, moves: Sequence[int], direction: int) -> Tensor:
    """Rolled along its extents, forwards or backwards."""
    return x.roll([direction * move for move in moves], tuple(range(2, x.dim()))) if any(moves) else x


def _regions(extents: Sequence[int], moves: Sequence[int]) -> Tensor:
    """A number for each position once moved, (1, 1, extent...): within a block, equal where they were neighbours."""
    regions = torch.zeros(1, 1, *extents, dtype=torch.int64)
    for axis, (extent, move) in enumerate(zip(extents, moves, strict=True)):
        came_around = (torch.arange(extent) >= extent - move).long()
        shape = [1] * regions.dim()
        shape[2 + axis] = extent
        regions = 2 * regions + came_around.reshape(shape)
    return regions


def _in_blocks(x: Tensor, blocks: tuple[int, ...] | None, grid: bool = False) -> Tensor:
    """(batch, channels, extent...) as (batch, blocks, channels, positions of a block)."""
    if blocks is None:
        return x.flatten(2).unsqueeze(1)
    rank = len(blocks)
    pairs = [
        size
        for extent, block in zip(x.shape[2:], blocks, strict=True)
        for size in ((block, extent // block) if grid else (extent // block, block))
    ]
    split = x.reshape(*x.shape[:2], *pairs)
    outer, inner = range(2, 2 + 2 * rank, 2), range(3, 3 + 2 * rank, 2)
    order = [0, *inner, 1, *outer] if grid else [0, *outer, 1, *inner]
    return split.permute(order).flatten(1, rank).flatten(3)


def _out_of_blocks(y: Tensor, blocks: tuple[int, ...] | None, extents: Sequence[int], grid: bool = False) -> Tensor:
    """The reverse, to these extents."""
    if blocks is None:
        return y.reshape(len(y), y.shape[2], *extents)
    rank = len(blocks)
    counts = [extent // block for extent, block in zip(extents, blocks, strict=True)]
    split = y.reshape(len(y), *counts, y.shape[2], *blocks)
    pairs = [(2 + rank + i, 1 + i) if grid else (1 + i, 2 + rank + i) for i in range(rank)]
    order = [0, 1 + rank] + [axis for pair in pairs for axis in pair]
    return split.permute(order).reshape(len(y), y.shape[2], *extents)
