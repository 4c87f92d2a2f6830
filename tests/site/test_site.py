"""The site: every link leads somewhere, a JSON lies beside every page, and the search needs no server."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from archcalc.claims.check import check_ledger
from archcalc.engine.network import analyze
from archcalc.ops import OPERATORS
from archcalc.results.claim import Ledger
from tests.cli.running import run
from tests.page.browser import Opened, browsing

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest.importorskip("jinja2", reason="Jinja2 is not installed")
pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")

FAMILIES = (("lenet5", "lenet5@full"), ("alexnet",))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of three networks and the figures of two of them."""
    from archcalc.report.site.folder import write
    from archcalc.report.site.site import site

    whole = check_ledger()
    names = {name for members in FAMILIES for name in members}
    results = [of for of in whole.results if names & set(of.claim.networks)][:80]
    cited = {of.claim.source.citekey for of in results}
    ledger = Ledger([source for source in whole.sources if source.citekey in cited], results)
    families = [[analyze(name) for name in members] for members in FAMILIES]
    folder = tmp_path_factory.mktemp("whole") / "site"
    write(folder, site(families, ledger))
    return folder


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                assert value not in self.ids, f"two elements are called {value}"
                self.ids.add(value)
            if name in ("href", "src") and value and not (tag == "use" or value.startswith("data:")):
                self.links.append(value)


def _read(path: Path) -> _Links:
    found = _Links()
    found.feed(path.read_text(encoding="utf-8"))
    return found


def test_every_link_leads_to_a_page_and_a_place_on_it(folder: Path) -> None:
    pages = {path.relative_to(folder).as_posix(): _read(path) for path in folder.rglob("*.html")}
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    count = 0
    for page, found in pages.items():
        for link in found.links:
            if link.startswith(("https://", "http://")):
                continue
            target, _, fragment = unquote(link).partition("#")
            place = posixpath.normpath(posixpath.join(posixpath.dirname(page), target)) if target else page
            assert place in files, f"{page} links {link}"
            if fragment and place in pages:
                assert fragment in pages[place].ids, f"{page} links {link}"
            count += 1
    assert count > 1000


def test_a_json_lies_beside_every_page(folder: Path) -> None:
    for page in folder.rglob("*.html"):
        json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    found = json.loads((folder / "networks/alexnet.json").read_text(encoding="utf-8"))
    whole = analyze("alexnet").to_dict()
    assert {**found, "layers": 0} == {**whole, "layers": 0}
    rows = [dict(zip(found["layers"], row, strict=True)) for row in zip(*found["layers"].values(), strict=True)]
    assert rows == whole["layers"]  # by column: no name is written once a layer
    assert {each["name"] for each in json.loads((folder / "index.json").read_text())} == {
        "lenet5",
        "lenet5@full",
        "alexnet",
    }
    assert (folder / "networks/lenet5@full.svg").read_text(encoding="utf-8").startswith("<svg")


def test_each_published_figure_has_a_page_that_says_why(folder: Path) -> None:
    results = json.loads((folder / "claims/index.json").read_text(encoding="utf-8"))
    for result in results:
        page = (folder / f"claims/{result['id']}.html").read_text(encoding="utf-8")
        assert "<dt>printed</dt>" in page
        if result["status"] == "differs":
            assert "<h2>Why</h2>" in page
    assert {each["status"] for each in results} > {"differs", "rounds"}


def test_all_operators_and_the_language_are_there(folder: Path) -> None:
    for name in OPERATORS:
        assert (folder / f"operators/{name}.html").is_file()
    language = (folder / "language.html").read_text(encoding="utf-8")
    assert "<h2 id=" in language
    assert "reports/" not in "".join(_read(folder / "language.html").links)


def test_an_earlier_site_is_brought_up_to_date(tmp_path: Path) -> None:
    from archcalc.report.site.folder import NotASiteError, write

    folder = tmp_path / "site"
    assert write(folder, [("index.html", "one"), ("old/page.html", "old")]) == 2
    assert write(folder, [("index.html", "two")]) == 1
    assert (folder / "index.html").read_text() == "two"
    assert not (folder / "old/page.html").exists()
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    with pytest.raises(NotASiteError):
        write(other, [("index.html", "two")])
    assert [path.name for path in other.iterdir()] == ["mine.txt"]


def test_one_that_was_interrupted_is_gone_on_with(tmp_path: Path) -> None:
    from archcalc.report.site.folder import write

    def files() -> Iterator[tuple[str, str]]:
        yield "index.html", "one"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "site", files())
    assert write(tmp_path / "site", [("new.html", "two")]) == 1
    assert sorted(path.name for path in (tmp_path / "site").iterdir()) == ["new.html", "site.json"]


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    found = run("site", "-o", str(tmp_path), code=2)
    assert "holds something else than a site of archcalc" in found.stderr


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as found:
        yield found


PAGES = ("index.html", "networks/lenet5.html", "claims/index.html", "compare.html", "language.html", "conventions.html")


@pytest.mark.parametrize("page", PAGES)
def test_pages_open_on_a_phone_without_an_error_or_a_request_elsewhere(
    browser: Browser, folder: Path, page: str
) -> None:
    with Opened(browser, folder / page, viewport={"width": 360, "height": 800}) as opened:
        opened.page.wait_for_function("window.archcalc_index !== undefined")
        assert opened.errors == []
        assert [url for url in opened.requests if not url.startswith(("file:", "data:"))] == []
        assert opened.is_within_its_width()


@pytest.mark.parametrize("page", ["index.html", "claims/index.html"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(browser: Browser, folder: Path, page: str, scheme: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    with Opened(browser, folder / page, color_scheme=scheme) as opened:
        found = axe.run(opened.page).response["violations"]
        assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []


def test_search_finds_by_keyboard_alone(browser: Browser, folder: Path) -> None:
    with Opened(browser, folder / "operators/conv.html") as opened:
        opened.page.keyboard.press("/")
        opened.page.keyboard.type("alexnet")
        assert opened.page.locator("#found a").first.inner_text() == "alexnet"
        opened.page.keyboard.press("ArrowDown")
        opened.page.keyboard.press("Enter")
        opened.page.wait_for_url("**/networks/alexnet.html")
        assert opened.errors == []


def test_two_networks_are_compared_by_their_address(browser: Browser, folder: Path) -> None:
    with Opened(browser, folder / "compare.html", "#lenet5%40full&alexnet") as opened:
        opened.page.wait_for_function("document.querySelectorAll('#beside tbody tr').length > 0")
        rows = opened.page.locator("#beside tbody tr").first.inner_text().split("\t")
        assert rows == ["params", "61,706", "60,965,224", "0.001x"]
        opened.page.evaluate("archcalc_index.networks['lenet5@full'] = ['60', ...Array(6).fill('0')]")  # 0.000001
        opened.page.evaluate("location.hash = '#alexnet&lenet5%40full'; location.hash = '#lenet5%40full&alexnet'")
        opened.page.wait_for_function("document.querySelector('#beside tbody').innerText.includes('<0.001x')")
        assert opened.page.locator("#beside tbody tr").nth(1).inner_text().endswith("0.000x")  # none
