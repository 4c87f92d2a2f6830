"""Somebody's tables: figures of papers and libraries are right or explained, what is made up is wrong."""

from __future__ import annotations

import csv
import io
import json
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pytest

from archcalc.claims.audit import audit
from archcalc.claims.headings import figure_text, heading
from archcalc.claims.tables import read_table
from archcalc.engine.network import load
from archcalc.report.audit import factor, reason
from archcalc.results.audit import Audit, Figure
from archcalc.source import Source, SpecError
from tests.cli.running import MYSTERY, run, spec
from tests.guards.repository import NET


def judged(text: str) -> Audit:
    return audit(Source("table.csv", text))


def one(model: str, column: str, printed: str) -> Figure:
    (figure,) = judged(f"model\t{column}\n{model}\t{printed}\n").figures
    return figure


# He et al. 2016, Table 1, says 3.8 x 10^9 FLOPs (multiply-adds) of ResNet-50, 11.3 of ResNet-152; Simonyan and
# Zisserman 2015, Table 2, 138 M and 144 M; LeCun et al. 1998, 60,000 params; torchvision's documentation 25,557,032
# and 4.09 GFLOPS.
@pytest.mark.parametrize(
    ("model", "column", "printed", "computed"),
    [
        ("ResNet-50", "params", "25,557,032", 25_557_032),
        ("ResNet-50", "Params (M)", "25.6", 25_557_032),
        ("resnet_50", "#Params [M]", "25.557032", 25_557_032),
        ("ResNet50", "Parameters", "25.6M", 25_557_032),
        ("ResNet-50", "FLOPs", "3.8 x 10^9", 3_857_973_248),
        ("ResNet-50", "MACs (G)", "3.86", 3_857_973_248),
        ("resnet50@torchvision", "GFLOPS", "4.09", 4_089_184_256),
        ("resnet50@torchvision", "Mult-Adds (M)", "4089", 4_089_184_256),
        ("ResNet-152", "FLOPs (B)", "11.3", 11_282_415_616),
        ("VGG-16", "params", "138M", 138_357_544),
        ("VGG-19", "params", "144 million", 143_667_240),
        ("vgg16_bn", "params", "138,365,992", 138_365_992),
        ("VGG-16-BN", "params (M)", "138.37", 138_365_992),
        ("VGG-16", "flops", "30.9G", 30_940_528_640),
        ("LeNet-5", "params", "60,000", 60_000),
        ("LeNet-5", "params (K)", "60", 60_000),
        ("SqueezeNet v1.0", "params", "1.25M", 1_248_424),
        ("resnet18", "Size (MB)", "46.8", 46_758_048),
        ("resnet18", "size [MiB]", "44.6", 46_758_048),
    ],
)
def test_right(model: str, column: str, printed: str, computed: int) -> None:
    figure = one(model, column, printed)
    assert (figure.judgement, figure.computed) == ("right", computed)


