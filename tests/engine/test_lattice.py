"""Windows over one axis, against every position's reads counted out; and that strides do not lengthen the count."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

import archcalc
from archcalc.engine.cost.lattice import START, Lattice, Read, Steps, denser, shifted, slid, union
from archcalc.engine.cost.receptive_field import ReceptiveFields
from archcalc.engine.explain import explained
from archcalc.report.media.text import plain
from archcalc.report.show import shown
from tests.engine.small import network

Reads = Callable[[int], frozenset[int]]  # the pixels that a position reads, one by one


def pixel(position: int) -> frozenset[int]:
    return frozenset({position})


def slid_one_by_one(of: Reads, kernel: int, stride: int, padding: int, dilation: int) -> Reads:
    return lambda j: frozenset().union(*(ends(of(j * stride - padding + tap * dilation)) for tap in range(kernel)))


def denser_one_by_one(of: Reads, kernel: int, padding: int, dilation: int, upsample: int) -> Reads:
    def read(j: int) -> frozenset[int]:
        reached = [j + padding - tap * dilation for tap in range(kernel)]
        return frozenset().union(*(ends(of(at // upsample)) for at in reached if at % upsample == 0))

    return read


def ends(pixels: frozenset[int]) -> frozenset[int]:
    return frozenset({min(pixels), max(pixels)}) if pixels else pixels


def chain(seed: int) -> tuple[Lattice, Reads, str]:
    """A few windows in a row, as runs and one by one; the last of them may be merged with what is before it."""
    choose = random.Random(seed)
    lattice, text = START, []
    reads: Reads = pixel
    for _ in range(choose.randint(1, 4)):
        kernel, factor, dilation = choose.randint(1, 4), choose.randint(1, 4), choose.choice([1, 1, 2, 3])
        padding = choose.randint(0, 3)
        if choose.random() < 0.5:
            lattice = slid(lattice, kernel, factor, padding, dilation, Steps())
            reads = slid_one_by_one(reads, kernel, factor, padding, dilation)
            text.append(f"slid {kernel} {factor} {padding} {dilation}")
        else:
            lattice = denser(lattice, kernel, padding, dilation, factor, Steps())
            reads = denser_one_by_one(reads, kernel, padding, dilation, factor)
            text.append(f"denser {kernel} {factor} {padding} {dilation}")
    return lattice, reads, ", ".join(text)


@pytest.mark.parametrize("first", range(0, 600, 100))
def test_runs_are_what_positions_read_one_by_one(first: int) -> None:
    for seed in range(first, first + 100):
        lattice, reads, text = chain(seed)
        for position in range(-5, 2 * lattice.phases + 5):
            pixels = reads(position)
            expected = Read(min(pixels), max(pixels)) if pixels else None
            assert lattice.at(position) == expected, f"{text}: position {position}"


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_cuts_and_unions_are_what_positions_read(first: int) -> None:
    for seed in range(first, first + 50):
        choose = random.Random(seed)
        scale, kernel, cut = choose.randint(1, 4), choose.randint(1, 5), choose.randint(0, 5)
        copies = denser(slid(START, scale, scale, 0, 1, Steps()), scale, 0, 1, scale, Steps())
        wide = slid(START, kernel, 1, choose.randint(0, 3), 1, Steps())
        both = union([shifted(copies, cut), wide], Steps())
        for position in range(2 * both.phases):
            ones, others = copies.at(position + cut), wide.at(position)
            assert ones is not None
            assert others is not None
            assert both.at(position) == Read(min(ones.low, others.low), max(ones.high, others.high))


# What grows with the strides would not end here, or not within the steps that may be taken.
HUGE = {
    "transposed": ("a: deconv(1, 3, stride=1000000000)", 1, Fraction(1, 10**9)),
    # of a million copies the window of 3 reaches a second pixel at two
    "copies": ("a: upsample(1000000)\nb: conv(1, 3, padding=1)", 2, Fraction(1, 10**6)),
    "copies of copies": ("a: upsample(1000) >> upsample(1000)\nb: conv(1, 5, padding=2)", 2, Fraction(1, 10**6)),
    "copies taken back": ("a: upsample(1000000) >> maxpool(1000000)\nb: conv(1, 3, padding=1)", 3, Fraction(1)),
    # kernels of 7 spread a million apart: what lies between two of them reads none
    "gaps": ("a: deconv(1, 7, stride=1000000)\nb: conv(1, 3, padding=1)", 1, Fraction(1, 10**6)),
    "wide": ("a: conv(1, 1000001, padding=half, dilation=1000)", 10**9 + 1, Fraction(1)),
}


@pytest.mark.parametrize(("layers", "size", "jump"), HUGE.values(), ids=HUGE)
def test_strides_do_not_lengthen_the_count(layers: str, size: int, jump: Fraction) -> None:
    cost = archcalc.analyze(network(layers, "sequence(1, 8)"))
    found = cost.receptive_field
    assert found is not None
    assert (found.size, found.jump, found.is_at_least) == ((size,), (jump,), False)
    assert isinstance(cost.fields, ReceptiveFields)
    assert cost.fields.steps.taken < 100


LOST = {
    # 10**12 and 3 * 10**9 positions before the two branches lie over each other again
    "unlike branches": (
        "m: add(maxpool(1000003) >> upsample(1000003), maxpool(999983) >> upsample(999983), align=crop, reference=0)"
    ),
    "unlike strides": "a: upsample(1000003)\nb: conv(1, 3, stride=999983)",
    "many gaps": "a: upsample(1000000) >> deconv(1, 1, stride=2)",
}


@pytest.mark.parametrize("layers", LOST.values(), ids=LOST)
def test_what_would_take_too_long_is_a_lower_bound_and_said_to_be(layers: str) -> None:
    cost = archcalc.analyze(network(layers, "sequence(1, 3000000)"))
    found = cost.receptive_field
    assert found is not None
    assert found.is_at_least
    assert cost.is_field_cut_off
    assert "what positions see repeats too late to be followed" in plain(shown(cost, cost.layers, "si"))
    assert isinstance(cost.fields, ReceptiveFields)
    assert cost.fields.steps.taken <= cost.fields.steps.most
    for layer in cost.layers:
        assert any(rule.quantity == "receptive field" for rule in explained(cost, layer)[0].rules)


def test_a_lower_bound_is_one() -> None:
    """The same networks with fewer steps allowed never say more than with all of them."""
    for seed in range(200):
        choose = random.Random(seed)
        layers = []
        for number in range(choose.randint(2, 5)):
            kind = choose.choice(
                ["conv(1, {k}, padding=1)", "upsample({f})", "maxpool(2, stride={f})", "deconv(1, {k}, stride={f})"]
            )
            layers.append(f"a{number}: {kind.format(k=choose.randint(2, 4), f=choose.randint(1, 4))}")
        graph = archcalc.analyze(network("\n".join(layers), "sequence(1, 4000)")).graph
        last = len(graph.nodes) - 1
        exact, fewer = ReceptiveFields(graph).after(last), ReceptiveFields(graph, choose.randint(0, 12)).after(last)
        assert exact is not None
        assert fewer is not None
        assert not exact.is_at_least
        assert fewer.jump == exact.jump
        assert fewer.size <= exact.size
        assert fewer.is_at_least or fewer == exact


def sample(seed: int) -> str:
    """Layers with huge numbers in them, such as a slip of the finger makes."""
    choose = random.Random(seed)
    huge = [10**6, 10**9, 999_983, 2**31 - 1, 3 * 10**6 + 1, 7, 64]
    kinds = [
        "deconv(1, {k}, stride={a})",
        "upsample({a})",
        "maxpool({a}, ceil=true)",
        "conv(1, {k}, stride={a}, padding={b})",
        "add(maxpool({a}, ceil=true) >> upsample({a}), identity, align=crop)",
        "add(upsample({a}), upsample({b}), align=crop)",
        "conv(1, 3, padding=half) * {n}",
    ]
    chosen = [
        choose.choice(kinds).format(
            a=choose.choice(huge), b=choose.choice(huge), k=choose.choice([1, 3, 10**6]), n=choose.choice([1, 300])
        )
        for _ in range(choose.randint(1, 4))
    ]
    return "\n".join(f"l{number}: {layer}" for number, layer in enumerate(chosen))


def test_no_spec_takes_more_than_its_steps(tmp_path: Path) -> None:
    """Of 200 specs, those that are networks; every layer is explained."""
    many = 0
    for seed in range(200):
        try:
            cost = archcalc.analyze(network(sample(seed), "sequence(1, 64)"))
        except archcalc.SpecError:
            continue
        many += 1
        for layer in cost.layers[:5] + cost.layers[-2:]:
            explained(cost, layer)
        assert isinstance(cost.fields, ReceptiveFields)
        assert cost.fields.steps.taken <= cost.fields.steps.most
    assert many > 30
