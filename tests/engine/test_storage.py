"""What is stored: figures of the papers, of their tables row by row, and what a spec may say."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

import pytest

import archcalc
from archcalc.engine.cost.storage import paths
from archcalc.engine.groups import grouped
from archcalc.engine.network import Network
from archcalc.engine.structure import structured
from archcalc.source import Source, Span
from archcalc.spec.library import choose
from archcalc.spec.read import read_spec
from archcalc.spec.storage import Pattern
from tests.engine.small import network

MIB = 2**20

# Iandola et al. 2016, Table 1: parameters before and after pruning.
FIRE = {
    "conv1": (14_208, 14_208),
    "fire2": (11_920, 5_746),
    "fire3": (12_432, 6_258),
    "fire4": (45_344, 20_646),
    "fire5": (49_440, 24_742),
    "fire6": (104_880, 44_700),
    "fire7": (111_024, 46_236),
    "fire8": (188_992, 77_581),
    "fire9": (197_184, 77_581),
    "conv10": (513_000, 103_400),
}


def test_table_1_of_squeezenet_row_by_row() -> None:
    stages = grouped(archcalc.analyze("squeezenet1_0@pruned"), "stage")
    assert {row.name: (row.params, row.stored_params) for row in stages if row.params} == FIRE


def test_totals_of_squeezenet() -> None:
    """Table 1: 1,248,424 and 421,098; Table 2: 4.8 MB, 50 times less than AlexNet's 240 MB."""
    whole, pruned, alexnet = (archcalc.analyze(n).totals for n in ("squeezenet1_0", "squeezenet1_0@pruned", "alexnet"))
    assert (whole.params, pruned.params, pruned.stored_params) == (1_248_424, 1_248_424, 421_098)
    assert whole.size_bytes == 4_993_696  # 4.76 MiB, the paper's 4.8 MB
    assert round(whole.size_bytes / MIB, 2) == 4.76
    assert pruned.size_bytes == 4 * 421_098
    assert alexnet.size_bytes == 243_860_896  # 240 MB
    assert 48 < alexnet.params / whole.params < 50  # "50x"


@pytest.mark.parametrize(("bits", "size"), [(8, 421_098), (6, 315_824), (1, 52_638)])
def test_squeezenet_in_few_bits(bits: int, size: int) -> None:
    """The paper prints 0.66 and 0.47 MB, with indices and codebooks; the parameters alone are 0.42 and 0.316 MB."""
    cost = archcalc.analyze("squeezenet1_0@pruned", bits=bits)
    assert cost.totals.size_bytes == size == ceil(Fraction(421_098 * bits, 8))
    assert cost.storage.bits == (bits,)
    assert cost.is_quantised


