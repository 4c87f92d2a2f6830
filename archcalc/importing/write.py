"""A spec from its parts: one line where it fits, else the long form with the names of the source."""

from __future__ import annotations

from typing import Any

from archcalc.importing import names
from archcalc.importing.bodies import word_of
from archcalc.importing.definitions import Module
from archcalc.importing.expressions import Defaults, Expressions
from archcalc.importing.repeats import holds_kept
from archcalc.importing.terms import ABSENT, Chain, Choice, Item, Merge, Variable, alone
from archcalc.named import NamedTuple
from archcalc.ops import Shape, Table
from archcalc.spec.words import INPUT

WIDTH = 120  # columns of a line
USUAL_NAMES = {"add": ("residual", "shortcut"), "mul": ("gate", "features")}  # of two branches, the second short
LONGEST = 100  # characters of a call that is not broken
FEW = 4  # parts that may stand in two lines of one expression


class Parts(NamedTuple):
    """All that a spec says."""

    name: str
    inputs: dict[str, tuple[Shape, tuple[Any, ...]]]  # by name: the shape and its extents as written
    variables: dict[str, Any]
    modules: list[Module]
    layers: Chain
    outputs: list[Item]
    variants: dict[str, dict[str, Any]]
    title: str = ""
    notes: tuple[str, ...] = ()


def written(parts: Parts, defaults: Defaults) -> str:
    """The text of a spec."""
    return _Writer(parts, defaults).text()


