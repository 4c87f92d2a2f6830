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
        ("FLOPs (10⁹)", "flops", "G"),
        ("#params×10^6", "params", "M"),
        ("Parameters (in millions)", "params", "M"),
        ("Parameter (Mio.)", "params", "M"),
        ("Number of parameters", "params", ""),
        ("#P (M)", "params", "M"),
        ("Size (M)", "params", "M"),
        ("Active params (B)", "active_params", "G"),
        ("Complexity (GFLOPs)", "flops", "G"),
        ("Compute (MACs)", "macs", ""),
        ("MACs (M/image)", "macs", "M"),
        ("Multi-Adds (M)", "macs", "M"),
        ("Total mult-adds (G)", "macs", "G"),
        ("Params size (MB)", "size_bytes", "MB"),
        ("Flash (kB)", "size_bytes", "KB"),
        # other quantities than they seem
        ("Params (%)", None, None),
        ("FLOPs ↓ (%)", None, None),
        ("BOPs", None, None),
        ("FLOPs (fwd+bwd)", None, None),
        ("FLOPs/token (G)", None, None),
        ("Training compute (FLOPs)", None, None),
        ("Non-trainable params", None, None),
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
        ("15.5 ×10⁹", "", "15.5G"),
        ("11.69 Mio", "", "11.69M"),
        ("1.24M (4.8 MB)", "", "1.24M"),
        ("25.6 ± 0.1", "M", "25.6M"),
        ("143.7³", "M", "143.7M"),  # a footnote
        ("11.69M¹", "", "11.69M"),
        ("138²", "M", "138^2"),  # a footnote or a power: no figure
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
    columns, records, _ = read_table(Source("t", text))
    assert [record.line for record in records] == lines
    assert "Params, M" in columns
    found = judged(text).figures
    assert [(figure.model, figure.printed, figure.judgement) for figure in found] == [
        ("ResNet-50", "25.6", "right"),
        ("VGG-16", "138", "right"),
    ]


LATEX_OF_TWO_LINES = r"""
\begin{tabular}{l|c|cc|c}
\multirow{2}{*}{Method} & image & \multicolumn{2}{c|}{Complexity} & ImageNet \\
 & size & \#param. & FLOPs & top-1 acc. \\ \hline
ResNet-50 & 224$^2$ & 25.6M & 3.9G & 76.2 \\
\end{tabular}
"""
LATEX_OF_A_SECOND_LINE = r"""
\begin{tabular}{lccc}
& \multicolumn{2}{c}{GFLOPs} & \#Params \\ \cmidrule(lr){2-3}
Model & 224 & 384 & (M) \\ \midrule
ViT-B/16 & 17.6 & 55.5 & -- \\
VGG-16 & 15.5 & -- & 138 \\
\end{tabular}
"""
CSV_OF_TWO_LINES = ",GMACs,,Params (M)\nModel,224,288,\nResNet-50,3.86,6.38,25.6\n"


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        (LATEX_OF_TWO_LINES, ["25.6M", "3.9G"]),
        (CSV_OF_TWO_LINES, ["3.86", "6.38", "25.6"]),
        (LATEX_OF_A_SECOND_LINE, ["17.6", "55.5", "15.5", "138"]),
    ],
)
def test_headings_of_two_lines(text: str, printed: list[str]) -> None:
    """What spans several columns holds for all of them; below 288, 6,376,128,512 MACs of ResNet-50 (fvcore's count less
    norms and pooling, of torch's model with the stride in the first convolution)."""
    assert [(figure.printed, figure.judgement) for figure in judged(text).figures] == [
        (each, "right") for each in printed
    ]


@pytest.mark.parametrize("columns", ["model,GFLOPs,convention", "net,GFLOPs,notes", ",GFLOPs,counted"])
def test_a_row_that_says_what_is_counted_is_no_heading(columns: str) -> None:
    found = judged(f"{columns}\nResNet-50,3.86,MACs\nVGG-16,15.5,MACs\n").figures
    assert [(figure.model, figure.printed, figure.judgement) for figure in found] == [
        ("ResNet-50", "3.86", "right"),
        ("VGG-16", "15.5", "right"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "| | Params (M) | GMACs |\n|-|-|-|\n| ResNet-50 | 25.6 | 3.86 |\n",
        "| Réseau | Params (M) | GMACs |\n|-|-|-|\n| ResNet-50 | 25.6 | 3.86 |\n",
        ",ResNet-50\nParams (M),25.6\ntop-1,76.1\nGMACs,3.86\n",
    ],
)
def test_the_column_of_models_is_known_by_what_is_in_it(text: str) -> None:
    found = judged(text).figures
    assert [(figure.model, figure.printed, figure.judgement) for figure in found] == [
        ("ResNet-50", "25.6", "right"),
        ("ResNet-50", "3.86", "right"),
    ]


def test_a_comma_that_divides_a_figure_is_seen_though_the_last_cell_is_empty() -> None:
    text = "model,params (M),GFLOPs,top-1\nResNet-18,11.7,1,814,\nResNet-34,21.8,3.66,73\n"
    assert [figure.judgement for figure in judged(text).figures] == ["unread", "unread", "right", "right"]


KERAS = """\
| Model | Size (MB) | Parameters |
|-|-|-|
| ResNet50 | 98 | 25.6M |
| ResNet50V2 | 98 | 25.6M |
| ResNet101 | 171 | 44.7M |
| InceptionV3 | 92 | 23.9M |
| EfficientNetB7 | 256 | 66.7M |
| MobileNet | 16 | 4.3M |
| DenseNet121 | 33 | 8.1M |
"""  # of keras.io/api/applications


def test_two_digits_are_explained_by_what_explains_most_of_the_column() -> None:
    """Keras counts running means and variances: 4,231,976 + 21,888 and 7,978,856 + 83,648."""
    found = {figure.model: figure for figure in judged(KERAS).figures if figure.column == "Parameters"}
    for model, computed in {"MobileNet": 4_253_864, "DenseNet121": 8_062_504}.items():
        figure = found[model]
        assert (figure.judgement, figure.grade, figure.why, figure.computed) == (
            "explained", 2, "with buffers", computed,
        )  # fmt: skip
    assert one("DenseNet121", "params (M)", "8.1").judgement == "wrong"
    assert one("ResNet50", "size (MB)", "97.7").why == "with buffers, MiB for MB"  # 102,440,608 bytes


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
