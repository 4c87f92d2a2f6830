"""Attention: every query compared with all keys, or with those of its block; what comes out are sums of values."""

from __future__ import annotations

from typing import Any

from archcalc.dims import Dim, RequirementError, minimum, prod, require_at_least, require_divides, require_equal
from archcalc.named import NamedTuple
from archcalc.ops.arguments import argument
from archcalc.ops.base import (
    CAUSAL,
    GLOBAL,
    AnyWindow,
    Arithmetic,
    Example,
    Kept,
    Operator,
    Parameters,
    Saved,
    TorchCall,
    Window,
    operator,
)
from archcalc.ops.checks import require_spatial
from archcalc.ops.roles import Roles
from archcalc.ops.shape import Shape, image, sequence
from archcalc.ops.window import per_axis

HEADS = "{name} has {number} channels, which do not divide into {divisor} heads"


class Sizes(NamedTuple):
    """What an attention is made of, however its branches are given."""

    queries: Shape
    keys: Shape
    query_channels: Dim  # of all heads
    value_channels: Dim  # of all heads that have keys and values of their own
    output_channels: Dim


def _reads_by_query(window: Dim | None, keys: Dim) -> Dim:
    """Twice the pairs of so many positions, each of which reads itself and those before, `window` in all."""
    reach = keys if window is None else minimum(window, keys)
    return reach * (2 * keys + 1 - reach)


def _require_heads(heads: Dim, channels: Dim, name: str) -> None:
    require_divides(heads, channels, "indivisible-heads", HEADS, name=name)