class _Writer:
    def __init__(self, parts: Parts, defaults: Defaults) -> None:
        self.parts = parts
        self.defaults = defaults
        self.tables: dict[Table, str] = {}
        self.hidden = {module.name for module in parts.modules}
        self.expressions = Expressions(defaults, self.tables, usual_arguments(parts))

    def text(self) -> str:
        parts = self.parts
        modules: list[str] = []
        for module in parts.modules:
            modules += self.entry(f"{self.head(module)}:", module.body, 2)
        layers = self.body(parts.layers, 2, is_root=True)
        outputs = [line for item in parts.outputs for line in self.entry(f"{item.name}:", item.term, 2)]
        lines = [f"network: {parts.name}"]
        if parts.title:
            lines.append(f"title: {parts.title}")
        lines += self.inputs()
        if parts.variables:
            lines += self.mapping("variables", parts.variables)
        if self.defaults:
            lines.append("defaults:")
            lines += self.written_defaults()
        if parts.variants:
            lines.append("variants:")
            lines += [f"  {name}: {self.flow(settings)}" for name, settings in parts.variants.items()]
        if self.tables:
            lines.append("tables:")
            for table, name in self.tables.items():
                lines.append(f"  {name}: |")
                lines += ["    " + "".join("X" if cell else "." for cell in row) for row in table.rows]
        if modules:
            lines += ["", "modules:", *modules]
        lines += ["", "layers:", *layers]
        if outputs:
            lines += ["", "outputs:", *outputs]
        return "\n".join(lines) + "\n"

    # heads

    def inputs(self) -> list[str]:
        said = {
            name: f"{shape.kind}({', '.join([self.expressions.text(extent) for extent in extents])})"
            for name, (shape, extents) in self.parts.inputs.items()
        }
        if list(said) == [INPUT]:
            return [f"input: {said[INPUT]}"]
        return ["input:", *[f"  {name}: {text}" for name, text in said.items()]]

    def written_defaults(self) -> list[str]:
        """A line for operators with the same defaults."""
        together: dict[str, list[str]] = {}
        for operator, settings in self.defaults.items():
            together.setdefault(self.flow(settings), []).append(operator)
        return [f"  {', '.join(operators)}: {settings}" for settings, operators in together.items()]

    def mapping(self, key: str, values: dict[str, Any]) -> list[str]:
        """Names and values in one line where they fit."""
        line = f"{key}: {self.flow(values)}"
        if len(line) <= WIDTH:
            return [line]
        return [f"{key}:", *[f"  {name}: {quoted(self.expressions.text(value))}" for name, value in values.items()]]

    def flow(self, values: dict[str, Any]) -> str:
        said = [f"{name}: {quoted(self.expressions.text(value), True)}" for name, value in values.items()]
        return f"{{{', '.join(said)}}}"

    def head(self, module: Module) -> str:
        if not module.parameters:
            return module.name
        said = [
            parameter.name
            if parameter.default is ABSENT
            else f"{parameter.name}={self.expressions.text(parameter.default)}"
            for parameter in module.parameters
        ]
        return f"{module.name}({', '.join(said)})"

    # bodies

    def entry(self, head: str, term: Any, indent: int, few: int = FEW) -> list[str]:
        """`name: body`, or `- body`."""
        space = " " * indent
        if self.fits(head, term, indent):
            return [f"{space}{head} {quoted(self.expressions.text(term))}"]
        term = alone(term)
        if type(term) is Merge:
            return self.merge(head, term, indent)
        is_few = type(term) is Chain and not holds_kept(term) and 2 < len(term.items) <= few
        if is_few and not any(type(alone(item.term)) is Choice for item in term.items):
            folded = self.folded(f"{space}{head}", self.expressions.text(term), indent)
            if len(folded) == 2:
                return folded
        if type(term) is Chain and len(term.items) > 1:
            if head == "-":
                inner = self.body(term, indent + 2)
                return [f"{space}- {inner[0].lstrip()}", *inner[1:]]
            return [f"{space}{head}", *self.body(term, indent + 2)]
        if type(term) is Chain and term.items and term.items[0].kept:
            return [f"{space}{head}", *self.body(term, indent + 2)]
        return self.folded(f"{space}{head}", self.expressions.text(term), indent)

    def body(self, chain: Chain, indent: int, is_root: bool = False) -> list[str]:
        """Parts one under the other, by name where all have one."""
        space = " " * indent
        items = chain.items
        if not items:
            return [f"{space}identity"]
        if self.is_mapping(chain, is_root):
            used = {item.name for item in items if item.name}
            seen = {item.name for item in items if item.kept}
            lines = []
            for item in items:
                name = item.name
                if not name or (name in seen and not item.kept):
                    name = names.entry(name or word_of(item.term), used)
                seen.add(name)
                lines += self.entry(f"{name}:", item.term, indent)
            return lines
        return self.sequence(chain, indent)

    def sequence(self, chain: Chain, indent: int) -> list[str]:
        """Parts as a list: those have names that are referred to, and those whose insides would share names."""
        space = " " * indent
        items = self.in_list(chain, indent)
        used = {item.name for item in items if item.name} | {word_of(item.term) for item in items}
        taken: set[str] = set()
        lines: list[str] = []
        for item in items:
            merge = alone(item.term)
            inside = set(branch_names(merge)) - {""} if type(merge) is Merge else set()
            if item.kept:
                inner = self.entry(f"{item.name}:", item.term, indent + 2)
            elif (inside & taken and not self.fits("-", merge, indent)) or (
                type(merge) is Chain and not self.fits("-", merge, indent)
            ):
                name = names.entry(item.name or "part", used, is_referred=True, hidden=self.hidden)
                inner = self.entry(f"{name}:", item.term, indent + 2)
            else:
                lines += self.entry("-", item.term, indent)
                taken |= set() if self.fits("-", merge, indent) else inside
                continue
            lines += [f"{space}- {inner[0].lstrip()}", *inner[1:]]
        return lines

    def in_list(self, chain: Chain, indent: int) -> list[Item]:
        """Parts of a list; those of a long chain that nobody named stand in it directly."""
        found: list[Item] = []
        for item in chain.items:
            term = alone(item.term)
            if type(term) is Chain and not item.name and not self.fits("-", term, indent):
                found += self.in_list(term, indent)
            else:
                found.append(item)
        return found

    def fits(self, head: str, term: Any, indent: int) -> bool:
        """Whether a body can stand in one line."""
        return not holds_kept(term) and indent + len(head) + 1 + len(quoted(self.expressions.text(term))) <= WIDTH

    def is_mapping(self, chain: Chain, is_root: bool) -> bool:
        """Whether the parts are written by name."""
        named = sum(bool(item.name) for item in chain.items)
        if len(chain.items) == 1 and type(alone(chain.items[0].term)) is Merge and not is_root:
            return chain.items[0].kept
        return named == len(chain.items) or (is_root and named * 4 >= len(chain.items))

    def merge(self, head: str, merge: Merge, indent: int) -> list[str]:
        """The long form of a merge."""
        space = " " * indent
        given = self.expressions.named(merge.op)
        key = f"{merge.op.name}({', '.join(given)}):" if given else f"{merge.op.name}:"
        if head == "-":
            lines, inner = [f"{space}- {key}"], indent + 4
        else:
            lines, inner = [f"{space}{head}", f"{space}  {key}"], indent + 4
        named = branch_names(merge)
        if not all(named) and not all(self.fits("-", branch.term, inner) for branch in merge.branches):
            used = {name for name in named if name}
            named = [name or names.fresh(f"branch_{at}", used) for at, name in enumerate(named, 1)]
        for branch, name in zip(merge.branches, named, strict=True):
            lines += self.entry(f"{name}:" if name else "-", branch.term, inner, FEW + 2)
        return lines

    def folded(self, head: str, text: str, indent: int) -> list[str]:
        """A long expression over several lines."""
        room = " " * (indent + 4)
        line, lines = head, []
        quote = "'" if quoted(text) != text else ""
        words = pieces(text)
        words[0] = quote + words[0]
        words[-1] += quote
        for word in words:
            if len(line) + 1 + len(word) > WIDTH and line.strip() and line != head:
                lines.append(line)
                line = room + word
            else:
                line = f"{line} {word}"
        return [*lines, line]


