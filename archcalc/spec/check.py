"""What can be said of a file without expanding it: every name, call and argument, also where nothing uses them."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.ops import OPERATORS, describe
from archcalc.source import Diagnostic, Span
from archcalc.spec.bodies import names_in
from archcalc.spec.check_expression import ExpressionChecker
from archcalc.spec.elsewhere import merge_meant
from archcalc.spec.expression import (
    Call,
    Chain,
    Number,
    Unread,
    free_names,
)
from archcalc.spec.expression_text import Problem
from archcalc.spec.model import Bodies, Body, Entries, Entry, Line, Merge, Placed, Spec
from archcalc.spec.naming import PLAIN, branch_places, place_of
from archcalc.spec.parse import parse_expression
from archcalc.spec.values import circles, circular
from archcalc.spec.words import INPUTS, MERGES


def check(spec: Spec, known: Sequence[Diagnostic] = ()) -> list[Diagnostic]:
    """All findings beside those that are known, unsorted."""
    return _Checker(spec, known).check()


class _Checker(ExpressionChecker):
    def check(self) -> list[Diagnostic]:
        spec = self.spec
        self.namespaces()
        for placed in spec.inputs.values():
            self.input(placed)
        for placed in spec.variables.values():
            self.expression(placed.expression, placed.base, {}, sees_layers=False)
        for variant in spec.variants.values():
            base = variant.name.partition("@")[0]
            if variant.name.count("@") == 1 and not self.is_network(base):
                near = self.near(base, [spec.network], spec.variants)
                self.report(
                    "unknown-base",
                    f"`{variant.name}` starts from `{base}`, which is no network of this file",
                    variant.span,
                    f"did you mean `{near}@...`?" if near else None,
                )
            for placed in variant.settings().values():
                self.expression(placed.expression, placed.base, {}, sees_layers=False)
        named = [("task", name, span) for name, (span, _) in spec.tasks.items()]
        named += [("storage", name, span) for name, (span, _) in spec.storage.items()]
        named += [("budget", name, span) for name, (span, _) in spec.budget.items()]
        named += [("space", name, span) for name, (span, _) in spec.space.items()]
        for key, name, span in named:
            if name and not self.is_network(name):
                near = self.near(name, [spec.network], spec.variants)
                help = f"did you mean `{near}`?" if near else f"{key}: holds networks of this file"
                self.report("unknown-variant", f"this file has no network `{name}`", span, help)
        self.space()
        for placed in spec.requires.values():
            self.expression(placed.expression, placed.base, {}, sees_layers=False)
        for settings in spec.defaults.values():
            for _, placed in settings.values():
                self.expression(placed.expression, placed.base, {}, sees_layers=False)
        for module in spec.modules.values():
            names: dict[str, None] = {}
            for parameter in module.parameters:
                if parameter.default is not None:
                    self.expression(parameter.default.expression, parameter.default.base, names, sees_layers=False)
                names[parameter.name] = None
            self.merge_meant(module.name, module.span, module.body)
            self.body(module.body, names)
        if spec.layers is not None:
            self.body(spec.layers, {})
        for entry in (*spec.heads, *spec.outputs):
            self.merge_meant(*entry)
            self.body(entry.body, {})
        self.root_names()
        if not any(finding.code == "missing-key" for finding in self.known):
            self.variables_read()
        self.circles()
        return self.findings

    def space(self) -> None:
        """Axes are variables, and their values mean something."""
        for axis in (axis for _, axes in self.spec.space.values() for axis in axes):
            name = axis.position.variable
            if name not in self.spec.settable and name not in self.spec.unread:
                near = self.near(name, self.spec.settable)
                help = f"did you mean `{near}`?" if near else f"variables are {', '.join(self.spec.settable) or 'none'}"
                self.report("unknown-variable", f"`space:` names no variable of this file: `{name}`", axis.span, help)
            for value, place in zip(axis.values, axis.places, strict=True):
                if isinstance(value, str):
                    text = self.spec.source.text[place.start : place.end]
                    parsed = parse_expression(text)
                    if not isinstance(parsed, Problem):  # which the reader has told
                        self.expression(parsed, place.start, {}, sees_layers=False)

    def is_network(self, name: str) -> bool:
        """Whether a file has such a network, or may have, as far as it was read."""
        spec = self.spec
        return name == spec.network or name in spec.variants or name in spec.unread or not spec.network

    def namespaces(self) -> None:
        """Variables, modules and tables share one namespace."""
        spec = self.spec
        for name, module in spec.modules.items():
            if name in spec.settable:
                self.two_things(f"`{name}` is a variable and a module", module.span, name)
        for name, span in spec.input_spans.items():
            if name in spec.settable or name in spec.modules or name in spec.tables:
                what = "a variable" if name in spec.settable else "a module" if name in spec.modules else "a table"
                help = "an input's name stands wherever a layer's may; choose another"
                self.two_things(f"`{name}` is {what} and an input", span, name, help)
        for name in spec.tables:
            if name in spec.settable or name in spec.modules:
                what = "a variable" if name in spec.settable else "a module"
                span = spec.settable[name] if name in spec.settable else spec.modules[name].span
                self.two_things(f"`{name}` is {what} and a table", span, name)

    def two_things(self, message: str, span: Span, name: str, help: str = "") -> None:
        """Report a name of two things, which stands for neither."""
        self.report("duplicate-name", message, span, help or "variables, modules and tables share one namespace")
        self.spec.unclear.add(name)

    def root_names(self) -> None:
        """Heads and outputs are named beside the layers."""
        taken: dict[str, Span] = dict(self.spec.input_spans)
        groups = [
            self.spec.layers.items if isinstance(self.spec.layers, Entries) else [],
            self.spec.outputs,
            self.spec.heads,
        ]
        for entry in (entry for group in groups for entry in group):
            if entry.name in taken:
                self.report(
                    "duplicate-layer",
                    f"there are two layers `{entry.name}`"
                    if entry.name not in self.spec.input_spans
                    else f"`{entry.name}` is an input and a layer",
                    entry.span,
                    "inputs, layers, outputs and heads share their names",
                    f"the first is at {self.spec.source.place(taken[entry.name].start)}",
                )
            taken.setdefault(entry.name, entry.span)

    def variables_read(self) -> None:
        """A setting that nothing reads is most often misspelt; what could not be read may read it."""
        wrong = {finding.line for finding in self.known if finding.line is not None}
        unread = self.spec.unread.union(*(names_in(self.spec.source.line(line)) for line in wrong))
        refused = {finding.span for finding in self.known}
        for name, span in self.spec.settable.items():
            if name not in self.used and name not in unread and span not in refused:
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
                name in spec.settable for given in variant.settings().values() for name in free_names(given.expression)
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
        if isinstance(call, Unread):
            return
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
        for argument in call.arguments if isinstance(call, Call) else ():
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
            else:
                for entry in body.items:
                    self.merge_meant(*entry)
            for item in items:
                self.body(item, names)

    def merge(self, merge: Merge, names: dict[str, None]) -> None:
        self.call(merge.call, merge.base, names, is_merge=True)
        for _, value in merge.call.named:
            self.expression(value, merge.base, names)
        self.roles(merge)
        if not merge.branches and not merge.entries:
            self.no_branches(merge.call, merge.base)
        branch_places(merge.branches)
        for entry in merge.entries:
            self.merge_meant(*entry)
        for body in (*merge.branches, *(entry.body for entry in merge.entries)):
            self.body(body, names)

    def roles(self, merge: Merge) -> None:
        """Branches that have meanings are among those of their merge."""
        name = merge.call.function
        roles = OPERATORS[name].roles
        for entry in merge.entries if roles is not None else ():
            assert roles is not None
            if entry.name not in roles.names:
                near = self.near(entry.name, roles.names)
                help = f"did you mean `{near}`?" if near else f"{name} takes {roles}"
                self.report("unknown-branch", f"{name} has no branch `{entry.name}`", entry.span, help)

    def merge_meant(self, name: str, span: Span, body: Body) -> None:
        """A mapping or list is a chain; under the name of a merge it was most likely meant as branches."""
        meant = merge_meant(name)
        if meant is None or not isinstance(body, (Entries, Bodies)) or len(body.items) < 2:
            return
        last = body.items[-1]
        merges = merges_of(last.body if isinstance(last, Entry) else last)
        if merges and (not meant or merges == meant):
            return  # the chain ends in what its name says
        if meant:
            help = f"did you mean `{meant}:`, which gives all of them one input? a chain has another name"
        else:
            help = "concat:, add:, mul: and mean: give all of them one input, and merge; a chain has another name"
        message = f"`{name}` is called as a merge is, and is a chain: each of its parts reads what the one before gives"
        self.report("chain-as-merge", message, span, help)

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


def merges_of(body: Body) -> str:
    """The merge that a body is, or ends in; nothing where it is none."""
    if isinstance(body, Merge):
        return body.call.function
    if not isinstance(body, Line):
        return ""
    expression = body.placed.expression
    if isinstance(expression, Chain):
        expression = expression.parts[-1]
    return expression.function if isinstance(expression, Call) and expression.function in MERGES else ""
