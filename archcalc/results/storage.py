"""How much of a layer is stored, and in what."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Protocol

from archcalc.dims import ceil_div
from archcalc.named import NamedTuple
from archcalc.results.formats import BLOCKS

Bits = int | str  # of each parameter, or the word of a format that packs weights in blocks: q4_k


class Kept(NamedTuple):
    """What is kept of a layer: the part of its weights that is not zero, the bits of each parameter, blocks.

    Where a `block` format holds the weights, `bits` are those of its biases and of the parameters of norms.
    """

    density: Fraction
    bits: int
    block: str = ""

    @property
    def word(self) -> Bits:
        """What its weights are stored in, as `--bits` takes it."""
        return self.block or self.bits

    def stored_bits(self, weights: Any, others: Any = 0) -> Any:
        """Bits of so many weights, those that are zero left out, and of other parameters of one operation."""
        if not self.block:
            return (weights + others) * self.bits
        elements, size_bytes = BLOCKS[self.block]
        return ceil_div(weights, elements) * size_bytes * 8 + others * self.bits

    def unread_bits(self, weights: int) -> int:
        """Bits that are not read where so many weights of an operation are not: those of whole blocks."""
        if not self.block:
            return weights * self.bits
        elements, size_bytes = BLOCKS[self.block]
        return weights // elements * size_bytes * 8


class Storage(Protocol):
    """How the layers of a network are stored."""

    @property
    def densities(self) -> tuple[Fraction, ...]:
        """Every density of a layer with weights, the lowest first."""
        ...

    @property
    def bits(self) -> tuple[Bits, ...]:
        """What parameters are stored in, in every layer that has some, the fewest bits first."""
        ...

    def of(self, layer: str) -> Kept:
        """What is kept of a layer."""
        ...


def bits_each(word: Bits) -> Fraction:
    """Bits of one weight: 8, or 4.5 in blocks of q4_k."""
    return Fraction(word) if isinstance(word, int) else Fraction(8 * BLOCKS[word].size_bytes, BLOCKS[word].elements)


def bits_of(text: str) -> Bits | None:
    """What `--bits` and `storage:` say: `8`, `q4_k`; None: neither a number of bits nor a format."""
    word = text.strip().lower()
    if word in BLOCKS:
        return word
    is_number = word.isdecimal() and word.isascii() and len(word) <= MOST_DIGITS and word[0] != "0"
    return int(word) if is_number else None


MOST_DIGITS = 9
