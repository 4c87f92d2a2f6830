"""Shapes of what flows through a network: channels first, the batch left out."""

from __future__ import annotations

from typing import Any

from archcalc.dims import Dim, Polynomial, prod
from archcalc.named import NamedTuple


class Shape(NamedTuple):
    """Channels first, batch left out: `image(3, 224, 224)` is `Shape(3, (224, 224))`.

    No spatial axes: a vector of features. `channels` is None for token ids before their embedding.
    """

    channels: Any  # Dim, or None for tokens; Any spares every rule a cast
    spatial: tuple[Dim, ...] = ()

    @property
    def rank(self) -> int:
        """Number of spatial axes: 0 features, 1 sequence, 2 image, 3 volume."""
        return len(self.spatial)

    @property
    def positions(self) -> Dim:
        """Product of the spatial extents; 1 for a vector of features."""
        return prod(self.spatial)

    @property
    def elements(self) -> Dim:
        """Scalars in one example."""
        return prod(self.spatial) if self.channels is None else self.channels * prod(self.spatial)

    @property
    def kind(self) -> str:
        """The word of the language for it: features, sequence, image, volume or tokens."""
        return "tokens" if self.channels is None else ("features", "sequence", "image", "volume")[self.rank]

    def __str__(self) -> str:
        axes = self.spatial if self.channels is None else (self.channels, *self.spatial)
        return "x".join(f"({axis})" if isinstance(axis, Polynomial) else str(axis) for axis in axes)


def image(channels: Dim, height: Dim, width: Dim) -> Shape:
    """Shape of an image, for examples and tests."""
    return Shape(channels, (height, width))


def features(channels: Dim) -> Shape:
    """Shape of a vector of features, for examples and tests."""
    return Shape(channels)


def sequence(channels: Dim, length: Dim) -> Shape:
    """Shape of a sequence, for examples and tests."""
    return Shape(channels, (length,))


def rank_suffix(x: Shape) -> str:
    """`1d`, `2d` or `3d`, as torch names its modules; features count as 1d."""
    return f"{max(x.rank, 1)}d"
