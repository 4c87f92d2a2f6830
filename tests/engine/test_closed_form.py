"""Closed forms: at any values of their variables what the integer engine says there."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc import analyze, closed_form
from archcalc.dims import Polynomial, variable
from archcalc.engine.cost.quantities import QUANTITIES
from archcalc.engine.formula.symbolic import to_sympy
from archcalc.engine.network import Network
from tests.engine.sample import free_width, is_multiplier, lengths_of, sampled
from tests.engine.small import network

POINTS = 4
COMPARED = ("params", "macs", "connections", "activations", "neurons", "buffers")


# Smallest resolutions that every layer of a family has room for, the heads of GoogLeNet among them; where branches
# of one merge round in different ways, only multiples of a step fit.
LEAST = {
    "darts_v2@imagenet": 32,
    "nas_bench": 8,
    "convnext": 32,
    "lenet": 32,
    "alexnet": 67,
    "caffenet": 67,
    "vgg": 32,
    "gemma3_multimodal": 224,
    "googlenet": 80,
    "fractalnet": 32,
    "inception": 75,
    "nin-cifar10": 32,
    "nin-imagenet": 199,
    "overfeat": 77,
    "squeezenet": 21,
    "densenet": 29,
    "zfnet": 47,
    "bn_inception": 32,
    "enet": 8,
    "maxvit": 224,
    "sd_unet": 64,
    "segformer": 32,
    "seresnet": 7,
    "swin": 4,
    "unet@padded": 16,
    "unet": 188,
    "xception": 71,
    "yolo_v2": 32,
    "yolo_v3": 32,
}
STEP = {
    "bn_inception": 32,
    "darts_v2@imagenet": 32,
    "enet": 8,
    "maxvit": 224,
    "nas_bench": 8,
    "sd_unet": 64,
    "unet@padded": 16,
    "yolo_v2": 32,
    "yolo_v3": 32,
}


def of_family(name: str, figures: dict[str, int]) -> int:
    """The figure of the network's family; residual networks pad every window, and have none."""
    return next((figure for family, figure in figures.items() if name.startswith(family)), 1)


