"""Every diagnostic code that stands in the source, with where it stands, found in the syntax trees."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import archcalc

PACKAGE = Path(archcalc.__file__).parent
ROOMS = ("source", "spec", "ops", "dims", "engine", "weights", "importing")
# What is called with a code, and at which place among its arguments.
REPORTERS = {
    "fail": 0,
    "_fail": 0,
    "report": 0,
    "diagnostic": 0,
    "refuse": 0,
    "Diagnostic": 0,
    "Problem": 0,
    "RequirementError": 0,
    "require_equal": 2,
    "require_divides": 2,
    "require_at_least": 2,
}
_CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")


def codes(rooms: tuple[str, ...] = ROOMS) -> dict[str, list[str]]:
    """Codes and their places, `spec/read.py:57`."""
    found: dict[str, list[str]] = {}
    for room in rooms:
        for path in sorted((PACKAGE / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                for code in _codes_of(node):
                    found.setdefault(code, []).append(f"{room}/{path.name}:{getattr(node, 'lineno', 0)}")
    return found


def _codes_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        place = REPORTERS.get(name)
        if place is None:
            return []
        given = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
        return [text for part in [*node.args[place : place + 1], *given] for text in _texts(part)]
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        name = getattr(target, "id", "")
        if name == "code":
            return _texts(node.value) if node.value is not None else []
        if name == "REFUSED" and isinstance(node.value, ast.Dict):
            return [text for key in node.value.keys if key is not None for text in _texts(key)]
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):  # what `fail(*...)` is given
        first = _texts(node.value.elts[0]) if node.value.elts else []
        return [text for text in first if "-" in text]
    return []


def _texts(node: ast.expr) -> list[str]:
    if isinstance(node, ast.IfExp):
        return _texts(node.body) + _texts(node.orelse)
    text = node.value if isinstance(node, ast.Constant) else None
    return [text] if isinstance(text, str) and _CODE.match(text) else []
