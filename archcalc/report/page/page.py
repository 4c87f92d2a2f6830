"""A page of the web about networks: one file with everything in it, which loads nothing and sends nothing."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcalc.dims import evaluate
from archcalc.engine.structure import Structured
from archcalc.report.figure.build import build
from archcalc.report.figure.colours import palette
from archcalc.report.figure.draw import kinds_of, linked_svg, variable
from archcalc.report.figure.items import Figure
from archcalc.report.figure.page import arranged
from archcalc.report.figure.sketch import Sketch
from archcalc.report.figure.svg import Links, stylesheet
from archcalc.report.figure.words import Kind
from archcalc.report.media import numbers
from archcalc.report.media.blocks import Document
from archcalc.report.media.html import coded, html
from archcalc.report.page.data import facts, network_data, titled
from archcalc.report.show import headline, remarks
from archcalc.results.live import Live

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent
SCRIPTS = (
    *("numbers", "network", "dom", "state", "sliders", "table", "figure", "explain", "treemap", "overview", "view"),
    *("rows", "chart"),
)
# What a browser would take for the end of a script, or for the end of a line within a text.
_ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


@dataclass
class Subject:
    """A network of a page: its costs as functions, and its structure."""

    live: Live
    structured: Structured

    @cached_property
    def figure(self) -> Figure:
        """What is drawn of it."""
        return build(self.structured.cost, self.structured.structure, self.structured.amounts)

    @cached_property
    def sketch(self) -> Sketch:
        """The same with places."""
        return arranged(self.figure, "a4", None)


def page(
    subjects: Sequence[Subject],
    title: str = "",
    document: Document | None = None,
    assets: str = "",
    template: str = "networks.html",
    **more: Any,
) -> str:
    """Networks as one page.

    Args:
        subjects: the networks; of several, totals stand side by side first.
        title: of the page; without it, the names of the networks.
        document: what stands above them, such as their difference.
        assets: where `page.css` and `page.js` are, as a link that ends in a slash; without it they are in the page.
        template: that is filled in, one that extends `networks.html`.
        more: further values for it.
    """
    drawings = [_Drawing(subject) for subject in subjects]
    made = [
        network_data(of.live, of.structured, of.figure, by.links) for of, by in zip(subjects, drawings, strict=True)
    ]
    names = [subject.live.cost.name for subject in subjects]
    programs = [source for _, source in made]
    return render(
        template,
        assets,
        title=title or " and ".join(names),
        document=_safe(html(document)) if document else "",
        level=1 if len(subjects) == 1 and not document else 2,
        networks=[_shown(number, *of) for number, of in enumerate(zip(subjects, drawings, strict=True))],
        data=embedded({"networks": [data for data, _ in made]}),
        program=_program(programs),
        **more,
    )


def document_page(document: Document, title: str, has_chart: bool = False, assets: str = "") -> str:
    """A document as a page, with tables that sort and filter; the first table as points too, where that is wanted."""
    return render("document.html", assets, title=title, document=_safe(html(document)), chart=has_chart)


def render(template: str, assets: str = "", **values: Any) -> str:
    """A template filled in, with the style and scripts of all pages."""
    from archcalc import __version__

    inline = {"style": _safe(style()), "script": _safe(script())} if not assets else {}
    made = environment().get_template(template)
    return made.render(assets=assets, version=__version__, **inline, **values) + "\n"


@cache
def environment(*folders: Path) -> Environment:
    """Where templates are found: in these folders, then among those of archcalc."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader([*folders, HERE / "templates"])
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["code"] = lambda text: _safe(coded(text))
    return made


@cache
def style() -> str:
    """`page.css`, and what colours of figures are where none takes that of another."""
    colours = "\n".join(
        f"{before}:root {{ {' '.join(f'--{name}: {value};' for name, value in _usual(is_dark).items())} }}{after}"
        for is_dark, before, after in (
            (False, "", ""),
            (True, "@media screen and (prefers-color-scheme: dark) { ", " }"),
        )
    )
    text = (HERE / "static" / "page.css").read_text(encoding="utf-8")
    return f"{text}\n/* figures */\n\n{colours}\n{stylesheet(_usual(False))}"


@cache
def script() -> str:
    """`page.js`: all scripts, which add one name to the page, `archcalc`."""
    parts = [(HERE / "static" / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
    exported = "return { arithmetic, start };"
    return "\n".join(['"use strict";', "const archcalc = (() => {", *parts, exported, "})();"])


def embedded(value: Any) -> Any:
    """Plain values as JSON within a page."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for letter, escaped in _ESCAPED.items():
        text = text.replace(letter, escaped)
    return _safe(text)


def _program(sources: Sequence[str]) -> Any:
    """What begins the page, with the closed forms of each network."""
    functions = ",\n".join(sources)
    names = "const { floor, divides, larger, smaller } = archcalc.arithmetic;"
    return _safe(f'"use strict";\n{names}\narchcalc.start([\n{functions}\n]);')


def _safe(text: str) -> Any:
    """Text that stands in a page as it is."""
    from markupsafe import Markup

    return Markup(text)


class _Drawing:
    """A figure within a page, and what in it follows the sliders."""

    def __init__(self, subject: Subject) -> None:
        self.links = Links()
        self.svg = linked_svg(subject.figure, subject.sketch, self.links)


def _shown(number: int, subject: Subject, drawing: _Drawing) -> dict[str, Any]:
    """What the template says of a network without any script."""
    cost, live = subject.live.cost, subject.live
    kinds = kinds_of(subject.figure) | set(subject.figure.kinds)
    totals = []
    for name in live.quantities:
        value = evaluate(live.totals[name], live.point)
        bound = "≥ " if cost.is_lower_bound(name) else ""
        totals.append((name, *titled(cost, name), bound + numbers.count(value), f"{value:,}"))
    return {
        "index": number,
        "name": cost.name,
        "headline": headline(cost),
        "input": cost.input_text,
        "facts": facts(live),
        "totals": totals,
        "fixed": live.fixed,
        "remarks": [*remarks(cost), *(" ".join(note.split()) for note in cost.notes)],
        "figure": _safe(drawing.svg),
        "light": _own(kinds, False),
        "dark": _own(kinds, True),
    }


@cache
def _usual(is_dark: bool) -> dict[str, str]:
    return _variables(palette((), is_dark))


def _own(kinds: Collection[Kind], is_dark: bool) -> dict[str, str]:
    """Colours of a network that are not the usual ones."""
    return {
        name: colour for name, colour in _variables(palette(kinds, is_dark)).items() if colour != _usual(is_dark)[name]
    }


def _variables(colours: Mapping[str, str]) -> dict[str, str]:
    return {variable(name): colour for name, colour in colours.items()}
