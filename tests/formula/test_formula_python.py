"""What programs get of a formula: Python source that runs by itself, SymPy's expressions, LaTeX."""

from __future__ import annotations

import inspect
import json
import random
import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import sympy

from archcalc import load
from archcalc.engine.formula.forms import formulas
from archcalc.engine.formula.symbolic import symbol
from archcalc.report.formula import formulas_object, formulated_latex
from archcalc.report.formula_python import formulated_python, identifier
from archcalc.report.media.data import json_text
from archcalc.spec.library import all_names
from tests.engine.sample import sampled
from tests.engine.small import network
from tests.formula.test_forms import costs_at, free_of, some_point

QUANTITIES = ("macs", "params", "activations")


def functions(source: str) -> dict[str, Any]:
    """What a module of this source defines."""
    found: dict[str, Any] = {}
    exec(compile(source, "formula.py", "exec"), found)
    return found


def arguments(function: Any, point: dict[str, Fraction]) -> dict[str, Any]:
    """Values of the variables that a function takes."""
    values = {identifier(name): value for name, value in point.items()}
    return {
        name: int(value) if (value := values[name]).denominator == 1 else value
        for name in inspect.signature(function).parameters
    }


WRITTEN = [name for name in all_names() if "@" not in name or name.startswith("goog")]


@pytest.mark.parametrize("is_exact", [False, True])
@pytest.mark.parametrize("name", sampled(WRITTEN))
def test_functions_give_what_the_engine_counts(name: str, is_exact: bool) -> None:
    found = formulas(name, free_of(name), QUANTITIES)
    form = found.chosen(is_exact)
    point = some_point(form, random.Random(name))
    totals = costs_at(name, point).totals
    defined = functions(formulated_python(found, is_exact))
    for quantity in QUANTITIES:
        function = defined[identifier(f"{name}_{quantity}")]
        count = function(**arguments(function, point))
        assert count == getattr(totals, quantity), point
        assert type(count) is int


def test_source_reads_as_written_by_hand() -> None:
    source = formulated_python(formulas("resnet50@torchvision"))
    assert source.partition("\n\n\n")[2] == (
        "def resnet50_torchvision_macs(resolution: int) -> int:\n"
        '    """macs of resnet50@torchvision."""\n'
        "    n, rest = divmod(index(resolution), 32)\n"
        "    if rest or n < 1:\n"
        '        raise ValueError(f"it holds for resolution = 32 n with n >= 1, not {resolution}")\n'
        "    return 83410944 * n**2 + 2048000\n"
        "\n\n"
        "def resnet50_torchvision_params() -> int:\n"
        '    """params of resnet50@torchvision."""\n'
        "    return 25557032\n"
    )


def test_functions_refuse_where_they_do_not_hold() -> None:
    """AlexNet takes 67 pixels or more, its form 32 n + 3; the branches of BN-Inception are equal at some sizes only."""
    simple = functions(formulated_python(formulas("alexnet")))["alexnet_macs"]
    assert simple(227) == 724_406_816
    for resolution in (35, 228, 226, 0, -29):
        with pytest.raises(ValueError, match="resolution = 32 n \\+ 3"):
            simple(resolution)
    exact = functions(formulated_python(formulas("bn_inception"), is_exact=True))["bn_inception_macs"]
    assert exact(224) == 2_032_600_064
    for resolution in (0, 30, 39, 214):
        with pytest.raises(ValueError, match="not "):
            exact(resolution)
    with pytest.raises(TypeError):
        exact(224.0)


def test_functions_take_shares() -> None:
    source = formulated_python(formulas("vgg16", {"width": Fraction(1, 4)}))
    macs = functions(source)["vgg16_macs"]
    for width in (Fraction(3, 4), 0.75):  # a float that is a quarter is one exactly
        assert macs(width) == costs_at("vgg16", {"width": Fraction(3, 4)}).totals.macs
        assert type(macs(width)) is int
    with pytest.raises(ValueError, match="width = n/4"):
        macs(Fraction(1, 3))


def test_functions_by_row() -> None:
    """The heads pool 5 x 5 with a stride of 3, so that their sizes come back at 96 n + 32 pixels: 224, 320."""
    found = formulas("googlenet", ["resolution", "classes"], ["macs"], "stage", with_heads=True)
    by_stage = functions(formulated_python(found))["googlenet_macs_by_stage"](resolution=320, classes=10)
    cost = costs_at("googlenet", {"resolution": Fraction(320), "classes": Fraction(10)}, with_heads=True)
    assert by_stage == {name: sum(layer.macs for layer in layers) for name, layers in cost.stages().items()}


def test_functions_say_what_else_must_hold() -> None:
    small = network("a: conv(8*w, 1, groups=g)", "image(8, 4, 4)", "variables: {w: 1, g: 2}")
    found = formulas(small, ["w", "g"], ["params"])
    params = functions(formulated_python(found))["small_params"]
    assert params(w=3, g=4) == 24 * 8 // 4 + 24
    with pytest.raises(ValueError, match="8 is divisible by g"):
        params(w=3, g=3)


