"""Which modules become rows, which are opened, and how frames with sources are drawn."""

from __future__ import annotations

import pytest

from archcalc.engine.structure import structured
from archcalc.report.figure.build import Choice, build
from archcalc.report.figure.column import Column, Style, towers_of
from archcalc.report.figure.items import Call, Figure, Op
from archcalc.report.figure.pack import packed
from archcalc.report.figure.page import arranged
from archcalc.report.figure.runs import with_runs
from archcalc.report.figure.sketch import Line, Sketch
from tests.report.figure.checks import faults

HEAD = "network: n\ninput: image(8, 16, 16)\ndefaults:\n  conv: {padding: half}\n"


def figure(text: str) -> Figure:
    found = structured(text)
    return build(found.cost, found.structure, found.amounts, Choice())


def rows(made: Figure) -> list[tuple[str, str, int]]:
    return [
        (row.name, row.item.text if isinstance(row.item, Op) else row.item.word, row.item.times)
        for row in made.rows
        if isinstance(row.item, (Op, Call))
    ]


def sketches(made: Figure) -> list[Sketch]:
    found = [arranged(made, page, None) for page in ("a4", "slide")]
    assert [fault for sketch in found for fault in faults(sketch)] == []
    return found


def test_what_repeats_with_merges_is_a_block_though_it_has_no_name() -> None:
    text = "layers:\n  body: (add(identity, conv(8, 3)) >> batch_norm >> add(identity, conv(8, 1))) * 5"
    made = figure(HEAD + text)
    assert rows(made) == [("body", "block", 5)]
    (form,) = made.forms
    assert (form.title, form.chosen.path, len(form.calls)) == ("block", "body.1", 5)
    assert sum(made.sum(part, "macs") for part in form.calls) == made.total["macs"] == 5 * (576 + 64) * 256  # by hand
    sketches(made)


def test_the_name_of_such_a_block_is_none_of_a_module() -> None:
    text = "modules:\n  block: conv(8, 3) >> add(identity, conv(8, 1))\nlayers:\n  first: block\n"
    made = figure(HEAD + text + "  body: (add(identity, conv(8, 3)) >> add(identity, conv(8, 1))) * 2")
    assert rows(made) == [("first", "block", 1), ("body", "unit", 2)]


@pytest.mark.parametrize("body", ["conv(8, 3) >> add(identity, conv(8, 1)) * 4", "(conv(8, 3) >> relu) * 4"])
def test_repeats_of_one_merge_or_of_none_need_no_name(body: str) -> None:
    assert "block" not in {form.title for form in figure(f"{HEAD}layers:\n  body: {body}").forms}


def test_entries_of_a_module_that_is_called_once_and_repeats_blocks_are_rows() -> None:
    text = """
modules:
  unit: add(identity, conv(8, 3) >> conv(8, 1))
  encode: conv(8, 1) >> unit * 4 >> batch_norm
  net:
    start: add(identity, conv(8, 3))
    encoder: encode
    last: conv(4, 1)
layers:
  first: conv(8, 3)
  all: net
"""
    made = figure(HEAD + text)
    assert [(row.name, getattr(row.item, "times", 1)) for row in made.rows] == [
        *[("first", 1), ("start", 1), ("encoder", 1), ("encoder", 4), ("encoder", 1), ("last", 1)]
    ]
    sketches(made)


def test_a_module_of_norm_and_activation_is_a_pill_in_the_column_too() -> None:
    """He et al. 2016, figure 1: BN and ReLU stand before the weights."""
    text = "modules:\n  rectified: batch_norm >> relu\nlayers:\n  a: conv(8, 3) >> rectified\n  b: rectified"
    made = figure(HEAD + text)
    assert rows(made) == [("a", "3×3 conv, 8", 1), ("a", "BN, ReLU", 1), ("b", "BN, ReLU", 1)]
    assert not made.forms


def test_an_entry_is_opened_with_what_it_goes_on_from() -> None:
    """By the spec: `b` goes on from `a`, not from `far`, which stands before it."""
    text = "layers:\n  a: conv(8, 3)\n  far: conv(4, 1)\n  b: tap(a) >> mul(identity, a) >> add(identity, far) * 1"
    made = figure(HEAD.replace("image(8", "image(4") + text.replace("a: conv(8", "a: conv(4"))
    said = {str(text.text) for text in arranged(made, "a4", None).texts()}
    assert "from far" in said