@pytest.mark.parametrize(
    ("model", "column", "printed", "why"),
    [
        # torchvision's network under the paper's name
        ("ResNet-50", "GMACs", "4.09", "resnet50@torchvision"),
        ("AlexNet", "params", "61,100,840", "alexnet@torchvision"),
        ("AlexNet", "params", "62.4M", "alexnet@ungrouped"),
        # multiply-accumulates counted twice, and once for all that there is
        ("VGG-16", "MACs (G)", "30.94", "doubled"),
        ("resnet50", "GMACs", "8.178", "resnet50@torchvision, doubled"),
        # what fvcore 0.1.5.post20221221 prints of torchvision.models.resnet50()
        ("resnet50@torchvision", "macs", "4111512576", "as fvcore counts"),
        # both heads: 13,378,280 params
        ("GoogLeNet", "params", "13,378,280", "training heads counted"),
        # 83,410,944 x 8^2 + 2,048,000 at 256 pixels
        ("resnet50@torchvision", "GMACs", "5.340", "at 256x256"),
        ("resnet50", "GMACs", "5.340", "resnet50@torchvision, at 256x256"),
        # eight images
        ("VGG-16", "macs", str(8 * 15_470_264_320), "batch of 8 left in"),
        ("resnet18", "GMACs", "58.05", "batch of 32 left in"),
        # 60,965,224 params, 10,568 of them biases
        ("AlexNet", "params", "60,954,656", "without biases"),
        # 53,120 scales and shifts
        ("resnet50@torchvision", "params", str(25_557_032 - 53_120), "without norms"),
        ("resnet50@torchvision", "params", str(25_557_032 + 53_120), "with buffers"),
        # 14.7 M, which many tables print for the convolutions alone
        ("VGG-16", "params", "14,714,688", "without linear layers"),
        ("VGG-16", "params", "134,301,514", "10 classes"),
        ("VGG-16", "params", str(2 * 138_357_544), "doubled"),
        ("VGG-16", "macs", str(15_470_264_320 // 2), "halved"),
        ("resnet18", "size (MB)", "23.38", "at fp16"),
        ("LeNet-5", "params", "58.59K", "1,024 for a thousand"),
    ],
)
def test_explained(model: str, column: str, printed: str, why: str) -> None:
    figure = one(model, column, printed)
    assert (figure.judgement, figure.why) == ("explained", why)


@pytest.mark.parametrize(
    ("model", "column", "printed", "times"),
    [
        ("ResNet-50", "params (M)", "26.6", Fraction(26_600_000, 25_557_032)),
        ("ResNet-50", "params", "25,557,033", Fraction(25_557_033, 25_557_032)),
        ("VGG-16", "MACs (G)", "3.95", Fraction(3_950_000_000, 15_470_264_320)),
        ("VGG-16", "params", "1.00M", Fraction(1_000_000, 138_357_544)),
        ("LeNet-5", "params", "431,081", Fraction(431_081, 60_000)),
    ],
)
def test_wrong_by_which_factor(model: str, column: str, printed: str, times: Fraction) -> None:
    figure = one(model, column, printed)
    assert (figure.judgement, figure.factor) == ("wrong", times)
    assert factor(times) in reason(figure)


@pytest.mark.parametrize(
    ("model", "column", "printed", "difference"),
    [
        ("ResNet-50", "params", "25,557,033", "(1 more)"),
        # one more than what thop 0.1.1.post2209072238 prints of torchvision.models.vgg11()
        ("vgg11", "MACs", "7609140225", "(50,177 more)"),
        ("vgg16", "params", "138,357,540", "(4 fewer)"),
    ],
)
def test_a_factor_that_rounds_to_one_has_the_difference(model: str, column: str, printed: str, difference: str) -> None:
    assert reason(one(model, column, printed)) == f"1.000x what is computed {difference}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(1, 3), "0.333x"),
        (Fraction(2), "2.000x"),
        (Fraction(1051, 100), "10.51x"),
        (Fraction(123456, 1000), "123.5x"),
        (Fraction(10**6), "1,000,000.0x"),
    ],
)
def test_factors(value: Fraction, text: str) -> None:
    assert factor(value) == text


def test_a_column_of_flops_means_what_most_of_it_means() -> None:
    models = ["resnet18", "resnet34", "vgg16", "vgg19"]
    ones, twos = ["1.814", "3.664", "15.47", "19.632"], ["3.628", "7.327", "30.94", "39.26"]
    for figures, words in ((ones, "1 for a multiply-accumulate"), (twos, "2 for a multiply-accumulate")):
        rows = [f"{model},{printed}" for model, printed in zip(models, figures, strict=True)]
        found = judged("\n".join(["model,GFLOPs", *rows])).figures
        assert [(figure.judgement, figure.why) for figure in found] == [("right", words)] * 4
    rows = [f"{model},{printed}" for model, printed in zip(models, [*ones[:3], twos[3]], strict=True)]
    found = judged("\n".join(["model,GFLOPs", *rows])).figures
    assert [figure.judgement for figure in found] == ["right", "right", "right", "explained"]
    assert found[3].why == "doubled"
    rows = [f"{model},{printed}" for model, printed in zip(models, [*twos[:3], ones[3]], strict=True)]
    found = judged("\n".join(["model,GFLOPs", *rows])).figures
    assert found[3].why == "halved: 1 for a multiply-accumulate"


def test_two_digits_are_not_explained_by_two_deviations() -> None:
    assert one("resnet50", "GMACs", "5.340").why == "resnet50@torchvision, at 256x256"
    assert one("resnet50", "GMACs", "5.3").judgement == "wrong"
    assert one("resnet50", "GMACs", "8.2").why == "resnet50@torchvision, doubled"


@pytest.mark.parametrize(
    ("model", "column", "printed", "enough"),
    [
        # at a digit more the same is explained, so that it is the digits that are missing
        ("VGG-16", "GMACs", "7.7", "7.74"),  # halved: 7.735
        ("VGG-16", "GMACs", "3e10", "3.1e10"),  # doubled
        ("VGG-16", "params (M)", "<15", "14.7"),  # without linear layers
    ],
)
def test_one_digit_that_counts_is_explained_by_nothing(model: str, column: str, printed: str, enough: str) -> None:
    assert one(model, column, printed).judgement == "wrong"
    assert one(model, column, enough).judgement == "explained"


