"""Modules that no source has named and that one other module uses once: their few parts stand there."""

from __future__ import annotations

from collections import Counter
from typing import Any

from archcalc.importing.definitions import Definitions, Module
from archcalc.importing.expressions import Expressions
from archcalc.importing.terms import Chain, Local, Outer, Use, Variable, replaced, walk

LONGEST = 72  # characters of what is written where it stands


def in_place(definitions: Definitions, layers: list[Any]) -> list[Module]:
    """The modules of a text without those, in their order.

    Args:
        definitions: the modules as they were found.
        layers: everything else in the text, where nothing changes.
    """
    uses = Counter(part.module for term in layers for part in walk(term) if type(part) is Use)
    inside = Counter(
        part.module for module in definitions.modules.values() for part in walk(module.body) if type(part) is Use
    )
    found: list[Module] = []
    bodies: dict[str, Any] = {}

    def change(part: Any) -> Any:
        return bodies.get(part.module, part) if type(part) is Use and type(part.module) is str else part

    for module in definitions.modules.values():  # those within come first
        body = replaced(module.body, change) if bodies else module.body
        is_once = inside[module.name] == 1 and not uses[module.name] and module.name in definitions.classless
        if is_once and not module.parameters and is_free(body):
            bodies[module.name] = body
        else:
            found.append(module._replace(body=body))
    return found


def is_free(body: Any) -> bool:
    """Whether a body says nothing of where it stands, and is short."""
    for part in walk(body):
        if type(part) in (Local, Outer) or (type(part) is Variable and part.id.startswith("x.")):
            return False
        if type(part) is Chain and any(item.kept for item in part.items):
            return False
    return len(Expressions({}).text(body)) <= LONGEST
