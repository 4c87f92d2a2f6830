"""All files of the site, and the folder that they are written into."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import archcalc
from archcalc.engine.cost.conventions import CONVENTIONS
from archcalc.ops import OPERATORS
from archcalc.report.media.html import html
from archcalc.report.page.page import script, style
from archcalc.report.pages.operators import operator_described, operator_object, rows
from archcalc.report.reconciliation import convention_object, listed_conventions
from archcalc.report.site import ledger as of_ledger
from archcalc.report.site import networks as of_networks
from archcalc.report.site import prose
from archcalc.report.site.shared import STATIC, Entry, Link, column, json_text, rendered, row, safe, section, table
from archcalc.results.claim import Ledger
from archcalc.results.cost import NetworkCost
from archcalc.source.places import specs_folder
from archcalc.spec.library import find, plain
from archcalc.spec.space import result_of

Files = Iterator[tuple[str, str]]


def site(families: Sequence[Sequence[NetworkCost]], ledger: Ledger, workers: int = 1) -> Files:
    """Every file by its path, as soon as it is made.

    Args:
        families: all networks by family, as `reports/` has them.
        ledger: the published figures, checked.
        workers: processes that make pages of networks; 1: this one alone.
    """
    costs = [cost for members in families for cost in members]
    names = {plain(cost.name): cost.name for cost in costs}
    pages = prose.sources(specs_folder(), Path(archcalc.__file__).parent)
    tasks = of_networks.tasks(families, ledger.results)
    if workers > 1:
        pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
        try:
            waiting = pool.map(of_networks.network_files, tasks, chunksize=4)
            yield from _own(families, ledger, names, pages)
            for made in waiting:
                yield from made
        finally:
            pool.shutdown(cancel_futures=True)
    else:
        yield from _own(families, ledger, names, pages)
        for task in tasks:
            yield from of_networks.network_files(task)


def _own(
    families: Sequence[Sequence[NetworkCost]], ledger: Ledger, names: dict[str, str], pages: dict[str, Path]
) -> Files:
    """All but the pages of networks."""
    costs = [cost for members in families for cost in members]
    yield "static/page.css", style()
    yield "static/page.js", script()
    for name in ("site.css", "site.js"):
        yield f"static/{name}", (STATIC / name).read_text(encoding="utf-8")
    yield "static/index.js", _index([*of_networks.entries(families), *_more(), *prose.entries(pages)], ledger, costs)
    yield from of_networks.index(families)
    yield from of_networks.comparisons(families)
    yield from of_ledger.files(ledger, names)
    yield from _operators()
    yield from _conventions()
    yield from _spaces(costs)
    yield from prose.files(pages, set(names.values()))


def _index(entries: list[Entry], ledger: Ledger, costs: Sequence[NetworkCost]) -> str:
    """What the search looks through, as a script: a page may load that from a folder, where it may load no JSON."""
    quantities = of_networks.QUANTITIES
    numbers = {cost.name: [str(getattr(cost.totals, name)) for name in quantities] for cost in costs}
    found = {"entries": [*entries, *of_ledger.entries(ledger)], "networks": numbers, "quantities": quantities}
    return f"window.archcalc_index = {json.dumps(found, ensure_ascii=False, separators=(',', ':'))};\n"


def _more() -> Iterator[Entry]:
    for operator in rows(OPERATORS.values()):
        yield Entry(operator["name"], operator["summary"], f"operators/{operator['name']}.html", "operator")
    for convention in CONVENTIONS.values():
        yield Entry(convention.name, convention.about, f"conventions.html#{convention.name}", "convention of FLOPs")


def _operators() -> Files:
    families: dict[str, list[dict[str, Any]]] = {}
    for found in rows(OPERATORS.values()):
        families.setdefault(found["family"], []).append(found)
    lines = []
    for family, members in families.items():
        lines.append(section(family, family))
        lines += [
            row(Link(each["name"], f"{each['name']}.html"), each["signature"], each["summary"]) for each in members
        ]
    path = "operators/index.html"
    columns = [column("operator"), column("as in a call"), column("what it is")]
    about = [f"What a spec may call: {len(OPERATORS)} operators, each with its rules and worked examples."]
    tables = [table(columns, lines)]
    yield path, rendered("table", path, title="Operators", paragraphs=about, tables=tables, json="index.json")
    yield "operators/index.json", json_text(rows(OPERATORS.values()))
    for name, operator in OPERATORS.items():
        path = f"operators/{name}.html"
        document = safe(html(operator_described(operator)))
        yield path, rendered("page", path, title=name, document=document, json=f"{name}.json")
        yield f"operators/{name}.json", json_text(operator_object(operator))


def _conventions() -> Files:
    body = html(listed_conventions(list(CONVENTIONS.values())), 0)
    for convention in CONVENTIONS.values():
        version = f" {convention.version}" if convention.version else ""
        heading = f"<h2>{convention.name}{version}</h2>"
        body = body.replace(heading, heading.replace("<h2>", f'<h2 id="{convention.name}">'), 1)
    body = "<h1>Conventions</h1>\n<p>Whose FLOPs they are, and what they count.</p>\n" + body
    path = "conventions.html"
    yield path, rendered("page", path, title="Conventions", document=safe(body), json="conventions.json")
    yield "conventions.json", json_text([convention_object(each) for each in CONVENTIONS.values()])


def _spaces(costs: Sequence[NetworkCost]) -> Files:
    """What specs say may vary: the axes of each search space, and how many networks there are."""
    tables, found = [], []
    for cost in costs:
        spec, name = find(cost.name)
        space = result_of(spec, name)
        if space is None:
            continue
        axes = [(axis.name, ", ".join(axis.values), axis.size, axis.times) for axis in space.axes]
        columns = [column("axis"), column("values"), column("different values", True), column("items", True)]
        lines = [row(axis, values, f"{size:,}", f"{times:,}") for axis, values, size, times in axes]
        note = f"{space.size:,} combinations of values"
        tables.append(table(columns, lines, cost.name, note, cost.name))
        found.append({"network": cost.name, "size": space.size, "axes": [axis._asdict() for axis in space.axes]})
    about = [
        "Networks whose specs say what may vary (`space:`). `archcalc sweep` goes through all of a space, exactly; in "
        "one of any size `--top`, `--pareto` and `--where` find what is asked for, and `--sample` draws."
    ]
    if not found:
        about.append("None of the library says so yet.")
    title = "Search spaces"
    yield (
        "spaces.html",
        rendered("table", "spaces.html", title=title, paragraphs=about, tables=tables, json="spaces.json"),
    )
    yield "spaces.json", json_text(found)
