"""The language, how things are counted, and the guide: Markdown that comes with archcalc, as pages."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from archcalc.report.site.shared import Entry, json_text, rendered, safe, slug

_HEADING = re.compile(r"<(h[2-4])>(.*?)</\1>", re.DOTALL)
_LINK = re.compile(r'<a href="([^"]*)">(.*?)</a>', re.DOTALL)
_IMAGE = re.compile(r'<img src="([^"]*)"')
_TAG = re.compile(r"<[^>]*>")


def sources(specs: Path, package: Path) -> dict[str, Path]:
    """Pages of the site and the files that they are made of; what is not there is left out."""
    found = {
        "language.html": specs / "README.md",
        "counting.html": specs / "counting.md",
        "claims/writing.html": specs / "claims/README.md",
        "python.html": package / "python/README.md",
    }
    for path in sorted((package / "guide").glob("*.md")):
        found[f"guide/{'index' if path.stem == 'README' else path.stem}.html"] = path
    return {page: path for page, path in found.items() if path.is_file()}


# Files of the repository that the site has in another form.
_ELSEWHERE = {
    "reports/README.md": "index.html",
    "reports": "index.html",
    "reports/networks": "index.html",
    "reports/figures": "index.html",
    "reports/operators.md": "operators/index.html",
    "reports/claims.md": "claims/index.html",
    "README.md": "index.html",
}


def files(pages: dict[str, Path], networks: set[str]) -> Iterator[tuple[str, str]]:
    """Each as a page, its links led to pages of the site or taken out, with its text as JSON beside."""
    from markdown_it import MarkdownIt

    known = {_in_repository(page, path): page for page, path in pages.items()}
    for page, path in pages.items():
        text = path.read_text(encoding="utf-8")
        body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
        home = posixpath.dirname(_in_repository(page, path))
        body = _LINK.sub(partial(_link, page=page, home=home, known=known, networks=networks), body)
        body = _IMAGE.sub(partial(_image, page=page, home=home, networks=networks), body)
        body = re.sub(r"<img [^>]*src=\"\"[^>]*>", "", body)
        body = _HEADING.sub(_anchored, body)
        body = body.replace("<pre>", '<pre tabindex="0">')
        body = body.replace("<table>", '<div class="scroll" tabindex="0" role="region" aria-label="Table"><table>')
        body = body.replace("</table>", "</table></div>")
        beside = posixpath.basename(page).replace(".html", ".json")
        yield page, rendered("page", page, title=_title(text), document=safe(body), json=beside)
        yield page.replace(".html", ".json"), json_text({"title": _title(text), "markdown": text})


def entries(pages: dict[str, Path]) -> Iterator[Entry]:
    """What the search finds: pages and their sections."""
    for page, path in pages.items():
        text = path.read_text(encoding="utf-8")
        title = _title(text)
        yield Entry(title, "", page, "guide")
        for heading in re.findall(r"^#{2,4} (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE):
            yield Entry(heading.replace("`", ""), title, f"{page}#{slug(heading)}", title)


def _title(text: str) -> str:
    return text.partition("\n")[0].lstrip("# ").replace("`", "").strip()


def _in_repository(page: str, path: Path) -> str:
    """Where a file lies in the repository, wherever archcalc is installed."""
    if page.startswith("guide/"):
        return f"archcalc/guide/{path.name}"
    return {
        "language.html": "specs/README.md",
        "counting.html": "specs/counting.md",
        "claims/writing.html": "specs/claims/README.md",
        "python.html": "archcalc/python/README.md",
    }[page]


def _anchored(found: re.Match[str]) -> str:
    name, text = found.groups()
    return f'<{name} id="{slug(_TAG.sub("", text))}">{text}</{name}>'


def _link(found: re.Match[str], page: str, home: str, known: dict[str, str], networks: set[str]) -> str:
    href, text = found.groups()
    if "://" in href or href.startswith("#"):
        return found.group(0) if "://" in href else f'<a href="#{slug(href[1:])}">{text}</a>'
    target, _, fragment = href.partition("#")
    place = posixpath.normpath(posixpath.join(home, target))
    led = known.get(place) or _ELSEWHERE.get(place)
    name = posixpath.basename(place).removesuffix(".md").removesuffix(".svg")
    if led is None and posixpath.dirname(place) in ("reports/networks", "reports/figures") and name in networks:
        led = f"networks/{name}.html"
    if led is None:
        return text
    after = f"#{slug(fragment)}" if fragment else ""
    return f'<a href="{posixpath.relpath(led, posixpath.dirname(page) or ".")}{after}">{text}</a>'


def _image(found: re.Match[str], page: str, home: str, networks: set[str]) -> str:
    place = posixpath.normpath(posixpath.join(home, found.group(1)))
    name = posixpath.basename(place).removesuffix(".svg")
    if posixpath.dirname(place) != "reports/figures" or name not in networks:
        return '<img src=""'
    return f'<img src="{posixpath.relpath(f"networks/{name}.svg", posixpath.dirname(page) or ".")}"'
