"""Spaces of networks: their sizes as published, and random members held to arithmetic that knows nothing of archcalc.

The counts below follow the authors' code: D-X-Y/AutoDL-Projects (NAS-Bench-201), google-research/nasbench,
mit-han-lab/once-for-all, quark0/darts, mit-han-lab/hardware-aware-transformers, facebookresearch/pycls and
microsoft/Cream. A convolution of k taps from a to b channels in groups has a*b*k/groups weights, a batch norm two
numbers a channel.
"""

from __future__ import annotations

from fractions import Fraction
from math import prod
from random import Random
from typing import Any

import pytest

from archcalc.engine.network import analyze, load
from archcalc.source import SpecError

Cost = tuple[int, int]


def conv(a: int, b: int, taps: int, positions: int, groups: int = 1, norm: bool = True) -> Cost:
    """Parameters and MACs."""
    weights = a * b * taps // groups
    return weights + 2 * b * norm, weights * positions


def total(*costs: Cost) -> Cost:
    return sum(cost[0] for cost in costs), sum(cost[1] for cost in costs)


def times(count: int, cost: Cost) -> Cost:
    return count * cost[0], count * cost[1]


def counted(name: str, set: dict[str, Any]) -> Cost:
    found = analyze(name, set=set).totals
    return found.params, found.macs


SIZES = {
    "nas_bench_201": 15_625,  # Dong and Yang 2020, section 2.1
    "nas_bench_101": 2**21 * 3**5,
    "darts": (7**8 * 3 * 6 * 10) ** 2,  # Liu et al. 2019, appendix A.3: 10^9 for each of two cells
    "ofa_mobilenet_v3": 3**45,
    "regnet_space": 17 * 32 * 2481 * 1001 * 16,
    "efficientnet@scaled": 11 * 22 * 60,
    "autoformer": 3 * 3 * 2**14 * 2**14,
    "autoformer@s": 3 * 3 * 3**14 * 3**14,
    "autoformer@b": 3 * 3 * 3**16 * 3**16,  # with those above 1.7 x 10^16, Chen et al. 2021, section 3.3
    "hat": 2 * 2 * 3**6 * 2**6 * 6 * 3**6 * 2**6 * 2**6 * 3**6,  # Wang et al. 2020, section 3.1: 10^15
}


@pytest.mark.parametrize("name", SIZES)
def test_a_space_has_its_size(name: str) -> None:
    space = analyze(name).space
    assert space is not None
    assert space.size == SIZES[name]


