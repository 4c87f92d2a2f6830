"""How `archcalc audit` reads tables: headings, units, formats, names."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.claims.audit import audit
from archcalc.claims.headings import figure_text, heading
from archcalc.claims.tables import read_table
from archcalc.engine.network import load
from archcalc.source import Source
from tests.cli.running import spec
from tests.guards.judging import judged, one
from tests.guards.repository import NET


@pytest.mark.parametrize(
    ("column", "quantity", "unit"),
    [
        ("Params (M)", "params", "M"),
        ("# Parameters", "params", ""),
        ("#Param.", "params", ""),
        ("params_m", "params", "M"),
        ("Params, M", "params", "M"),
        ("num_params", "params", ""),
        ("Parameters (x10^6)", "params", "M"),
        ("params [1e6]", "params", "M"),
        ("Params (millions)", "params", "M"),
        ("GFLOPs", "flops", "G"),
        ("FLOPs (G)", "flops", "G"),
        ("FLOPs (10⁹)", None, None),
        ("MFLOPS", "flops", "M"),
        ("FLOPs", "flops", ""),
        ("GMACs", "macs", "G"),
        ("MMACs", "macs", "M"),
        ("MACs", "macs", ""),
        ("Mult-Adds (B)", "macs", "G"),
        ("MAdds (M)", "macs", "M"),
        ("GFLOPs @224", "flops", "G"),
        ("size (MB)", "size_bytes", "MB"),
        ("Model size (MiB)", "size_bytes", "MiB"),
        ("size", "input", ""),
        ("size (px)", "input", ""),
        ("Resolution", "input", ""),
        ("infer_img_size", "input", ""),
        ("infer_batch_size", None, None),
        ("Batch size", "batch", ""),
        ("infer_gmacs", "macs", "G"),
        ("infer_macts", "neurons", "M"),
        ("param_count", "params", ""),
        ("Precision", "dtype", ""),
        ("FLOPs/s", None, None),
        ("GFLOP/s", None, None),
        ("Top-1 (%)", None, None),
        ("Model", "model", ""),
        ("Architecture", "model", ""),
    ],
)
def test_headings(column: str, quantity: str | None, unit: str | None) -> None:
    found = heading(column)
    if column == "FLOPs (10⁹)":  # a unit that does not read is none
        assert found is not None
        assert (found.quantity, found.unit) == ("flops", "")
        return
    assert (found.quantity if found else None, found.unit if found else None) == (quantity, unit)


@pytest.mark.parametrize(
    ("cell", "unit", "text"),
    [
        ("25.6", "M", "25.6M"),
        ("25.6M", "G", "25.6M"),
        ("~25", "M", "~25M"),
        ("3.8e9", "", "3.8G"),
        ("3.8 × 10^9", "", "3.8G"),
        ("3.1e10", "", "0.031T"),
        ("5e2", "", "0.5K"),
        ("1,234", "", "1,234"),
        ("25.6*", "M", "25.6M"),
    ],
)
def test_cells_with_their_units(cell: str, unit: str, text: str) -> None:
    assert figure_text(cell, unit) == text


CSV = 'Model,Top-1,"Params, M"\nResNet-50,76.1,25.6\n\nVGG-16,,138\n'
TSV = "Model\tTop-1\tParams, M\nResNet-50\t76.1\t25.6\nVGG-16\t\t138\n"
SEMICOLONS = "Model;Top-1;Params, M\nResNet-50;76.1;25.6\nVGG-16;;138\n"
MARKDOWN = """\
# Results

Some prose - with a dash.

