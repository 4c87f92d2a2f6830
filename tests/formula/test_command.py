"""The command: what it prints, where it writes, and what it says of mistakes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archcalc.engine.formula import forms
from tests.cli.running import run, spec


def test_a_formula_as_it_is_shown() -> None:
    assert run("formula", "resnet50@torchvision", columns=80).stdout == (
        "resnet50@torchvision: what it costs exactly, as a function of resolution\n"
        "\n"
        "quantity  closed form                                value\n"
        "──────────────────────────────────────────────────────────\n"
        "macs      83,410,944 n^2 + 2,048,000         4,089,184,256\n"
        "          = 81,456 resolution^2 + 2,048,000\n"
        "params    25,557,032                            25,557,032\n"
        "\n"
        "It holds for resolution = 32 n, n >= 1: 32, 64, 96, ...\n"
        "\n"
        "With --exact: for other values too, with sizes rounded as the layers round them.\n"
        "value: the integer engine's at resolution 224\n"
    )


def test_the_form_for_every_value() -> None:
    shown = run("formula", "googlenet", "--exact", columns=80).stdout
    assert "+ 114,688 floor((resolution + 1)/4)^2" in shown
    assert "It holds for resolution >= 31\n" in shown
    assert "--exact" not in shown


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize(
    "arguments",
    [
        ("enet", "--exact", "--quantity", "macs,params,connections,activations"),
        ("inception_v3", "--by", "stage", "--exact"),
        ("resnet50", "--free", "resolution,width=1/4,batch", "--quantity", "flops_arithmetic"),
        ("googlenet", "--with-heads", "--by", "layer"),
    ],
)
def test_lines_keep_to_the_width(arguments: tuple[str, ...], columns: int) -> None:
    lines = run("formula", *arguments, columns=columns).stdout.splitlines()
    assert max(map(len, lines)) <= columns


def test_rows_add_up_to_the_total() -> None:
    shown = run("formula", "resnet18", "--by", "stage", columns=80).stdout
    assert "conv1  2,408,448 n^2             9,536\n" in shown  # 7*7*3*64 at (16 n)^2 positions
    assert "total  37,011,456 n^2 + 512,000  11,689,512\n" in shown
    assert 7 * 7 * 3 * 64 * 16**2 == 2_408_448


def test_what_stays_free_is_said() -> None:
    shown = run("formula", "vgg16", "--free", "width=1/4, batch", columns=100).stdout
    assert "- width = n/4, n >= 1: 0.25, 0.5, 0.75, ...\n- batch >= 1\n" in shown
    assert run("formula", "vgg16", "--free", "width=.25,batch", columns=100).stdout == shown
    shown = run("formula", "vgg16", "--free", "width", columns=100).stdout
    assert "Here width is a whole number; in quarters, where channels allow: --free width=1/4." in shown
    shown = run("formula", "mobilenet_v2", "--free", "width=1/4", columns=100).stdout
    assert "It holds for width >= 1\n" in shown  # where make_divisible(18, 8) is not in the way
    assert "--free" not in shown


def test_a_footer_is_about_what_is_above_it() -> None:
    """Formulas of layers stand without values."""
    assert "value: the integer engine's at resolution 32" in run("formula", "lenet5").stdout
    assert "value" not in run("formula", "lenet5", "--by", "layer").stdout.replace("other values", "")


def test_settings_are_kept_and_told() -> None:
    shown = run("formula", "resnet50", "--set", "classes=10", "--set", "resolution=225", columns=80).stdout
    assert "It holds for resolution = 32 n + 1, n >= 0: 1, 33, 65, ..." in shown
    assert "at resolution 225 | classes = 10\n" in shown


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("a.py", '"""What lenet5 costs'),
        ("a.tex", "% lenet5; needs"),
        ("a.md", "# lenet5: what"),
        ("a.json", "{"),
        ("a.txt", "lenet5: what"),
    ],
)
def test_a_file_says_its_format(tmp_path: Path, name: str, begins: str) -> None:
    path = tmp_path / name
    assert run("formula", "lenet5", "-o", str(path)).stdout == ""
    assert path.read_text(encoding="utf-8").startswith(begins)


