"""Weight files as data: the tensors that a header names, and how their sum stands beside a network's parameters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import prod
from typing import NamedTuple


class Role(StrEnum):
    """What a tensor of a file is to the network."""

    PARAMETER = "parameter"
    PACKED = "packed"  # several parameters in each stored element
    BUFFER = "buffer"
    SCALE = "scale"  # of quantised parameters
    TIED = "tied"  # a second copy of a parameter that is stored already


class Tensor(NamedTuple):
    """One tensor of a file: `shape` as torch orders it, the slowest axis first; `size_bytes` as the header says."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    size_bytes: int
    file: str

    @property
    def elements(self) -> int:
        """Stored elements: the product of the shape."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class WeightFile:
    """All tensors of one checkpoint, which may be several files."""

    name: str
    format: str
    files: tuple[str, ...]
    tensors: tuple[Tensor, ...]
    metadata: dict[str, str]


class Group(NamedTuple):
    """Tensors of equal shape, dtype and role whose names differ in numbers alone: `layers.*.mlp.up_proj.weight`."""

    pattern: str
    role: Role
    dtype: str
    shape: tuple[int, ...]
    tensors: int
    elements: int
    params: int  # of the network: 0 of buffers and scales, more than `elements` of packed tensors
    size_bytes: int
    names: tuple[str, ...]


class Difference(NamedTuple):
    """A part of a difference of parameters, and the reason for it."""

    params: int
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """A checkpoint by groups; with a network beside it, what differs and why."""

    file: WeightFile
    groups: tuple[Group, ...]
    network: str = ""
    expected_params: int | None = None
    expected_buffers: int | None = None
    is_at_least: bool = False
    differences: tuple[Difference, ...] = ()
    why_alone: str = ""  # why no network stands beside it, though a configuration does

    @property
    def params(self) -> int:
        """Parameters of the network that the file holds, each once."""
        return sum(group.params for group in self.groups)

    @property
    def elements(self) -> int:
        """Stored elements."""
        return sum(group.elements for group in self.groups)

    @property
    def size_bytes(self) -> int:
        """Bytes of all tensors, headers and padding not counted."""
        return sum(group.size_bytes for group in self.groups)

    @property
    def unexplained(self) -> int:
        """What is left of the difference to the network: 0 where every part of it has a reason."""
        if self.expected_params is None:
            return 0
        return self.params - self.expected_params - sum(difference.params for difference in self.differences)

    def of(self, role: Role) -> int:
        """Stored elements of a role."""
        return sum(group.elements for group in self.groups if group.role is role)
