"""A case is a spec that says, in the comments at its end, what comes of it.

    # expect: resnet18, set depth=2, free resolution
    #   conv1     64x16x16  1792
    #   concat    67x16x16  0  < conv1 input
    #   total: params 1792, macs 458752

A row is a layer: its name, the shape it gives, its parameters, and what it reads where that is not the layer above.
Rows are all layers, heads included, or none. `closed: macs = ...`, `assumes: ...` and `error: code 3:7` may follow.
In an invalid spec, `expect:` is a code with its line and column, and `message:` and `help:` may follow.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from archcalc.engine.formula.closed_form import closed_form
from archcalc.engine.network import Network, analyze
from archcalc.graph import Graph
from archcalc.results.cost import NetworkCost
from archcalc.source import Diagnostic, Source, SpecError, source_from_bytes
from archcalc.spec.limits import Limits
from archcalc.spec.read import read_spec

FOLDER = Path(__file__).parent
_BLOCK = re.compile(r"^# expect: *(.*)\n((?:#   .*\n?)*)", re.MULTILINE)
_WITH = re.compile(r"^# with: *(.*)$", re.MULTILINE)


class Setting(NamedTuple):
    """What is set from outside: `set a=2, free r, input 3x64x64, limit layers=10`."""

    set: dict[str, str]
    free: list[str]
    input: list[int] | None
    limits: Limits


class Expected(NamedTuple):
    """One `# expect:` with its lines."""

    head: str
    lines: list[str]
    setting: Setting


def setting(words: list[str]) -> Setting:
    found = Setting({}, [], None, Limits())
    for word in words:
        kind, _, rest = word.partition(" ")
        name, _, value = rest.partition("=")
        match kind:
            case "set":
                found.set[name] = value
            case "free":
                found.free.append(rest)
            case "input":
                found = found._replace(input=[int(size) for size in rest.split("x")])
            case "limit":
                found = found._replace(limits=found.limits._replace(**{name: int(value)}))
            case _:
                raise AssertionError(f"what is `{word}`?")
    return found


def paths(folder: str) -> list[Path]:
    return sorted((FOLDER / folder).glob("*.yaml"))


def expected(path: Path) -> list[Expected]:
    """What a case expects; a case expects something."""
    found = []
    for head, lines in _BLOCK.findall(path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n") + "\n"):
        first, *others = re.split(r", (?=set |free |input |limit )", head.strip())
        found.append(Expected(first, [line[1:].strip() for line in lines.splitlines()], setting(others)))
    assert found, f"{path.name} expects nothing"
    return found


def source(path: Path) -> Source:
    return source_from_bytes(path.name, path.read_bytes())


def place(diagnostic: Diagnostic) -> str:
    where = f"{diagnostic.line}:{diagnostic.column}" if diagnostic.span else "file"
    return f"{diagnostic.code} {where}"


def rows(cost: NetworkCost) -> list[str]:
    """The layers, in the words of an expectation."""
    graph: Graph = cost.graph
    found = []
    before = "input"
    for layer in cost.layers:
        first = graph.nodes[layer.nodes[0]]
        reads = [list(graph.inputs)[-1 - index] if index < 0 else graph.nodes[index].layer for index in first.inputs]
        note = "" if reads == [before] else " < " + " ".join(reads)
        found.append(f"{layer.name} {layer.out_shape} {layer.params}{note}")
        before = layer.name
    return found


def assert_gives(path: Path, block: Expected) -> None:
    """Raises AssertionError where a network of a case is not as the case says."""
    spec = read_spec(source(path))
    network = Network(spec, block.head)
    assert block.head in spec.names()
    errors = [line.removeprefix("error: ") for line in block.lines if line.startswith("error: ")]
    values, free, shape, limits = block.setting
    try:
        graph = network.graph(values, shape, free, limits)
        cost: Any = analyze(network, set=values, input=shape, with_heads=True, limits=limits) if not free else None
        met = []
    except SpecError as error:
        met = [place(diagnostic) for diagnostic in error.diagnostics]
    assert met == errors
    if met:
        return
    assumed = [assumption.text for assumption in graph.assumptions]
    wanted = []
    for line in block.lines:
        kind, _, rest = line.partition(": ")
        if kind == "total":
            plain = analyze(network, set=values, input=shape, limits=limits)
            for figure in rest.split(", "):
                name, number = figure.split()
                assert (name, getattr(plain.totals, name)) == (name, int(number.replace("_", "")))
        elif kind == "closed":
            name, _, formula = rest.partition(" = ")
            assert str(closed_form(network, free, name, values)) == formula
        elif kind == "assumes":
            assert rest in assumed
            assumed.remove(rest)
        else:
            wanted.append(" ".join(line.split()))
    assert not assumed
    if wanted:
        assert rows(cost) == wanted


def findings(path: Path, given: Setting) -> list[Diagnostic]:
    """Everything that is found wrong with a spec, as `archcalc validate` finds it."""
    try:
        spec = read_spec(source(path))
    except SpecError as error:
        return list(error.diagnostics)
    found: dict[Any, Diagnostic] = {}
    for name in spec.names() or [spec.network]:
        try:
            graph = Network(spec, name).graph(given.set, given.input, given.free, given.limits)
            if not given.free:
                analyze(Network(spec, name), set=given.set, input=given.input, limits=given.limits)
            assert graph.nodes
        except SpecError as error:
            for diagnostic in error.diagnostics:
                found.setdefault((diagnostic.code, diagnostic.message, diagnostic.span), diagnostic)
    return list(found.values())


def assert_whole(diagnostic: Diagnostic) -> None:
    """Raises AssertionError where carets stand under part of a word, under spaces around one or under half a call."""
    if diagnostic.span is None or diagnostic.source is None:
        return
    text = diagnostic.source.text
    start, end = diagnostic.span
    assert 0 <= start < end <= len(text) or diagnostic.code == "empty-file"
    marked = text[start:end]
    if len(marked) > 1:
        assert marked == marked.strip()
        assert all(marked.count(left) == marked.count(right) for left, right in ("()", "[]", "{}")), marked
        around = (text[start - 1 : start + 1] if start else "", text[end - 1 : end + 1])
        assert not any(re.fullmatch(r"\w\w", edge) for edge in around), marked


def assert_refused(path: Path) -> None:
    """Raises AssertionError where the findings of a case are not those that it lists, in order."""
    blocks = expected(path)
    head = _WITH.search(path.read_bytes().decode("utf-8", "replace"))
    given = setting(re.split(r", (?=set |free |input |limit )", head.group(1))) if head else setting([])
    found = findings(path, given)
    assert [place(diagnostic) for diagnostic in found] == [block.head for block in blocks]
    for diagnostic, block in zip(found, blocks, strict=True):
        assert_whole(diagnostic)
        for line in block.lines:
            kind, _, rest = line.partition(": ")
            assert kind in ("message", "help", "note")
            if kind == "note":
                assert rest in diagnostic.note_texts()
            else:
                assert getattr(diagnostic, kind) == rest
