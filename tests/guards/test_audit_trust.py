"""What an audit must not do: call an error explained, believe a figure at another size, open a file of a cell."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest

from archcalc.claims.audit import audit
from archcalc.claims.names import Names
from archcalc.engine.network import load
from archcalc.report.media.data import csv_text
from archcalc.report.media.markdown import escaped
from archcalc.results.audit import Audit, Figure
from archcalc.source import Source, visible
from tests.cli.running import run


def judged(text: str) -> Audit:
    return audit(Source("table.csv", text))


def one(model: str, column: str, printed: str) -> Figure:
    (figure,) = judged(f"model\t{column}\n{model}\t{printed}\n").figures
    return figure


# conventions by version

# ptflops 0.6.9 of torchvision's models, to two decimals, as it prints them; computed from what it printed in full
# (tests/engine/conventions/networks_of_versions.csv): 715,561,896; 4,121,925,096; 11,580,687,848; 19,667,930,600.
OLD_PTFLOPS = """\
model,MACs(G)
alexnet@torchvision,0.72
resnet50@torchvision,4.12
resnet152@torchvision,11.58
vgg19,19.67
vgg16,15.5
"""


def test_an_older_version_of_a_tool_explains_a_table() -> None:
    found = judged(OLD_PTFLOPS).figures
    assert [(figure.judgement, figure.grade, figure.why) for figure in found] == [
        *[("explained", 1, "as ptflops to 0.6 counts")] * 4,
        ("right", None, ""),
    ]
    # what explains, beside what is asked for
    assert (found[1].computed, found[1].plain) == (4_121_925_096, 4_089_184_256)


def test_an_explanation_of_several_rows_weighs_more() -> None:
    """EfficientNet's 0.40 is what fvcore counts too; four other networks say that it is ptflops to 0.6."""
    alone = one("efficientnet_b0", "GMACs", "0.40")
    assert (alone.grade, alone.why) == (1, "as fvcore counts")
    table = judged(f"{OLD_PTFLOPS}efficientnet_b0,0.40\n").figures
    assert table[-1].why == "as ptflops to 0.6 counts"


@pytest.mark.parametrize(
    ("column", "cell", "judgement"),
    [("tool", "ptflops 0.6.9", "right"), ("tool", "ptflops 0.7.5", "wrong"), ("tool", "somebody", "explained")],
)
def test_a_column_that_says_which_tool(column: str, cell: str, judgement: str) -> None:
    (figure,) = judged(f"model,{column},MACs\nresnet18@torchvision,{cell},1822177768\n").figures
    if judgement == "wrong":  # of one tool, it is another version's
        assert figure.judgement == "explained"
        assert figure.why == "as ptflops to 0.6 counts"
    else:
        assert figure.judgement == judgement


# columns that say how a figure was taken


