from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.report.media.blocks import (
    Bar,
    Column,
    Document,
    Heading,
    Items,
    Paragraph,
    Section,
    Table,
    Total,
    Verbatim,
    bar,
    number,
)
from archcalc.report.media.markdown import markdown
from archcalc.report.media.text import ascii_only, drawn, fit, plain, shorten

TABLE = Table(
    [
        Column("layer", least=6),
        Column("what", drop=2, least=6, cut="end"),
        number("MACs"),
        bar(),
        number("field", drop=11),
    ],
    [
        ["conv1", "conv(64, 7)", "118.0 M", Bar(1, 2), "7x7"],
        Section("the rest"),
        ["a.rather.long.name", "maxpool(3)", "2.000 G", Bar(2, 2), "11x11"],
        Total(["total", "", "2.118 G", Bar(0, 1), ""]),
    ],
)

WIDE = """\
layer               what            MACs                    field
─────────────────────────────────────────────────────────────────
conv1               conv(64, 7)  118.0 M  ████████            7x7
the rest
a.rather.long.name  maxpool(3)   2.000 G  ████████████████  11x11
─────────────────────────────────────────────────────────────────
total                            2.118 G
"""

MARKDOWN = """\
| layer | what | MACs | field |
| --- | --- | ---: | ---: |
| conv1 | conv(64, 7) | 118.0 M | 7x7 |
| **the rest** |  |  |  |
| a.rather.long.name | maxpool(3) | 2.000 G | 11x11 |
| **total** |  | **2.118 G** |  |
"""


def test_a_table_as_wide_as_it_likes() -> None:
    assert plain([TABLE]) == WIDE


def test_a_table_in_little_room() -> None:
    found = plain([TABLE], 29)
    assert all(len(line) <= 29 for line in found.splitlines())
    assert "field" not in found.splitlines()[0]
    assert "left out at 29 columns: field" in found
    assert "conv(6" in found or "conv(…" in found


def test_a_table_as_markdown() -> None:
    assert markdown([TABLE]) == MARKDOWN


@given(st.integers(20, 200))
def test_a_table_that_can_give_way_keeps_to_the_width(width: int) -> None:
    kept, widths = fit(TABLE.columns, [row for row in TABLE.rows if not isinstance(row, (Section, Total))], width)
    assert sum(widths[index] for index in kept) + 2 * (len(kept) - 1) <= width
    assert {0, 2} <= set(kept)


def test_bars_take_the_room_that_is_left() -> None:
    def length(width: int) -> int:
        return plain([TABLE], width).count("█")

    assert length(60) < length(90) == length(200)


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 1, ""), (1, 1, "██"), (1, 2, "█"), (3, 4, "█▌"), (1, 10**9, "▏"), (2, 1, "██"), (1, 0, "")],
)
def test_bars(part: int, whole: int, text: str) -> None:
    assert drawn(Bar(part, whole), 2) == text


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [
        ("conv1", 5, "conv1"),
        ("conv3.block_1.residual.spatial", 28, "conv3.block_1.res…al.spatial"),
        ("inception_3a.3x3.conv_1", 20, "incept…3a.3x3.conv_1"),
        ("inception_3a.3x3.conv_1", 14, "i…3a.3x3.co…_1"),
        ("body.block_3.residual.conv_1", 16, "body.…_3.…al.…_1"),
        ("body.block_4.residual.conv_2", 16, "body.…_4.…al.…_2"),
        ("body.block_4.residual.conv_2", 12, "body.…al.…_2"),
        ("abcdefghij", 5, "ab…ij"),
    ],
)
def test_names_are_shortened_in_the_middle(text: str, width: int, short: str) -> None:
    assert shorten(text, width) == short


def test_each_name_of_what_was_renamed_has_a_line_where_one_has_no_room_for_both() -> None:
    table = Table(
        [Column("layer", least=16), Column("")], [["conv1 -> stem.conv1", "renamed"], [f"{'a' * 9} -> b.b2", ""]]
    )
    assert plain([table], 25).splitlines()[2:] == [
        "conv1             renamed",
        "-> stem.conv1",
        "aaaaaaaaa",
        "-> b.b2",
    ]
    assert plain([table], 28).splitlines()[2:] == ["conv1 -> stem.conv1  renamed", "aaaaaaaaa -> b.b2"]


@given(st.text("abc_.123", max_size=40), st.integers(3, 40))
def test_shortened_names_fit(text: str, width: int) -> None:
    found = shorten(text, width)
    assert len(found) <= width
    assert found == text or "…" in found


def test_prose_is_wrapped() -> None:
    found = plain(
        [Heading("Head"), Paragraph("one two " * 30), Items(["long " * 30, "short"]), Verbatim("a  b\nc")], 40
    )
    assert all(len(line) <= 40 for line in found.splitlines())
    assert "\n- long" in found
    assert "\n  long" in found
    assert "a  b\nc\n" in found


def test_headings_are_wrapped_in_a_window_alone() -> None:
    heading = Heading("vgg16: the largest width is 0.484375; at 0.5, macs passes resnet50's 3,857,973,248")
    assert plain([heading], 80).splitlines()[1] == "3,857,973,248"
    assert plain([heading]) == f"{heading.text}\n"


@pytest.mark.parametrize(
    ("cell", "width", "lines"),
    [
        ("bn_inception.params_increase", 19, ["bn_inception.", "params_increase"]),  # at its parts
        ("canziani.seed2.googlenet_classifier", 14, ["canziani.", "seed2.", "googlenet_", "classifier"]),
        ("squeezenet1_0@simple-bypass", 16, ["squeezenet1_0@", "simple-bypass"]),
        ("abcdefghijkl", 5, ["abcde", "fghij", "kl"]),  # where it has none
        ("macs 304M, macs 54M ≠, depth 2", 19, ["macs 304M, macs", "54M ≠, depth 2"]),  # a mark stays at its figure
    ],
)
def test_cells_are_wrapped_where_they_can_be_read(cell: str, width: int, lines: list[str]) -> None:
    table = Table([Column("", least=width, cut="wrap")], [[cell]])
    assert plain([table], width).splitlines() == lines


def test_ascii() -> None:
    assert ascii_only("█▌ ≥ 1 … ─▏") == "## > 1 . - "
    assert ascii_only("28×28 ≠ ≤ ≈") == "28x28 ! < ~"


def test_markdown_of_prose() -> None:
    blocks: Document = [
        Heading("A", 1),
        Paragraph("p"),
        Items(["x"]),
        Verbatim("f(*)"),
        Table([Column("a|b")], [["2*3 <x>"]]),
    ]
    assert markdown(blocks) == "# A\n\np\n\n- x\n\n```\nf(*)\n```\n\n| a\\|b |\n| --- |\n| 2\\*3 &lt;x> |\n"


def test_a_title_of_two_parts_takes_two_lines() -> None:
    table = Table([Column(""), number("resnet50@torchvision", least=12)], [["MACs", "4.089 G"]])
    assert (
        plain([table], 20) == "            resnet50\n        @torchvision\n────────────────────\nMACs         4.089 G\n"
    )


def test_columns_of_one_name_go_together() -> None:
    columns = [Column("a"), number("params", drop=1), number("b"), number("params", drop=1)]
    found = plain([Table(columns, [["x" * 8, "1" * 8, "2" * 8, "3" * 8]])], 30)
    assert "params" not in found.splitlines()[0]
