"""Sweeps of spaces as people read them: one line of a cell, the items of a list together, and why points are none."""

from __future__ import annotations

import archcalc
from tests.cli.running import run
from tests.engine.small import network


def test_items_of_long_lists_share_a_column_that_wraps() -> None:
    """20 kernels and 20 expansions, as Once-for-all has them, in 80 columns."""
    shown = run("sweep", "ofa_mobilenet_v3", "--sample", "50", "--top", "2", "--quantity", "macs,params", columns=80)
    lines = shown.stdout.splitlines()
    assert lines[2].split()[:3] == ["depth[0..4]", "kernel[0..19]", "expansion[0..19]"]
    assert max(map(len, lines)) <= 80
    row = archcalc.sweep("ofa_mobilenet_v3", sample=50, top=2, quantities=("macs", "params")).columns
    kernels = ", ".join(str(row[f"kernel[{at}]"][0]) for at in range(20))
    begin, end = lines[2].index("kernel"), lines[2].index("expansion")
    below = next(at for at, line in enumerate(lines[5:], 5) if line[:1].strip())  # the next row
    cells = [line[begin:end].strip() for line in lines[4:below]]
    assert " ".join(cells) == kernels


def test_what_narrows_an_item_stands_where_the_item_stood() -> None:
    shown = run("sweep", "nas_bench_201", "--over", "op[1]=skip", "--top", "1", "--quantity", "macs", columns=80)
    assert "op[0] to op[5] decide the structure" in shown.stderr
    assert "conv3x3, skip, conv3x3, conv3x3, conv3x3, conv3x3" in shown.stdout


def test_why_points_are_none_tells_the_way_out() -> None:
    shown = run("sweep", "nas_bench_201", "--over", "op[1]=skpi", "--quantity", "macs", columns=80, code=1)
    assert "no network: 3,125" in shown.stdout
    assert "did you mean `skip`?" in " ".join(shown.stdout.split())


def test_a_limit_that_arrays_and_engine_both_refuse_ends_nothing() -> None:
    """(7/3)**40 has parts of 7**40 > 2**63; the fifth power is 16807/243, 69 when rounded."""
    powers = network("a: conv(round((7 / 3) ** n), 1)", "image(3, 8, 8)", "variables: {n: 1}")
    found = archcalc.sweep(powers, {"n": "5,40"}, quantities=["params"])
    assert found.columns["params"].tolist() == [69 * (3 + 1)]
    assert [(of.code, of.points) for of in found.tally.left_out] == [("integer-size", 1)]