def test_pruned_alexnet() -> None:
    """Han et al. 2015 print 6.7M of 61M, "9x", and SqueezeNet's Table 2 27 MB."""
    weights = {"conv1": 34_848, "conv2": 307_200, "conv3": 884_736, "conv4": 663_552, "conv5": 442_368}
    weights |= {"fc6": 9_216 * 4_096, "fc7": 4_096 * 4_096, "fc8": 4_096_000}
    percent = dict(zip(weights, (84, 38, 35, 37, 37, 9, 9, 25), strict=True))
    biases = 96 + 256 + 384 + 384 + 256 + 4_096 + 4_096 + 1_000
    totals = archcalc.analyze("alexnet@pruned").totals
    assert totals.stored_params == biases + sum(-(-weights[name] * percent[name] // 100) for name in weights)
    assert totals.stored_params == 6_806_764
    assert round(totals.params / totals.stored_params) == 9
    assert round(totals.size_bytes / 1e6) == 27


def test_enet_at_fp16() -> None:
    """Paszke et al. 2016: 0.7 MB."""
    totals = archcalc.analyze("enet", dtype="fp16").totals
    assert totals.size_bytes == 2 * totals.params
    assert round(totals.size_bytes / MIB, 2) == 0.69


def test_the_caffe_file_of_googlenet() -> None:
    """About 50 MB with both heads, as the model file has them."""
    assert archcalc.analyze("googlenet", with_heads=True).totals.size_bytes == 53_513_120
    assert round(53_513_120 / MIB, 2) == 51.03
    assert round(archcalc.analyze("googlenet").totals.size_bytes / MIB, 2) == 26.70


@pytest.mark.parametrize("name", ["squeezenet1_0@pruned", "alexnet@pruned", "enet", "googlenet", "resnet18"])
@pytest.mark.parametrize("more", [{}, {"bits": 5}, {"density": "0.3"}, {"bits": 3, "density": Fraction(1, 3)}])
def test_rows_sum_to_the_totals(name: str, more: dict[str, Any]) -> None:
    cost = archcalc.analyze(name, **more)
    for rows in (cost.layers, grouped(cost, "op"), grouped(cost, "stage"), grouped(cost, "type")):
        assert sum(row.stored_params for row in rows) == cost.totals.stored_params
        assert ceil(Fraction(sum(row.stored_bits for row in rows), 8)) == cost.totals.size_bytes


def test_of_a_layer() -> None:
    """Ceil(weights x density), with biases and norms whole; activations have none."""
    small = network("a: conv(3, 3, norm=batch_norm, activation=relu)", "image(2, 8, 8)")
    cost = archcalc.analyze(small, density="0.1", bits=4)
    (layer,) = cost.layers
    assert layer.weights == 54
    assert layer.stored_params == 6 + 3 + 6
    assert layer.size_bytes == cost.totals.size_bytes == 8  # 60 bits


def test_what_is_shared_is_stored_once() -> None:
    small = network("a: linear(5)\nb: share(a)\nc: linear(5, weights=a)", "features(5)")
    totals = archcalc.analyze(small, density="0.5").totals
    assert totals.stored_params == 13 + 5 + 5
    assert totals.params == 25 + 5 + 5


@pytest.mark.parametrize("density", ["0.3", 0.3, Decimal("0.3"), Fraction(3, 10)])
def test_a_density_is_the_decimal_that_is_written(density: Any) -> None:
    small = network("a: linear(10, bias=false)", "features(10)")
    assert archcalc.analyze(small, density=density).totals.stored_params == 30


@pytest.mark.parametrize("density", ["", "x", "1/0", -0.1, 1.5, "1e-99999999999999999999999999999999999999999", "nan"])
def test_other_densities_are_refused(density: Any) -> None:
    with pytest.raises(ValueError, match="a density is a number from 0 to 1"):
        archcalc.analyze("lenet5", density=density)


def test_other_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="bits are 0"):
        archcalc.analyze("lenet5", bits=0)
    with pytest.raises(TypeError):
        archcalc.analyze("lenet5", bits=2.5)  # type: ignore[arg-type]


# patterns


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*", "", True),
        ("*", "a.b", True),
        ("a*", "a", True),
        ("*a", "ba", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*.3x3", "fire2.expand.3x3", True),
        ("*.3x3", "3x3", False),
        ("fire*.expand.*", "fire2.expand.3x3", True),
        ("*b*b*", "ab.b", True),
        ("*b*b*", "ab.c", False),
        ("a.b", "a.b", True),
        ("a.b", "a?b", False),
        ("a[b]", "ab", False),
        ("*a" * 30 + "*b", "a" * 5_000, False),
    ],
)
def test_patterns(pattern: str, path: str, matches: bool) -> None:
    assert Pattern(pattern, Span(0, 1), None, None).matches(path) is matches


def test_paths_of_a_layer() -> None:
    assert list(paths("a.b.c")) == ["a", "a.b", "a.b.c"]
    assert list(paths("a")) == ["a"]


SMALL = """\
network: small
input: features(10)
variables: {n: 10}
variants:
  small@thin: {}
  other: {n: 10}
layers:
  a: linear(n)
  b:
    one: linear(10, bias=false)
    two: linear(10, bias=false)
storage:
"""


def stored(text: str, name: str = "small@thin", **more: Any) -> list[tuple[int, int]]:
    indented = "\n".join(f"  {line}" for line in text.splitlines())
    spec = read_spec(Source("small.yaml", f"{SMALL}{indented}\n"))
    cost = archcalc.analyze(Network(*choose(spec, name)), **more)
    return [(layer.stored_params, layer.stored_bits) for layer in cost.layers]


def test_the_last_match_wins_for_density_and_for_bits() -> None:
    text = "small@thin:\n  '*': {density: 0.5, bits: 8}\n  b: {density: 0.2}\n  '*.two': {bits: 4}"
    assert stored(text) == [(60, 480), (20, 160), (20, 80)]