@pytest.mark.parametrize("column", ["img_size", "resolution", "infer_img_size", "Test size", "size", "imgsz", "H×W"])
@pytest.mark.parametrize(
    ("cell", "printed", "judgement"),
    # 83,410,944 x 8^2 + 2,048,000 at 256 pixels, x 10^2 at 320, x 7^2 at 224
    [("256", "4.09", "wrong"), ("320", "4.09", "wrong"), ("256", "5.34", "right"), ("320x320", "8.34", "right")],
)
def test_a_figure_at_another_size_than_its_row_says_is_wrong(
    column: str, cell: str, printed: str, judgement: str
) -> None:
    (figure,) = judged(f"model,{column},GMACs\nresnet50@torchvision,{cell},{printed}\n").figures
    assert figure.judgement == judgement
    assert figure.computed == 83_410_944 * (int(cell[:3]) // 32) ** 2 + 2_048_000
    assert ("it is that at 224x224" in figure.why) == (judgement == "wrong")


@pytest.mark.parametrize(
    "cell", ["3x256x256", "1x3x256x256", "(3, 256, 256)", "256²", "256 px", "256×256", "256x256x3"]
)
def test_inputs_as_people_write_them(cell: str) -> None:
    (figure,) = judged(f"model\tinput\tGMACs\nresnet50@torchvision\t{cell}\t5.34\n").figures
    assert figure.judgement == "right"


def test_a_column_that_is_no_condition_is_not_believed() -> None:
    """Sizes of files, and precisions of detections."""
    found = judged("model,size,precision,GMACs\nresnet50@torchvision,97.8,0.38,4.09\n")
    assert found.figures[0].judgement == "right"
    assert found.ignored == ("size", "precision")


def test_an_input_that_a_network_does_not_read() -> None:
    (figure,) = judged("model,input,GMACs\nalexnet@torchvision,16,0.71\n").figures
    assert figure.judgement in ("unread", "wrong")


def test_a_batch_that_the_row_says() -> None:
    one_example, of_eight, of_nine = judged(
        "model,batch size,GMACs\n"
        f"resnet18,8,1.814\nresnet18,8,{8 * 1.814073344:.3f}\nresnet18,8,{9 * 1.814073344:.3f}\n"
    ).figures
    assert (one_example.judgement, of_eight.judgement) == ("right", "right")
    assert of_eight.why == "for its batch of 8"
    assert of_nine.judgement == "wrong"


def test_benchmarks_of_timm() -> None:
    """Columns and figures of timm's results: resnet50 at 224 has 4.11 GMACs (fvcore's) and 11.11 M activations."""
    text = (
        "model,infer_samples_per_sec,infer_batch_size,infer_img_size,infer_gmacs,infer_macts,param_count\n"
        "timm:resnet50.a1_in1k,1200.5,256,224,4.11,11.11,25.56\n"
    )
    found = judged(text)
    assert [(figure.network, figure.judgement) for figure in found.figures] == [
        ("resnet50@torchvision", "explained"),
        ("resnet50@torchvision", "right"),
        ("resnet50@torchvision", "right"),
    ]
    assert found.figures[0].grade == 1
    assert found.ignored == ("infer_samples_per_sec", "infer_batch_size")


def test_a_dtype_that_the_row_says() -> None:
    found = judged("model,dtype,size (MB)\nresnet18,fp16,23.38\nresnet18,fp32,46.76\nresnet18,fp16,46.76\n").figures
    assert [figure.judgement for figure in found] == ["right", "right", "wrong"]


# what explains nothing


@pytest.mark.parametrize(
    ("model", "column", "printed", "hint"),
    [
        ("ResNet-18", "params (M)", "21.80", "it is the figure of resnet34"),
        ("resnet50", "params (M)", "23.7", ""),  # 100 classes: 23,712,932
        ("VGG-16", "GMACs", "7.7", ""),  # halved is 7.735; at two digits one decides
        ("VGG-16", "GMACs", "8", ""),
        ("resnet50", "params", "0", ""),  # and not of 0 G, which everything below half of that rounds to
    ],
)
def test_it_is_wrong(model: str, column: str, printed: str, hint: str) -> None:
    figure = one(model, column, printed)
    assert figure.judgement == "wrong"
    assert hint in figure.why


@pytest.mark.parametrize(
    ("model", "column", "printed", "grade"),
    [
        ("resnet50@torchvision", "GMACs", "4.112", 1),  # fvcore: 4,111,512,576
        ("AlexNet", "params", "62.4M", 1),  # without groups
        ("resnet50", "Weights (M)", "25.6", 1),  # biases and norms with them
        ("LeNet-5", "params", "58.59K", 2),
        ("resnet50@torchvision", "params", "25,610,152", 2),  # 53,120 running means and variances
        ("resnet18", "size (MB)", "44.6", 2),  # MiB
        ("VGG-16", "GMACs", "30.94", 3),
        ("resnet18", "GMACs", "5.442", 3),  # a batch of 3
        ("resnet50@torchvision", "GMACs", "5.340", 4),  # at 256x256
        ("AlexNet", "params", "60,954,656", 5),  # without biases
    ],
)
def test_grades(model: str, column: str, printed: str, grade: int) -> None:
    figure = one(model, column, printed)
    assert (figure.judgement, figure.grade) == ("explained", grade)


# names


@pytest.mark.parametrize(
    ("model", "network"),
    [
        ("ConvNeXt-T", "convnext_tiny"),
        ("ConvNeXt-B", "convnext_base"),
        ("WRN-28-10", "wide_resnet28_10"),
        ("Wide ResNet-50-2", "wide_resnet50_2"),
        ("RN50", "resnet50"),
        ("R-101", "resnet101"),
        ("ResNet-50 (ours)", "resnet50"),
        ("MobileNetV3-L 1.0", "mobilenet_v3_large"),
        ("mobilenetv3_small_100", "mobilenet_v3_small"),
        ("MobileNetV1 0.75", "mobilenet_v1@x0_75"),
        ("MobileNetV2", "mobilenet_v2"),
        ("timm:resnet50.a1_in1k", "resnet50@torchvision"),
        ("timm/convnext_tiny.fb_in1k", "convnext_tiny"),
        ("microsoft/resnet-50", "resnet50@torchvision"),
        ("facebook/convnext-tiny-224", "convnext_tiny"),
        ("torchvision.models.resnet18", "resnet18@torchvision"),
        ("tf_efficientnet_b0", "efficientnet_b0"),
        ("EfficientNetV2-S", "efficientnet_v2_s"),
        ("ResNeXt-50 (32x4d)", "resnext50_32x4d"),
        ("ResNeXt-101 32×8d", "resnext101_32x8d"),
        ("ShuffleNetV2 x1.0", "shufflenet_v2_x1_0"),
        ("DenseNet-121 (k=32)", "densenet121"),
        ("DenseNet-BC-100-12", "densenet100_k12_bc"),
        ("MNASNet 1.0", "mnasnet1_0"),
        ("mnasnet_050.lamb_in1k", "mnasnet0_5"),
        ("mnasnet_100.rmsp_in1k", "mnasnet1_0"),
        ("ResNet50v1.5", "resnet50@torchvision"),
        ("ResNet50_Weights.IMAGENET1K_V1", "resnet50@torchvision"),
        ("keras.applications.ResNet50V2", "resnet50_v2"),
        ("ResNet-50^a", "resnet50"),
        ("Res18", "resnet18"),
        ("X-101-32x8d", "resnext101_32x8d"),
        ("DeiT-Ti/16", "deit_tiny"),
        ("deit_small_distilled_patch16_224", "deit_small@distilled"),
        ("Mixer-B/16", "mlp_mixer_b_16"),
        ("mixer_l16_224.goog_in21k_ft_in1k", "mlp_mixer_l_16"),
        ("ResMLP-S12", "resmlp_s12"),
        ("resmlp_24_224.fb_in1k", "resmlp_s24"),
        ("ResMLP-B24/8", "resmlp_b24_8"),
        ("resmlp_big_24_224.fb_in22k_ft_in1k", "resmlp_b24_8"),
        ("EffNet-B3", "efficientnet_b3"),
        ("MNv2-1.4", "mobilenet_v2@x1_4"),
        ("0.75 MobileNet-192", "mobilenet_v1@x0_75"),
        ("ShuffleNetV2 1x", "shufflenet_v2_x1_0"),
        ("RegNetX-1.6GF", "regnet_x_1_6gf"),
        ("RegNetX-16GF", "regnet_x_16gf"),
        ("regnety_032", "regnet_y_3_2gf"),
        ("regnety_080.pycls_in1k", "regnet_y_8gf@pycls"),
        ("seresnet50.ra2_in1k", "seresnet50@timm"),
        ("ViT-B/32 (CLIP)", "clip_vit_b_32"),
        ("vit_base_patch16_224.augreg_in21k_ft_in1k", "vit_b_16"),
        ("microsoft/swinv2-tiny-patch4-window8-256", "swin_v2_t"),
        ("Llama 3.1 70B", "llama3_70b"),
        ("meta-llama/Meta-Llama-3-8B-Instruct", "llama3_8b"),
        ("Mistral-7B-v0.1", "mistral_7b"),
        ("google/gemma-2-9b-it", "gemma2_9b"),
        ("bert-base-uncased", "bert_base"),
        ("DeepSeek-R1", "deepseek_v3"),
    ],
)
def test_names_as_people_write_them(model: str, network: str) -> None:
    assert Names().meant(model).network == network
    load(network)


@pytest.mark.parametrize(
    ("model", "nearest"),
    [
        ("bert-base-cased", "bert_base"),  # another vocabulary
        ("mistralai/Mistral-7B-Instruct-v0.3", "mistral_7b"),  # another vocabulary
        ("swin_base_patch4_window12_384", "swin_b"),  # other windows, and so other tables of biases
        ("vit_base_patch32_clip_224.openai_ft_in1k", "vit_b_32"),  # a norm before the first block
        ("ResNet-50-D", "resnet50"),
        ("MnasNet-A1 1.0", "mnasnet1_0"),  # squeeze and excitation
    ],
)
def test_what_is_another_network_is_not_taken_for_one(model: str, nearest: str) -> None:
    meant = Names().meant(model)
    assert (meant.network, nearest in meant.why) == ("", True)


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("ViT-L/16@384", 384),
        ("ViT-B/16 ↑384", 384),
        ("Swin-B (384x384)", 384),
        ("EfficientNet-B4-380", 380),
        ("vit_base_patch16_384.augreg_in1k", 384),
        ("ViT_H_14_Weights.IMAGENET1K_SWAG_E2E_V1", 518),
        ("DenseNet121 (k=32)", 0),
        ("ResNet-50 [13]", 0),
    ],
)
def test_a_name_says_the_size_of_its_images(model: str, size: int) -> None:
    assert Names().meant(model).resolution == ((size, size) if size else ())