def test_no_line_leads_to_a_box_that_reads_nothing() -> None:
    """ResMLP's affine: a scale of what comes in, and trained values."""
    made = figure(f"{HEAD}layers:\n  a: to_sequence >> add(channel_scale, trained(8))\n")
    (box,) = (box for box in sketches(made)[0].boxes() if box.nodes and made.graph.nodes[box.nodes[0][0]].inputs == ())
    lines = [shape for shape in sketches(made)[0].shapes if isinstance(shape, Line)]
    ends = [point for line in lines for point in (line.points[0], line.points[-1])]
    assert not [(x, y) for x, y in ends if box.area.x <= x <= box.area.right and box.area.y - 5 < y <= box.area.y + 1]


def test_calls_that_count_up_by_letters_are_a_run() -> None:
    text = "modules:\n  m: conv(8, 3) >> maxpool(3, 1, padding=1) >> conv(8, 1)\nlayers:\n"
    names = ("in3", "mixed_6b", "mixed_6c", "mixed_6d", "mixed_6f")
    made = with_runs(figure(HEAD + text + "".join(f"  {name}: m\n" for name in names)))
    assert [row.name for row in made.rows] == ["in3", "mixed_6b to mixed_6d", "mixed_6f"]


def test_all_modules_are_opened_that_there_is_room_for() -> None:
    """With as many as eight letters, four of these stayed closed `for want of room`."""
    each = range(12)
    modules = "".join(f"  m{at}: conv(8, {1 + 2 * (at % 3)}) >> maxpool(3, 1, padding=1) >> relu\n" for at in each)
    made = figure(f"{HEAD}modules:\n{modules}layers:\n" + "".join(f"  e{at}: m{at}\n" for at in each))
    assert "".join(form.mark for form in made.forms) == "ABCDEFGIJKLM"
    assert not [text for text in sketches(made)[0].texts() if "not opened" in str(text.text)]


def test_words_of_an_operation_are_whole_in_a_narrow_column() -> None:
    """What the last box of LR-ASPP says was cut: `upsample, to 520×5…`."""
    made = figure(f"{HEAD}layers:\n  a: upsample(size=520)\n")
    said = [str(text.text) for text in Column(made, towers_of(made)[0], Style(104.0, 18.0)).drawn().texts()]
    assert "upsample, to 520×520" in said


def test_a_rectangle_at_the_right_edge_leaves_room_for_a_wide_one() -> None:
    sizes = [(40.0, 40.0), (20.0, 70.0), (64.0, 46.0)]
    assert packed(sizes, [0, 1, 2], 100.0).height > 100
    placed = packed(sizes, [0, 1, 2], 100.0, right={1})
    assert placed.places == [(0.0, 0.0), (80.0, 0.0), (0.0, 54.0)]  # by hand: 14 apart
    assert (placed.width, placed.height) == (100.0, 100.0)


# FractalNet's smallest fractal is a convolution, and drawn as one: four of its five forms are opened.
@pytest.mark.parametrize(("name", "count"), [("fractalnet20", 4), ("resnet50", 2)])
def test_forms_are_counted_as_they_are_drawn(name: str, count: int) -> None:
    found = structured(name)
    made = build(found.cost, found.structure, found.amounts, Choice())
    assert sorted((form.nth, form.of) for form in made.forms) == [(at + 1, count) for at in range(count)]


def test_entries_in_one_row_keep_their_names_in_the_table_of_calls() -> None:
    """Four modules of Inception v3 are one row on A4: with 128, twice 160, and 192 channels (Szegedy et al., 2016)."""
    found = structured("inception_v3")
    shown = arranged(build(found.cost, found.structure, found.amounts, Choice()), "a4", None)
    texts = [item.text for item in shown.texts()]
    names = ("mixed_6b to mixed_6e", "mixed_6b", "mixed_6c to mixed_6d", "mixed_6e")
    assert [texts.count(name) for name in names] == [1, 1, 1, 1]
    assert not [text for text in texts if text.startswith("mixed") and "…" in text]
