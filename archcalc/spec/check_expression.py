"""What can be said of an expression without evaluating it: its names, paths, calls and arguments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from archcalc.ops import OPERATORS
from archcalc.source import Diagnostic, Span, suggest
from archcalc.spec.bodies import names_in
from archcalc.spec.elsewhere import UNKNOWN, told
from archcalc.spec.expression import (
    Binary,
    Call,
    Chain,
    Expression,
    Generator,
    Name,
    Number,
    Path,
    Unread,
    children,
)
from archcalc.spec.functions import FUNCTIONS
from archcalc.spec.model import Bodies, Body, Entries, Line, Merge, Spec
from archcalc.spec.naming import callee, place_of
from archcalc.spec.words import (
    ARGUMENT_WORDS,
    CONSTANTS,
    IDENTITY,
    INPUT,
    MERGES,
    REFERENCES,
    TRAINABLE,
    UNNAMEABLE,
    X_PARTS,
    argument_count,
)

MOST_SUGGESTIONS = 1_000


class ExpressionChecker:
    """Checks expressions against the names that a file has, and gathers what is wrong."""

    def __init__(self, spec: Spec, known: Sequence[Diagnostic]) -> None:
        self.spec = spec
        self.known = known  # found by reading
        self.sees_layers = True
        self.findings: list[Diagnostic] = []
        self.layer_names = dict.fromkeys([*_layer_names(spec), *spec.input_spans])
        self.arguments_of_modules = {
            parameter.name for module in spec.modules.values() for parameter in module.parameters
        }
        self.used: set[str] = set()
        self.global_names = dict.fromkeys(
            [
                *spec.settable,
                *spec.modules,
                *spec.tables,
                *OPERATORS,
                *FUNCTIONS,
                *CONSTANTS,
                *sorted(ARGUMENT_WORDS),
                *REFERENCES,
                IDENTITY,
            ]
        )

    def report(self, code: str, message: str, span: Span, help: str | None = None, *notes: str) -> None:
        """Remember a finding."""
        self.findings.append(self.spec.diagnostic(code, message, span, help, *notes))

    def is_layer(self, name: str) -> bool:
        """Whether a layer may be called so: by somebody, or after what it does, with a number or without."""
        word, _, number = name.rpartition("_")
        known = (self.layer_names, self.global_names, self.arguments_of_modules, self.spec.unread)
        return any(any(other in names for names in known) for other in (name, word if number.isdecimal() else name))

    def near(self, name: str, *candidates: Iterable[str]) -> str | None:
        """The nearest candidate; where there are many errors or names, no more of them are compared."""
        if len(self.findings) > MOST_SUGGESTIONS:
            return None
        return suggest(name, islice(chain(*candidates), MOST_SUGGESTIONS))

    def expression(self, expression: Expression, base: int, names: dict[str, None], sees_layers: bool = True) -> None:
        """Every name and call of an expression; a variable or a default stands in no body, and sees no layers."""
        self.sees_layers = sees_layers
        waiting: list[tuple[Expression, dict[str, None]]] = [(expression, names)]
        while waiting:
            part, known = waiting.pop()
            if isinstance(part, Name):
                self.name(part.id, Span(base + part.start, base + part.end), known)
            elif isinstance(part, Unread):
                self.used.update(names_in(part.text))
            elif isinstance(part, Path):
                self.path(part, Span(base + part.start, base + part.end), known)
            elif isinstance(part, Call):
                self.call(part, base, known)
                if part.function in REFERENCES:
                    self.reference(part, base, known)
                    continue
            elif isinstance(part, Chain):
                for index, piece in enumerate(part.parts):
                    if index and isinstance(piece, Call) and piece.function == "tap":
                        self.report(
                            "late-tap",
                            "tap stands first in its chain: it goes on from another layer",
                            Span(base + piece.start, base + piece.end),
                            "begin a layer of its own with it",
                        )
                    elif index and self.is_source(piece, known):
                        name = callee(piece)
                        self.report(
                            "late-tap",
                            f"{name} reads no input: it stands first in its chain",
                            Span(base + piece.start, base + piece.end),
                            "begin a layer of its own with it, or join(trained(4, 7), identity)",
                        )
            elif (
                isinstance(part, Binary)
                and part.operator == "*"
                and isinstance(part.left, Number)
                and self.is_call_of_layer(part.right, known)
            ):
                self.report(
                    "count-on-left",
                    "the count of a repeat stands on the right",
                    Span(base + part.start, base + part.end),
                    "conv(64, 3) * 2",
                )
            if isinstance(part, Generator):
                if part.variable in UNNAMEABLE:
                    self.report(
                        "reserved-name",
                        f"`{part.variable}` cannot name an item: it has a meaning of its own",
                        Span(base + part.start, base + part.end),
                        "choose another name",
                    )
                waiting.append((part.element, {**known, part.variable: None}))
                waiting.append((part.iterable, known))
                continue
            waiting.extend((child, known) for child in children(part))

    def is_source(self, expression: Expression, known: dict[str, None]) -> bool:
        """Whether it is an operator that reads nothing."""
        if not isinstance(expression, (Name, Call)):
            return False
        name = expression.id if isinstance(expression, Name) else expression.function
        is_hidden = name in known or name in self.spec.settable or name in self.spec.modules
        return name in OPERATORS and OPERATORS[name].sources and not is_hidden

    def is_call_of_layer(self, expression: Expression, known: dict[str, None]) -> bool:
        """Whether it calls an operator or a module."""
        name = (
            expression.function
            if isinstance(expression, Call)
            else expression.id
            if isinstance(expression, Name)
            else ""
        )
        return name not in known and name not in self.spec.settable and (name in OPERATORS or name in self.spec.modules)

    def name(self, name: str, span: Span, known: dict[str, None]) -> None:
        """A name stands for something."""
        if name in known:
            return
        self.used.add(name)
        if name in self.global_names or name in self.spec.unread or (self.sees_layers and self.is_layer(name)):
            return
        if name == INPUT:
            self.report(
                "input-as-layer",
                "`input` is named in tap(input) only",
                span,
                "tap(input) >> ... goes on from the network's input",
            )
            return
        if name == "x":
            self.report("bare-x", "x stands with a part", span, "x.channels, x.height, x.width or x.length")
            return
        if name in self.layer_names:
            self.no_layers_here(name, span)
            return
        near = self.near(name, known, self.global_names, self.layer_names)
        if near in self.spec.settable:
            self.used.add(near)  # probably
        self.report("unknown-name", f"nothing is called `{name}` here", span, told(name, near, UNKNOWN))

    def no_layers_here(self, name: str, span: Span) -> None:
        """Variables and defaults come before there are layers."""
        self.report(
            "unknown-layer",
            f"`{name}` is no layer here: variables and defaults stand in no body",
            span,
            "pass the layer to a module, or write the expression where the layer is",
        )

    def path(self, path: Path, span: Span, known: dict[str, None]) -> None:
        """A path begins at something that has parts."""
        if path.parts[0] == "x":
            if len(path.parts) != 2 or path.parts[1] not in X_PARTS:
                last = ".".join(path.parts[1:])
                near = self.near(last, X_PARTS)
                self.report(
                    "unknown-part",
                    f"x has no `{last}`",
                    span,
                    f"did you mean x.{near}?" if near else f"x has {', '.join(X_PARTS)}",
                )
            return
        self.used.add(path.parts[0])
        if not self.sees_layers:
            self.no_layers_here(".".join(path.parts), span)
            return
        for name in path.parts:
            if not self.is_layer(name) and not name.isdecimal():
                near = self.near(name, self.layer_names)
                self.report(
                    "unknown-layer",
                    f"no layer is called `{name}`",
                    span,
                    f"did you mean `{near}`?" if near else "a path names an earlier layer",
                )
                return

    def reference(self, call: Call, base: int, known: dict[str, None]) -> None:
        """What `tap` and `share` name is a layer."""
        span = Span(base + call.start, base + call.end)
        if len(call.arguments) != 1 or call.named:
            self.report(
                "bad-reference",
                f"{call.function} takes the name of one earlier layer",
                span,
                f"{call.function}(conv4)",
            )
            return
        argument = call.arguments[0]
        where = Span(base + argument.start, base + argument.end)
        if not self.sees_layers and not (isinstance(argument, Name) and argument.id in (INPUT, *known)):
            self.no_layers_here(argument.id if isinstance(argument, Name) else "this", where)
        elif isinstance(argument, Path):
            self.path(argument, where, known)
        elif not isinstance(argument, Name):
            self.report(
                "unknown-layer",
                "the name of an earlier layer is needed here",
                where,
                "layers are named by their paths from the body this stands in",
            )
        elif argument.id not in (INPUT, "x", *known) and not self.is_layer(argument.id):
            near = self.near(argument.id, self.layer_names)
            self.report(
                "unknown-layer",
                f"no layer is called `{argument.id}`",
                where,
                f"did you mean `{near}`?" if near else "it names an earlier layer, by what stands before the colon",
            )

    def call(self, call: Call, base: int, known: dict[str, None], is_merge: bool = False) -> None:
        """What is called exists, and takes these arguments."""
        name = call.function
        span = Span(base + call.start, base + call.start + len(name))
        if name in known or name in self.spec.settable:
            self.used.add(name)
        elif name in self.spec.unclear:
            pass
        elif name in self.spec.modules:
            self.arguments(call, base, [parameter.name for parameter in self.spec.modules[name].parameters], False)
        elif name in OPERATORS:
            self.arguments(call, base, list(OPERATORS[name].arguments), name in MERGES)
            if name in MERGES and not call.arguments and not is_merge:
                self.no_branches(call, base)
        elif name == IDENTITY:
            self.report("too-many-arguments", "identity takes no arguments", span, "write identity")
        elif name not in FUNCTIONS and name not in REFERENCES and name not in self.spec.unread:
            near = self.near(name, OPERATORS, self.spec.modules, FUNCTIONS, REFERENCES, self.spec.settable)
            if near in self.spec.settable:
                self.used.add(near)  # probably
            self.report(
                "unknown-operator",
                f"there is no operator or module `{name}`",
                span,
                told(name, near, "`archcalc ops` lists the operators"),
            )

    def no_branches(self, call: Call, base: int) -> None:
        """A merge has something to merge."""
        name = call.function
        span = Span(base + call.start, base + call.end)
        self.report("no-branches", f"{name} has no branch", span, f"{name}(a, b) merges what a and b give")

    def arguments(self, call: Call, base: int, names: list[str], is_merge: bool) -> None:
        """Arguments are known, given once, and none is missing."""
        name = call.function
        if len(call.arguments) > len(names) and not is_merge:
            extra = call.arguments[len(names)]
            takes = f"takes {argument_count(len(names))}"
            self.report(
                "too-many-arguments",
                f"{name} {takes}, not {len(call.arguments)}",
                Span(base + extra.start, base + extra.end),
                f"{name}({', '.join(names)})" if names else f"write {name}",
            )
        by_position = set() if is_merge else set(names[: len(call.arguments)])
        for (argument, _), (start, end) in zip(call.named, call.places, strict=True):
            span = Span(base + start, base + end)
            if argument not in names and argument != TRAINABLE:
                near = self.near(argument, names)
                help = (
                    f"did you mean `{near}`?"
                    if near
                    else f"{name} takes {', '.join(names)}"
                    if names
                    else f"{name} takes no arguments"
                )
                self.report("unknown-argument", f"{name} has no argument `{argument}`", span, help)
            elif argument in by_position:
                self.report(
                    "repeated-argument",
                    f"the argument `{argument}` is given twice",
                    span,
                    "once by position, once by name",
                )
        given = {*by_position, *(argument for argument, _ in call.named)}
        if name not in self.spec.modules:
            given.update(self.spec.defaults.get(name, {}))
            required = [other for other, what in OPERATORS[name].arguments.items() if what.is_required]
        else:
            required = [other.name for other in self.spec.modules[name].parameters if other.default is None]
        missing = [other for other in required if other not in given]
        if missing and not is_merge:
            self.report(
                "missing-argument",
                f"{name} needs {' and '.join(missing)}",
                Span(base + call.start, base + call.end),
                f"{name}({', '.join(required)})",
            )


def _layer_names(spec: Spec) -> Iterator[str]:
    """Every name that some body of the file gives a layer."""
    arguments = {parameter.name for module in spec.modules.values() for parameter in module.parameters}
    known = {*OPERATORS, *spec.modules, *spec.settable, *arguments}
    waiting: list[Body] = [module.body for module in spec.modules.values()]
    waiting += [entry.body for entry in (*spec.heads, *spec.outputs)]
    if spec.layers is not None:
        waiting.append(spec.layers)
    yield from (entry.name for entry in (*spec.heads, *spec.outputs))
    while waiting:
        body = waiting.pop()
        if isinstance(body, Entries):
            yield from (entry.name for entry in body.items)
            waiting.extend(entry.body for entry in body.items)
        elif isinstance(body, Merge):
            yield from (entry.name for entry in body.entries)
            waiting.extend((*body.branches, *(entry.body for entry in body.entries)))
        elif isinstance(body, Bodies):
            waiting.extend(body.items)
        if isinstance(body, (Line, Bodies)):
            # Layers that are named after their operators: `conv`; `is_layer` knows `conv_1`.
            for label in place_of(body).labels:
                if label.word in known:
                    yield label.word
