"""Where a closed form does not hold, it says so: in every format, and in Python by an exception."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.engine.formula.closed_form import ClosedForm, closed_form
from archcalc.engine.formula.forms import formulas
from archcalc.engine.network import Network
from archcalc.report.formula_python import formulated_python
from tests.cli.running import run
from tests.engine.sample import sampled
from tests.engine.small import network

SHORT = network(
    "short: (identity if x.channels == width else conv(width, 1))\nout: conv(10, 1)",
    "image(16, 8, 8)",
    "variables: {width: 32}",
)
LINEAR = "layers: (identity if x.channels == 8 else linear(8)) >> relu\n"
EXCLUDED = f"network: n\ninput: features(n)\nvariables: {{n: 8}}\n{LINEAR}"
LOST = """network: p
input: image(4, n, n)
variables: {n: 16, w: 6}
layers:
  a: (conv(4, 3) if w == 4 else maxpool(2))
"""


def defined(network: Network, free: list[str]) -> dict[str, Any]:
    """What the module for a network defines."""
    found: dict[str, Any] = {}
    exec(compile(formulated_python(formulas(network, free)), "formula.py", "exec"), found)
    return found


def test_bounds_that_a_file_requires_are_those_of_its_closed_forms() -> None:
    """One way round and the other: 3 to 8 filters of 3 * 4 weights."""
    given = "variables: {width: 4}\nrequires: {at least 3: width >= 3, at most 8: width <= 8}"
    bounded = network("a: conv(width, 2, bias=false)", "image(3, 9, 9)", given)
    form = closed_form(bounded, ["width"], "params")
    assert [form(width=width) for width in (3, 8)] == [3 * 3 * 4, 8 * 3 * 4]
    for width, bound, words in ((2, "width >= 3, not 2", "at least 3"), (9, "not at width = 9", "at most 8")):
        with pytest.raises(ValueError, match=bound):
            form(width=width)
        with pytest.raises(archcalc.SpecError, match=f"requires {words}"):
            archcalc.analyze(bounded, set={"width": width})


def test_a_closed_form_keeps_what_the_expansion_assumed() -> None:
    """At width 16 the first layer is an identity: 16 * 10 + 10 params by hand, where the polynomial has 442."""
    form = closed_form(SHORT, ["width"], "params")
    assert form(width=32) == (16 * 32 + 32) + (32 * 10 + 10) == archcalc.analyze(SHORT).totals.params
    assert archcalc.analyze(SHORT, set={"width": 16}).totals.params == 170
    with pytest.raises(ValueError, match=r"it holds where 16 is not width .*, not at width = 16"):
        form(width=16)
    assert "16 is not width" in repr(form)
    assert "16 is not width" in form._repr_latex_()
    with pytest.raises(ValueError, match="16 is not width"):
        formulas(SHORT, ["width"])(width=16)


def test_a_closed_form_keeps_what_layers_require() -> None:
    """A window of 3 needs 3 pixels; 8 channels are in g groups where g divides 8."""
    form = closed_form(network("a: conv(8, 3, groups=g)", "image(8, n, n)", "variables: {n: 9, g: 2}"), ["n", "g"])
    assert form(n=3, g=8) == 8 * 9
    for values, reason in (({"n": 2, "g": 2}, "n >= 3"), ({"n": 3, "g": 3}, "8 is divisible by g")):
        with pytest.raises(ValueError, match=reason):
            form(**values)
    with pytest.raises(TypeError, match="a function of g, n: g is missing"):
        form(n=3)
    with pytest.raises(TypeError, match="a function of g, n: w"):
        form(n=3, g=2, w=1)


def test_an_argument_that_is_a_difference_is_at_least_1() -> None:
    """16 - m channels of 4 weights and a bias, then 10*(16 - m + 1): there is no network from m = 16 on."""
    rest = network("rest: conv(16 - m, 1)\nout: conv(10, 1)", "image(4, 8, 8)", "variables: {m: 4}")
    form = closed_form(rest, ["m"], "params")
    assert form(m=15) == (4 + 1) + 10 * (1 + 1) == archcalc.analyze(rest, set={"m": 15}).totals.params
    assert "-m + 16 is at least 1" in repr(form)
    with pytest.raises(ValueError, match=r"it holds where -m \+ 16 is at least 1"):
        form(m=16)
    found = archcalc.sweep(rest, {"m": "12:20:1"})
    assert found.columns["m"].tolist() == [12, 13, 14, 15]
    assert found.tally.lost == 5


def test_closed_forms_are_called() -> None:
    form = archcalc.closed_form("resnet50@torchvision", ["resolution"])
    assert form(resolution=224) == archcalc.analyze("resnet50@torchvision").totals.macs == 4_089_184_256
    assert form(resolution=256) == 83_410_944 * 8**2 + 2_048_000
    assert type(form(resolution=256)) is int
    assert form.variables == ("resolution",)
    assert str(form) == str(form.number)
    assert repr(form).startswith("macs of resnet50@torchvision: ")
    assert repr(form).endswith(" for resolution >= 1")
    params = archcalc.closed_form("resnet50", ["resolution"], "params")
    assert params(resolution=64) == params == 25_557_032
    assert hash(params) == hash(25_557_032)
    again: ClosedForm = pickle.loads(pickle.dumps(form))
    assert again == form
    assert again != params


def test_a_notebook_shows_latex() -> None:
    form = archcalc.closed_form("vgg16", ["classes"], "params")
    assert form._repr_latex_() == (
        r"$\displaystyle 4097 \, \mathrm{classes} + 134260544 \quad \text{for classes >= 1}$"
    )


def test_the_own_value_is_the_excluded_one(tmp_path: Path) -> None:
    """With n = 8 the layer is left out, and the formula is of the networks that have it: 8 n, 8 n + 8 by hand."""
    path = tmp_path / "n.yaml"
    path.write_text(EXCLUDED)
    for format in ("text", "markdown", "latex", "python", "json"):
        found = run("formula", str(path), "--format", format).stdout
        assert "n is not 8" in found or r"n \neq 8" in found
        if format not in ("python", "json"):
            assert "value" not in found.splitlines()[2]
        if format != "json":
            assert "At the spec's own n 8 the network is another one, with macs 0 and params 0" in " ".join(
                found.split()
            )
    (of,) = json.loads(run("formula", str(path), "--format", "json").stdout)["networks"]
    assert (of["holds_at_point"], [each["value"] for each in of["exact"]["formulas"]]) == (False, [None, None])
    assert "it holds where n is not 8" in of["refusal"]
    functions = defined(archcalc.load(str(path)), ["n"])
    assert (functions["n_macs"](7), functions["n_params"](7)) == (56, 64)
    with pytest.raises(ValueError, match="it holds where n is not 8"):
        functions["n_macs"](8)


def test_python_keeps_conditions_on_variables_that_are_not_in_the_polynomial(tmp_path: Path) -> None:
    """A convolution of 4 x 4 x 9 weights stands there at w = 4, and no polynomial is of it."""
    path = tmp_path / "p.yaml"
    path.write_text(LOST)
    functions = defined(archcalc.load(str(path)), ["n", "w"])
    assert functions["p_macs"](n=16, w=6) == functions["p_params"](n=16, w=6) == 0
    with pytest.raises(ValueError, match="it holds where w is not 4"):
        functions["p_macs"](n=16, w=4)
    with pytest.raises(ValueError, match="n >= 2"):
        functions["p_params"](n=1, w=6)
    assert archcalc.analyze(str(path), set={"w": 4}).totals.params == 4 * 4 * 9 + 4


NAMES = [
    "ValueError",
    "int",
    "Fraction",
    "index",
    "rest",
    "divmod",
    "str",
    "def_",
    "print",
    "s1",
    "_x",
    "match",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_of_a_variable(name: str) -> None:
    small = network(
        "a: conv(4, 3, stride=2)\nb: conv(8 * k, 1)",
        f"image(3, {name}, {name})",
        more=f"variables: {{{name}: 32, k: 1}}",
    )
    functions = defined(small, [name, "k"])
    side = (31 - 2) // 2 + 1
    exact = formulated_python(formulas(small, [name, "k"]), is_exact=True)
    found: dict[str, Any] = {}
    exec(compile(exact, "formula.py", "exec"), found)
    assert found["small_macs"](31, 2) == side**2 * (27 * 4 + 4 * 16)
    assert functions["small_macs"](32, 2) == 15**2 * (27 * 4 + 4 * 16)
    with pytest.raises(ValueError, match="it holds for"):
        found["small_macs"](1, 1)


@pytest.mark.parametrize("pair", [("y", "_y"), ("int_", "int"), ("s1", "s2"), ("n", "m")])
def test_no_two_names_are_alike(pair: tuple[str, str]) -> None:
    a, b = pair
    small = network(f"a: conv(4 * {b}, 1)", f"image(3, {a}, {a})", f"variables: {{{a}: 8, {b}: 2}}")
    assert defined(small, [a, b])["small_params"](2) == 3 * 8 + 8
    assert defined(small, [a, b])["small_macs"](5, 2) == 25 * 24


# Variables whose own value is one that a block is chosen at: a formula is of the networks at all other values.
JAMBA = {"attention_every", "attention_from", "experts_every", "experts_from"}
CHOOSING = {
    "jamba": JAMBA,
    "jamba_1_5_large": JAMBA,
    "deeplab_v3@stride8": {"stride4"},
    "electra_base": {"width"},  # as wide as the table
    "electra_large": {"width"},
    "hat": {"encoder_width", "decoder_width"},  # the words' table is shared where they are equal
    "hat@raspberrypi-3500ms": {"encoder_width", "decoder_width"},
}


def is_choosing(loaded: archcalc.Network, variable: str) -> bool:
    """Layers that see everything are one in `every`; a table as wide as the layers needs no projection."""
    is_shared = variable == "words" and loaded.value("words") == loaded.value("width")
    return variable in CHOOSING.get(loaded.name, ()) or variable == "every" or is_shared


@pytest.mark.parametrize("name", sampled())
def test_every_variable_of_the_library(name: str) -> None:
    """A formula, or a diagnostic that says why there is none; what it gives is checked as it is made."""
    loaded = archcalc.load(name)
    for variable in loaded.spec.settable:
        try:
            found = formulas(loaded, [variable])
        except archcalc.SpecError as error:
            diagnostic = error.diagnostics[0]
            assert diagnostic.code in {  # one of these, or a formula
                "requirement",  # of a space's members: what no cell may be
                "structural-variable",
                "bad-argument",
                "shape-mismatch",
                "undecided-condition",
                "symbolic-quotient",  # a divisor that is free: 56 / window
                "adaptive-outputs",  # the size that an adaptive pooling gives
                "not-steppable",  # a past of pictures and text
            }
            if diagnostic.code in {"symbolic-quotient", "not-steppable"}:
                assert diagnostic.line is not None
                assert diagnostic.help
        else:
            assert bool(found.refusal) == is_choosing(loaded, variable)
            if found.refusal:
                with pytest.raises(ValueError, match=f"not at {variable} = "):
                    found(**found.point)
            elif found.point:  # a variable of its sisters has no value here
                assert found(**found.point) == found.costs


PAST = network("pad: conv(8, 1, padding=past)\ngap: global_avgpool", "sequence(8, n)", "variables: {n: 4, past: 0}")


def test_a_variable_that_is_0_is_free_from_0_on() -> None:
    """8 channels to 8 at n + 2 past positions: 64 (n + 2 past) MACs by hand."""
    form = archcalc.closed_form(PAST, ["n", "past"])
    assert [form(n=4, past=past) for past in (0, 1, 5)] == [64 * 4, 64 * 6, 64 * 14]
    with pytest.raises(ValueError, match="past >= 0"):
        form(n=4, past=-1)
    with pytest.raises(ValueError, match="n >= 1"):
        form(n=0, past=1)
    found = formulas(PAST, ["past"])
    assert found.costs[""]["macs"] == found(past=0)[""]["macs"] == 256
    (counter,) = found.exact.counters
    assert (counter.least, counter.condition) == (0, "past >= 0")


def test_a_variable_that_is_0_in_the_family_is_so_in_its_variants(tmp_path: Path) -> None:
    path = tmp_path / "z.yaml"
    path.write_text(
        "network: z\ninput: sequence(8, n)\nvariables: {n: 4, past: 0}\nvariants:\n  z@step: {n: 1, past: 3}\n"
        "layers: conv(8, 1, padding=past)\n"
    )
    form = archcalc.closed_form(f"{path}:z@step", ["past"])
    assert (form(past=0), form(past=3)) == (64, 64 * 7)
    assert archcalc.closed_form(str(path), ["past"], set={"past": 3})(past=0) == 256


def test_a_requirement_still_raises_the_least_value() -> None:
    """A window of 5 fits into 4 + 2 past positions from past 1 on."""
    small = network("a: conv(8, 5, padding=past)", "sequence(8, 4)", "variables: {past: 0}")
    with pytest.raises(archcalc.SpecError):
        archcalc.analyze(small)
    form = archcalc.closed_form(small, ["past"])
    assert form(past=1) == 2 * 5 * 64
    with pytest.raises(ValueError, match="past >= 1"):
        form(past=0)