@operator("attend")
class Attend(Operator):
    """Scaled dot-product attention of several heads over the channels of its branches.

    `q` holds queries, `k` keys, `v` values; `kv` holds keys, then values; `qkv` all three. Heads have q.channels /
    heads channels, and values v.channels / kv_heads. A `bias` is added to all pairs of a head: a number for each
    pair, or a table that is looked up by their distance. `sinks` are a further key of each head, without a value.
    `scale` is a factor for each head instead of the root of its channels, and `scale_channels` another number under
    that root. Causal queries are the last of the keys,
    and read no later one; with a window they read so many positions, their own included. Without `causal`, a window
    reaches as far behind as before. With `blocks`, positions read those of their block alone. With `shift`, blocks
    begin so many positions later, and the last one ends with the first positions, which are no neighbours: their
    pairs are masked; where one block is all there is, it stays in its place. With `grid`, a block holds positions
    that are equally far apart over the whole extent.

    Shapes:  q (heads*dk, extent...), k (kv_heads*dk, keys...), v (kv_heads*dv, keys...) -> (heads*dv, extent...).
    Counts:  the whole rectangle, as every tool counts it: macs = queries * keys * (heads*dk + heads*dv), keys those
             of a block with `blocks`; masked = that of pairs that the mask excludes. For pairs p = heads * queries
             * keys in rows r = heads * queries: multiplications = divisions = transcendentals = p, additions =
             2p - r, comparisons = p - r; p additions more for a bias, r comparisons and transcendentals and 2r
             additions for sinks. connections = 0: it has no weights.
    Errors:  no-spatial-axes, indivisible-heads, heads-mismatch, keys-mismatch, fewer-keys, axes-mismatch,
             indivisible-blocks, even-window, bad-shift, blocks-needed.
    Source:  Vaswani et al. 2017, equation (1); Shazeer 2019 and Ainslie et al. 2023 (kv_heads); Beltagy et al. 2020,
             section 3.1 (window); Xiao et al. 2023, section 3.3 (sinks); Liu et al. 2021, equation (4) (blocks, bias)
             and section 3.2 (shift); Tu et al. 2022, section 3.2 (grid).
    """

    heads: Dim = argument("count", "heads of the queries")
    kv_heads: Any = argument("count", "heads of keys and values, shared by the queries'; as many where not given", None)
    causal: bool = argument("flag", "no query reads a later position", False)
    reach: Any = argument(
        "count", "positions that a query reads, its own included; all where not given", None, name="window"
    )
    blocks: Any = argument("extents", "extent of blocks, one number or one for each axis; none where not given", None)
    shift: Any = argument("extents", "positions by which blocks begin later, one number or one for each axis", None, 0)
    grid: bool = argument("flag", "a block holds positions spread evenly over the extent, not neighbours", False)
    scale_channels: Any = argument("count", "what the root is taken of; the channels of a head where not given", None)

    merges = True
    roles = Roles((("q", "k", "v"), ("q", "kv"), ("qkv",)), ("bias", "sinks", "scale"))

    def sizes(self, x: tuple[Shape, ...]) -> Sizes:
        """What it is made of."""
        q, k, v, kv, qkv = (self.branch(x, role) for role in ("q", "k", "v", "kv", "qkv"))
        groups = self.heads if self.kv_heads is None else self.kv_heads
        if qkv is not None:
            require_spatial(qkv, self.name)
            parts = 3 if self.kv_heads is None else self.heads + 2 * groups  # heads are equally wide
            require_divides(
                parts, qkv.channels, "indivisible-heads", "qkv has {number} channels, which do not make {divisor} parts"
            )
            width = qkv.channels // parts
            query = width if self.kv_heads is None else width * self.heads
            value = width if self.kv_heads is None else width * groups
            _require_heads(self.heads, query, "q")
            return Sizes(qkv, qkv, query, value, query)
        require_spatial(q, self.name)
        _require_heads(self.heads, q.channels, "q")
        key = q.channels if self.kv_heads is None else q.channels // self.heads * groups
        if kv is not None:
            require_spatial(kv, self.name)
            require_at_least(
                kv.channels,
                key + 1,
                "heads-mismatch",
                "the keys of kv take {keys} of its channels, and leave none of {value} for values",
                keys=key,
            )
            keys, value = kv, kv.channels - key
        else:
            require_spatial(k, self.name)
            require_spatial(v, self.name)
            require_equal(
                k.channels,
                key,
                "heads-mismatch",
                "k needs {b} channels, those of a head of q times the heads of k; it has {a}",
                help="kv_heads= says how many heads k and v have",
            )
            require_equal(
                k.positions, v.positions, "keys-mismatch", "k has {a} positions, v has {b}", help="k and v go in pairs"
            )
            keys, value = k, v.channels
        _require_heads(groups, value, "v")
        return Sizes(
            q, keys, q.channels, value, value if self.kv_heads is None else value // self.kv_heads * self.heads
        )

    def _row(self, sizes: Sizes) -> Dim:
        """Keys that a query is compared with."""
        if self.blocks is None:
            return sizes.keys.positions
        return prod(per_axis(self.blocks, sizes.queries.rank, "blocks"))

    def _require_pairs(self, sizes: Sizes) -> None:
        """Refuse queries that do not fit to their keys."""
        queries, keys = sizes.queries, sizes.keys
        self._require_plain_blocks()
        if self.blocks is not None:
            blocks = per_axis(self.blocks, queries.rank, "blocks")
            for extent, block in zip(queries.spatial, blocks, strict=True):
                require_divides(
                    block,
                    extent,
                    "indivisible-blocks",
                    "an extent of {number} does not divide into blocks of {divisor}",
                    help="pad(...) before the branches are made brings it to a multiple",
                )
            if self.shift is not None:
                for shift, block in zip(per_axis(self.shift, queries.rank, "shift"), blocks, strict=True):
                    require_at_least(
                        block,
                        shift + 1,
                        "bad-shift",
                        "a shift of {shift} moves blocks of {value} by a whole block or more",
                        help="Swin Transformers move them by half of their extent",
                        shift=shift,
                    )
        if self.blocks is not None or (self.reach is not None and not self.causal):
            require_equal(queries.positions, keys.positions, "keys-mismatch", "attend has {a} queries for {b} keys")
        if self.causal:
            require_at_least(
                keys.positions,
                queries.positions,
                "fewer-keys",
                "causal queries are the last of the keys; there are {minimum} queries and {value} keys",
                help="cross attention is not causal",
            )
        elif self.reach is not None:
            require_divides(
                2,
                self.reach - 1,
                "even-window",
                "a window of {window} does not reach as far behind a position as before it",
                help="an odd number holds the position itself and as many on each side",
                window=self.reach,
            )

    def _require_plain_blocks(self) -> None:
        """Refuse what only blocks have, without them, and a shift of what has other neighbours."""
        if self.blocks is None and (self.grid or self.shift is not None):
            name = "grid" if self.grid else "shift"
            raise RequirementError("blocks-needed", f"{name} is of blocks, and there are none", "add blocks=7")
        if self.shift is not None and (self.grid or self.causal or self.reach is not None):
            other = "grid" if self.grid else "causal" if self.causal else "window"
            raise RequirementError(
                "bad-shift", f"blocks that are moved have no {other}", f"write shift= or {other}=, not both"
            )

    def _require_of_heads(self, x: tuple[Shape, ...], role: str) -> None:
        found = self.branch(x, role)
        if found is not None:
            require_equal(
                found.channels,
                self.heads,
                "heads-mismatch",
                "{role} needs a channel for each of {b} heads; it has {a}",
                role=role,
            )

    def infer(self, x: tuple[Shape, ...]) -> Shape:
        """Output shape: as many positions as queries."""
        sizes = self.sizes(x)
        self._require_pairs(sizes)
        self._require_of_heads(x, "bias")
        self._require_of_heads(x, "sinks")
        self._require_of_heads(x, "scale")
        return Shape(sizes.output_channels, sizes.queries.spatial)

    def parameters(self, x: tuple[Shape, ...]) -> Parameters:
        """Nothing stored: its branches hold the weights."""
        return Parameters()

    def arithmetic(self, x: tuple[Shape, ...], y: Shape) -> Arithmetic:
        """Products of queries and keys, a softmax of each row, products with values."""
        sizes = self.sizes(x)
        rows = self.heads * sizes.queries.positions
        pairs = rows * self._row(sizes)
        sinks = 0 if self.branch(x, "sinks") is None else rows
        return Arithmetic(
            macs=sizes.queries.positions * self._row(sizes) * (sizes.query_channels + sizes.output_channels),
            additions=2 * pairs - rows + 2 * sinks + (0 if self.branch(x, "bias") is None else pairs),
            multiplications=pairs,
            divisions=pairs,
            comparisons=pairs - rows + sinks,
            transcendentals=pairs + sinks,
        )

    def masked(self, x: tuple[Shape, ...], y: Shape) -> Dim:
        """Macs of pairs that `causal` and `window` exclude; counted twice and halved, so that no half is left."""
        sizes = self.sizes(x)
        keys = self._row(sizes)
        queries = sizes.queries.positions if self.blocks is None else keys  # of one block
        if self.causal:
            read = _reads_by_query(self.reach, keys) - _reads_by_query(self.reach, keys - queries)
        elif self.reach is not None:
            read = 2 * _reads_by_query((self.reach + 1) // 2, keys) - 2 * keys  # its own position once
        else:
            return self._masked_by_shift(sizes)
        blocks = 1 if self.blocks is None else sizes.queries.positions // keys
        return blocks * (2 * queries * keys - read) * (sizes.query_channels + sizes.output_channels) // 2

    def _masked_by_shift(self, sizes: Sizes) -> Dim:
        """Macs of pairs of the last blocks, of whose positions `shift` are the first ones of the extent.

        Along an axis all blocks but the last read block**2 pairs; the last one (block - shift)**2 + shift**2.
        """
        if self.shift is None:
            return 0
        extents = sizes.queries.spatial
        all_pairs, read = [], []
        for extent, block, shift in zip(
            extents,
            per_axis(self.blocks, len(extents), "blocks"),
            per_axis(self.shift, len(extents), "shift"),
            strict=True,
        ):
            moved = shift * minimum(extent // block - 1, 1)  # a single block stays
            all_pairs.append(extent * block)
            read.append(extent * block - 2 * moved * (block - moved))
        return (prod(all_pairs) - prod(read)) * (sizes.query_channels + sizes.output_channels)

    def connections(self, x: tuple[Shape, ...], y: Shape) -> Dim:
        """None: LeCun et al. count units with weights."""
        return 0

    def window(self, x: tuple[Shape, ...]) -> AnyWindow:
        """All positions; causal, those up to its own; of a window so many; of blocks at least itself."""
        rank = self.sizes(x).queries.rank
        if self.blocks is not None:  # which slide nowhere: blocks upon the same blocks see no more
            ones = (1,) * rank
            return Window(kernel=ones, stride=ones, padding=(0,) * rank, dilation=ones, is_known=False)
        if self.reach is not None and rank == 1:
            before = self.reach - 1 if self.causal else (self.reach - 1) // 2
            return Window(kernel=(self.reach,), stride=(1,), padding=(before,), dilation=(1,))
        return CAUSAL if self.causal and rank == 1 else GLOBAL

    def saved(self, x: tuple[Shape, ...], y: Shape) -> Saved:
        """Fused: its branches, output and a number for each row. Else copies of them, head by head, and all pairs."""
        sizes = self.sizes(x)
        rows = self.heads * sizes.queries.positions
        if (
            self.blocks is None
            and self.branch(x, "bias") is None
            and self.branch(x, "sinks") is None
            and (self.branch(x, "scale") is None)
        ):
            return Saved(tuple(range(len(x))), True, (Kept(rows, "statistics"),))
        queries = sizes.queries.positions * sizes.query_channels
        keys = sizes.keys.positions * sizes.query_channels  # for all heads, those that share them too
        values = sizes.keys.positions * sizes.output_channels
        return Saved(made=(Kept(queries), Kept(keys), Kept(values), Kept(rows * self._row(sizes))))

    def torch(self, x: tuple[Shape, ...]) -> TorchCall:
        """A module of its own, on `torch.matmul`, which sees all pairs."""
        named: dict[str, Any] = {"causal": self.causal, "window": self.reach, "blocks": self.blocks}
        if self.shift is not None:
            named["shift"] = self.shift
        if self.grid:
            named["grid"] = True
        if self.scale_channels is not None:
            named["scale_channels"] = self.scale_channels
        return TorchCall("archcalc.Attend", (self.given, self.heads, self.kv_heads), named)

    examples = (
        Example(
            "Radford et al. 2019 (GPT-2), one layer of 12 heads; by hand 2*768*1024*1024, and of that 1023/2048 masked",
            {"q": sequence(768, 1024), "k": sequence(768, 1024), "v": sequence(768, 1024)},
            {"heads": 12, "causal": True},
            sequence(768, 1024),
            {"params": 0, "macs": 1_610_612_736, "masked": 804_519_936, "connections": 0},
        ),
        Example(
            "by hand: a step of 1 query and 5 keys, 4 heads of 2 and values of 3, shared by 2: 5*(8 + 12); 20 pairs",
            {"q": sequence(8, 1), "k": sequence(4, 5), "v": sequence(6, 5)},
            {"heads": 4, "kv_heads": 2, "causal": True},
            sequence(12, 1),
            {"macs": 100, "masked": 0, "multiplications": 20, "additions": 36, "comparisons": 16,
             "transcendentals": 20, "divisions": 20},
        ),
        Example(
            "by hand: 6 positions that read 3 each, the first ones fewer: 36 - 15 of 36 pairs of 2 + 2 channels; sinks",
            {"q": sequence(2, 6), "kv": sequence(4, 6), "sinks": Shape(2)},
            {"heads": 2, "causal": True, "window": 3},
            sequence(2, 6),
            {"macs": 144, "masked": 84, "additions": 156, "comparisons": 72, "transcendentals": 84},
        ),
        Example(
            "Liu et al. 2021, equation (2): (2M^2)hwC with M = 7, h = w = 56, C = 96; by hand 3 heads of 49 pairs",
            {"qkv": image(288, 56, 56), "bias": sequence(3, 169)},
            {"heads": 3, "blocks": 7},
            image(96, 56, 56),
            {"macs": 29_503_488, "masked": 0, "multiplications": 460_992, "additions": 1_373_568},
        ),
        Example(
            "by hand: two blocks of 4, the second of which holds 2 last and the 2 first: 2*4 of 32 pairs of 2 + 2",
            {"qkv": sequence(6, 8)},
            {"heads": 1, "blocks": 4, "shift": 2},
            sequence(2, 8),
            {"macs": 128, "masked": 32, "comparisons": 24},
        ),
        Example(
            "Tu et al. 2022, section 3.2: a grid of 7x7 costs what windows of 7x7 do",
            {"qkv": image(288, 56, 56)},
            {"heads": 3, "blocks": 7, "grid": True},
            image(96, 56, 56),
            {"macs": 29_503_488, "masked": 0},
        ),
    )  # fmt: skip
