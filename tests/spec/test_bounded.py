"""No spec takes unbounded time or memory: mutated ones end with a result or a diagnostic.

They run in processes under limits of the system, on their own CPU time, so that a busy machine changes nothing.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

HUGE = (0, 1, 3, 255, 65_536, 10**6, 10**9, 2**31, 10**12, 2**62, 2**63 - 1)
BASES = (
    "  a: conv(8, 3, stride={}, padding={})\n  b: maxpool({}, stride={}, padding={})\n  c: conv({}, 1)",
    "  a: block({}, {}) * {}\n  b: linear({})",
    "  a: relu * {}\n  b: conv({}, {}, dilation={})",
    "  a: (conv(n, 1) for n in range(1, {}))\n  b: global_avgpool",
    "  a: concat(conv({}, 1, stride={}), maxpool({}, stride={}))\n  b: block({}, {}) * {} >> flatten",
    "  a: nest({})\n  b: conv(4, 1) * {}",
    "  a: pad({}) >> crop(sides={}) >> avgpool({}, stride={})",
    "  a: tree({})\n  b: opaque({}, stride={})",
)
MODULES = """modules:
  block(n, k): conv(n, k, padding=half) >> add(identity, conv(n, 1) * k)
  nest(n): (nest(n - 1) >> relu if n > 0 else identity)
  tree(n): (add(tree(n - 1), tree(n - 1)) if n > 0 else relu)
"""
ROOT = Path(__file__).parents[2]
CHILD = """
import resource, sys
from tests.peak_memory import forget_peak, peak_memory
from archcalc.engine.compare import compare
from archcalc.engine.explain import explained
from archcalc.engine.network import analyze
from archcalc.engine.validate import validate
from archcalc.report.show import shown
from archcalc.results.cost import layer_row
from archcalc.source import SpecError

seconds, mebibytes = map(int, sys.argv[1:3])
for path in sys.argv[3:]:
    before = resource.getrusage(resource.RUSAGE_SELF)
    used = int(before.ru_utime + before.ru_stime)
    resource.setrlimit(resource.RLIMIT_CPU, (used + 1 + 4 * seconds, resource.RLIM_INFINITY))
    print(path, flush=True)
    forget_peak()
    validate([path])
    try:
        cost = analyze(path)
        shown(cost, cost.layers, "si")
        compare([cost, cost])
        rows = [layer_row(layer, cost.convention) for layer in cost.layers]
        explained(cost, cost.layers[-1])
    except SpecError as error:
        assert str(error)
    most = peak_memory() // 2**20
    assert most < mebibytes, f"{most} MiB"
"""


def mutated(count: int) -> list[str]:
    """So many specs, always the same."""
    chance = random.Random(11)
    found = []
    for _ in range(count):
        base = chance.choice(BASES)
        places = range(base.count("{}"))
        numbers = [chance.choice(HUGE) if chance.random() < 0.4 else chance.randint(1, 9) for _ in places]
        size = chance.choice((8, 32, 224, 10**6))
        layers = base.format(*numbers)
        found.append(f"network: n\ninput: image(4, {size}, {size})\n{MODULES}layers:\n{layers}\n")
    return found


def run(folder: Path, specs: Sequence[str], seconds: int, mebibytes: int) -> None:
    """Raises AssertionError where one of them takes more than its share, or ends in a traceback."""
    paths = []
    for number, spec in enumerate(specs):
        path = folder / f"n{number}.yaml"
        path.write_text(spec)
        paths.append(str(path))
    child = [sys.executable, "-c", CHILD, str(seconds), str(mebibytes), *paths]
    done = subprocess.run(child, capture_output=True, text=True, check=False, cwd=ROOT)
    last = done.stdout.split()[-1:] or ["nothing"]
    spec = Path(last[0]).read_text() if last[0] != "nothing" else ""
    assert done.returncode == 0, f"{last[0]}: {done.returncode}\n{spec}\n{done.stderr[-2000:]}"


def test_mutated_specs_are_bounded(tmp_path: Path) -> None:
    run(tmp_path, mutated(24), seconds=30, mebibytes=1_500)


@pytest.mark.slow
def test_many_mutated_specs_take_at_most_three_seconds_a_command(tmp_path: Path) -> None:
    specs = mutated(500)
    for first in range(0, len(specs), 20):
        run(tmp_path, specs[first : first + 20], seconds=3, mebibytes=600)