@pytest.mark.parametrize("name", sampled())
def test_families_at_any_resolution_and_classes(name: str) -> None:
    """And at any lengths, vocabulary, and width that heads share."""
    loaded = archcalc.load(name)
    settable = loaded.spec.settable
    sizes: list[str] = [variable for variable in ("resolution", "height") if variable in settable]
    widths = {} if "height" in settable else free_width(name)
    lengths = lengths_of(name)
    free: dict[str, Fraction | int] = dict.fromkeys((*sizes, *lengths), 1)
    free |= {"classes": 1} if "classes" in settable else {}
    free |= {variable: 1 if is_multiplier(name) else unit for variable, unit in widths.items()}
    if "height" in settable:
        sizes.append("width")
        free["width"] = 1
    assert free
    forms = {quantity: archcalc.closed_form(loaded, free, quantity) for quantity in COMPARED}
    chosen = random.Random(name)
    patch = loaded.value("patch") if "patch" in settable else 1
    most = loaded.value("context") // 2 - 1 if "context" in settable else 5_000  # past and length together
    least, step = max(patch, of_family(name, LEAST)), of_family(name, STEP)
    for point in range(POINTS):
        at: dict[str, Fraction | int] = {
            variable: step * chosen.randint(least // step, max(500, 3 * least) // step) if point else least
            for variable in sizes
        }
        at |= {
            variable: chosen.randint(low, most if variable != "vocabulary" else 99_999) if point else low
            for variable, low in lengths.items()
        }
        at |= {variable: free[variable] * (chosen.randint(1, 60) if point else 1) for variable in widths}
        if "words" in settable and at.get("width") == loaded.value("words"):
            at["width"] *= 2  # a table as wide as the layers has no projection: that is another network
        if "classes" in free:
            at["classes"] = chosen.randint(1, 30_000)
        totals = archcalc.analyze(loaded, set=at).totals
        found = {quantity: form(**at) for quantity, form in forms.items()}
        assert found == {quantity: getattr(totals, quantity) for quantity in COMPARED}, at


@pytest.mark.parametrize("name", ["googlenet", "googlenet@torchvision"])
def test_with_heads(name: str) -> None:
    form = archcalc.closed_form(name, ["classes"], "params", with_heads=True)
    for classes in (1, 10, 1000):
        totals = archcalc.analyze(name, set={"classes": classes}, with_heads=True).totals
        assert form(classes=classes) == totals.params


@pytest.mark.parametrize("name", sampled())
def test_nothing_free_is_a_number(name: str) -> None:
    cost = archcalc.analyze(name)
    for quantity in QUANTITIES:
        assert archcalc.closed_form(name, [], quantity) == getattr(cost.totals, quantity), quantity


def test_what_does_not_depend_on_a_variable_is_a_number() -> None:
    assert archcalc.closed_form("resnet50", ["resolution"], "params") == 25_557_032
    assert archcalc.closed_form("resnet20", ["depth"]) == 40_551_040  # a variable of its sisters


def test_linear_in_classes() -> None:
    classes = variable("classes")
    assert archcalc.closed_form("resnet50", ["classes"], "params") == 2049 * classes + 25_557_032 - 2_049_000
    assert archcalc.closed_form("vgg16", ["classes"], "biases") == classes + 4_224 + 8_192


WIDE = """
    stem:  conv(width, 3, stride=2, padding=half, norm=batch_norm)
    body:  block(width) * 3
    wide:  block(2*width)
    groups: conv(2*width, 3, groups=width, padding=half)
    parts: concat(conv(width // 2, 1), conv(4*width, 3, padding=half), maxpool(3, stride=1, padding=half))
    pool:  maxpool(kernel, stride=2, ceil=true)
    gap:   global_avgpool
    fc:    linear(classes)
"""
PARTS = """
variables: {resolution: 64, width: 16, classes: 10, kernel: 3}
modules:
  block(n):
    add:
      convs: conv(n, 1, norm=batch_norm, activation=relu) >> conv(n, 3, padding=half, bias=false)
      shortcut: conv(n, 1)
"""


def wide() -> Network:
    return network(WIDE, "image(3, resolution, resolution)", PARTS)


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_widths(quantity: str) -> None:
    """Channels, a kernel and both sizes at once."""
    free = ["resolution", "width", "classes", "kernel"]
    form = archcalc.closed_form(wide(), free, quantity)
    chosen = random.Random(quantity)
    for _ in range(25):
        at = {name: chosen.randint(1, 200) for name in free}
        at["kernel"] = chosen.randint(1, 3)
        at["resolution"] += 5
        at["width"] += 1  # width // 2 channels are at least one
        assert form(**at) == getattr(archcalc.analyze(wide(), set=at).totals, quantity), at


def test_sympy_form_is_the_same() -> None:
    form = archcalc.closed_form(wide(), ["resolution", "width"])
    expression: Any = to_sympy(form.number)
    symbols = {symbol.name: symbol for symbol in expression.free_symbols}
    for resolution, width in ((64, 16), (33, 7), (224, 128)):
        value = expression.subs({symbols["resolution"]: resolution, symbols["width"]: width})
        expected = archcalc.analyze(wide(), set={"resolution": resolution, "width": width}).totals.macs
        assert int(value) == expected


def test_shared_and_tied_weights() -> None:
    small = network(
        """
        a: linear(n)
        b: linear(n)
        c: share(b)
        d: linear(5, weights=a)
        """,
        "features(5)",
        "variables: {n: 8}",
    )
    n = variable("n")
    assert archcalc.closed_form(small, ["n"], "weights") == 5 * n + n * n
    assert archcalc.closed_form(small, ["n"], "biases") == 2 * n + 5
    assert archcalc.closed_form(small, ["n"], "macs") == 10 * n + 2 * n * n
    totals = archcalc.analyze(small, set={"n": 7}).totals
    assert (totals.weights, totals.biases, totals.macs) == (35 + 49, 14 + 5, 70 + 98)


def test_assumptions_are_told() -> None:
    """What a formula takes for granted stands in the graph: here that groups divide channels."""
    small = network("a: conv(8, 1, groups=g)", "image(8, 4, 4)", "variables: {g: 2}")
    graph = small.graph(free=["g"])
    assert [assumption.text for assumption in graph.assumptions] == ["8 is divisible by g"]
    form = archcalc.closed_form(small, ["g"], "weights")
    for g in (1, 2, 4, 8):
        assert form(g=g) == 64 // g


@pytest.mark.parametrize(
    ("name", "free"),
    [("resnet20", "n"), ("resnet20", "net"), ("resnet50", "block"), ("resnet50", "depth"), ("googlenet", "block")],
)
def test_structure_cannot_stay_free(name: str, free: str) -> None:
    """A repeat count, a list, a module: there is no one formula for all of them; the message says which variable."""
    with pytest.raises(archcalc.SpecError) as caught:
        archcalc.closed_form(name, [free])
    (found,) = caught.value.diagnostics
    assert found.code == "structural-variable"
    assert free in found.message
    assert found.line is not None


def test_unknown_quantities() -> None:
    with pytest.raises(KeyError):
        archcalc.closed_form("resnet50", ["resolution"], "flops")


def test_forms_are_small() -> None:
    """One floor of the input for each size that occurs, not one for each layer."""
    for name in ("resnet152", "vgg19", "googlenet", "resnet1202"):
        form = archcalc.closed_form(name, ["resolution", "classes"])
        assert isinstance(form.number, Polynomial)
        assert len(form.number.terms) <= 8


WIDTHS = """network: scaled
input: image(3, resolution, resolution)
variables: {resolution: 224, width: 1}
layers:
  stem:   conv(make_divisible(32 * width, 8), 3, stride=2, padding=half)
  exact:  conv(64 * width, 3, padding=half)
  floor:  conv(max(8, floor(20 * width / 3)), 1)
  round:  conv(round(10 * width), 1)
  branch: conv(16, 1) if 32 * width >= 8 else conv(8, 1)
  end:    global_avgpool
  fc:     linear(10)
"""


@pytest.mark.parametrize("name", ["params", "macs", "connections", "activations"])
def test_a_width_in_quarters_stays_free(tmp_path: Path, name: str) -> None:
    """Shares of a free width become whole where a function says how; exact at every multiple of the unit."""
    path = tmp_path / "scaled.yaml"
    path.write_text(WIDTHS, encoding="utf-8")
    form = closed_form(str(path), {"resolution": 1, "width": Fraction(1, 4)}, name)
    for resolution in (32, 97, 224):
        for quarters in range(1, 14):
            totals = analyze(str(path), set={"resolution": resolution, "width": Fraction(quarters, 4)}).totals
            assert form(resolution=resolution, width=Fraction(quarters, 4)) == getattr(totals, name)
