"""Named tuples of archcalc's own making are what typing makes of the same class."""

from __future__ import annotations

import copy
import pickle
import typing

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
    assert ours == other == (1, "b")
    assert (ours.both, hash(ours), ours._replace(first=2)) == (other.both, hash(other), (2, "b"))
    assert repr(ours).replace("Ours", "Typings") == repr(other)
    assert pickle.loads(pickle.dumps(ours)) == copy.deepcopy(ours) == ours
    for name in ("_fields", "_field_defaults", "__doc__", "__module__", "__match_args__", "__bases__"):
        assert getattr(Ours, name) == getattr(Typings, name), name
    assert typing.get_type_hints(Ours) == typing.get_type_hints(Typings) == {"first": int, "second": str}
    assert Ours.__qualname__ == "Ours"