def nas_bench_201(op: list[str]) -> Cost:
    of = {"conv1x1": 1, "conv3x3": 9}
    parts = [conv(3, 16, 9, 1024), (2 * 64 + 64 * 10 + 10, 640)]
    for stage, c in enumerate((16, 32, 64)):
        positions = 1024 // 4**stage
        parts.append(times(5, total(*[conv(c, c, of[each], positions) for each in op if each in of])))
        if stage:
            parts += [
                conv(c // 2, c, 9, positions),
                conv(c, c, 9, positions),
                conv(c // 2, c, 1, positions, norm=False),
            ]
    return total(*parts)


def test_cells_of_nas_bench_201() -> None:
    random = Random(201)
    for _ in range(12):
        op = random.choices(["zeroize", "skip", "conv1x1", "conv3x3", "avgpool3x3"], k=6)
        assert counted("nas_bench_201", {"op": op}) == nas_bench_201(op)


def ofa(depth: list[int], kernel: list[int], expansion: list[int]) -> Cost:
    def divisible(value: int) -> int:
        rounded = max(8, (2 * value + 8) // 16 * 8)
        return rounded + 8 * (10 * rounded < 9 * value)

    def block(k: int, middle: int, a: int, b: int, se: bool, size: int, stride: int) -> Cost:
        after = (size // stride) ** 2
        parts = [conv(a, middle, 1, size**2)] if middle != a else []
        parts += [conv(middle, middle, k * k, after, middle), conv(middle, b, 1, after)]
        if se:
            squeezed = divisible(middle // 4)
            parts.append((2 * middle * squeezed + squeezed + middle, 2 * middle * squeezed))
        return total(*parts)

    parts = [conv(3, 16, 9, 112**2), block(3, 16, 16, 16, False, 112, 1)]
    a, size = 16, 112
    units = [(24, False, 2), (40, True, 2), (80, False, 2), (112, True, 1), (160, True, 2)]
    for unit, (b, se, stride) in enumerate(units):
        for at in range(depth[unit]):
            number = 4 * unit + at
            by = stride if at == 0 else 1
            parts.append(block(kernel[number], divisible(expansion[number] * a), a, b, se, size, by))
            a, size = b, size // by
    return total(*parts, conv(160, 960, 1, 49), (960 * 1280 + 1280 * 1001 - 280, 960 * 1280 + 1280 * 1000))


def test_networks_of_once_for_all() -> None:
    random = Random(3)
    for _ in range(6):
        depth, kernel = random.choices((2, 3, 4), k=5), random.choices((3, 5, 7), k=20)
        expansion = random.choices((3, 4, 6), k=20)
        found = counted("ofa_mobilenet_v3", {"depth": depth, "kernel": kernel, "expansion": expansion})
        params, macs = ofa(depth, kernel, expansion)
        assert found == (params + 1000 - (1280 - 280), macs)


TAPS = {"sep_conv_3x3": 9, "sep_conv_5x5": 25, "dil_conv_3x3": 9, "dil_conv_5x5": 25}


def darts(op: dict[str, list[str]], inputs: dict[str, list[list[int]]]) -> Cost:
    """NetworkCIFAR of 20 cells from 36 channels; of a cell's inputs, those two that come from outside are strided."""

    def edge(name: str, c: int, before: int, after: int) -> Cost:
        one = conv(c, c, 1, after)
        if name.startswith("sep"):
            first, second = (conv(c, c, TAPS[name], after, c, norm=False) for _ in range(2))
            return total(first, one, second, one)
        if name.startswith("dil"):
            return total(conv(c, c, TAPS[name], after, c, norm=False), one)
        return one if name == "skip_connect" and before != after else (0, 0)  # two halves, side by side

    parts = [conv(3, 108, 9, 1024)]
    c, positions, channels = 36, 1024, [108, 108]
    for number in range(20):
        kind = "reduce" if number in (6, 13) else "normal"
        within, c = positions, c * (2 if kind == "reduce" else 1)
        parts += [conv(channels[0], c, 1, positions), conv(channels[1], c, 1, positions)]
        positions //= 4 if kind == "reduce" else 1
        for at, name in enumerate(op[kind]):
            source = inputs[kind][at // 2][at % 2]
            parts.append(edge(name, c, within if source < 2 else positions, positions))
        channels = [channels[1], 4 * c]
    return total(*parts, (channels[1] * 10 + 10, channels[1] * 10))


def test_genotypes_of_darts() -> None:
    random = Random(5)
    names = ["max_pool_3x3", "avg_pool_3x3", "skip_connect", *TAPS]
    for _ in range(6):
        op = {kind: random.choices(names, k=8) for kind in ("normal", "reduce")}
        inputs = {kind: [sorted(random.sample(range(node + 2), 2)) for node in range(4)] for kind in op}
        set = {f"{kind}_op": op[kind] for kind in op} | {f"{kind}_input": inputs[kind] for kind in op}
        assert counted("darts", set) == darts(op, inputs)


EDGES = [(source, target) for target in range(1, 7) for source in range(target)]
TAPS_101 = {"conv3x3": 9, "conv1x1": 1, "maxpool3x3": 0}


def nas_bench_101(edge: list[int], op: list[str]) -> Cost | None:
    """As the authors' model_builder.py; None where the cell is none."""
    edges = {pair for pair, there in zip(EDGES, edge, strict=True) if there}
    reached, leads = {0}, {6}
    for source, target in sorted(edges):
        if source in reached:
            reached.add(target)
    for source, target in sorted(edges, reverse=True):
        if target in leads:
            leads.add(source)
    kept = reached & leads
    edges = {(a, b) for a, b in edges if a in kept and b in kept}
    if 6 not in reached or len(edges) > 9:
        return None
    parts = [conv(3, 128, 9, 1024), (5130, 5120)]
    a = 128
    for stack in range(3):
        out, positions = 128 * 2**stack, 1024 // 4**stack
        ends = [v for v in range(1, 6) if (v, 6) in edges]
        channels = {}
        for v in range(5, 0, -1):
            if v in ends:
                channels[v] = out // len(ends) + (ends.index(v) < out % len(ends))
            else:
                channels[v] = max((channels[b] for b in range(v + 1, 6) if (v, b) in edges), default=0)
        for _ in range(3):
            for v in sorted(kept - {0, 6}):
                c = channels[v]
                if (0, v) in edges:
                    parts.append(conv(a, c, 1, positions))
                if taps := TAPS_101[op[v - 1]]:
                    parts.append(conv(c, c, taps, positions))
            if (0, 6) in edges or not ends:
                parts.append(conv(a, out, 1, positions))
            a = out
    return total(*parts)


def test_cells_of_nas_bench_101() -> None:
    random = Random(7)
    refused = 0
    for _ in range(24):
        edge, op = [int(random.random() < 0.4) for _ in EDGES], random.choices(list(TAPS_101), k=5)
        expected = nas_bench_101(edge, op)
        if expected is not None:
            assert counted("nas_bench_101", {"edge": edge, "op": op}) == expected
            continue
        refused += 1
        with pytest.raises(SpecError, match=r"requires (at most 9 edges|a way from the input to the output)"):
            analyze("nas_bench_101", set={"edge": edge, "op": op})
    assert 0 < refused < 24


# Depth, w_0, w_a, w_m and group width of pycls's configurations (configs/dds_baselines).
REGNETS = {
    "regnet_x_400mf@pycls": (22, 24, "24.48", "2.54", 16, False),
    "regnet_y_800mf@pycls": (14, 56, "38.84", "2.4", 16, True),
    "regnet_y_8gf@pycls": (17, 192, "76.82", "2.19", 56, True),
}


@pytest.mark.parametrize("name", REGNETS)
def test_networks_of_regnet_by_their_parameters(name: str) -> None:
    depth, w_0, w_a, w_m, group, se = REGNETS[name]
    set = {"depth": depth, "w_0": w_0, "w_a": w_a, "w_m": w_m, "group": group, "se": se}
    assert counted("regnet_space", set) == counted(name, {})


@pytest.mark.parametrize(
    "values", [(23, 80, 49.56, 2.88, 120), (21, 80, 42.63, 2.66, 24), (20, 232, 115.89, 2.53, 232)]
)
def test_widths_of_regnet_are_those_of_torchvision(values: tuple[int, int, float, float, int]) -> None:
    regnet = pytest.importorskip("torchvision.models.regnet")
    depth, w_0, w_a, w_m, group = values
    params = regnet.BlockParams.from_init_params(depth=depth, w_0=w_0, w_a=w_a, w_m=w_m, group_width=group)
    width = load("regnet_space").value("width", {"depth": depth, "w_0": w_0, "w_a": w_a, "w_m": w_m})
    expected = [c for c, d in zip(params.widths, params.depths, strict=True) for _ in range(d)]
    assert [round(c / min(group, c)) * min(group, c) for c in width] == expected


def hat(set: dict[str, Any]) -> Cost:
    """30 words to 30 words; heads change nothing, for 512 channels are theirs together."""
    words, qkv, a, b = 30, 512, set["encoder_width"], set["decoder_width"]

    def linear(x: int, y: int, positions: int = words) -> Cost:
        return x * y + y, x * y * positions

    def attention(queries: int, keys: int, length: int) -> Cost:
        parts = [linear(queries, qkv), linear(qkv, queries), *[linear(keys, qkv, length)] * 2]
        return total(*parts, (2 * queries, 2 * words * length * qkv))  # a layer norm, and both products

    def mlp(width: int, hidden: int) -> Cost:
        return total(linear(width, hidden), linear(hidden, width), (2 * width, 0))

    parts = [total(attention(a, a, words), mlp(a, hidden)) for hidden in set["encoder_hidden"]]
    for hidden, layers in list(zip(set["decoder_hidden"], set["memory"], strict=True))[: set["decoder_layers"]]:
        parts += [attention(b, b, words), attention(b, a, layers * words), mlp(b, hidden)]
    tables = 32768 * (a if a == b else a + b)
    return total(*parts, (tables, 32768 * b * words))


def test_networks_of_hat() -> None:
    random = Random(11)
    for _ in range(5):
        set: dict[str, Any] = {side: random.choice((512, 640)) for side in ("encoder_width", "decoder_width")}
        set |= {side: random.choices((1024, 2048, 3072), k=6) for side in ("encoder_hidden", "decoder_hidden")}
        set |= {side: random.choices((4, 8), k=6) for side in ("encoder_heads", "decoder_heads", "cross_heads")}
        set |= {"decoder_layers": random.randint(1, 6), "memory": random.choices((1, 2, 3), k=6)}
        assert counted("hat", set) == hat(set)


@pytest.mark.parametrize(("number", "width", "depth", "size"), [(2, "1.1", "1.2", 260), (7, "2", "3.1", 600)])
def test_efficientnets_are_members_of_their_space(number: int, width: str, depth: str, size: int) -> None:
    set = {"width": width, "depth": depth, "resolution": size}
    assert counted("efficientnet@scaled", set) == counted(f"efficientnet_b{number}", {})


def test_a_regnet_of_three_stages_is_refused() -> None:
    with pytest.raises(SpecError, match="requires four stages"):
        analyze("regnet_space", set={"w_a": 8})


def autoformer(width: int, depth: int, heads: list[int], ratio: list[Fraction]) -> Cost:
    """At 196 patches and a class token; heads of 64 channels, whatever the width."""
    before = width + 197 * width  # class token, positions
    parts = [(before, 0), ((768 + 1) * width, 768 * width * 196), (2 * width, 0), ((width + 1) * 1000, width * 1000)]
    for at in range(depth):
        inner, hidden = 64 * heads[at], int(width * ratio[at])
        weights = 3 * width * inner + inner * width + 2 * width * hidden
        parts.append((weights + 3 * inner + width + hidden + width + 4 * width, 197 * weights + 2 * 197**2 * inner))
    return total(*parts)


def test_networks_of_autoformer() -> None:
    random = Random(13)
    for _ in range(4):
        depth, width = random.choice((12, 13, 14)), random.choice((320, 384, 448))
        heads = random.choices((5, 6, 7), k=14)
        ratio = random.choices((Fraction(3), Fraction(7, 2), Fraction(4)), k=14)
        given = {"width": width, "depth": depth, "heads": heads, "ratio": f"[{', '.join(map(decimal, ratio))}]"}
        assert counted("autoformer@s", given) == autoformer(width, depth, heads, ratio)


def decimal(number: Fraction) -> str:
    return f"{float(number)}"


def test_the_published_count_of_once_for_all_is_of_networks_that_differ() -> None:
    """Cai et al. 2020, section 3.1: ((3*3)^2 + (3*3)^3 + (3*3)^4)^5, about 2 x 10^19, of our product of all values."""
    space = analyze("ofa_mobilenet_v3").space
    assert space is not None
    assert prod(axis.size**axis.times for axis in space.axes) == space.size
    assert round(sum(9**n for n in (2, 3, 4)) ** 5 / 10**19) == 2