def test_markdown_has_a_table() -> None:
    shown = run("formula", "resnet50@torchvision", "--format", "markdown").stdout
    assert "| macs | 83,410,944 n^2 + 2,048,000 | 4,089,184,256 |\n" in shown


def test_json_is_of_the_one_shape() -> None:
    written = json.loads(run("formula", "enet", "--format", "json", "--by", "stage").stdout)
    (of,) = written["networks"]
    assert of["name"] == "enet"
    assert {row["row"] for row in of["exact"]["formulas"]} >= {"initial"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("resnet50", "--free", "depth"), "leave it out of --free: there is one formula for each of its values"),
        (("resnet20", "--free", "n"), "leave it out of --free"),
        (("resnet50", "--free", "widht"), "did you mean `width`?"),
        (("resnet50", "--free", "width=x"), "--free takes names, or NAME=UNIT with a unit above 0, not `width=x`"),
        (("resnet50", "--free", "width=0"), "a unit above 0"),
        (("resnet50", "--free", "width=1/0"), "a unit above 0"),
        (("resnet50", "--free", "=2"), "--free takes names"),
        (("resnet50", "--free", "width=1/128"), "a coarser unit"),
        (("resnet50", "--quantity", "mac"), "did you mean `macs`?"),
        (("resnet50", "--quantity", "flops"), "say whose"),
        (("resnet50", "--free", ","), "--free takes names, with commas between them"),
        (("resnet50", "--quantity", ""), "--quantity takes names, with commas between them"),
        (("resnt50",), "resnet50"),
        (("resnet50", "--by", "op"), "is not one of total, stage, layer"),
        (("resnet50", "-o", "missing/a.py"), "make the folder first"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], said: str) -> None:
    outcome = run("formula", *arguments, code=2)
    assert said in " ".join(outcome.stderr.split())
    assert outcome.stdout == ""


def test_a_formula_that_the_integer_engine_contradicts(monkeypatch: pytest.MonkeyPatch) -> None:
    right = forms._costs

    def wrong(*arguments: Any) -> Any:
        return {row: {name: cost + 1 for name, cost in costs.items()} for row, costs in right(*arguments).items()}

    monkeypatch.setattr(forms, "_costs", wrong)
    outcome = run("formula", "lenet5", code=1)
    assert "error[internal-mismatch]: macs of lenet5: the closed form gives" in outcome.stderr
    assert outcome.stdout == ""


def test_a_spec_of_ones_own(tmp_path: Path) -> None:
    shown = run("formula", spec(tmp_path), "--free", "size,width", "--exact", columns=80).stdout
    assert "macs" in shown
    assert "- size >= 4" in shown  # a kernel of 3, then a pooling of 2


def test_unknown_costs_are_told(tmp_path: Path) -> None:
    text = "network: odd\ninput: image(3, r, r)\nvariables: {r: 8}\nlayers:\n  a: conv(4, 3)\n  inside: opaque(4)\n"
    assert (
        "At least that much: the cost of inside is not known."
        in run("formula", spec(tmp_path, text), "--free", "r").stdout
    )


def test_text_needs_no_library() -> None:
    """NumPy, SymPy, pandas and torch stay out unless LaTeX or JSON asks for SymPy."""
    code = (
        "import sys\nfrom archcalc.cli import app\n"
        "try:\n    app(['formula', 'resnet50', '--format', sys.argv[1]], standalone_mode=False)\nfinally:\n"
        "    print(*sorted({'numpy', 'sympy', 'pandas', 'torch'} & set(sys.modules)), file=sys.stderr)\n"
    )
    for format, expected in (("text", ""), ("python", ""), ("json", "sympy")):
        done = subprocess.run([sys.executable, "-c", code, format], capture_output=True, text=True, check=True)
        assert done.stderr.strip() == expected, format
