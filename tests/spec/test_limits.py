"""No spec takes unbounded time or memory, and what the limits allow works."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from archcalc.engine.network import Network, analyze
from archcalc.source import Source, SpecError
from archcalc.spec.expand import expand
from archcalc.spec.limits import DEFAULT_LIMITS, Limits
from archcalc.spec.read import MAX_FINDINGS, read_spec
from tests.peak_memory import forget_peak, peak_memory

HEAD = "network: n\ninput: image(3, 16, 16)\n"
TENTH = Limits(steps=DEFAULT_LIMITS.steps // 10, layers=DEFAULT_LIMITS.layers // 10)


@contextmanager
def within(seconds: float, mebibytes: int = 1_000) -> Iterator[None]:
    """Raises AssertionError where the block takes more, of this process's time and memory."""
    begun, before = time.process_time(), forget_peak()
    yield
    assert time.process_time() - begun < seconds
    assert peak_memory() - before < mebibytes * 2**20


def doubled(variables: str, last: str, count: int = 60) -> str:
    """Variables of which each holds the next twice or more."""
    lines = [f"  v{i}: {variables.replace('V', f'v{i + 1}')}" for i in range(count)]
    return "variables:\n" + "\n".join(lines) + f"\n  v{count}: {last}\n"


DOUBLING = "modules:\n  f(n): (f(n - 1) >> f(n - 1)) if n > 0 else relu\nlayers: f(60)"
NEW_CALLS = """\
modules:
  f(n, m): (f(n - 1, 2*m) >> f(n - 1, 2*m + 1)) if n > 0 else identity
layers: f(60, 0)"""
HANDED_DOWN = """\
modules:
  f(n, a, b): f(n - 1, a >> b, a >> b) if n > 0 else (a >> b)
layers: f(90, relu, relu)"""
REFERRING = """\
modules:
  m: {a: relu, b: 'concat(identity, a)'}
layers: (m >> conv(i + 1, 1) for i in range(10**6))"""
BOMBS = {
    "repeats": "layers: relu * 10**9",
    "repeats of nothing": "layers: identity * 10**9",
    "repeats of an empty module": "modules: {m: identity}\nlayers: m * 10**9",
    "repeats of a large module": "modules: {m: relu * 1000}\nlayers: m * 10**9",
    "repeats of many names": "modules:\n  m:\n"
    + "".join(f"    a{i}: identity\n" for i in range(99))
    + "layers: m * 10**9",
    "repeats of merges": "layers: concat(identity, identity) * 10**9",
    "doubling recursion": DOUBLING,
    "doubling recursion without layers": DOUBLING.replace("relu", "identity"),
    "recursion of ever new calls": NEW_CALLS,
    "recursion in merges": "modules:\n  f(n): concat(f(n - 1), f(n - 1)) if n > 0 else relu\nlayers: f(60)",
    "doubling layer values": doubled("V >> V", "identity") + "layers: v0",
    "doubling lists": doubled("[V, V, V, V]", "1") + "layers: relu if v0 == v1 else tanh",
    "doubling arguments": HANDED_DOWN,
    "doubling lists in arguments": "modules:\n  f(n, a): f(n - 1, [a, a]) if n > 0 else relu\nlayers: f(90, 1)",
    "a long range": "layers: (relu for i in range(10**18))",
    "a long range without layers": "layers: (identity for i in range(2900000))",
    "a search in a list": "variables: {a: range(100000)}\nlayers: (relu if i in a else tanh for i in a)",
    "a sum again and again": "variables: {a: range(100000)}\nlayers: (relu if sum(a) > i else tanh for i in a)",
    "a sum of fractions": "layers: dropout(sum(1 / (i + 1) for i in range(100000)))",
    "a list as an argument": "variables: {a: range(100000)}\nmodules: {'m(l, n)': relu}\nlayers: (m(a, i) for i in a)",
    "powers": "variables: {a: 2 ** 999999999}\nlayers: conv(a, 1)",
    "long names": "modules:\n  m: {" + "n" * 1000 + ": relu * 1000}\nlayers: {" + "m" * 1000 + ": m * 10**6}",
    "references by part of their paths": "layers:\n  a: {b: relu}\n  c: (concat(identity, b) for i in range(10**6))",
    "references in a long network": REFERRING,
    "wide merges": "layers: concat(identity for i in range(10**6))",
    "nested merges": "layers: " + "concat(relu, " * 49 + "relu" + ")" * 49 + " * 10**9",
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_a_tenth_of_the_limits_is_reached_in_a_tenth_of_the_time(text: str) -> None:
    spec = read_spec(Source("t.yaml", HEAD + text + "\n"))
    with within(4):
        try:
            analyze(Network(spec, "n"), limits=TENTH)
        except SpecError as error:
            (found,) = error.diagnostics
            assert found.code in {"too-many-steps", "too-many-layers", "integer-size", "long-names", "no-layers"}
            assert found.help


@pytest.mark.parametrize("name", ["repeats", "recursion of ever new calls"])
def test_the_limits_themselves(name: str) -> None:
    spec = read_spec(Source("t.yaml", HEAD + BOMBS[name] + "\n"))
    with within(30), pytest.raises(SpecError, match="too-many"):
        expand(spec, "n")


NESTED = "modules:\n" + "".join(
    f"  m{i}:\n    - add:\n        a: {{inner: m{i + 1}, act: relu}}\n        b: conv(3, 1)\n    - relu\n"
    for i in range(98)
)
DEEP = {
    "99 modules, each with a merge": (NESTED + "  m98: conv(3, 1)\nlayers: m0", 99),
    "a recursion of 100 modules": (
        "modules:\n  f(n): add(f(n - 1), conv(3, 1)) if n > 1 else conv(3, 1)\nlayers: f(100)",
        100,
    ),
    "a body handed down": ("modules:\n  f(n, b): f(n - 1, b >> conv(3, 1)) if n > 1 else b\nlayers: f(99, relu)", 98),
    "a chain of 1,000": ("variables: {l: relu}\nlayers: " + "l>>" * 999 + "conv(3, 1)", 1),
    "98 operations": ("layers: conv(" + "+".join(["1"] * 98) + ", 1) >> conv(3, 1)", 2),
    "98 signs": ("layers: conv(" + "- " * 98 + "3, 1)", 1),
    "98 times not": ("layers: conv(3 if " + "not " * 98 + "true else 4, 1)", 1),
    "49 brackets": ("layers: " + "(" * 49 + "conv(3, 1)" + ")" * 49, 1),
    "49 merges": ("layers: " + "add(conv(3, 1), " * 49 + "relu" + ")" * 49, 49),
    "100 variables": (doubled("V + 1", "1", 99) + "layers: conv(v0, 1)", 1),
    "a list of 60 levels": (
        "layers:\n" + "".join("  " * i + "-\n" for i in range(1, 58)) + "  " * 58 + "conv(3, 1)",
        1,
    ),
}


@pytest.mark.parametrize("case", DEEP.values(), ids=DEEP)
@pytest.mark.parametrize("frames", [0, 400])
def test_what_the_limits_allow_works(case: tuple[str, int], frames: int) -> None:
    """Also where the caller has left little of Python's recursion."""
    text, weighted = case
    limit = sys.getrecursionlimit()

    def below(frames: int) -> None:
        if frames:
            return below(frames - 1)
        graph = expand(read_spec(Source("t.yaml", HEAD + text + "\n")), "n")
        assert sum(node.operator.weighted for node in graph.nodes) == weighted
        return None

    below(frames)
    assert sys.getrecursionlimit() == limit


def test_deep_networks_in_a_thread() -> None:
    """Whose stack may be small."""
    done: list[int] = []
    text, _ = DEEP["99 modules, each with a merge"]
    before = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(
            target=lambda: done.append(len(expand(read_spec(Source("t.yaml", HEAD + text + "\n")), "n").nodes))
        )
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert done


def test_many_errors_among_many_names() -> None:
    lines = [f"  layer_{i}: conv(widht_{i}, 1, padd=3) >> tap(layr_{i})\n" for i in range(8_000)]
    with within(20), pytest.raises(SpecError) as caught:
        read_spec(Source("t.yaml", HEAD + "layers:\n" + "".join(lines)))
    assert len(caught.value.diagnostics) == MAX_FINDINGS


def test_a_file_as_long_as_a_file_may_be() -> None:
    lines = [f"  a{i}: conv({i % 50 + 1}, 1) >> relu\n" for i in range(30_000)]
    with within(20):
        graph = expand(read_spec(Source("t.yaml", HEAD + "layers:\n" + "".join(lines))), "n")
    assert len(graph.nodes) == 60_000
