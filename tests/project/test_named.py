"""Named tuples of archcalc's own making are what typing makes of the same class."""

from __future__ import annotations

import copy
import pickle
import typing
from collections.abc import Callable
from typing import Any

import pytest

from archcalc.named import NamedTuple


class Ours(NamedTuple):
    """A pair."""

    first: int
    second: str = "b"

    @property
    def both(self) -> str:
        """Both."""
        return f"{self.first}{self.second}"


class Typings(typing.NamedTuple):
    """A pair."""

    first: int
    second: str = "b"

    @property
    def both(self) -> str:
        """Both."""
        return f"{self.first}{self.second}"


def test_they_are_alike() -> None:
    ours, other = Ours(1), Typings(1)
    assert (tuple(ours), ours.both, hash(ours)) == (tuple(other), other.both, hash(other))
    assert (ours._replace(first=2), ours._asdict(), Ours(second="c", first=0)) == ((2, "b"), other._asdict(), (0, "c"))
    assert repr(ours).replace("Ours", "Typings") == repr(other)
    assert pickle.loads(pickle.dumps(ours)) == copy.deepcopy(ours) == ours
    for name in ("_fields", "_field_defaults", "__doc__", "__module__", "__match_args__", "__slots__"):
        assert getattr(Ours, name) == getattr(Typings, name), name
    assert typing.get_type_hints(Ours) == typing.get_type_hints(Typings) == {"first": int, "second": str}
    assert Ours.__qualname__ == "Ours"


WRONG: list[Callable[[Any], Any]] = [
    lambda of: of(),
    lambda of: of(1, "b", 2),
    lambda of: of(1, third=3),
    lambda of: of(1)._replace(third=3),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_they_refuse_alike(wrong: Callable[[Any], Any]) -> None:
    told = []
    for of in (Ours, Typings):
        with pytest.raises((TypeError, ValueError)) as refused:
            wrong(of)
        told.append((refused.type, str(refused.value).replace("Typings", "Ours")))
    assert told[0] == told[1]


def test_they_do_not_change() -> None:
    with pytest.raises(AttributeError):
        Ours(1).first = 2  # type: ignore[misc]
