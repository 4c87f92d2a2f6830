"""Networks: the index by family, comparisons of families, and a page for each with its figure and layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from archcalc.engine.compare import compare
from archcalc.engine.groups import grouped
from archcalc.engine.live import live
from archcalc.engine.network import Network
from archcalc.engine.structure import structured
from archcalc.report.comparison import compared
from archcalc.report.figure.draw import sketch_svg
from archcalc.report.media import numbers
from archcalc.report.media.html import html
from archcalc.report.page.page import Subject, page
from archcalc.report.pages.catalogue import family_title
from archcalc.report.published import by_network
from archcalc.report.show import at_least
from archcalc.report.site.ledger import claim_path
from archcalc.report.site.shared import (
    Entry,
    Link,
    column,
    json_members,
    json_text,
    rendered,
    row,
    safe,
    section,
    slug,
    table,
)
from archcalc.results.claim import ClaimResult
from archcalc.results.cost import NetworkCost
from archcalc.results.rows import network_row, row_of, totals_object
from archcalc.spec.collector import paused_collector
from archcalc.spec.library import find, plain

Families = Sequence[Sequence[NetworkCost]]
QUANTITIES = ("params", "macs", "flops", "activations", "depth", "layers", "connections")


class Family(NamedTuple):
    """What the page of a network says of its family."""

    title: str
    slug: str
    compared: str = ""


def families_of(families: Families) -> dict[str, Family]:
    """The family of each network, by its name."""
    found: dict[str, Family] = {}
    for members in families:
        if not members:
            continue
        title = family_title(list(map(network_row, members)))
        label = slug(members[0].name)
        path = f"families/{label}.html" if len(members) > 1 else ""
        found |= {cost.name: Family(title, label, path) for cost in members}
    return found


def index(families: Families) -> Iterator[tuple[str, str]]:
    """The first page, and its JSON."""
    # The family's line says year and task too.
    columns = [column("network"), column("year", True, is_minor=True), column("task", is_minor=True)]
    columns.append(column("input", is_minor=True))
    columns += [column(title, True) for title in ("params", "MACs", "depth", "layers")]
    rows: list[dict[str, Any]] = []
    of = families_of(families)
    for members in filter(None, families):
        family = of[members[0].name]
        rows.append(section(family.title, family.slug, family.compared))
        for cost in members:
            totals = cost.totals
            amounts = [
                at_least(f"{getattr(totals, name):,}", cost.is_lower_bound(name))
                for name in ("params", "macs", "depth", "layers")
            ]
            name = Link(cost.name, f"networks/{cost.name}.html")
            rows.append(row(name, str(cost.year or ""), cost.task, cost.input_text, *amounts))
    count = sum(map(len, families))
    about = [
        f"{numbers.plural(count, 'network')} of {sum(map(bool, families))} families, counted exactly from specs that "
        "read like the tables of their papers. MACs are multiply-accumulate pairs of one example; heads for training "
        "are left out."
    ]
    tables = [table(columns, rows)]
    title = "Networks, and what they cost"
    yield "index.html", rendered("table", "index.html", title=title, paragraphs=about, tables=tables, json="index.json")
    yield "index.json", json_text([_summary(cost) for members in families for cost in members])


def _summary(cost: NetworkCost) -> dict[str, Any]:
    totals = {name: getattr(cost.totals, name) for name in QUANTITIES}
    about = {"name": cost.name, "title": cost.title, "year": cost.year, "task": cost.task, "input": cost.input_text}
    return {**about, **totals, "page": f"networks/{cost.name}.html"}


def comparisons(families: Families) -> Iterator[tuple[str, str]]:
    """A page for each family of several networks, and that of any two."""
    listed = []
    for members in families:
        if len(members) < 2:
            continue
        family = families_of([members])[members[0].name]
        listed.append((family.compared, f"{family.title}: {numbers.plural(len(members), 'network')}"))
        stages = [grouped(cost, "stage", 1) for cost in members] if len(members) <= 3 else [[] for _ in members]
        document = compared(compare(members), "si", stages)
        beside = f"{family.slug}.json"
        body = f"<h1>{_escaped(family.title)}</h1>\n{html(document)}"
        title = f"{family.title}, compared"
        yield family.compared, rendered("page", family.compared, title=title, document=safe(body), json=beside)
        yield f"families/{beside}", json_text([_summary(cost) for cost in members])
    title = "Two networks side by side"
    yield "compare.html", rendered("compare", "compare.html", title=title, families=listed, json="compare.json")
    yield "compare.json", json_text([{"page": href, "family": words} for href, words in listed])


def _escaped(text: str) -> str:
    from html import escape

    return escape(text)


def published_of(results: Sequence[ClaimResult]) -> dict[str, str]:
    """The table of published figures for the page of each network, by plain name."""
    from archcalc.report.claim import computed, printed, verdict
    from archcalc.report.published import subject

    found = {}
    for name, own in by_network(results).items():
        rows = "".join(
            f'<tr><th scope="row"><a href="../{_escaped(claim_path(of))}">{_escaped(subject(of.claim))}</a></th>'
            f'<td class="number">{_escaped(printed(of.claim))}</td><td class="number">{_escaped(computed(of))}</td>'
            f"<td>{_escaped(verdict(of))}</td><td>{_escaped(of.claim.source.citekey)}</td></tr>"
            for of in own
        )
        heads = "".join(
            f'<th scope="col">{title}</th>' for title in ("figure", "printed", "computed", "verdict", "source")
        )
        found[name] = (
            '<div class="scroll" tabindex="0" role="region" aria-label="Published figures">'
            f'<table class="rows"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
        )
    return found


class Task(NamedTuple):
    """A network of the library whose page is to be made, in this process or another."""

    name: str
    family: Family
    published: str


def network_json(cost: NetworkCost) -> str:
    """A network as `archcalc show --format json` has it, but that the layers stand by column: `layers["macs"][3]`.

    A third to a half of the size, and a data frame as it is: `pandas.DataFrame(found["layers"])`.
    """
    rows = [row_of(layer, cost.convention) for layer in cost.layers]
    columns = {name: [of[name] for of in rows] for name in rows[0]} if rows else {}
    return json_members({**totals_object(cost), "layers": columns}, ("layers",))


def network_files(task: Task) -> list[tuple[str, str]]:
    """The page of a network, its figure, and all of it as JSON."""
    with paused_collector():  # what is made is let go of at the end
        return _network_files(task)


def _network_files(task: Task) -> list[tuple[str, str]]:
    network = Network(*find(task.name))
    made = structured(network)
    cost = made.cost
    subject = Subject(live(network, cost=cost), made)
    path = f"networks/{task.name}"
    text = page(
        [subject],
        assets="../static/",
        template="site/network.html",
        root="../",
        here=f"{path}.html",
        json=f"{task.name}.json",
        svg=f"{task.name}.svg",
        family=task.family,
        published=safe(task.published),
    )
    return [
        (f"{path}.html", text),
        (f"{path}.json", network_json(cost)),
        (f"{path}.svg", sketch_svg(subject.figure, subject.sketch)),
    ]


def tasks(families: Families, results: Sequence[ClaimResult]) -> list[Task]:
    """All networks, the largest first, so that no process waits for one at the end."""
    published = published_of(results)
    of = families_of(families)
    costs = sorted((cost for members in families for cost in members), key=lambda cost: -len(cost.graph.nodes))
    return [Task(cost.name, of[cost.name], published.get(plain(cost.name), "")) for cost in costs]


def entries(families: Families) -> Iterator[Entry]:
    """What the search finds of them."""
    for members in families:
        for cost in members:
            words = f"{cost.title} {cost.year or ''} {cost.task}"
            about = ", ".join(part for part in (cost.title, str(cost.year or "")) if part and part != cost.name)
            yield Entry(cost.name, words, f"networks/{cost.name}.html", about or "network")
