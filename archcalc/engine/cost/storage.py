"""What is stored of a network: parameters that are not zero, and their bits, layer by layer.

Of an operation: ceil(weights x density) + biases + params of norms, each at `bits`; or its weights in blocks of a
format, the last one full too, and the others at the dtype. What else a file of a compressed network holds is not
counted: indices of sparse weights, codebooks of shared values, and what Huffman coding saves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any

from archcalc.engine.cost.costs import stored_with
from archcalc.graph import Graph
from archcalc.named import NamedTuple
from archcalc.results.cost import DTYPES
from archcalc.results.storage import Bits, Kept, Storage, bits_each
from archcalc.source import SpecError, suggest
from archcalc.spec.limits import Limits, how_to_raise
from archcalc.spec.model import Spec
from archcalc.spec.storage import Pattern, patterns

WHOLE = Fraction(1)
LONGEST_DENSITY = 40  # characters


class Uniform(NamedTuple):
    """The same for all layers."""

    kept: Kept

    @property
    def densities(self) -> tuple[Fraction, ...]:
        """The density."""
        return (self.kept.density,)

    @property
    def bits(self) -> tuple[Bits, ...]:
        """The bits, or the format."""
        return (self.kept.word,)

    def of(self, layer: str) -> Kept:
        """The same for each."""
        return self.kept


FP32 = Uniform(Kept(WHOLE, 32))


class PerLayer(NamedTuple):
    """By name of the layer."""

    layers: dict[str, Kept]
    densities: tuple[Fraction, ...]
    bits: tuple[Bits, ...]

    def of(self, layer: str) -> Kept:
        """What is kept of a layer, or of one operation of it: `conv1.norm` is kept as `conv1`."""
        return self.layers.get(layer) or self.layers[layer.rpartition(".")[0]]


def stored_of_nodes(storage: Storage, graph: Graph, indices: Iterable[int]) -> tuple[int, int]:
    """Parameters of operations that are stored, and their bits."""
    params = all_bits = 0
    for index in indices:
        weights, others = parameters(graph, index)
        kept = storage.of(graph.nodes[index].layer)
        weights = -(-weights * kept.density.numerator // kept.density.denominator)
        params += weights + others
        all_bits += kept.stored_bits(weights, others)
    return params, all_bits


def parameters(graph: Graph, index: int) -> tuple[int, int]:
    """Weights of an operation that are stored with it, and its other parameters."""
    found: Any = stored_with(graph, index)
    return found.weights, found.biases + found.norm


def storage_of(
    spec: Spec,
    graph: Graph,
    dtype: str,
    density: Fraction | None,
    bits: Bits | None,
    limits: Limits,
    is_as_written: bool,
) -> Storage:
    """How the layers of a graph are stored: as the spec says for this network, or as asked for.

    Args:
        spec: the file.
        graph: one of its networks, expanded.
        dtype: gives the bits where nothing else does.
        density: of all layers, instead of what the spec says.
        bits: of all layers, or the format of their weights, instead of what the spec says.
        limits: bounds on the work.
        is_as_written: no variable is set from outside, so that every pattern must match.

    Raises:
        SpecError: a pattern matches no layer, or there are too many patterns and layers.
    """
    default = _in(bits, Kept(WHOLE if density is None else density, DTYPES[dtype]), dtype)
    given = patterns(spec, graph.name)
    if not given:
        return Uniform(default)
    found = dict(_matched(spec, graph, given, limits, is_as_written))
    layers: dict[str, Kept] = {}
    densities: set[Fraction] = set()
    all_bits: set[Bits] = set()
    for name, indices in graph.layers():
        kept = default
        for pattern in found.get(name, ()):
            if pattern.density is not None and density is None:
                kept = kept._replace(density=pattern.density)
            if bits is None:
                kept = _in(pattern.bits, kept, dtype)
        layers[name] = kept
        counts = [parameters(graph, index) for index in indices]
        if any(weights != 0 for weights, _ in counts):
            densities.add(kept.density)
        if any(weights != 0 or (others != 0 and not kept.block) for weights, others in counts):
            all_bits.add(kept.word)
    return PerLayer(layers, tuple(sorted(densities)), tuple(sorted(all_bits, key=bits_each)))


def _in(bits: Bits | None, kept: Kept, dtype: str) -> Kept:
    """The same in other bits, or in a format; None: as it is."""
    if bits is None:
        return kept
    if isinstance(bits, str):
        return kept._replace(bits=DTYPES[dtype], block=bits)
    return kept._replace(bits=bits, block="")


def _matched(
    spec: Spec, graph: Graph, given: Sequence[Pattern], limits: Limits, is_as_written: bool
) -> Iterator[tuple[str, list[Pattern]]]:
    """Layers with the patterns that match them, or a path that they lie in, in the order of the file."""
    exact: dict[str, list[int]] = {}
    for number, pattern in enumerate(given):
        if not pattern.has_star:
            exact.setdefault(pattern.text, []).append(number)
    stars = [(number, pattern) for number, pattern in enumerate(given) if pattern.has_star]
    by_path: dict[str, tuple[int, ...]] = {"": ()}
    for name, _ in graph.layers():
        above: tuple[int, ...] = ()
        for path in paths(name):
            if path not in by_path:
                here = [*exact.get(path, ()), *(number for number, pattern in stars if pattern.matches(path))]
                by_path[path] = tuple(sorted({*above, *here})) if here else above
            above = by_path[path]
        if len(stars) * len(by_path) > limits.steps:
            message = f"{len(stars)} patterns for {len(by_path):,} paths of layers take too many steps"
            help = how_to_raise("steps")
            raise SpecError([spec.diagnostic("too-many-steps", message, stars[0][1].span, help)])
        if above:
            yield name, [given[number] for number in above]
    used = {number for numbers in by_path.values() for number in numbers}
    own = {id(pattern) for pattern in spec.storage.get(graph.name, (None, []))[1]}
    unread = set(graph.head_names) - set(graph.heads)  # heads that were not expanded
    if is_as_written:
        findings = [
            _unmatched(spec, graph, pattern, by_path)
            for number, pattern in enumerate(given)
            if number not in used and id(pattern) in own and not any(_may_be_in(pattern, head) for head in unread)
        ]
        if findings:
            raise SpecError(findings)


def paths(name: str) -> Iterator[str]:
    """The path of a layer and those that it lies in, the shortest first: `a`, `a.b`, `a.b.c`."""
    at = name.find(".")
    while at >= 0:
        yield name[:at]
        at = name.find(".", at + 1)
    yield name


def _may_be_in(pattern: Pattern, head: str) -> bool:
    """Whether a pattern may match a layer of a head."""
    first, star, _ = pattern.text.partition("*")
    return head.startswith(first) if star and len(first) <= len(head) else first.startswith(head)


def _unmatched(spec: Spec, graph: Graph, pattern: Pattern, known: Iterable[str]) -> Any:
    """A diagnostic with the nearest pattern that would match: after its last `*`, ends of paths are compared."""
    head, star, end = pattern.text.rpartition("*")
    many = 1_000
    if star and end:
        tail = end.removeprefix(".")
        parts = tail.count(".") + 1
        ends = dict.fromkeys(".".join(path.split(".")[-parts:]) for path in known)
        near = suggest(tail, list(ends)[:many])
        found = f"{head}*{end[: len(end) - len(tail)]}{near}" if near else None
    else:
        found = suggest(pattern.text, list(known)[:many])
    help = f"did you mean `{found}`?" if found else f"`archcalc show {graph.name}` lists the layers"
    message = f"`{pattern.text}` matches no layer of {graph.name}"
    return spec.diagnostic("unmatched-pattern", message, pattern.span, help)
