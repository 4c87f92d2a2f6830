"""What all pages of the site share: their frame, links between them, the entries of the search."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from archcalc import __version__

STATIC = Path(__file__).parent / "static"


class Entry(NamedTuple):
    """A page, or a place on one, that the search finds by its title and by further words."""

    title: str
    words: str
    href: str
    kind: str


class Link(NamedTuple):
    """A cell of a table; without `href` plain text."""

    text: str
    href: str = ""


def rendered(template: str, path: str, **values: Any) -> str:
    """A page at a path of the site, from one of its templates."""
    root = "../" * path.count("/")
    more: dict[str, Any] = {"json": "", "document": "", "here": path, "root": root, "assets": f"{root}static/"}
    text: str = _environment().get_template(f"site/{template}.html").render(version=__version__, **(more | values))
    return f"{text}\n"


@cache
def _environment() -> Any:
    from archcalc.report.page.page import environment

    return environment()


def safe(text: str) -> Any:
    """HTML of our own."""
    from markupsafe import Markup

    return Markup(text)


def json_text(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """What stands beside a page for programs: an item or a member on each line."""
    if isinstance(value, Mapping):
        return json_members(value)
    return "[\n" + ",\n".join(map(_compact, value)) + "\n]\n"


def json_members(value: Mapping[str, Any], spread: Sequence[str] = ()) -> str:
    """A large object: a member on each line, of those that are `spread` each member of theirs."""

    def written(name: str, member: Any) -> str:
        return f"{json.dumps(name)}: {json_members(member).rstrip() if name in spread else _compact(member)}"

    return "{\n" + ",\n".join(written(name, member) for name, member in value.items()) + "\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def slug(text: str) -> str:
    """A text as part of an address."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def column(title: str, number: bool = False, is_minor: bool = False) -> dict[str, Any]:
    """A column of a table; one that is minor is left out on a phone."""
    return {"title": title, "look": " ".join(["number"] * number + ["minor"] * is_minor)}


def table(
    columns: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]], title: str = "", note: str = "", id: str = ""
) -> dict[str, Any]:
    """A table of a page."""
    return {"title": title, "note": note, "id": id, "columns": columns, "rows": rows}


def row(*cells: str | Link) -> dict[str, Any]:
    """A row of a table."""
    return {"cells": [cell if isinstance(cell, Link) else Link(cell) for cell in cells]}


def section(text: str, id: str, href: str = "") -> dict[str, Any]:
    """A line between rows."""
    return {"section": text, "id": id, "href": href}