def pieces(text: str) -> list[str]:
    """Where an expression may be broken: after `>>`, and between the arguments of what is not within another call."""
    found, depth, begin = [], 0, 0
    for at, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == " " and (depth == 0 or text[at - 2 : at] == ">>"):
            found.append(text[begin:at])
            begin = at + 1
    found.append(text[begin:])
    return [part for piece in found for part in (piece.split(" ") if len(piece) > LONGEST else [piece])]


def usual_arguments(parts: Parts) -> dict[str, dict[str, Any]]:
    """Defaults of the parameters of modules, and of those that all modules share which a variable may hold."""
    found = {
        module.name: {of.name: of.default for of in module.parameters if of.default is not ABSENT}
        for module in parts.modules
    }
    held: dict[str, list[dict[str, Any]]] = {}
    for settings in (parts.variables, *parts.variants.values()):
        for name, value in settings.items():
            if type(value) is Variable and value.id in found:
                held.setdefault(name, []).append(found[value.id])
    for name, (first, *others) in held.items():
        found[name] = {key: value for key, value in first.items() if all(of.get(key, ABSENT) == value for of in others)}
    return found


def branch_names(merge: Merge) -> list[str]:
    """Names of the branches, of all of them or of none."""
    found = [branch.name for branch in merge.branches]
    if all(found):
        return found
    if merge.op.name in USUAL_NAMES and len(found) == 2:
        used = {name for name in found if name}
        usual = [USUAL_NAMES[merge.op.name][is_short(branch.term)] for branch in merge.branches]
        if usual[0] == usual[1]:
            return [""] * 2
        return [name or names.fresh(other, used) for name, other in zip(found, usual, strict=True)]
    return [""] * len(found)


def is_short(term: Any) -> bool:
    """Whether a branch is a shortcut: it may pass on what it reads."""
    term = alone(term)
    if type(term) is Choice:
        return is_short(term.then) or is_short(term.otherwise)
    return type(term) is not Merge and (type(term) is not Chain or not term.items)


def quoted(text: str, is_flow: bool = False) -> str:
    """A text as YAML takes it for one value."""
    plain = text and text[0] not in "[]{}*&!%@|>-?:,'\"`#" and ": " not in text and " #" not in text
    if is_flow and any(character in text for character in ",[]{}"):
        plain = False
    if text.startswith("[") and not set(text[1:-1]) & set("[]{}:'\""):  # YAML's own brackets are those of a list
        plain = True
    return text if plain else f"'{text}'"
