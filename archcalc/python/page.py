"""Pages from Python: `archcalc.page("resnet50").save("resnet50.html")`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcalc.engine.inputs import Given
from archcalc.engine.network import AnyNetwork, load
from archcalc.spec.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from archcalc.report.media.blocks import Document


ENDINGS = (".html", ".htm")


class Page:
    """A page of the web, one file with everything in it: `html` is its text, `save` writes it."""

    def __init__(self, html: Callable[[], str]) -> None:
        self._html = html

    @cached_property
    def html(self) -> str:
        """Its text."""
        return self._html()

    def save(self, path: str | Path) -> None:
        """Write it, whole or not at all.

        Raises:
            ValueError: the file does not end in .html.
            OSError: the file cannot be written.
        """
        from archcalc.source.writing import write_whole

        if Path(path).suffix.lower() not in ENDINGS:
            raise ValueError(f"a page ends in .html, not `{Path(path).name}`")
        write_whole(Path(path), self.html)

    def _repr_html_(self) -> str:
        """What a notebook shows: the page in a frame of its own."""
        from html import escape

        return f'<iframe srcdoc="{escape(self.html)}" style="width: 100%; height: 56rem; border: 0"></iframe>'

    def __repr__(self) -> str:
        """In one line."""
        return f"Page({len(self.html):,} characters of HTML)"


def page(
    *networks: AnyNetwork,
    set: Mapping[str, Any] | None = None,
    input: Given = None,
    batch: int = 1,
    convention: str = "arithmetic",
    with_heads: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> Page:
    """Networks as a page to explore; of several, their totals stand side by side first.

    Args:
        networks: names, files, texts of specs, or what `load` gave.
        set: values of variables, where sliders begin.
        input: another input than the spec's.
        batch: examples at once, to begin with.
        convention: which operations count as FLOPs.
        with_heads: count train-only heads too.
        limits: bounds on the work.

    Raises:
        SpecError: an unknown name or variable, or the place where a spec is wrong.
        MissingExtraError: Jinja2 is not installed, with the line to type.
        ValueError: no network, an unknown convention, or a batch below 1.
    """
    if not networks:
        raise ValueError("a page is of one network or more")
    return page_of(networks, "", None, set, input, batch, convention, with_heads, limits)


def page_of(
    networks: Sequence[AnyNetwork],
    title: str,
    document: Document | None,
    set: Mapping[str, Any] | None = None,
    input: Given = None,
    batch: int = 1,
    convention: str = "arithmetic",
    with_heads: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> Page:
    """As `page`, with a title, and with a document above the networks, such as their difference."""
    from archcalc.engine.live import live
    from archcalc.engine.structure import structured
    from archcalc.report.page.page import Subject
    from archcalc.report.page.page import page as written
    from archcalc.source.extra import require

    require("jinja2", extra="page")
    found = [load(network, input) for network in networks]
    subjects = [
        Subject(
            live(of, set, input, batch, convention, with_heads, limits),
            structured(of, set, input, limits),
        )
        for of in found
    ]
    return Page(lambda: written(subjects, title, document))