| Model | Top-1 | Params, M |
|:-|:-:|-:|
| **[ResNet-50](https://example.org/a_(b))** | 76.1 | `25.6` |
| VGG-16 | | 138 |

And after it | nothing
"""
JSON = """{"title": "t", "rows": [{"Model": "ResNet-50", "Top-1": 76.1, "Params, M": 25.6},
{"Model": "VGG-16", "Params, M": 138}]}"""
BY_NAME = '{"ResNet-50": {"Params, M": 25.6}, "VGG-16": {"Params, M": 138}}'


@pytest.mark.parametrize(
    ("text", "lines"),
    [(CSV, [2, 4]), (TSV, [2, 3]), (SEMICOLONS, [2, 3]), (MARKDOWN, [7, 8]), (JSON, [1, 2]), (BY_NAME, [1, 1])],
    ids=["csv", "tsv", "semicolons", "markdown", "json", "by name"],
)
def test_tables_are_read_as_they_are_written(text: str, lines: list[int]) -> None:
    columns, records, _ = read_table(Source("t", text.replace("a_(b)", "a")))
    assert [record.line for record in records] == lines
    assert "Params, M" in columns
    found = judged(text.replace("a_(b)", "a")).figures
    assert [(figure.model, figure.printed, figure.judgement) for figure in found] == [
        ("ResNet-50", "25.6", "right"),
        ("VGG-16", "138", "right"),
    ]


def test_rows_of_json_have_the_lines_of_their_names() -> None:
    text = '[{"model": "VGG-16",\n"params": "138M"},\n{"model": "VGG-16",\n"params": "139M"}]'
    assert [(figure.line, figure.printed) for figure in judged(text).figures] == [(1, "138M"), (3, "139M")]


def test_a_bar_in_a_cell_of_markdown_divides_nothing() -> None:
    text = "| model | by \\| of | params |\n|-|-|-|\n| VGG-16 | S \\| Z | 138M |\n"
    found = judged(text)
    assert [(figure.printed, figure.judgement) for figure in found.figures] == [("138M", "right")]
    assert found.ignored == ("by | of",)


def test_digits_of_json_count_as_written() -> None:
    assert one("ResNet-50", "params (M)", "25.6").judgement == "right"
    for digits, judgement in (("25.6", "right"), ("25.60", "wrong"), ("25.56", "right")):
        (figure,) = judged(f'[{{"model": "ResNet-50", "params (M)": {digits}}}]').figures
        assert figure.judgement == judgement, digits


@pytest.mark.parametrize(
    "text",
    [
        "model,params,params\nresnet18,11689513,11689512\n",
        "|model|params|params|\n|-|-|-|\n|resnet18|11689513|11689512|\n",
    ],
)
def test_columns_of_one_name_are_two(text: str) -> None:
    found = judged(text).figures
    assert [(figure.column, figure.printed, figure.judgement) for figure in found] == [
        ("params", "11689513", "wrong"),
        ("params [2]", "11689512", "right"),
    ]


def test_a_nothing_is_explained_by_nothing() -> None:
    assert one("resnet50", "GFLOPs", "0").judgement == "wrong"


def test_a_decimal_comma_is_read_where_the_table_has_them() -> None:
    """`25,6` decides for the column; `4,089` alone does not, and `25,557,032` speaks against it."""
    found = judged("model;params (M);GMACs\nResNet-50;25,6;3,858\nVGG-16;138,4;15,470\n").figures
    assert [figure.judgement for figure in found] == ["right"] * 4
    assert one("ResNet-50", "params", "25,557,032").judgement == "right"
    assert judged("model;params\nResNet-50;25.557.032,0\n").figures[0].judgement == "right"


def test_a_comma_that_divides_a_figure_is_seen() -> None:
    (figure,) = judged("model,params (M)\nResNet-50,25,6\n").figures
    assert (figure.judgement, figure.computed) == ("unread", None)
    assert "a comma that divides them?" in figure.why


def test_names_that_are_not_known() -> None:
    found = judged("model,params\nresnet5O,1M\nnot a network at all,1M\nsqueezenet,1M\nresnet18,\nresnet18,-\n")
    assert [(figure.judgement, figure.network) for figure in found.figures] == [("unknown model", "")] * 3
    assert "resnet50" in found.figures[0].why
    assert found.figures[2].why.startswith("a family: name one of squeezenet1_0, ")
    of_many, of_few = judged("model,params\nResNet,1M\nlenet,1M\n").figures
    assert of_many.why.startswith("a family: name one of resnet18, resnet34")
    assert of_many.why.endswith(" more")
    assert of_few.why == "a family: name one of lenet5, lenet5@full, lenet@caffe, lenet@tfslim"


def test_what_is_no_figure_is_said_to_be_none() -> None:
    assert one("resnet18", "params (M)", "eleven").judgement == "unread"
    assert one("resnet18", "params (M)", "11 to 12").judgement == "unread"


def test_a_network_of_ones_own(tmp_path: Path) -> None:
    path = str(spec(tmp_path, NET, "my.yaml"))
    text = "\n".join(["model,params,macs", *(f"{name},410,3312" for name in (load(path).name, path)), ""])
    found = audit(Source("table.csv", text), [path]).figures
    assert [(figure.judgement, figure.why) for figure in found] == [("right", ""), ("explained", "doubled")] * 2