def test_figures_are_held_against_the_size_that_a_name_says() -> None:
    """torchvision documents 55.48 GFLOPS and 86.9 M parameters of ViT-B/16 at 384; a column says it before a name."""
    found = judged("model,size,params (M),GMACs\nViT-B/16@384,,86.9,55.48\nViT-B/16@384,224,86.6,17.56\n")
    assert [figure.judgement for figure in found.figures] == ["right"] * 4


def test_timm_counts_no_fused_attention() -> None:
    """fvcore 0.1.5.post20221221 of timm 1.0's vit_base_patch16_224: 16,867,412,736, and 16,491,496 activations."""
    found = judged("model,infer_gmacs,infer_macts\nvit_base_patch16_224,16.87,16.49\n").figures
    assert [(figure.judgement, figure.computed) for figure in found] == [
        ("explained", 16_867_412_736),
        ("right", 16_491_496),
    ]
    assert (found[0].grade, found[0].why) == (1, "as fvcore where attention is fused counts")


def test_active_parameters_of_model_cards_have_the_embedding() -> None:
    """Mixtral: 12,748,857,344 work on a token, one row of the embedding among them; with all rows 12.9 B."""
    figure = one("Mixtral-8x7B", "Active params (B)", "12.9")
    assert (figure.judgement, figure.grade, figure.computed) == ("explained", 1, 12_748_857_344 + 31_999 * 4096)
    assert one("Mixtral-8x7B", "Active params (B)", "12.7").judgement == "right"


