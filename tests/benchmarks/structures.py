"""Sweeps of structures side by side with expansions one by one and with torch's counter, into reports/performance.md.

python -m tests.benchmarks.structures [--count 1000000]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import archcalc
from tests.benchmarks.commands import PEERS, ROOT, put_section, run, table, tell

SPACES = ("resnet50", "nas_bench_201", "ofa_mobilenet_v3")
TITLE = "## Structures"


def measured(name: str, count: int) -> dict[str, Any]:
    """What a child of its own has measured of a space."""
    tell(f"{name}: {count:,} structures")
    found: dict[str, Any] = json.loads(
        run([sys.executable, str(PEERS / "structure_rates.py"), name, str(count)]).output
    )
    return found


def rate(value: float | None) -> str:
    """Structures a second."""
    if value is None:
        return ""
    return f"{value / 1e6:.3g} M" if value >= 1e6 else f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def refused_widths() -> float:
    """Configurations a second of widths of which most are refused; as of the spaces, imports are in none."""
    sweep = archcalc.sweep
    start = time.process_time()
    found = sweep("resnet50", {"width": "0.25:1.5:0.01", "resolution": "33:1032"}, quantities=["params", "macs"])
    return found.tally.computed / (time.process_time() - start)


def searches() -> str:
    """Seconds in which few of all networks of Once-for-all are found."""
    asked: dict[str, dict[str, Any]] = {
        "`--top 10`": {"top": 10},
        "`--pareto macs,-params`": {"pareto": "macs,-params"},
        "`--sort=-macs --where 'params >= 7M' --top 10`": {"sort": "-macs", "where": ["params >= 7M"], "top": 10},
        "`--where 'macs < 200M' --sample 1000`": {"where": ["macs < 200M"], "sample": 1000},
    }
    seconds = []
    for text, chosen in asked.items():
        tell(f"ofa_mobilenet_v3: {text}")
        start = time.process_time()
        found = archcalc.sweep("ofa_mobilenet_v3", quantities=["params", "macs"], **chosen)
        assert len(found) >= 10
        seconds.append(f"{text} {time.process_time() - start:.1f} s")
    return ", ".join(seconds)


def section(count: int) -> list[str]:
    """Rates of the spaces."""
    rows, more = [], []
    for name in SPACES:
        found = measured(name, count)
        slow = found["one_by_one"]
        rates = [found["cold"], found["warm"], found["four_warm"], found.get("free"), slow]
        beside = [f"{found['cold'] / slow:,.0f}", f"{found['torch']:.1f}", f"{found['cold'] / found['torch']:,.0f}"]
        rows.append([name, *map(rate, rates), *beside])
        more.append([name, f"{found['1000']:.3f} s", str(found["expansions"]), f"{found['memory'] / 2**20:.0f} MiB"])
    columns = ("structures a second", "cold", "warm", "warm, 4 quantities", "8 resolutions, cold")
    others = ("one by one", "cold to it", "FlopCounterMode", "cold to it")
    return [
        TITLE,
        "",
        f"{count:,} structures drawn at random, on one core: seconds are the processor's. Cold includes expansions;",
        "all additive quantities of one convention of FLOPs, and both depths. In between are configurations with",
        f"`resolution` left free at 8 values, of {count // 8:,} structures and 4 quantities. One by one is",
        "`archcalc.analyze` in a loop of 40; torch's counter ran on models built on the meta device, 20 of them, and",
        "gave exactly twice the MACs of each. 200 structures of each space were held against the exact engine: equal.",
        "",
        *table((*columns, *others), rows),
        *table(("of a space", "1,000 structures, cold", "expansions", "memory beside codes and results"), more),
        "`resnet50` over 126 widths, of which a layer refuses 120, and 1,000 resolutions, planning and points that are",
        f"checked within, imports not: {rate(refused_widths())} configurations a second.",
        "",
        "Of all 3^45 networks of `ofa_mobilenet_v3`, exactly and with all expansions, planning and checks:",
        f"{searches()}.",
        "",
    ]


def main() -> None:
    """Measure, and put the section in its place."""
    parser = argparse.ArgumentParser(description="Sweeps of structures, into reports/performance.md")
    parser.add_argument("--count", type=int, default=1_000_000, help="structures of each space")
    parser.add_argument("--output", type=Path, default=ROOT / "reports" / "performance.md")
    given = parser.parse_args()
    put_section(given.output, section(given.count))


if __name__ == "__main__":
    main()
