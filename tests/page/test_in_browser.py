"""Pages in a real browser: they load nothing, recompute exactly, and everybody can use them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import archcalc
from archcalc.engine.cost.traffic import traffic
from archcalc.engine.live import live
from archcalc.engine.network import load
from archcalc.engine.structure import structured
from archcalc.report.page.data import modules
from tests.cli.running import run
from tests.page.browser import Opened, browsing
from tests.page.settings import drawn, total
from tests.page.test_follow import figure

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NETWORKS = {"lenet5": 70, "mobilenet_v1": 60, "vit_b_16": 70}  # with so many settings each
# Numbers as texts, for JSON has none of any size; `numbers` are units of each variable, as texts.
AT = """(asked) => asked.map(([network, numbers]) => {
  const found = archcalc.page.networks[network];
  const { refused, values } = found.at(numbers.map(BigInt));
  if (!values) return { refused };
  const told = [found.setting, found.values];
  found.setting = numbers.map(BigInt);
  found.compute();
  const totals = Object.fromEntries(found.quantities.map((name) => [name, found.total(name).toString()]));
  const layers = found.data.layers.map((layer, at) => [
    layer[0], found.notation(at), found.values[found.kind(at)[3][1]].toString()]);
  [found.setting] = told;
  found.compute();
  return { totals, layers };
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    pytest.importorskip("jinja2", reason="Jinja2 is not installed")
    with browsing() as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    archcalc.page("resnet18").save(folder / "resnet18.html")
    archcalc.page(*NETWORKS).save(folder / "several.html")
    run("diff", "resnet18", "resnet34", "-o", str(folder / "diff.html"))
    over = ("--over", "resolution=96:224:32", "--over", "width=0.5,1")
    run("sweep", "mobilenet_v1", "mobilenet_v2", *over, "-o", str(folder / "sweep.html"))
    return folder


def test_200_settings_give_the_engines_numbers(browser: Browser, folder: Path) -> None:
    asked: list[Any] = []
    expected = []
    for at, (name, count) in enumerate(NETWORKS.items()):
        network = load(name)
        found = live(network)
        for numbers, cost, said in drawn(network, found, count):
            asked.append([at, [str(numbers[of.name]) for of in found.free]])
            expected.append((cost, said))
    with Opened(browser, folder / "several.html") as opened:
        answers = opened.page.evaluate(AT, asked)
        assert opened.errors == []
    computed = told_why = 0
    for question, (cost, said), answer in zip(asked, expected, answers, strict=True):
        if cost is None:
            assert answer["refused"], question
            is_of_a_layer = not answer["refused"][0].startswith(("another structure", "refused"))
            assert said in answer["refused"][0] or not is_of_a_layer, (question, said, answer)
            told_why += is_of_a_layer
        elif "refused" in answer:
            assert answer["refused"][0].startswith("another structure"), (question, answer)
        else:
            computed += 1
            told = {name: total(cost, name) for name in answer["totals"]}
            assert {name: int(number) for name, number in answer["totals"].items()} == told, question
            layers = [[layer.name, layer.notation, str(layer.macs)] for layer in cost.layers]
            assert answer["layers"] == layers, question
    assert 100 < computed < 200  # some are refused, too
    assert told_why > 3


def test_the_page_by_hand(browser: Browser, folder: Path) -> None:
    with Opened(browser, folder / "resnet18.html", viewport={"width": 1300, "height": 900}) as opened:
        page = opened.page
        # a slider recomputes; 1,814,073,344 MACs at 224 are the paper's network, by torchvision's counter too
        assert page.get_attribute("[data-total=macs]", "title") == f"{archcalc.analyze('resnet18').totals.macs:,}"
        page.focus("#network-0-resolution-slider")
        page.keyboard.press("ArrowRight")
        expected = archcalc.analyze("resnet18", set={"resolution": 225}).totals.macs
        assert page.get_attribute("[data-total=macs]", "title") == f"{expected:,}"
        # a field takes what a slider does not, and says what it does not take
        page.fill("#network-0-batch", "1000000007")
        page.keyboard.press("Tab")
        assert page.get_attribute("[data-total=macs]", "title") == f"{expected * 1_000_000_007:,}"
        page.fill("#network-0-width", "0.3")
        page.keyboard.press("Tab")
        assert "takes whole numbers of 0.125" in page.inner_text(".refusal")
        # FLOPs for each byte, of the setting and the batch that were chosen
        page.fill("#network-0-batch", "2")
        page.keyboard.press("Tab")
        page.click(".columns summary")
        page.check(".columns label:text-is('intensity') input")
        cost = archcalc.analyze("resnet18", 2, {"resolution": 225})
        (read, written), flops = traffic(cost, cost.layers)[-1], cost.layers[-1].flops
        assert (
            page.inner_text(".layers tbody tr:has(button:text-is('fc')) td:last-child")
            == f"{flops / (read + written):.4g}"
        )
        page.uncheck(".columns label:text-is('intensity') input")
        page.click(".columns summary")
        # folding by keyboard, explaining by a click, the address as state
        page.focus(".layers .fold >> nth=0")
        page.keyboard.press("ArrowRight")
        assert page.get_attribute(".layers .fold >> nth=0", "aria-expanded") == "true"
        page.click(".layers button:text-is('conv1')")
        rules = page.inner_text("[data-part=explanation]")
        assert "in_height = 225" in rules
        assert "Source:" in rules
        assert page.locator(".figure .picked").count() >= 1
        page.wait_for_function("location.hash.includes('-at=conv1')")
        fragment = page.evaluate("location.hash")
        assert "resolution=225" in fragment
        assert opened.errors == []
        assert opened.requests == [opened.url]
    with Opened(browser, folder / "resnet18.html", fragment) as again:  # a view that was linked
        assert again.page.input_value("#network-0-resolution") == "225"
        assert again.page.get_attribute(".layers .fold >> nth=0", "aria-expanded") == "true"
        assert "in_height = 225" in again.page.inner_text("[data-part=explanation]")
        assert again.page.evaluate("location.hash") == fragment
    with Opened(browser, folder / "resnet18.html", "#resolution=96&width=0.5") as other:  # the figure follows
        texts = other.page.eval_on_selector_all(".figure [data-told]", "(all) => all.map((of) => of.textContent)")
        assert texts == figure("resnet18", {"resolution": 96, "width": Fraction(1, 2)})[1].texts


def test_what_a_page_leaves_out_of_its_data_comes_back(browser: Browser, folder: Path) -> None:
    """Names without what each shares with the one before, where layers begin, and what is empty for most of them."""
    with Opened(browser, folder / "resnet18.html") as opened:
        data = opened.page.evaluate("archcalc.page.networks[0].data")
    found = live("resnet18")
    names = [of.name for of in found.free]
    expected = [
        [of.layer.name, of.layer.nodes[0], of.layer.nodes[-1] + 1, {names.index(name) for name in of.field_by}]
        for of in found.layers
    ]
    assert [[layer[0], *layer[2:4], set(layer[6])] for layer in data["layers"]] == expected
    assert {data["texts"][layer[5]] for layer in data["layers"]} == {""}  # of no head
    assert data["modules"] == modules(structured("resnet18"))


def test_the_figure_leads_to_the_table(browser: Browser, folder: Path) -> None:
    with Opened(browser, folder / "resnet18.html") as opened:
        page = opened.page
        page.focus(".figure .link >> nth=0")
        page.keyboard.press("Enter")
        assert page.inner_text("[data-part=explanation] h2") == "conv1"
        page.focus(".map g >> nth=0")
        page.keyboard.press("Enter")
        assert page.inner_text("[data-part=explanation] h2").startswith("conv")
        assert page.locator(".layers tr.picked").count() == 1
        # a layer of a block that is not drawn is marked in the column, and in the frame of another block like it
        page.goto(f"{opened.url}#-at=conv4.block_2.residual.first")
        assert page.inner_text("[data-part=explanation] h2") == "conv4.block_2.residual.first"
        assert page.locator(".figure .picked").count() == 2
        page.fill("input[type=search]", "macs>100M")
        page.click(".layers thead button:text-is('params')")
        told = [row.split("\t") for row in page.inner_text(".layers tbody").splitlines() if row.strip()]
        largest = [layer for layer in archcalc.analyze("resnet18").layers if layer.macs > 100_000_000]
        assert page.locator(".layers tbody tr").count() == len(largest)
        assert told[0][0] == max(largest, key=lambda layer: layer.params).name
        assert opened.errors == []


def test_a_difference_has_its_tables_and_both_networks(browser: Browser, folder: Path) -> None:
    with Opened(browser, folder / "diff.html") as opened:
        page = opened.page
        assert page.inner_text("h1") == "resnet18 -> resnet34"
        assert "21,797,672" in page.inner_text("table.rows >> nth=0")  # torchvision's resnet34
        page.fill("#rows-1", "added conv5")
        added = page.locator("table.rows >> nth=1 >> tbody tr:visible")
        assert added.count() > 0
        assert all("added" in text for text in added.all_inner_texts())
        page.wait_for_function("location.hash.includes('table1.filter=added+conv5')")
        page.focus("#network-0-resolution-slider")
        page.keyboard.press("ArrowRight")  # the other network follows
        assert page.input_value("#network-1-resolution") == "225"
        assert opened.errors == []
        assert opened.requests == [opened.url]


def test_a_sweep_sorts_and_is_drawn(browser: Browser, folder: Path) -> None:
    with Opened(browser, folder / "sweep.html", "#sort=-1&x=3") as opened:
        page = opened.page
        rows = page.locator("table.rows tbody tr")
        assert rows.count() == 20
        assert "224" in rows.nth(0).inner_text()
        page.click("table.rows thead button:text-is('macs')")
        assert rows.nth(0).inner_text().startswith("mobilenet_v1")
        assert "568,740,352" in rows.nth(0).inner_text()  # Howard et al. print 569 M
        assert page.locator(".chart circle").count() == 20
        assert page.input_value("#chart-x") == "3"
        page.fill("#rows-0", "v2")
        assert page.locator(".chart circle").count() == 10
        assert opened.errors == []


@pytest.mark.parametrize(
    ("file", "scheme"), [("several.html#0.-at=C1", "light"), ("several.html#0.-at=C1", "dark"), ("sweep.html", "dark")]
)
def test_everybody_can_use_it(browser: Browser, folder: Path, file: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    name, _, at = file.partition("#")
    with Opened(
        browser, folder / name, f"#{at}", viewport={"width": 360, "height": 740}, color_scheme=scheme
    ) as opened:
        assert opened.is_within_its_width()
        found = axe.Axe().run(opened.page).response["violations"]
        assert not found, [(of["id"], of["nodes"][0]["html"][:200], of["nodes"][0]["failureSummary"]) for of in found]
        assert opened.errors == []