def test_a_name_that_is_not_known_kills_nothing(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("model,params (M)\nSomethingNet-B/16,86.6\nResNet-50,25.6\nlab/thing-5000,1\n", encoding="utf-8")
    outcome = run("audit", str(path), code=1)
    assert "1 right, 2 unknown model" in " ".join(outcome.stdout.split())
    assert outcome.stderr == ""
    run("audit", str(path), "--allow-unknown")
    path.write_text("model,params (M)\nSomethingNet-B/16,86.6\n", encoding="utf-8")
    assert "unknown model" in run("audit", str(path), code=1).stdout
    assert "nearest of ours" in Names().meant("SomethingNet-B/16").why


# what is in a cell


def test_names_in_cells_open_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a path that is there nor a pipe, which would never end."""
    secret = tmp_path / "secret.yaml"
    secret.write_text("password: swordfish\n", encoding="utf-8")
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "table.csv"
    names = [str(secret), "./secret.yaml", "secret.yaml:variant", str(pipe), "../../etc/passwd", "C:\\boot.ini"]
    path.write_text("\n".join(["model,params", *(f"{name},1M" for name in names)]), encoding="utf-8")
    opened: list[str] = []
    genuine = Path.open

    def watched(self: Path, *arguments: object, **named: object) -> object:
        opened.append(str(self))
        return genuine(self, *arguments, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", watched)
    outcome = run("audit", str(path), code=1)
    assert "swordfish" not in outcome.stdout + outcome.stderr
    assert "6 unknown model" in " ".join(outcome.stdout.split())
    assert not {str(secret), str(pipe), "secret.yaml", "./secret.yaml"} & set(opened)
    assert str(path) in opened


EVIL = "a\x1b[2J\x07\u202eb\nc"


@pytest.mark.parametrize("format", ["table", "markdown", "csv", "json", "junit", "github"])
def test_cells_are_printed_without_control_characters(format: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f'model,"par\x1bams",params\n"{EVIL}",1,1M\nresnet50,1,"2\x1b[31mM"\n', encoding="utf-8")
    text = run("audit", str(path), "--format", format, code=1).stdout
    assert not [mark for mark in text if not mark.isprintable() and mark != "\n"]
    if format == "github":
        assert {line[:8] for line in text.splitlines()} == {"::error "}


def test_text_is_made_visible() -> None:
    assert visible(EVIL) == "a\\x1b[2J\\x07\\u202eb\\nc"
    assert visible("größer → 1×1") == "größer → 1×1"


@pytest.mark.parametrize("cell", ["=HYPERLINK(1)", "+1+cmd", "-2+3", "@SUM(A1)", "=1"])
def test_csv_has_no_formulas(cell: str) -> None:
    (row,) = csv.DictReader(io.StringIO(csv_text([{"model": cell}])))
    assert row["model"] == f"'{cell}"


@pytest.mark.parametrize("cell", ["-1.5", "+3", "-1e5", "-", "2=2", "-12.5%", "12"])
def test_numbers_of_csv_stay_as_they_are(cell: str) -> None:
    assert csv_text([{"model": cell}]) == f"model\n{cell}\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[x](javascript:1)", "\\[x](javascript:1)"),
        ("![x](http://example.org)", "!\\[x](http://example.org)"),
        ("[x][y]", "\\[x][y]"),
        ("<img src=x>", "&lt;img src=x>"),
        ("a|b", "a\\|b"),
        ("[3, 3]", "[3, 3]"),
    ],
)
def test_markdown_is_escaped(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_a_workflow_command_in_a_cell_is_none(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('model,params\n"x\n::set-output name=a::b",1M\n', encoding="utf-8")
    text = run("audit", str(path), "--format", "github", code=1).stdout
    assert [line[:8] for line in text.splitlines()] == ["::error "]


# as it is shown


def test_one_line_a_row_at_80_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{OLD_PTFLOPS}{'long-name-' * 30},1.0\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)  # a path that is named is not cut
    lines = run("audit", path.name, columns=80, code=1).stdout.splitlines()
    assert all(len(line) <= 80 for line in lines)
    rows = lines[2 : lines.index("")]
    assert len(rows) == 6
    assert any("4.12" in row and "4,121,925,096" in row for row in rows)
    assert "as ptflops to 0.6 counts" in " ".join(lines[lines.index("Why") :])


LATEX = r"""
\begin{table} % \begin{tabular}{l} of a comment
\begin{tabular}{@{}l|r@{\hspace{1em}}r}
\toprule
\multirow{2}{*}{Model} & \textbf{Params (M)} & FLOPs \\ \midrule
ResNet-50~\cite{he2016} & 25.6 & $3.8\times10^{9}$ \\[2pt]
\rowcolor{gray} VGG-16 & \textbf{\underline{138}} & 15.5G \\ \hline
SqueezeNet v1.0 & 1{,}248{,}424 & -- \\
\bottomrule
\end{tabular}
\end{table}
"""


def test_latex_is_read() -> None:
    found = judged(LATEX.replace("1{,}248{,}424", "1.25"))
    assert [(figure.line, figure.model, figure.printed, figure.judgement) for figure in found.figures] == [
        (6, "ResNet-50", "25.6", "right"),
        (6, "ResNet-50", "3.8×10^9", "right"),
        (7, "VGG-16", "138", "right"),
        (7, "VGG-16", "15.5G", "right"),
        (8, "SqueezeNet v1.0", "1.25", "right"),
    ]


def test_of_several_tables_the_one_with_models_is_read() -> None:
    text = "| a | b |\n|-|-|\n| 1 | 2 |\n\ntext\n\n| Model | GMACs |\n|-|-|\n| VGG-16 | 15.5 |\n"
    assert [(figure.line, figure.judgement) for figure in judged(text).figures] == [(9, "right")]


# work


def test_the_work_is_that_of_the_networks_and_not_of_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphs that are expanded: as many for two thousand figures as for forty."""
    from archcalc.claims import cases

    expanded = []
    genuine = cases.Values._graph

    def counted(self: cases.Values, case: cases.Case) -> object:
        expanded.append(case.network)
        return genuine(self, case)

    monkeypatch.setattr(cases.Values, "_graph", counted)

    def work(rows: int) -> int:
        expanded.clear()
        # figures from 0.3 to 20.3 G, each once, in steps that leave none out
        figures = [f"{0.3 + 20 * number / rows:.3f}" for number in range(rows)]
        found = judged("\n".join(["model,GMACs", *(f"resnet18,{printed}" for printed in figures)]))
        assert len(found.figures) == rows
        return len(expanded)

    few, many = work(40), work(2000)
    assert few == many <= 100