def test_one_digit_is_right_or_wrong() -> None:
    assert one("resnet18", "GMACs", "2").judgement == "right"  # 1.814 G
    assert one("resnet18", "params", "1").judgement == "wrong"  # 11,689,512


def test_explanations_that_come_to_another_number_are_told_too() -> None:
    figure = one("AlexNet", "GMACs", "1.1")
    assert reason(figure) == "alexnet@ungrouped"
    # of equal grade: the same figure as two tools count
    both = one("squeezenet1_1", "GMACs", "0.36")
    assert both.grade == 1
    assert len(both.others) >= 1
    # two_per_mac and what FlopCounterMode counts are the same number here
    assert one("VGG-16", "GMACs", "30.94").others == ()


def test_a_lower_bound_is_no_figure_to_be_held_against(tmp_path: Path) -> None:
    path = spec(tmp_path, MYSTERY, "mystery.yaml")
    (figure,) = audit(
        Source("table.csv", "model,macs\nmystery,3888\n"), [str(path)]
    ).figures  # 4 x 3 x 3^2 weights at 6 x 6 positions, at least
    assert (figure.judgement, figure.why) == ("unread", "an operation of this network is of unknown cost")


def test_units_that_nobody_names() -> None:
    assert reason(one("resnet50", "macs", "3.1")) == "0.804x what is computed, read as G"  # the nearest of K, M, G
    assert reason(one("resnet18", "params", "11690")) == "0.001x what is computed"  # a number written whole
    found = judged("model,params,macs\nresnet50,25.6,3.86\nLeNet-5,60000,0.326\n").figures
    assert [(figure.judgement, figure.why) for figure in found] == [
        ("right", "read as M"),
        ("right", "read as G"),
        ("right", ""),
        ("right", "read as M"),
    ]


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


def test_a_table_fits_a_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.csv"
    path.write_text("model,params (M),macs\nsqueezenet,1.2,1\nvgg16,138.4,15346630656\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)  # a path that is named is not cut
    found = run("audit", path.name, columns=80, code=1).stdout
    assert all(len(line) <= 80 for line in found.splitlines())
    assert "15346630656" in found


def test_the_command(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("model,top1,GMACs\nresnet50,76,4.09\nvgg16,71,15.5\nmobilenets,,0.57\n", encoding="utf-8")
    found = " ".join(run("audit", str(path), code=1).stdout.split())  # a model that is not known fails
    assert "table.csv: 3 rows, 3 figures: 1 right, 1 explained, 1 unknown model" in found
    assert "columns not read: top1" in found
    assert "resnet50@torchvision" in found
    run("audit", str(path), "--allow-unknown", "--strict")  # another variant is of grade 1
    path.write_text("model,GMACs\nresnet50,4.99\nvgg16,15.5\n", encoding="utf-8")
    assert "1.293x what is computed" in run("audit", str(path), code=1).stdout
    rows = list(csv.DictReader(io.StringIO(run("audit", str(path), "--format", "csv", code=1).stdout)))
    assert [(row["judgement"], row["computed"], row["factor"]) for row in rows] == [
        ("wrong", "3857973248", "1.293"),
        ("right", "15470264320", ""),
    ]
    figures = json.loads(run("audit", str(path), "--format", "json", code=1).stdout)["figures"]
    assert [figure["line"] for figure in figures] == [2, 3]
    assert (
        "| 3 | vgg16 | GMACs | 15.5 | 15,470,264,320 |  | right |"
        in run("audit", str(path), "--format", "markdown", code=1).stdout
    )
    annotation = run("audit", str(path), "--format", "github", code=1).stdout
    assert annotation.startswith("::error file=")
    assert "line=2," in annotation
    assert annotation.count("::error") == 1
    suite = ElementTree.fromstring(run("audit", str(path), "--format", "junit", code=1).stdout)
    assert [len(case) for case in suite.iter("testcase")] == [1, 0]


def test_strict_takes_grades_1_and_2_alone(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("model,GMACs\nvgg16,30.94\n", encoding="utf-8")
    run("audit", str(path))
    assert "grade 3" in run("audit", str(path), "--strict", "--format", "github", code=1).stdout


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "no-table"),
        ("model,params\n", "no-table"),
        ("[1, 2]", "no-table"),
        ("{not json", "no-table"),
        ("name,top1\nresnet50,76\n", "no-column"),
        ("params\n25.6M\n", "no-column"),
    ],
)
def test_mistakes(text: str, code: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    assert f"error[{code}]: " in run("audit", str(path), code=2).stderr


def test_refusals_are_diagnostics() -> None:
    with pytest.raises(SpecError, match="its columns are a, b"):
        judged("a,b\n1,2\n")
