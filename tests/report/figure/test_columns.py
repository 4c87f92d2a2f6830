"""Columns beside one another, and numbered neighbours as one row where a page has no room."""

from __future__ import annotations

from archcalc.engine.structure import structured
from archcalc.report.figure.build import build
from archcalc.report.figure.items import Figure
from archcalc.report.figure.page import arranged
from archcalc.report.figure.runs import with_runs


def figure(name: str) -> Figure:
    found = structured(name)
    return build(found.cost, found.structure, found.amounts)


def text_at(made: Figure, text: str) -> tuple[float, float]:
    found = next(each for each in arranged(made, "a4", None).texts() if each.text == text)
    return found.area.x, found.y


def test_a_line_leads_from_the_encoder_to_the_decoder() -> None:
    """Sutskever et al. 2014, figure 1: what the encoder ends with is what the decoder begins with."""
    made = figure("seq2seq")
    left, y = text_at(made, "from encoder")
    (line,) = [line for line in arranged(made, "a4", None).lines() if line.colour == "link"]
    assert line.points[-1][0] == left - 3
    assert abs(line.points[-1][1] - y) < 4
    assert line.points[0][0] < line.points[-1][0]


def test_no_line_leads_back_from_the_last_column() -> None:
    """It went below all columns to the left end of the page; the note beside the row says what is read."""
    text = """
network: three
input: {one: features(16), two: features(16), three: features(16)}
layers:
  first: tap(one) >> linear(32)
  first_more: linear(24) >> relu
  first_end: linear(32)
  main: tap(two) >> linear(64)
  main_more: add(identity, tap(first_end) >> linear(64))
  main_end: linear(2048) >> relu >> linear(64)
  last: tap(three) >> linear(32)
  last_more: linear(24)
  last_end: add(identity, tap(main_end) >> linear(24))
"""
    made = arranged(figure(text), "a4", None)
    (line,) = [line for line in made.lines() if line.colour == "link"]
    assert line.points[0][0] < line.points[-1][0]
    assert {"from first_end", "from main_end"} <= {text.text for text in made.texts()}


def test_an_encoder_stands_left_of_its_decoder() -> None:
    """T5's encoder has the most MACs of its columns, whose place was at the right."""
    for page in ("a4", "slide"):
        places = {text.text: text.x for text in arranged(figure("t5_small"), page, None).texts()}
        assert places["source 512"] < places["target 128"]


RUN = """
network: n
input: image(3, 16, 16)
defaults: {conv: {padding: half}}
modules:
  twice(before): conv(4, 3) >> add(identity, tap(before) >> conv(4, 1)) >> conv(4, 3)
layers:
  stem: conv(4, 3)
  block0: twice(stem)
  block1: twice(stem)
  block2: twice(block0)
  block3: twice(block1)
  other: twice(block2) >> conv(8, 1)
  block5: twice(block3) >> conv(8, 1)
"""


def test_numbered_neighbours_are_one_row() -> None:
    made = figure(RUN)
    folded = with_runs(made)
    assert [row.name for row in folded.rows[:3]] == ["stem", "block0 to block3", "other"]
    run, before = folded.rows[1], made.rows[1:5]
    assert run.item.times == 4
    assert run.output == before[-1].output
    assert set(run.others) | {run.reads} == {made.rows[0].output}  # all else that it reads is its own
    for quantity in ("macs", "params"):
        assert folded.sum(run, quantity) == sum(made.sum(row, quantity) for row in before)


def test_a_head_within_a_run_is_drawn() -> None:
    """The slide has no room for 44 rows; a head stands beside the row that it reads."""
    blocks = "\n".join(f"  block{at}: twice(stem)" for at in range(44))
    text = RUN.partition("  block0")[0] + blocks + "\nheads:\n  aux: tap(block20) >> conv(2, 1)"
    made = figure(text)
    assert [row.name for row in with_runs(made).rows] == ["stem", "block0 to block20", "block21 to block43"]
    assert "aux" in {text.text for text in arranged(made, "slide", None).texts()}


def test_names_that_do_not_count_up_are_kept() -> None:
    """Szegedy et al. 2014, table 1: nine modules, 3a to 5b."""
    for name in ("googlenet", "vgg16", "resnet50"):
        made = figure(name)
        assert with_runs(made) is made


def test_the_cells_of_darts_are_drawn_on_one_page() -> None:
    """Liu et al. 2019, figures 4 and 5: the normal and the reduction cell; 20 cells, of them 2 reductions."""
    made = figure("darts")
    texts = [text.text for text in arranged(made, "a4", None).texts()]
    assert "normal, form 1 of 2" in texts
    assert "reduction" in texts
    assert "cell0 to cell5: normal" in texts
    assert not [text for text in texts if "from input" in text or "from node" in text]
