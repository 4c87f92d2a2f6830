"""The operators: a list, a page for each, and the manual; all of it from their classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import wrap
from typing import Any

from archcalc.engine.explain import documentation
from archcalc.ops import HEADINGS, OPERATORS, Argument, Example, Operator, Shape
from archcalc.report.media.blocks import (
    Column,
    Document,
    Heading,
    Items,
    Paragraph,
    Section,
    Table,
    Verbatim,
)
from archcalc.report.media.numbers import listed, plural

_KINDS = {
    "count": "whole number",
    "extents": "whole number, or one for each axis",
    "padding": "numbers, or a word",
    "factors": "number, or one for each axis",
    "size": "whole number, or one for each axis, or an earlier layer",
    "flag": "true or false",
    "number": "number",
    "word": "word",
    "table": "table",
    "layer": "earlier layer",
    "operation": "operation",
}


def families() -> dict[str, list[type[Operator]]]:
    """Operators by family, in the order in which they are defined."""
    found: dict[str, list[type[Operator]]] = {}
    for operator in OPERATORS.values():
        found.setdefault(operator.family, []).append(operator)
    return found


def operators_listed() -> Document:
    """A line for each operator."""
    table = Table([Column("operator", least=30, cut="wrap"), Column("", least=30, cut="wrap")])
    for family, members in families().items():
        table.rows.append(Section(family))
        table.rows.extend([signature(operator), documentation(operator)["summary"]] for operator in members)
    about = Paragraph(f"{plural(len(OPERATORS), 'operator')}; `archcalc ops conv` describes one", quiet=True)
    return [table, about]


def signature(operator: type[Operator]) -> str:
    """`linear(features, bias=true, ...)`: as in a call, with the defaults."""
    parts = [
        name if declared.is_required else f"{name}={default(declared)}" for name, declared in operator.arguments.items()
    ]
    return f"{operator.name}({', '.join(parts)})" if parts else operator.name


def default(declared: Argument) -> str:
    """A default as a spec writes it."""
    value = declared.default
    if declared.is_required:
        return ""
    if value is None or value is True or value is False:
        return str(value).lower()
    return str(value)


def operator_described(operator: type[Operator], level: int = 1) -> Document:
    """The page of an operator."""
    parts = documentation(operator)
    document: Document = [
        Heading(operator.name, level),
        Paragraph(parts["summary"]),
        Verbatim("\n".join(wrap(signature(operator), 76, subsequent_indent="    ", break_on_hyphens=False))),
    ]
    if operator.arguments:
        table = Table(
            [
                Column("argument"),
                Column("takes", least=14, cut="wrap"),
                Column("default"),
                Column("", least=24, cut="wrap"),
            ]
        )
        for name, declared in operator.arguments.items():
            table.rows.append([name, takes(declared), default(declared), declared.doc])
        document.append(table)
    headings = [heading.rstrip(":") for heading in HEADINGS if heading.rstrip(":") in parts]
    document.append(Items([f"{heading}: {parts[heading]}" for heading in headings]))
    if operator.examples:
        document.append(Heading("Worked examples", level + 1))
    for example in operator.examples:
        instance, x = example.operation(operator)
        torch = instance.torch(x)
        document.append(Items([example_line(operator, example), f"torch: {torch}"]))
    return document


def takes(declared: Argument) -> str:
    """What an argument takes."""
    words = f"{' or '.join(declared.words)}" if declared.words else ""
    if declared.kind == "word":
        return words
    text = _KINDS[declared.kind]
    if declared.kind in ("count", "extents", "number"):
        text += f", {declared.at_least} or more"
    return f"{text}: {words}" if words else text


def example_line(operator: type[Operator], example: Example) -> str:
    """A worked example: the call, shapes, what it expects, and who says so."""
    given = ", ".join(f"{name}={_value(value)}" for name, value in example.arguments.items())
    x = example.x
    if isinstance(x, Mapping):
        shapes = [f"{role} {shape}" for role, shape in x.items()]
    else:
        shapes = [str(x)] if isinstance(x, Shape) else [str(shape) for shape in x]
    expects = listed([f"{value:,} {name.replace('_', ' ')}" for name, value in example.expect.items()])
    shown = f"{f'{operator.name}({given})' if given else operator.name}: {listed(shapes) or 'nothing'} to {example.y}"
    return f"{shown}; {expects} ({example.source})" if expects else f"{shown} ({example.source})"


def _value(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if hasattr(value, "connected"):
        return f"{value.inputs}x{value.outputs} table"
    if hasattr(value, "node"):
        return str(value.name) or "layer"
    return str(value)


def manual() -> Document:
    """All pages, family by family."""
    document: Document = [
        Heading("Operators", 1),
        Paragraph("What a spec may call, made from the operators' classes by `archcalc report`."),
    ]
    for family, members in families().items():
        document.append(Heading(family, 2))
        for operator in members:
            document.extend(operator_described(operator, 3))
    return document


def rows(operators: Iterable[type[Operator]]) -> list[dict[str, Any]]:
    """Operators for programs."""
    return [
        {
            "name": operator.name,
            "family": operator.family,
            "signature": signature(operator),
            "summary": documentation(operator)["summary"],
        }
        for operator in operators
    ]


ARGUMENT_COLUMNS = ("name", "takes", "default", "doc")


def operator_object(operator: type[Operator]) -> dict[str, Any]:
    """An operator for programs, with all that its page says."""
    (row,) = rows([operator])
    arguments = [
        dict(zip(ARGUMENT_COLUMNS, (name, takes(declared), default(declared), declared.doc), strict=True))
        for name, declared in operator.arguments.items()
    ]
    parts = {key.lower(): text for key, text in documentation(operator).items()}
    return row | parts | {"arguments": arguments, "examples": [example_line(operator, of) for of in operator.examples]}