def test_every_kind_of_atom_has_source_and_text() -> None:
    """make_divisible gives a maximum and a choice, round a choice at ties, minimum itself."""
    more = "variables: {w: 1, r: 9}"
    layers = "a: conv(make_divisible(20*w, 8), 3)\nb: conv(min(9*w, 40), 1)\nc: conv(round(10*w/4) + 1, 2, stride=2)"
    small = network(layers, "image(3, r, r)", more)
    found = formulas(small, {"w": Fraction(1, 3), "r": 1}, ["params", "macs"])
    defined = functions(formulated_python(found, is_exact=True))
    chosen = random.Random(3)
    for _ in range(30):
        point = {"w": Fraction(chosen.randint(1, 40), 3), "r": Fraction(chosen.randint(9, 50))}
        totals = costs_at(small, point).totals
        assert defined["small_params"](w=point["w"], r=int(point["r"])) == totals.params
        assert defined["small_macs"](w=point["w"], r=int(point["r"])) == totals.macs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resnet50@torchvision_macs", "resnet50_torchvision_macs"),
        ("lambda", "lambda_"),
        ("index", "index_"),
        ("3d-net", "net_3d_net"),
    ],
)
def test_identifiers(text: str, expected: str) -> None:
    assert identifier(text) == expected


@pytest.mark.parametrize("name", ["resnet50", "alexnet", "enet", "bn_inception", "overfeat-accurate", "googlenet"])
def test_sympy_reads_it_back(name: str) -> None:
    """The JSON is parsed, and its expression takes the numbers that it says its letters are."""
    found = formulas(name, free_of(name), QUANTITIES)
    (written,) = json.loads(json_text([formulas_object(found)]))["networks"]
    for form, part in ((found.exact, written["exact"]), (found.simple, written["simple"])):
        point = some_point(form, random.Random(name))
        totals = costs_at(name, point).totals
        numbers = {
            symbol(of["letter"], of["least"]): int(
                (point[of["variable"]] - Fraction(of["offset"])) / Fraction(of["step"])
            )
            for of in part["variables"]
        }
        named = {key.name: value for key, value in numbers.items()}
        for formula in part["formulas"]:
            expression: Any = sympy.sympify(formula["sympy"])
            value = expression.subs({key: named[key.name] for key in expression.free_symbols})
            assert int(value) == getattr(totals, formula["quantity"]), (formula["text"], point)


def test_json_says_both_forms_and_what_they_give() -> None:
    (written,) = json.loads(json_text([formulas_object(formulas("inception_v3"))]))["networks"]
    (of,) = written["simple"]["variables"]
    assert (of["step"], of["offset"], of["least"]) == ("32", "11", 2)
    assert written["simple"]["formulas"][0]["value"] == written["exact"]["formulas"][0]["value"] == 5_713_216_096
    assert written["point"] == {"resolution": "299"}
    same = json.loads(json_text([formulas_object(formulas("ciresan-1"))]))["networks"][0]
    assert same["simple"] is None


def test_latex() -> None:
    found = formulas("resnet50@torchvision")
    assert formulated_latex(found) == (
        "% resnet50@torchvision; needs the package amsmath\n"
        "\\begin{align*}\n"
        "\\text{macs} &= 83410944 n^{2} + 2048000 \\\\\n"
        "\\text{params} &= 25557032\n"
        "\\end{align*}\n"
        "for $\\mathrm{resolution} = 32 n,\\ n \\geq 1$.\n"
    )
    exact = formulated_latex(found, is_exact=True)
    assert "9408 \\, \\left\\lceil{\\frac{\\mathrm{resolution}}{2}}\\right\\rceil^{2}" in exact
    assert "lfloor" not in exact


@pytest.mark.parametrize("name", ["alexnet", "enet", "bn_inception", "vgg16"])
def test_latex_is_balanced(name: str) -> None:
    for is_exact in (False, True):
        for by in ("total", "layer"):
            source = formulated_latex(formulas(load(name), by=by), is_exact)
            assert source.count("{") == source.count("}")
            assert source.count("\\left\\lfloor") == source.count("\\right\\rfloor")
            assert source.count("$") % 2 == 0
            assert source.count("\\begin{align*}") == source.count("\\end{align*}") == 1


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles_and_fits_the_page(tmp_path: Path) -> None:
    """An article's text is 345 points wide: no line of these runs over by more than a letter or two."""
    parts = [
        formulated_latex(formulas("inception_v3"), is_exact=True),
        formulated_latex(formulas("googlenet", by="layer")),
        formulated_latex(formulas("enet@encoder"), is_exact=True),
        formulated_latex(formulas("bn_inception", ["resolution", "classes", "batch"]), is_exact=True),
    ]
    body = "\n\n".join(parts)
    source = f"\\documentclass{{article}}\n\\usepackage{{amsmath}}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"
    (tmp_path / "a.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    over = [float(points) for points in re.findall(r"Overfull \\[hv]box \(([0-9.]+)pt", done.stdout)]
    assert max(over, default=0) < 20
