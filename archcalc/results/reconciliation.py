"""Results as data: what tools print for a network, and what of it each of them counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from archcalc.results.convention import Convention

PARTS = ("MACs", "bias", "norm", "activation", "pooling", "other")  # of a figure, by the kind of work


class Component(NamedTuple):
    """Something that a network has a number of: `relu outputs`; and what one of it is worth to those that count it."""

    operator: str
    words: str
    part: str  # one of PARTS
    many: int
    worth: dict[str, int]  # by name of convention; those that do not count it are not in it


class Figure(NamedTuple):
    """What a tool printed: just now, or on the date it was recorded."""

    number: int
    version: str
    date: str = ""  # nothing: just now
    unit: int = 1  # of its last digit: documentation may be rounded to millions


class Coding(NamedTuple):
    """A part of a tool's figure that comes from how a model is coded, not from the network."""

    words: str
    number: int


@dataclass(slots=True)
class ReconciledTool:
    """A tool's figure beside ours under its convention; `parts` add up to ours."""

    convention: Convention
    figure: Figure
    ours: int
    coding: list[Coding]
    parts: dict[str, int]  # by PARTS, zeros left out

    @property
    def name(self) -> str:
        """Name of the tool's convention."""
        return self.convention.name

    @property
    def coded(self) -> int:
        """All that comes from how the model is coded."""
        return sum(part.number for part in self.coding)

    @property
    def explained(self) -> int:
        """Ours with what comes from the coding, in the tool's last digit."""
        unit = self.figure.unit
        return (2 * (self.ours + self.coded) + unit) // (2 * unit) * unit

    @property
    def difference(self) -> int:
        """What of the tool's figure is not explained."""
        return self.figure.number - self.explained


@dataclass(slots=True)
class Reconciliation:
    """A network, the model that tools were run on, and what each printed."""

    network: str
    title: str
    input: str
    model: str  # torchvision.models.resnet50, or our own
    macs: int
    tools: list[ReconciledTool]
    components: list[Component]
    missing: dict[str, str] = field(default_factory=dict)  # tools without a figure, and why

    @property
    def is_explained(self) -> bool:
        """Whether no figure differs from what is counted."""
        return all(tool.difference == 0 for tool in self.tools)