def test_a_variant_has_what_it_starts_from() -> None:
    assert stored("small:\n  b: {density: 0.2}") == [(110, 3520), (20, 640), (20, 640)]
    assert stored("small:\n  b: {density: 0.2}\nsmall@thin:\n  b.two: {density: 1}")[2] == (100, 3200)
    assert stored("small:\n  b: {density: 0.2}", "other")[2] == (100, 3200)


def test_what_is_asked_for_overrides_what_the_spec_says() -> None:
    text = "small:\n  b: {density: 0.2, bits: 8}"
    assert stored(text, density="0.5") == [(60, 1920), (50, 400), (50, 400)]
    assert stored(text, bits=2) == [(110, 220), (20, 40), (20, 40)]
    assert stored(text, dtype="fp16") == [(110, 1760), (20, 160), (20, 160)]


@pytest.mark.parametrize(
    ("pattern", "help"),
    [
        ("c", "`archcalc show small@thin` lists the layers"),
        ("b.tow", "did you mean `b.two`?"),
        ("'*.tow'", "did you mean `*.two`?"),
        ("'b.*.tow'", "did you mean `b.*.two`?"),
    ],
)
def test_a_pattern_that_matches_nothing_is_told_at_its_place(pattern: str, help: str) -> None:
    with pytest.raises(archcalc.SpecError) as caught:
        stored(f"small@thin:\n  b: {{bits: 8}}\n  {pattern}: {{density: 0.2}}")
    (found,) = caught.value.diagnostics
    assert (found.code, found.line, found.help) == ("unmatched-pattern", 15, help)


def test_a_setting_from_outside_may_take_layers_away() -> None:
    spec = read_spec(
        Source("s", "network: s\ninput: features(4)\nvariables: {l: linear(2)}\nlayers:\n  a:\n    b: l\n"
                    "storage:\n  s:\n    a.b: {bits: 8}\n")
    )  # fmt: skip
    assert archcalc.analyze(Network(spec, "s")).totals.size_bytes == 10
    assert archcalc.analyze(Network(spec, "s"), set={"l": "relu"}).totals.size_bytes == 0


def test_a_pattern_of_what_a_variant_starts_from_may_match_nothing_in_the_variant() -> None:
    """The variant does not write it; where it is written, it is told."""
    spec = read_spec(
        Source("s", "network: s\ninput: features(4)\nvariables: {l: linear(2)}\nvariants:\n  s@bare: {l: relu}\n"
                    "layers:\n  a:\n    b: l\nstorage:\n  s:\n    a.b: {bits: 8}\n    a.linear: {bits: 4}\n")
    )  # fmt: skip
    assert archcalc.analyze(Network(spec, "s@bare")).totals.size_bytes == 0
    with pytest.raises(archcalc.SpecError, match=r"`a\.linear` matches no layer of s"):
        archcalc.analyze(Network(spec, "s"))


def test_patterns_may_be_those_of_heads() -> None:
    spec = read_spec(
        Source("s", "network: s\ninput: features(4)\nlayers:\n  a: linear(2)\nheads:\n  h: tap(a) >> linear(2)\n"
                    "storage:\n  s:\n    h.linear: {bits: 8}\n    'h*': {density: 0.5}\n")
    )  # fmt: skip
    assert archcalc.analyze(Network(spec, "s")).totals.size_bytes == 40
    with pytest.raises(archcalc.SpecError):
        archcalc.analyze(Network(spec, "s"), with_heads=True)  # it is called h


def test_many_patterns_and_layers_are_a_limit() -> None:
    lines = "\n".join(f"  'a*{number}b': {{bits: 8}}" for number in range(20))
    with pytest.raises(archcalc.SpecError) as caught:
        stored(f"small@thin:\n{lines}", limits=archcalc.Limits(steps=40))
    assert caught.value.diagnostics[0].code == "too-many-steps"


def test_a_structure_costs_what_the_network_is_said_to_cost() -> None:
    """Densities that the spec says too, which the JSON of the site did not have."""
    found, whole = structured("squeezenet1_0@pruned").cost.to_dict(), archcalc.analyze("squeezenet1_0@pruned").to_dict()
    assert found == whole
    assert found["totals"]["stored_params"] < found["totals"]["params"]
