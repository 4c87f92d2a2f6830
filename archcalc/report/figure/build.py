"""A network with its costs as a figure that has no places yet: rows of the column, and what is opened beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from archcalc.engine.cost.scope import one_of_row
from archcalc.report.figure.flow import flow_of
from archcalc.report.figure.fold import Folder, has_fork, reading
from archcalc.report.figure.items import Call, Figure, Fork, Form, Item, Row
from archcalc.report.figure.skips import chains, laddered, told_by_words
from archcalc.report.figure.told import Amount, Sizes, Told, joined, told
from archcalc.report.figure.units import with_units
from archcalc.report.figure.words import brief, kind_of, shape_text
from archcalc.results.cost import NetworkCost
from archcalc.results.structure import Part, Structure
from archcalc.source import Diagnostic, SpecError, suggestion

MARKS = "ABCDEFGIJKLMNO"  # letters of what is opened; H is for heads
MOST_OPEN = len(MARKS)
MOST_FORMS = 40  # that are looked at, to open those with most MACs
MOST_IN_A_ROW = 6  # boxes of one entry that stand in the column; more are opened beside it
FEW_ENTRIES, MOST_OF_FEW = 4, 24  # of a network with few entries there may be more
MOST_ROWS = 46  # of a column, before entries that hold entries become one box


class Choice(NamedTuple):
    """What is drawn of a network."""

    depth: int = 4  # 1: the column alone; 2: its modules are opened; 3: the modules in these too; and so on
    open: str = ""  # the call that is opened for its form, or the module that is opened alone
    scope: str = ""


class _Builder:
    def __init__(
        self, structure: Structure, amounts: Mapping[str, list[int]], choice: Choice, shown: Sequence[Part]
    ) -> None:
        self.structure = structure
        self.graph = structure.graph
        self.amounts = amounts
        self.choice = choice
        self.folder = Folder(self.graph, structure.parts)
        self.modules: dict[tuple[str, int], list[Part]] = {}  # calls of each form
        for part in shown:
            for inner in part.walk():
                if inner.kind == "module":
                    self.modules.setdefault((inner.name, self.folder.form(inner)), []).append(inner)

    # rows

    def rows(self, parts: Sequence[Part]) -> list[Row]:
        """Rows of entries in their order; entries that hold nothing but entries give theirs."""
        deep = [row for part in parts for row in self.of_entry(part, True)]
        if len(deep) <= MOST_ROWS:
            return deep
        return [row for part in parts for row in self.of_entry(part, False)]

    def of_entry(self, part: Part, goes_in: bool) -> list[Row]:
        """Rows of one entry."""
        place = part.kind if part.kind in ("head", "output") else "entry"
        if goes_in and part.parts and place == "entry" and all(inner.kind == "entry" for inner in part.parts):
            return [row for inner in part.parts for row in self.of_entry(inner, True)]
        items = self.folder.items(part, part.path)
        if not items:
            return []
        if goes_in and place == "entry" and (inside := self.through(part, items)):
            return inside
        is_merge = len(items) == 1 and self.is_plain(items[0])
        most = MOST_IN_A_ROW if len(self.structure.parts) > FEW_ENTRIES else MOST_OF_FEW
        is_long = len(items) > (1 if place == "head" else most)
        if is_long or (has_fork(items) and not is_merge):
            items = [self.entry_box(part, items)]
        name = part.name or part.path
        found = [self.row(name, item, place) for item in items]
        for number, row in enumerate(found):
            row.is_first, row.is_only = number == 0, len(found) == 1
        return found

    def through(self, part: Part, items: list[Item]) -> list[Row]:
        """Rows of a module that is called once and puts much in a row: the column goes through it."""
        if len(items) != 1 or not isinstance(items[0], Call) or items[0].times > 1:
            return []
        call = items[0]
        if len(self.modules[call.module, call.forms[0]]) > 1:
            return []
        module, is_row, is_trunk = call.parts[0], not has_fork(call.inner), self.is_trunk(call)
        is_long = is_row and len(call.inner) >= MOST_IN_A_ROW
        if all(inner.kind == "entry" for inner in module.parts) and (is_long or is_trunk):
            return [row for inner in module.parts for row in self.of_entry(inner, True)]
        if not is_long and not (is_row and is_trunk):
            return []
        found = [self.row(part.name, item, "entry") for item in call.inner]
        for number, row in enumerate(found):
            row.is_first, row.is_only = number == 0, False
        return found

    def is_trunk(self, call: Call) -> bool:
        """Whether a module that is called once repeats blocks, or puts such a module in a row: its entries are rows."""
        calls = [item for item in call.inner if isinstance(item, Call)]
        once = (item for item in calls if len(self.modules[item.module, item.forms[0]]) == 1)
        return any(item.times > 1 for item in calls) or any(map(self.is_trunk, once))

    def is_plain(self, item: Item) -> bool:
        """Whether a merge only brings together what other rows give."""
        return isinstance(item, Fork) and all(not branch.items for branch in item.branches)

    def entry_box(self, part: Part, items: list[Item]) -> Call:
        """An entry as one box that is opened as a module is."""
        y = self.folder.shape(part.output)
        return Call(part.path, part.name, part.path, [part], [1], reading(items), y, is_entry=True, inner=items)

    def row(self, name: str, item: Item, place: str) -> Row:
        """A row, with what it reads."""
        spans = [(part.first, part.last) for part in item.parts]
        first, last = spans[0][0], spans[-1][1]
        others: dict[int, None] = {}
        nodes = self.graph.nodes
        for begin, end in spans:
            for index in range(begin, end):
                for read in nodes[index].inputs:
                    if (read < first or read >= last) and read != item.reads:
                        others[read] = None
        output = item.parts[-1].output
        return Row(name, item, place, item.reads, list(others), output)

    # forms

    def gather(self, rows: Sequence[Row]) -> list[Form]:
        """What is opened: forms of the calls in rows, then of calls within these."""
        found: dict[tuple[str, int], Form] = {}
        waiting: list[tuple[Call, bool, int]] = [
            (row.item, row.place == "head", 1) for row in rows if isinstance(row.item, Call)
        ]
        told = self.told(rows)
        while waiting:
            call, is_head, depth = waiting.pop(0)
            if any(call is other for other in told):
                waiting += [(inner, is_head, depth) for inner in calls_in(told_by_words(call))]
                continue
            for number in sorted(set(call.forms)):
                key = call.module, number
                if key in found or len(found) >= MOST_FORMS:
                    continue
                form = found[key] = self.opened(call, number, rows, is_head)
                if depth + 1 < self.choice.depth:
                    waiting += [(inner, is_head, depth + 1) for inner in calls_in(form.chain)]
        # A form with one operation is drawn as that wherever it is called, and is none of those that are counted.
        for module in {form.module: None for form in found.values()}:
            numbers = sorted(number for of, number in found if of == module)
            for at, number in enumerate(numbers):
                found[module, number].nth, found[module, number].of = at + 1, len(numbers)
        return list(found.values())

    def told(self, rows: Sequence[Row]) -> list[Item]:
        """Entries of a ladder whose boxes say what is in them."""
        main = [row for row in rows if row.place != "head"]
        number = laddered(main, [row for row in rows if row.place == "head"])
        return [] if number is None else [row.item for row in chains(main)[number] if told_by_words(row.item)]

    def opened(self, call: Call, number: int, rows: Sequence[Row], is_head: bool) -> Form:
        """A form, with the instance that shows it."""
        calls = call.parts if call.is_entry else self.modules[call.module, number]
        main = [part for part in calls if part.first < self.graph.first_head] or calls
        chosen = self.chosen(call, number, main, rows)
        is_merge = chosen.kind == "merge"
        chain = (self.folder.items if is_merge else self.folder.chain)(chosen, chosen.path, True)
        word = self.folder.words.get(call.module, call.module)
        title = call.word if call.is_entry else call.module if word == call.module else f"{word}: {call.module}"
        return Form(call.module, title, number, chosen, main, is_head, call.is_entry, chain=chain)

    def chosen(self, call: Call, number: int, calls: Sequence[Part], rows: Sequence[Row]) -> Part:
        """The instance that was asked for; else that with most MACs, from a row that has all forms of the module."""
        asked = self.choice.open
        for part in calls:
            if asked and (part.path == asked or asked.startswith(f"{part.path}.")):
                return part
        inside = [part for part in calls if asked and part.path.startswith(f"{asked}.")]
        best: list[Part] = inside
        if not best and not call.is_entry:
            forms = self.folder.forms(call.module)
            of_rows = [
                (
                    sum(map(self.macs, row.item.parts)),
                    [part for part, form in zip(row.item.parts, row.item.forms, strict=True) if form == number],
                )
                for row in rows
                if isinstance(row.item, Call) and row.item.module == call.module and len(set(row.item.forms)) == forms
            ]
            best = max(of_rows, key=lambda of: of[0], default=(0, []))[1]
        return max(best or calls, key=self.macs)

    def macs(self, part: Part) -> int:
        """Of one part; parameters decide where there are none."""
        return sum(self.amounts["macs"][part.first : part.last]) or sum(self.amounts["params"][part.first : part.last])


def calls_in(items: Sequence[Item]) -> list[Call]:
    """Calls of modules among items, and in their branches."""
    found: list[Call] = []
    for item in items:
        if isinstance(item, Call):
            found.append(item)
        elif isinstance(item, Fork):
            for branch in item.branches:
                found += calls_in(branch.items)
    return found


def build(
    cost: NetworkCost, structure: Structure, amounts: Mapping[str, list[int]], choice: Choice | None = None
) -> Figure:
    """What is drawn of a network.

    Args:
        cost: of the network without its heads, or of the part that `choice.scope` names.
        structure: how the network is put together.
        amounts: of each operation, by quantity.
        choice: what is opened, and of which part.

    Raises:
        SpecError: there is no such path or module, with the nearest.
    """
    graph = structure.graph
    choice = choice or Choice()
    shown = with_units(_within(structure, choice.scope))
    builder = _Builder(structure, amounts, choice, shown)
    parts = _entries(shown)
    rows = builder.rows(parts)
    if choice.open:
        _refuse_unknown(choice.open, structure)
    forms = builder.gather(rows) if choice.depth > 1 else []
    if choice.open and any(form.module == choice.open for form in forms):
        forms = [form for form in forms if form.module == choice.open]
    opened = [form for form in forms if not form.is_head]
    most = sorted(opened, key=lambda form: -sum(map(builder.macs, form.calls)))[:MOST_OPEN]
    closed = len(opened) - len(most)
    opened = [form for form in opened if any(form is other for other in most)]
    heads = [form for form in forms if form.is_head]
    for form, mark in zip(opened, MARKS, strict=False):
        form.mark = mark
    seen: dict[str, Form] = {}
    kept_heads: list[Form] = []
    for form in heads:
        key = str([(type(item).__name__, getattr(item, "text", "")) for item in form.chain])
        same = seen.setdefault(key, form)
        if same is form:
            form.mark = "H" if not kept_heads else f"H{len(kept_heads) + 1}"
            kept_heads.append(form)
        else:
            form.mark = same.mark
    for form in (*opened, *kept_heads):
        form.flow = flow_of(form.chain, form.chosen, graph)
    marks = {(form.module, form.number): form.mark for form in [*opened, *heads]}
    main = [row for row in rows if row.place != "head"]
    total = {name: sum(amounts[name][index] for row in main for index in row.nodes) for name in amounts}
    several = len(graph.inputs) > 1
    inputs = {
        -1 - at: told(f"{name if several else 'input'} ", Told(shape_text(shape), Sizes(-1 - at)))
        for at, (name, shape) in enumerate(graph.inputs.items())
    }
    facts: list[str] = [] if choice.scope else [inputs[-1]]
    if several:
        facts = [joined(", ", inputs.values())]
    bound = {name: "at least " * cost.is_lower_bound(name) for name in ("params", "macs", "depth")}
    facts.append(told(bound["params"], Told(brief(total["params"]), Amount("params", None)), " parameters"))
    facts.append(told(bound["macs"], Told(brief(total["macs"]), Amount("macs", None)), " MACs"))
    if cost.totals.depth and not choice.scope:
        facts.append(f"{bound['depth']}{cost.totals.depth} layers with weights in depth")
    title = cost.title if cost.title != cost.name else ""
    title = f"{title}, {cost.year}" if cost.year else title
    name = f"{choice.scope} of {cost.name}" if choice.scope else cost.name
    return Figure(
        name=name,
        title=title,
        facts=joined(" · ", facts),
        rows=main,
        heads=[row for row in rows if row.place == "head"],
        forms=[*opened, *kept_heads],
        marks=marks,
        inputs=inputs,
        names=builder.folder.names,
        graph=graph,
        total=total,
        amounts=dict(amounts),
        kinds=[kind_of(node.operator, node.x) for node in graph.nodes],
        closed=closed,
        description=f"{name}: {bound['macs']}{brief(total['macs'])} MACs, "
        f"{bound['params']}{brief(total['params'])} parameters",
    )


def _within(structure: Structure, scope: str) -> list[Part]:
    """The parts of a network, or of what a path names."""
    if not scope:
        return structure.parts
    best: Part | None = None
    for part in structure.walk():
        if part.path == scope and part.kind in ("entry", "module", "head", "output", "operation", "merge"):
            best = part if best is None or part.kind != "operation" else best
            if best.kind != "entry":
                break
    if best is None:
        paths = dict.fromkeys(part.path for part in structure.walk() if part.path)
        listed = f"`archcalc show {structure.graph.name}` lists the layers"
        help = one_of_row(scope, paths) or suggestion(scope, list(paths)[:2000], listed)
        message = f"{structure.graph.name} has no part called `{scope}`"
        raise SpecError([Diagnostic("unknown-scope", message, help=help)])
    while len(best.parts) == 1 and best.parts[0].kind in ("module", "entry", "repeat"):
        best = best.parts[0]
    return [best] if best.kind in ("operation", "merge") else best.parts


def _entries(parts: Sequence[Part]) -> list[Part]:
    """Entries of the network, where all of it is the call of a module those of that module."""
    found: list[Part] = []
    for part in parts:
        if part.kind == "module" and part.parts and all(inner.kind == "entry" for inner in part.parts):
            found += part.parts
        else:
            found.append(part)
    return found


def _refuse_unknown(name: str, structure: Structure) -> None:
    known: dict[str, None] = {}
    for part in structure.walk():
        if part.kind == "module":
            known[part.name] = known[part.path] = None
        elif part.kind in ("entry", "head", "output"):
            known[part.path] = None
    if name not in known:
        help = suggestion(name, list(known)[:2000], "--open takes the name of a module or the path of a block")
        message = f"{structure.graph.name} has no module or block called `{name}`"
        raise SpecError([Diagnostic("unknown-block", message, help=help)])
