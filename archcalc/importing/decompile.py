"""From the calls of a network to a spec that is proven to be the same network."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archcalc.importing import names
from archcalc.importing.aligned import aligned, is_alike
from archcalc.importing.blocks import blocked, name_kinds
from archcalc.importing.bodies import at_root, whole
from archcalc.importing.calls import Calls
from archcalc.importing.defaults import majority
from archcalc.importing.folds import Folds, references
from archcalc.importing.heads import Head, head_of
from archcalc.importing.imported import Imported, Proof, Unknown
from archcalc.importing.modules import Modules
from archcalc.importing.once import in_place
from archcalc.importing.prove import Renamed, live, path_of, prove
from archcalc.importing.regions import CONTAINERS, SHELLS, Region, Tree
from archcalc.importing.repeats import repeated
from archcalc.importing.sizes import with_sizes
from archcalc.importing.terms import Chain, Item, Op, Ref, Tap, Variable, replaced, walk
from archcalc.importing.units import Unit, Units
from archcalc.importing.write import Parts, written
from archcalc.source import Source, SpecError
from archcalc.spec.collector import paused_collector
from archcalc.spec.expand import expand
from archcalc.spec.expression import Expression
from archcalc.spec.library import choose
from archcalc.spec.limits import DEFAULT_LIMITS, Limits
from archcalc.spec.model import Placed, Spec
from archcalc.spec.parse import parse_expression
from archcalc.spec.read import read_spec

CLASSES = frozenset({"num_classes", "n_classes", "classes", "num_labels", "nclass"})
OF_TEXT = -(1 << 61)  # in place of a value: an entry that only passes one on


def decompile(calls: Calls, second: Calls | None = None) -> Imported:
    """Write a network as a spec and prove it.

    Args:
        calls: the network as a reader gives it.
        second: the same network read at another size of its input; what differs is a function of the input.

    Returns:
        The text where it is proven to be the network, and what is known of it.
    """
    with paused_collector():
        at_both = _at_both(calls, second)
        return at_both if second is None or at_both.proof.holds else _of_one_size(calls, at_both)


def _at_both(calls: Calls, second: Calls | None) -> Imported:
    """What is written of a network, at the second size too where it is known."""
    both = aligned(calls, second) if second is not None and not is_alike(calls, second) else None
    return _best(*(both or (calls, second)), is_fixed=False)


def _of_one_size(calls: Calls, at_both: Imported) -> Imported:
    """What is written where no text is of both sizes."""
    found = _best(calls, None, is_fixed=True)
    if not found.proof.holds:
        return at_both
    # What it says of this size is proven; of others it says nothing. One reason is enough, the others follow from it.
    found.notes.append(f"The text is of this size of the input alone: {at_both.proof.differences[0]}")
    return found


def _best(calls: Calls, second: Calls | None, is_fixed: bool) -> Imported:
    """The first way of writing that is proven, or the one that differs least."""
    tried: list[Imported] = []
    why = ""
    for way in WAYS:
        try:
            found = _attempt(calls, second, **way, is_fixed=is_fixed)
        except Exception as error:  # a plainer text serves a user better than a traceback, and is proven all the same
            if way is WAYS[-1] and not tried:
                raise
            why = why or f"{type(error).__name__}: {error}"
            continue
        if found.proof.holds:
            if why:
                found.notes.append(f"the text does not show the modules of the source: {why}")
            return found
        why = why or next(iter(found.proof.differences), "")
        tried.append(found)
    return min(tried, key=lambda found: len(found.proof.differences))


WAYS: list[dict[str, bool]] = [
    {"with_scopes": True, "with_blocks": True, "is_flat": False, "with_folds": True, "with_runs": True},
    {"with_scopes": True, "with_blocks": True, "is_flat": False, "with_folds": True},
    {"with_scopes": True, "with_blocks": True, "is_flat": False},
    {"with_scopes": False, "with_blocks": True, "is_flat": False},
    {"with_scopes": False, "with_blocks": False, "is_flat": False},
    {"with_scopes": False, "with_blocks": False, "is_flat": True},
]


def _attempt(
    calls: Calls,
    second: Calls | None,
    with_scopes: bool,
    with_blocks: bool,
    is_flat: bool,
    with_folds: bool = False,
    with_runs: bool = False,
    is_fixed: bool = False,
    is_square: bool = True,
) -> Imported:
    units = Units(calls)
    head = head_of(calls, units, is_fixed, second, is_square)
    sizes = sizes_of(head, second) if second is not None else {}
    told = with_sizes(units, Units(second), head, sizes) if second is not None and not is_alike(calls, second) else []
    writer = Writer(units, head, with_scopes, is_flat, with_folds=with_folds, with_runs=with_runs)
    parts, outputs = writer.parts(with_blocks and not (with_scopes and has_classes(calls)))
    if writer.is_function and is_square:  # of maps of the input's extents, each by its own
        rest = (with_blocks, is_flat, with_folds, with_runs, is_fixed)
        return _attempt(calls, second, with_scopes, *rest, is_square=False)
    defaults = majority([*[module.body for module in parts.modules], parts.layers, *[of.term for of in parts.outputs]])
    text = written(parts, defaults)
    found = checked(calls, text, parts.name, Renamed(head.renamed, outputs), second, sizes)
    if not found.proof.holds:
        found.proof.differences = told + found.proof.differences  # the readings say it in the source's words
    elif writer.has_folded:  # a module of a few parts may be longer than they are
        plain = _attempt(calls, second, with_scopes, with_blocks, is_flat, False, with_runs, is_fixed, is_square)
        if plain.proof.holds and plain.text.count("\n") < found.text.count("\n"):
            return plain
    return found


def has_classes(calls: Calls) -> bool:
    """Whether the source tells which modules are alike: then nothing else need be looked for."""
    return any(scope.kind not in CONTAINERS | SHELLS for call in calls.calls for scope in call.scope)


def sizes_of(head: Head, second: Calls) -> dict[str, int]:
    """Values of the variables of a head at the size of a second reading."""
    found: dict[str, int] = {}
    for name, shape in second.inputs.items():
        if head.renamed.get(name) in head.inputs:
            _, said = head.inputs[head.renamed[name]]
            extents = shape.spatial if shape.channels is None else (shape.channels, *shape.spatial)
            for of, extent in zip(said, extents, strict=True):
                if type(of) is Variable:
                    found[of.id] = extent  # type: ignore[assignment]
    return found


def checked(
    calls: Calls, text: str, name: str, renamed: Renamed, second: Calls | None, sizes: dict[str, int]
) -> Imported:
    """What is known of a text: its proof, above all, at both sizes where there are two."""
    size = len(calls.calls)
    limits = DEFAULT_LIMITS._replace(
        steps=max(DEFAULT_LIMITS.steps, 100 * size), layers=max(DEFAULT_LIMITS.layers, 2 * size)
    )
    try:
        spec = read_spec(Source(f"{name}.yaml", text))
        graph = expand(spec, choose(spec, name).name, limits=limits)
    except SpecError as error:
        told = [f"the text does not read: {found.message}" for found in error.diagnostics]
        return Imported(calls, "", Proof(differences=told), draft=text)
    proof = prove(calls, graph, renamed)
    if second is not None and proof.holds:
        again = at_size(spec, name, second, sizes, renamed, limits)
        proof.differences = again.differences
        if proof.holds:
            said = ", ".join(f"{name}={value}" for name, value in sizes.items() if name in spec.variables)
            proof.held.append(f"the same at {said}")
            proof.is_of_both = True
    found = Imported(calls, text if proof.holds else "", proof, draft=text)
    found.outputs = {name: renamed.outputs.get(name, name) for name in list(calls.outputs)[1:]}
    for index, node in sorted(proof.nodes.items()):
        call = calls.calls[index]
        found.names[path_of(call) or f"{call.operator.name}_{index}"] = graph.nodes[node].name
        if call.operator.name == "opaque":
            reason = call.reason or "its operations are not known"
            found.unknown.append(Unknown(path_of(call), graph.nodes[node].layer, reason))
    found.notes = [*calls.notes, *notes(calls, proof)]
    return found


def at_size(spec: Spec, name: str, second: Calls, sizes: dict[str, int], renamed: Renamed, limits: Limits) -> Proof:
    """The proof at another size of the input."""
    overrides: dict[str, Any] = {}
    for variable, value in sizes.items():
        said = parse_expression(str(value))
        assert isinstance(said, Expression)
        overrides[variable] = (Placed(said, 0), Source(variable, str(value)))
    try:
        proof = prove(second, expand(spec, choose(spec, name).name, overrides, limits=limits), renamed)
    except SpecError as error:
        return Proof(differences=[f"at another size the text does not read: {of.message}" for of in error.diagnostics])
    proof.differences = [f"at another size {difference}" for difference in proof.differences]
    return proof


def notes(calls: Calls, proof: Proof) -> list[str]:
    """What a reader of the text should know of the source."""
    found = []
    dead = len(calls.calls) - len(live(calls))
    if dead:
        found.append(f"{dead} operations reach no output and are left out")
    if proof.holds and proof.unused:
        listed = ", ".join(proof.unused[:5]) + (", ..." if len(proof.unused) > 5 else "")
        found.append(f"{len(proof.unused)} tensors that no operation of the text stores: {listed}")
    return found


class Writer:
    """The parts of the file of one network."""

    def __init__(
        self,
        units: Units,
        head: Head,
        with_scopes: bool,
        is_flat: bool,
        first: Modules | None = None,
        with_folds: bool = False,
        with_runs: bool = False,
    ) -> None:
        self.with_folds = with_folds
        self.has_folded = False
        self.is_function = False  # whether extents are said as functions of the input of the network
        self.units = units
        self.head = head
        self.tree = Tree(units, with_scopes)
        if with_scopes:
            name_kinds(self.tree)
        self.modules = Modules(self.tree, head.names, set(head.variables), is_flat, first, with_runs)
        self.definitions = self.modules.definitions

    def parts(self, with_blocks: bool) -> tuple[Parts, dict[str, str]]:
        """What the file says, and names of outputs that it has under another."""
        chain, further, renamed = self.bodies(with_blocks)
        layers = self.with_classes(repeated(chain))
        outputs = [item._replace(term=repeated(item.term)) for item in further]
        modules = in_place(self.definitions, [layers, *outputs])
        head = self.head
        return Parts(head.network, head.inputs, head.variables, modules, layers, outputs, {}), renamed

    def bodies(self, with_blocks: bool) -> tuple[Chain, list[Item], dict[str, str]]:
        """The layers, the further outputs, and names of these where the text has others."""
        root = self.tree.root
        main, *further = self.units.outputs.items()
        ancestors = self.ancestors([main[1]])
        first = [child for child in root.children if self.is_among(child, ancestors)]
        rest = [child for child in root.children if not self.is_among(child, ancestors)]
        start = max(self.head.names)
        referred = [main[1], *[value for _, value in further], *[value for child in rest for value in reads_of(child)]]
        chain = ended(self.modules.body(root, start, first, referred), main[1])
        if with_blocks:
            chain = blocked(chain, start, self.definitions, self.head.names, self.modules.channels)
        later: list[tuple[str, Item]] = []
        for name, value in further:
            wanted = self.ancestors([value])
            mine = [child for child in rest if self.is_among(child, wanted)]
            rest = [child for child in rest if not self.is_among(child, wanted)]
            body = ended(self.modules.body(root, main[1], mine, [value]) if mine else Chain(()), value, main[1])
            later.append((name, Item((name, value if mine else OF_TEXT), body)))
        if self.with_folds:
            referred_to = references(Chain((*chain.items, *[item for _, item in later])))
            referred_to.update(self.units.outputs.values())
            folds = Folds(referred_to, self.definitions, self.head.names, self.modules.channels)
            chain = folds.chain(chain, start)
            self.has_folded = folds.made > 0
        together, self.is_function = at_root(Chain((*chain.items, *[item for _, item in later])), start)
        hidden = {*self.definitions.used, *self.head.names.values()}
        used = set(self.head.names.values())
        named = whole(together, start, dict(self.head.names), hidden, used).chain
        count = len(named.items) - len(later)  # more than before where a chain that nothing names was taken apart
        outputs = list(named.items[count:])
        renamed = {name: item.name for (name, _), item in zip(later, outputs, strict=True)}
        return Chain(named.items[:count]), outputs, renamed

    def with_classes(self, layers: Chain) -> Chain:
        """The number of classes as a variable, where the source has one and the last layer with channels gives it."""
        for name, value in self.units.calls.named.items():
            if type(value) is not int or names.plain(name).lower() not in CLASSES:
                continue
            last = [part for part in walk(layers) if type(part) is Op and part.name in ("linear", "conv")][-1:]
            if not last or last[0].arguments[0] != ("channels", value):
                continue
            variable = names.argument("classes", {*self.head.variables, *self.definitions.used})
            self.head.variables[variable] = value
            said = Op(last[0].name, (("channels", Variable(variable)), *last[0].arguments[1:]))
            return Chain(_last_replaced(layers.items, last[0], said))
        return layers

    def ancestors(self, values: Iterable[int]) -> set[int]:
        """Values that these depend on, themselves among them."""
        waiting, found = list(values), set[int]()
        while waiting:
            value = waiting.pop()
            if value not in found:
                found.add(value)
                if value >= 0:
                    unit = self.units.by_value[value]
                    waiting.extend(unit.inputs)
                    waiting.extend([unit.shares] if unit.shares >= 0 else [])
        return found

    def is_among(self, child: Unit | Region, values: set[int]) -> bool:
        """Whether a layer or a region gives one of these values."""
        return child.value in values if isinstance(child, Unit) else any(value in values for value in child.gives)


def reads_of(child: Unit | Region) -> Iterable[int]:
    """Values that a layer or a region reads."""
    return child.inputs if isinstance(child, Unit) else child.reads


def _last_replaced(items: tuple[Item, ...], old: Op, new: Op) -> tuple[Item, ...]:
    """Parts in which the last one that holds a layer holds another instead."""
    for at in range(len(items) - 1, -1, -1):
        if old in walk(items[at].term):
            changed = items[at]._replace(term=replaced(items[at].term, lambda part: new if part == old else part))
            return (*items[:at], changed, *items[at + 1 :])
    return items


def ended(chain: Chain, value: int, before: int | None = None) -> Chain:
    """A chain that gives a value at its end, or what stood before it."""
    last: Any = chain.items[-1].name[1] if chain.items else before
    if last == value:
        return chain
    return Chain((*chain.items, Item(("", OF_TEXT), Tap(Ref(value)))))
