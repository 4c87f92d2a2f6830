"""What planning has expanded, for the run of the same axes that follows in this process."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from archcalc.engine.network import Network
from archcalc.engine.sweep.expansion import Question
from archcalc.results.sweep import Axis

Made = TypeVar("Made")
_kept: dict[tuple[type, str], tuple[str, Question, list[Axis], object]] = {}


def forget() -> None:
    """Forget what was kept: a new plan begins."""
    _kept.clear()


def keep(network: Network, question: Question, axes: Iterable[Axis], made: object) -> None:
    """Keep something for the run."""
    _kept[type(made), network.name] = network.spec.source.text, question, [*axes], made


def taken(kind: type[Made], network: Network, question: Question, axes: Iterable[Axis]) -> Made | None:
    """What planning kept of that kind, once; None where it was another plan's: its axes are not these very ones."""
    text, asked, of, made = _kept.pop((kind, network.name), ("", None, [], None))
    is_same = text == network.spec.source.text and asked == question and [*map(id, of)] == [*map(id, axes)]
    return made if is_same and isinstance(made, kind) else None
