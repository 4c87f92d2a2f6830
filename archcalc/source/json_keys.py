"""Where the keys of a JSON text stand, and which stand twice in one object: `json` keeps the last and no places."""

from __future__ import annotations

import json
import re

from archcalc.named import NamedTuple
from archcalc.source.text import Span

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]')


class JsonKeys(NamedTuple):
    """Keys by path (`text_config.hidden_size`), and those that stand again in an object."""

    places: dict[str, Span]
    again: list[tuple[str, Span, Span]]  # the path, its place, and the first one


def json_keys(text: str) -> JsonKeys:
    """The keys of a text that is JSON."""
    found = JsonKeys({}, [])
    open: list[tuple[str, dict[str, Span] | None]] = []  # objects with their keys, and lists, by path
    path = ""
    is_key = False
    for token in _TOKEN.finditer(text):
        if token[0] in "{[" and open and open[-1][1] is None:
            path = f"{open[-1][0]}[]"
        match token[0][0]:
            case "{":
                open.append((path, {}))
                is_key = True
            case "[":
                open.append((path, None))
            case "}" | "]":
                open.pop()
                is_key = False
            case ",":
                is_key = open[-1][1] is not None
            case '"' if is_key:
                is_key = False
                above, seen = open[-1]
                assert seen is not None
                key, span = json.loads(token[0], strict=False), Span(token.start(), token.end())
                path = f"{above}.{key}" if above else key
                if key in seen:
                    found.again.append((path, span, seen[key]))
                seen.setdefault(key, span)
                found.places[path] = span  # the last, which is read
    return found
