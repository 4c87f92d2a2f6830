"""What can be said of a file without expanding it: every name, call and argument, also where nothing uses them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from archcalc.ops import OPERATORS, describe
from archcalc.source import Diagnostic, Span, suggest
from archcalc.spec.expression import (
    Binary,
    Call,
    Chain,
    Expression,
    Generator,
    Name,
    Number,
    Path,
    children,
    free_names,
)
from archcalc.spec.functions import FUNCTIONS
from archcalc.spec.model import Bodies, Body, Entries, Line, Merge, Placed, Spec
from archcalc.spec.naming import PLAIN, branch_places, place_of
from archcalc.spec.values import circles, circular
from archcalc.spec.words import (
    ARGUMENT_WORDS,
    CONSTANTS,
    IDENTITY,
    INPUT,
    INPUTS,
    MERGES,
    REFERENCES,
    X_PARTS,
    argument_count,
)

MOST_SUGGESTIONS = 1_000


def check(spec: Spec, is_whole: bool = True) -> list[Diagnostic]:
    """All findings, unsorted; what nothing uses is told only of a file that was read as a whole."""
    return _Checker(spec, is_whole).check()


class _Checker:
    def __init__(self, spec: Spec, is_whole: bool) -> None:
        self.spec = spec
        self.is_whole = is_whole
        self.sees_layers = True
        self.findings: list[Diagnostic] = []
        self.layer_names = dict.fromkeys(_layer_names(spec))
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
        self.findings.append(self.spec.diagnostic(code, message, span, help, *notes))

    def is_layer(self, name: str) -> bool:
        """Whether a layer may be called so: by somebody, or after what it does, with a number or without."""
        word, _, number = name.rpartition("_")
        return any(
            other in self.layer_names or other in self.global_names or other in self.arguments_of_modules
            for other in (name, word if number.isdecimal() else name)
        )

    def near(self, name: str, *candidates: Iterable[str]) -> str | None:
        """The nearest candidate; where there are many errors or names, no more of them are compared."""
        if len(self.findings) > MOST_SUGGESTIONS:
            return None
        return suggest(name, islice(chain(*candidates), MOST_SUGGESTIONS))

    def check(self) -> list[Diagnostic]:
        spec = self.spec
        self.namespaces()
        if spec.input is not None:
            self.input(spec.input)
        for placed in spec.variables.values():
            self.expression(placed.expression, placed.base, {}, sees_layers=False)
        for variant in spec.variants.values():
            base = variant.name.partition("@")[0]
            if variant.name.count("@") == 1 and base not in spec.variants and base != spec.network:
                near = self.near(base, [spec.network], spec.variants)
                self.report(
                    "unknown-base",
                    f"`{variant.name}` starts from `{base}`, which is no network of this file",
                    variant.span,
                    f"did you mean `{near}@...`?" if near else None,
                )
            for _, placed in variant.settings.values():
                self.expression(placed.expression, placed.base, {}, sees_layers=False)
        named = [(key, name, span) for key in ("storage", "budget") for name, (span, _) in getattr(spec, key).items()]
        for key, name, span in named:
            if name and name != spec.network and name not in spec.variants:
                near = self.near(name, [spec.network], spec.variants)
                help = f"did you mean `{near}`?" if near else f"{key}: holds networks of this file"
                self.report("unknown-variant", f"this file has no network `{name}`", span, help)
        for settings in spec.defaults.values():
            for _, placed in settings.values():
                self.expression(placed.expression, placed.base, {}, sees_layers=False)
        for module in spec.modules.values():
            names: dict[str, None] = {}
            for parameter in module.parameters:
                if parameter.default is not None:
                    self.expression(parameter.default.expression, parameter.default.base, names, sees_layers=False)
                names[parameter.name] = None
            self.body(module.body, names)
        if spec.layers is not None:
            self.body(spec.layers, {})
        for entry in (*spec.heads, *spec.outputs):
            self.body(entry.body, {})
        self.root_names()
        if self.is_whole:
            self.variables_read()
        self.circles()
        return self.findings

    def namespaces(self) -> None:
        """Variables, modules and tables share one namespace."""
        spec = self.spec
        for name, module in spec.modules.items():
            if name in spec.settable:
                self.report(
                    "duplicate-name",
                    f"`{name}` is a variable and a module",
                    module.span,
                    "variables, modules and tables share one namespace",
                )
        for name in spec.tables:
            if name in spec.settable or name in spec.modules:
                what = "a variable" if name in spec.settable else "a module"
                span = spec.settable[name] if name in spec.settable else spec.modules[name].span
                self.report(
                    "duplicate-name",
                    f"`{name}` is {what} and a table",
                    span,
                    "variables, modules and tables share one namespace",
                )

    def root_names(self) -> None:
        """Heads and outputs are named beside the layers."""
        taken: dict[str, Span] = {}
        groups = [
            self.spec.layers.items if isinstance(self.spec.layers, Entries) else [],
            self.spec.outputs,
            self.spec.heads,
        ]
        for entry in (entry for group in groups for entry in group):
            if entry.name in taken:
                self.report(
                    "duplicate-layer",
                    f"there are two layers `{entry.name}`",
                    entry.span,
                    "layers, outputs and heads share their names",
                    f"the first is at {self.spec.source.place(taken[entry.name].start)}",
                )
            taken.setdefault(entry.name, entry.span)

    def variables_read(self) -> None:
        """A setting that nothing reads is most often misspelt."""
        for name, span in self.spec.settable.items():
            if name not in self.used:
                near = self.near(name, [other for other in self.spec.settable if other in self.used])
                self.report(
                    "unused-variable",
                    f"nothing reads the variable `{name}`",
                    span,
                    f"did you mean `{near}`?" if near else "remove it, or use it",
                )

    def circles(self) -> None:
        """Circles among the variables, and those that a variant closes."""
        spec = self.spec
        settings = [spec.variables]
        for variant in spec.variants.values():
            if any(
                name in spec.settable for _, given in variant.settings.values() for name in free_names(given.expression)
            ):
                settings.append(spec.settings(variant.name))
        seen: set[str] = set()
        for variables in settings:
            for circle in circles(variables):
                if not seen.intersection(circle):
                    self.report(*circular(circle, variables))
                seen.update(circle)

    def input(self, placed: Placed) -> None:
        call = placed.expression
        if not isinstance(call, Call) or call.function not in INPUTS:
            name = call.function if isinstance(call, Call) else ""
            near = self.near(name, INPUTS) if name else None
            self.report(
                "bad-input",
                "the input is not one of the shapes of the language",
                placed.span(),
                f"did you mean `{near}`?"
                if near
                else "image(3, 224, 224), volume(c, d, h, w), sequence(c, l), features(n) or tokens(l)",
            )
            return
        for argument in call.arguments:
            self.expression(argument, placed.base, {}, sees_layers=False)

    # bodies

    def body(self, body: Body, names: dict[str, None]) -> None:
        if isinstance(body, Line):
            self.layer(body.placed, names)
        elif isinstance(body, Merge):
            self.merge(body, names)
        else:
            items = [entry.body for entry in body.items] if isinstance(body, Entries) else body.items
            if isinstance(body, Bodies):
                self.place(body)
            for item in items:
                self.body(item, names)

    def merge(self, merge: Merge, names: dict[str, None]) -> None:
        self.call(merge.call, merge.base, names, is_merge=True)
        if not merge.branches and not merge.entries and self.is_whole:
            self.no_branches(merge.call, merge.base)
        branch_places(merge.branches)
        for body in (*merge.branches, *(entry.body for entry in merge.entries)):
            self.body(body, names)

    def no_branches(self, call: Call, base: int) -> None:
        name = call.function
        span = Span(base + call.start, base + call.end)
        self.report("no-branches", f"{name} has no branch", span, f"{name}(a, b) merges what a and b give")

    def place(self, body: Bodies) -> None:
        """Branches of a merge stand beside the other layers of its list, and need other names."""
        place = place_of(body)
        taken = {label.word for label, part in zip(place.labels, place.parts, strict=True) if label.form == PLAIN}
        for label, part in zip(place.labels, place.parts, strict=True):
            if isinstance(part, Merge) and label.form == PLAIN:
                for entry in part.entries:
                    if entry.name in taken:
                        self.report(
                            "duplicate-layer",
                            f"there are two layers `{entry.name}`",
                            entry.span,
                            "the branch stands beside the layers of this list; rename it",
                        )

    def layer(self, placed: Placed, names: dict[str, None]) -> None:
        expression, base = placed.expression, placed.base
        parts = expression.parts if isinstance(expression, Chain) else (expression,)
        if len(parts) == 1 and isinstance(parts[0], Number):
            self.report(
                "not-a-layer",
                f"a layer is needed here, not {describe(parts[0].value)}",
                placed.span(),
                "layers are written as calls: conv(64, 3)",
            )
        self.expression(expression, base, names)

    # expressions

    def expression(self, expression: Expression, base: int, names: dict[str, None], sees_layers: bool = True) -> None:
        """Every name and call of an expression; a variable or a default stands in no body, and sees no layers."""
        self.sees_layers = sees_layers
        waiting: list[tuple[Expression, dict[str, None]]] = [(expression, names)]
        while waiting:
            part, known = waiting.pop()
            if isinstance(part, Name):
                self.name(part.id, Span(base + part.start, base + part.end), known)
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
                if (
                    part.variable in OPERATORS
                    or part.variable in FUNCTIONS
                    or part.variable in CONSTANTS
                    or part.variable == "x"
                ):
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

    def is_call_of_layer(self, expression: Expression, known: dict[str, None]) -> bool:
        name = (
            expression.function
            if isinstance(expression, Call)
            else expression.id
            if isinstance(expression, Name)
            else ""
        )
        return name not in known and name not in self.spec.settable and (name in OPERATORS or name in self.spec.modules)

    def name(self, name: str, span: Span, known: dict[str, None]) -> None:
        if name in known:
            return
        self.used.add(name)
        if name in self.global_names or (self.sees_layers and self.is_layer(name)):
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
        self.report(
            "unknown-name",
            f"nothing is called `{name}` here",
            span,
            f"did you mean `{near}`?" if near else None,
        )

    def no_layers_here(self, name: str, span: Span) -> None:
        self.report(
            "unknown-layer",
            f"`{name}` is no layer here: variables and defaults stand in no body",
            span,
            "pass the layer to a module, or write the expression where the layer is",
        )

    def path(self, path: Path, span: Span, known: dict[str, None]) -> None:
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
        elif argument.id != INPUT and argument.id not in known and not self.is_layer(argument.id):
            near = self.near(argument.id, self.layer_names)
            self.report(
                "unknown-layer",
                f"no layer is called `{argument.id}`",
                where,
                f"did you mean `{near}`?" if near else None,
            )

    def call(self, call: Call, base: int, known: dict[str, None], is_merge: bool = False) -> None:
        name = call.function
        span = Span(base + call.start, base + call.start + len(name))
        if name in known or name in self.spec.settable:
            self.used.add(name)
        elif name in OPERATORS:
            self.arguments(call, base, list(OPERATORS[name].arguments), name in MERGES)
            if name in MERGES and not call.arguments and not is_merge:
                self.no_branches(call, base)
        elif name in self.spec.modules:
            self.arguments(call, base, [parameter.name for parameter in self.spec.modules[name].parameters], False)
        elif name == IDENTITY:
            self.report("too-many-arguments", "identity takes no arguments", span, "write identity")
        elif name not in FUNCTIONS and name not in REFERENCES:
            near = self.near(name, OPERATORS, self.spec.modules, FUNCTIONS, REFERENCES)
            self.report(
                "unknown-operator",
                f"there is no operator or module `{name}`",
                span,
                f"did you mean `{near}`?" if near else "`archcalc ops` lists the operators",
            )

    def arguments(self, call: Call, base: int, names: list[str], is_merge: bool) -> None:
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
            if argument not in names:
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
        if name in OPERATORS:
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
