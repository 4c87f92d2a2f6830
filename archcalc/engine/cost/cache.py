"""What a network keeps between steps, by kind; what rules allocate for it; and the longest past that fits.

Entries are read off the graph once. An attention's cache is a latent where one cache holds what both keys and values
are made of, in fewer elements than they have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from archcalc.dims import ceil_div
from archcalc.engine.cost.allocations import RULES
from archcalc.engine.cost.costs import cost_of
from archcalc.engine.cost.order import elements
from archcalc.engine.inputs import step_settings
from archcalc.engine.limits.budget import limit_of
from archcalc.engine.limits.solve import solve
from archcalc.engine.network import AnyNetwork, Network, analyze, check_variable, load
from archcalc.graph import Graph
from archcalc.ops import Window
from archcalc.ops.attention import Attend
from archcalc.results.cache import Cache, Entry, Heads, Kind, Part, Reserved, Rule, bytes_of
from archcalc.results.cost import DTYPES
from archcalc.results.phase import Steps
from archcalc.source import Diagnostic, SpecError

PAST = "past"


class Asked(NamedTuple):
    """Of which moment, and for how many."""

    positions: int  # of the past and of the step
    length: int
    context: int
    batch: int
    bits: int


def cache_of(
    network: AnyNetwork,
    past: int | None = None,
    length: int | None = None,
    batch: int = 1,
    dtype: str = "bf16",
    context: int | None = None,
    most: str | None = None,
    set: Mapping[str, Any] | None = None,
) -> Cache:
    """What a network keeps after a step, and what engines reserve for it.

    Args:
        network: its name, a file, the text of a spec, or what `load` gave.
        past: positions of earlier steps; without, none: what is kept after the length of the spec.
        length: new positions; without, 1 with a past, and that of the spec without one.
        batch: examples at once.
        dtype: of what is kept.
        context: positions that engines reserve which allocate all at once; without, those that there are.
        most: a limit in bytes, `16GiB`, within which the longest past is looked for.
        set: values of variables of the spec.

    Raises:
        SpecError: an unknown name or variable, a network that keeps nothing or cannot be stepped, a limit that
            everything or nothing keeps to.
        ValueError: an unknown dtype, or a number below what it may be.
    """
    network = load(network)
    for name, value, least in (("past", past, 0), ("length", length, 1), ("batch", batch, 1), ("context", context, 1)):
        if value is not None and value < least:
            raise ValueError(f"{name} is {value}; it must be at least {least}")
    settings = _settings(network, past, length, dict(set or {}))
    cost = analyze(network, batch, settings, dtype=dtype)
    graph, steps = cost.graph, cost.phase.steps or Steps([True] * len(cost.graph.nodes), frozenset())
    if past is not None and any(node.operator.keeps for node in graph.nodes):
        check_variable(network.spec, PAST)
    if not cost.totals.state and not steps.kept:
        message = f"{network.name} keeps nothing from step to step"
        help = "what is kept is said by cache(past) in its spec, by recurrent operators, and by causal convolutions"
        raise SpecError([Diagnostic("nothing-kept", message, help=help)])
    stepped = [graph.inputs[name] for name in graph.step if graph.inputs[name].spatial]
    new: Any = stepped[-1].positions if stepped else 1
    before = int(network.value(PAST, settings) or 0) if PAST in network.spec.settable else past or 0
    asked = Asked(before + new, new, max(context or 0, before + new), batch, DTYPES[dtype])
    entries = list(entries_of(graph, steps, asked.positions))
    heads = heads_of(graph, entries)
    parts = tuple(_parts(entries, asked))
    assert sum(part.elements for part in parts) == cost.totals.state + cost.totals.state_once
    found = Cache(
        network.name,
        network.title,
        before,
        new,
        batch,
        dtype,
        asked.context,
        parts,
        tuple(reserved(rule, entries, heads, asked) for rule in RULES),
    )
    return found if most is None else _within(found, network, settings, entries, heads, asked, most, dtype)


def _settings(network: Network, past: int | None, length: int | None, set: dict[str, Any]) -> dict[str, Any]:
    """Variables: those that are set, the past, and as many new positions as are asked for."""
    if past is not None and PAST in network.spec.settable:
        set[PAST] = past
    if length is not None:
        return set | dict.fromkeys(step_settings(network.spec, {}, {}), length)
    return set if past is None else step_settings(network.spec, set, {}) | set


def _within(
    found: Cache,
    network: Network,
    settings: Mapping[str, Any],
    entries: Sequence[Entry],
    heads: Heads | None,
    asked: Asked,
    most: str,
    dtype: str,
) -> Cache:
    """The same with the longest past within a limit, of what is needed and of each rule."""
    limit = limit_of("state_bytes", most)
    solution = solve(network, PAST, [limit], set={**settings, PAST: 0}, batch=asked.batch, dtype=dtype)
    longest = int(solution.largest.value)
    last = None if solution.above else longest  # the network takes no longer one
    rules = tuple(
        of._replace(largest_past=_at_most(_longest(of.rule, entries, heads, asked, limit.most), last))
        if of.size_bytes
        else of
        for of in found.reserved
    )
    return replace(found, limit=limit.most, limit_text=most, largest_past=longest, reserved=rules)


def _at_most(past: int | None, last: int | None) -> int | None:
    return past if past is None or last is None else min(past, last)


def _longest(rule: Rule, entries: Sequence[Entry], heads: Heads | None, asked: Asked, most: int) -> int | None:
    """The longest past for which a rule stays within a limit; None: there is none."""

    def fits(past: int) -> bool:
        positions = past + asked.length
        now = asked._replace(positions=positions, context=positions)
        return (reserved(rule, entries, heads, now).size_bytes or 0) <= most

    low, high = -1, 1
    while fits(high):
        low, high = high, 2 * high
        if high > 1 << 48:  # nothing that it keeps grows
            break
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low if low >= 0 and fits(low) else None


def entries_of(graph: Graph, steps: Steps, positions: int) -> Iterator[Entry]:
    """What is kept, equal layers together.

    Args:
        graph: a network, after so many positions, those of the step included.
        steps: what a step repeats of it.
        positions: of the past and of the step.
    """
    found = Counter(_each(graph, steps, positions))
    for entry, many in found.items():
        yield entry._replace(layers=many)


def _each(graph: Graph, steps: Steps, positions: int) -> Iterator[Entry]:
    """What each attention keeps, then what other operations do."""
    nodes, left = graph.nodes[: graph.first_head], {*steps.kept}
    caches = {index for index, node in enumerate(nodes) if node.operator.keeps}
    for node in nodes:
        if not isinstance(node.operator, Attend):
            continue
        sides = [_reads(graph, steps, node.inputs[place]) for place in _places(node.operator.given)]
        every = {index for side in sides for index in side}
        own = every & caches
        sizes: Any = node.operator.sizes(node.x)
        groups = node.operator.heads if node.operator.kv_heads is None else node.operator.kv_heads
        keys: Any = sizes.query_channels // node.operator.heads * groups
        if own:
            caches -= own
            width = sum(_width(graph, index) for index in own)
            moments = {_moment(graph, index, positions) for index in own}
            both = set.intersection(*sides) if len(sides) > 1 else set()
            if len(moments) > 1:  # keys and values of different positions
                for index in own:
                    yield _alone(graph, index, positions)
            elif both & own and width < keys + sizes.value_channels and moments == {(None, 0)}:
                yield Entry(Kind.LATENT, width, expanded=None if keys == width else int(keys + sizes.value_channels))
            else:
                ((window, more),) = moments
                yield Entry(Kind.FULL if window is None else Kind.WINDOW, width, window=window, more=more)
        if once := every & left:
            left -= once
            yield Entry(Kind.CROSS_ATTENTION, sum(_given(graph, index) for index in once), 1)
    for index, node in enumerate(nodes):
        if index in caches:  # of no attention
            yield _alone(graph, index, positions)
        elif index in left:
            yield Entry(Kind.ONCE, _given(graph, index), 1)
        state: Any = cost_of(node.operator, node.x, node.y).state
        if state and not node.operator.keeps:
            reads = node.operator.window(node.x)
            yield Entry(Kind.CONVOLUTION if isinstance(reads, Window) else Kind.RECURRENT, int(state), 1)


def _moment(graph: Graph, index: int, positions: int) -> tuple[int | None, int]:
    """The window of a cache, and how many positions more it has than the step and what was before it."""
    node = graph.nodes[index]
    given = node.operator.values()
    return given["window"], int(given["past"] + node.x.positions - positions)


def _alone(graph: Graph, index: int, positions: int) -> Entry:
    window, more = _moment(graph, index, positions)
    return Entry(Kind.FULL if window is None else Kind.WINDOW, _width(graph, index), window=window, more=more)


def _places(given: Sequence[str]) -> list[int]:
    """Where keys and values stand among the branches of an attention."""
    return [place for place, role in enumerate(given) if role in ("k", "v", "kv", "qkv")]


def _reads(graph: Graph, steps: Steps, start: int) -> set[int]:
    """Caches, and values that are computed once, that a branch is made of; each way back ends at the first."""
    found, seen, ahead = set(), set(), [start]
    while ahead:
        index = ahead.pop()
        if index < 0 or index in seen:
            continue
        seen.add(index)
        if graph.nodes[index].operator.keeps or not steps.repeated[index]:
            found.add(index)
        else:
            ahead.extend(graph.nodes[index].inputs)
    return found


def _width(graph: Graph, index: int) -> int:
    node = graph.nodes[index]
    return int(node.x.channels * node.operator.copies.computed)


def _given(graph: Graph, index: int) -> int:
    node = graph.nodes[index]
    copies: Any = node.operator.copies.computed
    return elements(node.y) * int(copies)


def heads_of(graph: Graph, entries: Sequence[Entry]) -> Heads | None:
    """What formulas read from a configuration; None: the network has no attention of its own."""
    layered = (Kind.FULL, Kind.WINDOW, Kind.LATENT, Kind.RECURRENT)
    layers = sum(entry.layers for entry in entries if entry.kind in layered)
    first = -1 - list(graph.inputs).index(graph.step[-1])
    embedded = next((node.y.channels for node in graph.nodes if first in node.inputs), None)
    attends: list[Any] = [node for node in graph.nodes[: graph.first_head] if isinstance(node.operator, Attend)]
    if not attends or embedded is None:
        return None
    widest = max(attends, key=lambda node: node.operator.sizes(node.x).query_channels)
    heads = widest.operator.heads
    groups = heads if widest.operator.kv_heads is None else widest.operator.kv_heads
    latent = max((_latent(graph, entry) for entry in entries if entry.kind is Kind.LATENT), default=0)
    absorbed = any(entry.kind is Kind.LATENT and entry.expanded is None for entry in entries)
    channels = 0 if absorbed else widest.operator.sizes(widest.x).query_channels
    return Heads(layers, int(embedded), heads, groups, channels, latent)


def _latent(graph: Graph, entry: Entry) -> int:
    """Channels of the widest cache of a latent: the part that both keys and values are made of."""
    widths = {_width(graph, index) for index, node in enumerate(graph.nodes) if node.operator.keeps}
    return max((width for width in widths if width <= entry.width), default=0)


def reserved(rule: Rule, entries: Sequence[Entry], heads: Heads | None, asked: Asked) -> Reserved:
    """What a rule allocates."""
    if rule.is_formula:
        return _formula(rule, heads, asked)
    total = 0
    for entry in entries:
        width = entry.width
        if entry.kind is Kind.LATENT and rule.expands:
            if entry.expanded is None:
                return Reserved(rule, None, "the network never makes keys and values of the latent")
            width = entry.expanded
        total += _allocated(rule, entry, asked) * width * entry.layers
    return Reserved(rule, bytes_of(total, asked.bits))


def _allocated(rule: Rule, entry: Entry, asked: Asked) -> int:
    """Positions of an entry that a rule allocates, for all examples."""
    if entry.positions is not None:
        return asked.batch * entry.positions
    there = (asked.context if rule.to_context else asked.positions) + entry.more
    many = asked.batch if rule.shares else 1
    times = 1 if rule.shares else asked.batch
    positions, pages = there * many, 0
    if entry.window is not None and rule.window is not None:
        wanted = entry.window * many + rule.window + (asked.length if rule.window_new else 0)
        positions, pages = min(positions, wanted), rule.window_pages
    whole: Any = ceil_div(positions, rule.page)
    return int(whole + pages) * rule.page * times


def _formula(rule: Rule, heads: Heads | None, asked: Asked) -> Reserved:
    if heads is None:
        return Reserved(rule, None, "the network has no heads")
    if not heads.query_channels and rule.formula in ("heads", "kv_heads"):
        return Reserved(rule, None, "its attention has the latent's heads: see the variant that makes keys and values")
    channels = {
        "heads": heads.query_channels,
        "hidden": heads.hidden,
        "kv_heads": heads.kv_heads * (heads.hidden // heads.heads or 1),
        "latent_twice": heads.latent,
    }[rule.formula]
    if not channels:
        return Reserved(rule, None, "the network has no latent")
    return Reserved(rule, bytes_of(2 * heads.layers * channels * asked.positions * asked.batch, asked.bits))


def needed(entry: Entry, positions: int) -> int:
    """Elements that an entry needs for one example."""
    if entry.positions is not None:
        return entry.width * entry.positions * entry.layers
    there = positions + entry.more
    kept = there if entry.window is None else min(entry.window - 1, there)
    return entry.width * kept * entry.layers


def _parts(entries: Sequence[Entry], asked: Asked) -> Iterator[Part]:
    """What is needed of each kind, in their order."""
    for kind in Kind:
        of = [entry for entry in entries if entry.kind is kind]
        if not of:
            continue
        now = sum(needed(entry, asked.positions) for entry in of)
        more = sum(needed(entry, asked.positions + 1) for entry in of) - now
        layers = sum(entry.layers for entry in of)
        yield Part(kind, layers, now * asked.batch, bytes_of(now * asked.batch, asked.bits), bytes_of(more, asked.bits))
