"""`archcalc audit`: figures that are right, explained or wrong, and the command."""

from __future__ import annotations

import csv
import io
import json
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pytest

from archcalc.claims.audit import audit
from archcalc.report.audit import factor, reason
from archcalc.source import Source, SpecError
from tests.cli.running import MYSTERY, run, spec
from tests.guards.judging import judged, one


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
