"""What a function of the Python interface gives: the result as data, and every way in which a command writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from archcalc.report.media.data import json_lines, versioned

if TYPE_CHECKING:
    import pandas

    from archcalc.report.media.blocks import Document

Value = TypeVar("Value")
WIDTH = 100  # of what is shown, in characters


class Answer(Generic[Value]):
    """A result: `value` is it as data, and its attributes, items and length are the answer's own.

    Shown, it is the table that the command of the same name prints; in a notebook the same as HTML.
    """

    def __init__(
        self,
        value: Value,
        members: Callable[[], Mapping[str, Any]],
        rows: Callable[[], Sequence[Mapping[str, Any]]],
        document: Callable[[], Document],
    ) -> None:
        self.value = value
        self._members = members
        self._rows = rows
        self._document = document

    def to_dict(self) -> dict[str, Any]:
        """What `--format json` writes, as plain values: whole numbers, texts, lists and mappings."""
        return versioned(**self._members())

    def to_json(self) -> str:
        """What `--format json` writes."""
        return json_lines(self.to_dict())

    def to_frame(self) -> pandas.DataFrame:
        """What `--format csv` writes, a row for each of its lines, in pandas."""
        import pandas as pd

        return pd.DataFrame(list(self._rows()))

    def __repr__(self) -> str:
        """The table that the command prints."""
        from archcalc.report.media.text import plain

        return plain(self._document(), WIDTH).rstrip("\n")

    def _repr_html_(self) -> str:
        """What a notebook shows: the same table."""
        from archcalc.report.media.html import notebook_html

        return notebook_html(self._document())

    def _repr_markdown_(self) -> str:
        from archcalc.report.media.markdown import markdown

        return markdown(self._document())

    def __getattr__(self, name: str) -> Any:
        """What the result has."""
        if name.startswith("__") or name == "value":  # while it is copied or unpickled, there is none yet
            raise AttributeError(name)
        return getattr(self.value, name)

    def __call__(self, /, *args: Any, **values: Any) -> Any:
        """What the result gives when it is called, as a formula is."""
        return self.value(*args, **values)  # type: ignore[operator]

    def __getitem__(self, key: Any) -> Any:
        """An item of the result."""
        return self.value[key]  # type: ignore[index]

    def __len__(self) -> int:
        """How many items the result has."""
        return len(self.value)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        """The items of the result."""
        return iter(self.value)  # type: ignore[call-overload, no-any-return]

    def __bool__(self) -> bool:
        """True: there is an answer, whatever it is."""
        return True

    def __dir__(self) -> list[str]:
        """Its own names and those of the result."""
        return sorted({*super().__dir__(), *dir(self.value)})
