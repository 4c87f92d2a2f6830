"""What a counter, an exporter or a file says under a condition, as data."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Condition:
    """What is believed of a tool's figure, what is so, and what to do; `is_so` names its figures in braces."""

    id: str
    title: str
    condition: str
    believed: str
    is_so: str
    do: str
    versions: dict[str, str]  # by package
    figures: dict[str, int] = field(default_factory=dict)  # each is computed again by a test
    seen: str = ""  # the date, where nothing of it is computed again

    @property
    def text(self) -> str:
        """What is so, with its figures: `243,648 for 179,648`."""
        return self.is_so.format(**{name: f"{value:,}" for name, value in self.figures.items()})

    @property
    def packages(self) -> str:
        """Versions in words: `torch 2.14.1, onnx 1.23.2`."""
        return ", ".join(f"{name} {version}" for name, version in self.versions.items())
