"""Everything that is wrong with a network: an expansion that goes on after an error.

What cannot be known after an error stands for any number, so that what follows is refused only where no number would
do; a layer of which not even the kind is known silences all that reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from archcalc.dims import Polynomial, RequirementError, collecting_assumptions, variable
from archcalc.ops import OPERATORS, LayerReference, Operator, Shape
from archcalc.source import Diagnostic, Span, SpecError
from archcalc.spec.bind import Bound, Handle
from archcalc.spec.branches import Slot
from archcalc.spec.collector import paused_collector
from archcalc.spec.expand import deep_recursion
from archcalc.spec.expander import Expander
from archcalc.spec.expression import Call, Expression
from archcalc.spec.limits import DEFAULT_LIMITS, Limits
from archcalc.spec.model import Entries, Entry, Merge, Module, Placed, Spec
from archcalc.spec.values import Scope, circles, circular

MOST = 200
"""So many findings of one network are told."""

NOT_KNOWN = Shape("?")
"""What a layer gives of which nothing is known."""

_MARK = "not known "  # begins the names of what stands for any number; no variable of a spec has a space in it
_ANY_NUMBER = re.compile(rf"\({_MARK}\d+\)|{_MARK}\d+")  # in the text of a shape
_LIMITS = frozenset({"too-many-layers", "too-many-steps", "module-nesting", "long-names"})


def findings_of(
    spec: Spec, name: str, limits: Limits = DEFAULT_LIMITS, known: Sequence[Diagnostic] = ()
) -> list[Diagnostic]:
    """All that is wrong with one network of a file, heads included, in the order in which it is met.

    Where something is known to be wrong with the file, what is not found may be what that was meant to be.
    """
    with paused_collector(), deep_recursion():
        everything = _Everything(spec, name, {}, {}, limits, with_heads=True)
        everything.is_wrong = bool(known)
        everything.leave_out(known)
        return everything.findings_of_all()


class _Everything(Expander):
    """Goes on after an error."""

    folds = False

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.findings: list[Diagnostic] = []
        self.is_wrong = False  # something was, whether it was told or not
        self.without: set[str] = set()  # variables that have no value: they are wrong, or depend on themselves
        self.numbers = 0  # of what stands for any number

    def leave_out(self, known: Sequence[Diagnostic]) -> None:
        """Variables in which something is known to be wrong."""
        wrong = [found.span for found in known if found.span is not None]
        for name, placed in self.settings.items():
            if isinstance(placed, Placed):
                start, end = placed.span()
                if any(start <= span.start < end for span in wrong):
                    self.without.add(name)

    def findings_of_all(self) -> list[Diagnostic]:
        """Expand; what stops it is the last finding."""
        try:
            with collecting_assumptions():
                self.graph()
        except SpecError as error:
            self.take(error)
        except RecursionError:
            pass  # told by the expansion that stops there
        return self.findings

    def take(self, error: SpecError, is_decided: bool = False) -> None:
        """Keep what is no consequence of an earlier finding; a rule that refuses any number is none."""
        for found in error.diagnostics:
            if found.code == "no-layers" and self.is_wrong:
                continue
            self.is_wrong = True
            message, help = found.message, found.help
            if is_decided:
                message, help = _ANY_NUMBER.sub("?", message), help and _ANY_NUMBER.sub("?", help)
            if _MARK not in f"{message}{help}":
                notes = tuple(note for note in found.notes if _MARK not in str(note))
                self.findings.append(found._replace(message=message, help=help, notes=notes))

    # what goes on

    def layer(self, expression: Expression, base: int, handle: Handle, scope: Scope, slot: Slot) -> Handle:
        """Expand an expression; of one that is wrong nothing is known."""
        depth = len(self.stack)
        try:
            return super().layer(expression, base, handle, scope, slot)
        except SpecError as error:
            return self.gone_on(error, handle, depth)

    def merge_body(self, merge: Merge, handle: Handle, scope: Scope, slot: Slot) -> Handle:
        """The long form of a merge."""
        depth = len(self.stack)
        try:
            return super().merge_body(merge, handle, scope, slot)
        except SpecError as error:
            return self.gone_on(error, handle, depth)

    def repeat(self, expression: Expression, count: int, base: int, handle: Handle, scope: Scope, slot: Slot) -> Handle:
        """A layer so many times; where numbers are not known, until it gives what it read: the rest says the same."""
        if self.is_operation(expression, base, scope):
            return super().repeat(expression, count, base, handle, scope, slot)
        for turn in range(count):
            before = handle.shape
            handle = super().repeat(expression, 1, base, handle, scope, slot)
            if self.known_of(handle.shape) == self.known_of(before):
                if handle.shape is NOT_KNOWN or None in self.known_of(before)[before.channels is None :]:
                    break
                return super().repeat(expression, count - turn - 1, base, handle, scope, slot)
        return handle

    def known_of(self, shape: Shape) -> list[Any]:
        """Its sizes, without those that are not known."""
        return [None if isinstance(size, Polynomial) else size for size in (shape.channels, *shape.spatial)]

    def gone_on(self, error: SpecError, handle: Handle, depth: int) -> Handle:
        """Remember an error that is no limit, and go on."""
        if any(found.code in _LIMITS for found in error.diagnostics) or len(self.findings) >= MOST:
            raise error
        self.take(error)
        del self.stack[depth:]
        return Handle(handle.node, NOT_KNOWN)

    def operation(self, name: str, call: Call, base: int, handle: Handle, scope: Scope, slot: Slot) -> Handle:
        """One layer; one whose arguments are wrong gives the channels that it says, where it says how many."""
        depth = len(self.stack)
        try:
            return super().operation(name, call, base, handle, scope, slot)
        except SpecError as error:
            shape = self.said(name, call, base, handle.shape, scope)
            return Handle(self.gone_on(error, handle, depth).node, shape)

    def said(self, name: str, call: Call, base: int, x: Shape, scope: Scope) -> Shape:
        """What a window, or a linear layer, gives by its own arguments, as far as they say it."""
        declared = list(OPERATORS[name].arguments)
        if x is NOT_KNOWN or not (("kernel" in declared and x.rank) or name == "linear"):
            return NOT_KNOWN
        channels: Any = x.channels
        if "channels" in declared:
            given = {**dict(zip(declared, call.arguments, strict=False)), **dict(call.named)}
            try:
                channels = self.whole(given["channels"], scope, base, "channels")
            except (KeyError, SpecError):
                channels = 0
            if channels < 1:
                channels = self.any_number()
        return Shape(channels, x.spatial if name == "linear" else tuple(self.any_number() for _ in x.spatial))

    def infer(self, operator: Operator, x: Any, span: tuple[int, int]) -> Shape:
        """Output shape; where the rule refuses, what it would be for other channels or extents."""
        if any(shape is NOT_KNOWN for shape in ((x,) if isinstance(x, Shape) else x)):
            raise SpecError(())
        try:
            y = super().infer(operator, x, span)
        except SpecError as error:
            if len(self.findings) >= MOST:
                raise
            self.take(error, is_decided=True)
            guess = self.guessed(operator, x)
            if guess is None:
                raise SpecError(()) from None
            y = guess
        # One name for each number that is not known, so that formulas do not grow.
        sizes = [self.any_number() if isinstance(size, Polynomial) else size for size in (y.channels, *y.spatial)]
        return Shape(sizes[0], tuple(sizes[1:]))

    def guessed(self, operator: Operator, x: Any) -> Shape | None:
        """What an operation would give for another input; None where that cannot be said."""
        for other in self.others(x):
            try:
                with collecting_assumptions():
                    return operator.infer(other)
            except (RequirementError, TypeError, ArithmeticError):
                continue
        if "kernel" in operator.arguments and isinstance(x, Shape) and x.rank:  # a window keeps the axes
            channels = operator.values().get("channels", x.channels)
            return Shape(channels, tuple(self.any_number() for _ in x.spatial))
        return None

    def others(self, x: Any) -> Iterator[Any]:
        """Inputs with any channels, any extents, and both."""
        shapes = (x,) if isinstance(x, Shape) else x
        if len({shape.rank for shape in shapes}) != 1 or any(shape.channels is None for shape in shapes):
            return
        channels = self.any_number()
        extents = tuple(self.any_number() for _ in shapes[0].spatial)
        for with_channels, with_extents in ((True, False), (False, True), (True, True)):
            found = tuple(
                Shape(channels if with_channels else shape.channels, extents if with_extents else shape.spatial)
                for shape in shapes
            )
            yield found[0] if isinstance(x, Shape) else found

    def any_number(self) -> Any:
        """What stands for any number of 1 or more."""
        self.numbers += 1
        return variable(f"{_MARK}{self.numbers}")

    def check_circles(self) -> None:
        """Variables that depend on themselves have no value."""
        for circle in circles(self.settings):
            self.without.update(circle)
            self.findings.append(self.diagnostic(*circular(circle, self.settings)))
            self.is_wrong = True

    def require(self, words: str, placed: Placed) -> None:
        """What the file says must hold of its variables; where it does not, the network is expanded all the same."""
        try:
            super().require(words, placed)
        except SpecError as error:
            self.take(error)

    def read_input(self, placed: Placed) -> Shape:
        """The shape of an input; of one that is wrong nothing is known."""
        try:
            return super().read_input(placed)
        except SpecError as error:
            self.take(error)
            return NOT_KNOWN

    # what would be a consequence

    def variable(self, name: str, span: Span) -> Any:
        """A variable of the file that has a value."""
        given = name in self.settings or name not in self.spec.unread
        if name in self.without or name in self.spec.unclear or not given:
            raise SpecError(())
        return super().variable(name, span)

    def module(
        self, module: Module, call: Call, base: int, handle: Handle, scope: Scope, slot: Slot, count: int = 1
    ) -> Handle:
        """A module of which the arguments are known."""
        if module.name in self.spec.unclear:
            raise SpecError(())
        return super().module(module, call, base, handle, scope, slot, count)

    def unknown_call(self, name: str, span: Span) -> NoReturn:
        """As below."""
        if self.is_wrong:
            raise SpecError(())
        super().unknown_call(name, span)

    def bind(self, name: str, call: Call, arguments: tuple[Expression, ...], values: list[Any], base: int) -> Bound:
        """A call; one that names a layer of which nothing is known says nothing."""
        if any(isinstance(value, LayerReference) and NOT_KNOWN in (value.x, value.y) for value in values):
            raise SpecError(())
        return super().bind(name, call, arguments, values, base)

    def part_of(self, x: Shape, part: str, span: Span) -> Any:
        """`x.channels` and its like."""
        if x is NOT_KNOWN:
            raise SpecError(())
        return super().part_of(x, part, span)

    def unknown_name(self, name: str, span: Span, scope: Scope) -> NoReturn:
        """A layer that is wrong has no name of its own; that a name is one of the file's was checked before."""
        if self.is_wrong:
            raise SpecError(())
        super().unknown_name(name, span, scope)

    def unknown_path(self, placed: Placed, parts: tuple[str, ...], scope: Scope) -> NoReturn:
        """A part of a layer that is not known may be there."""
        whole = self.find(parts[:1], placed, scope)
        if self.is_wrong and (whole is None or NOT_KNOWN in (whole.x, whole.y)):
            raise SpecError(())
        super().unknown_path(placed, parts, scope)

    def unknown_layer(self, argument: Expression, base: int, scope: Scope) -> NoReturn:
        """As above."""
        if self.is_wrong:
            raise SpecError(())
        super().unknown_layer(argument, base, scope)

    def share(self, call: Call, base: int, handle: Handle, scope: Scope, slot: Slot) -> Handle:
        """An earlier body again; if either is wrong, whether they fit is not asked."""
        before = len(self.findings)
        reference = self.reference(call, base, scope)
        if NOT_KNOWN in (handle.shape, reference.x, reference.y):
            raise SpecError(())
        try:
            return super().share(call, base, handle, scope, slot)
        except SpecError:
            if len(self.findings) > before:
                raise SpecError(()) from None
            raise

    def check_read(self, graph: Any) -> None:
        """What nothing reads is known where all is right."""
        if not self.is_wrong:
            super().check_read(graph)

    # chains that were meant as branches

    def entry(self, entry: Entry, handle: Handle, scope: Scope, path: str, is_root: bool) -> Handle:
        """A named body; a mapping whose parts each take its input, and not one another's output, is told as such."""
        before = len(self.findings)
        output = super().entry(entry, handle, scope, path, is_root)
        if len(self.findings) == before or not isinstance(entry.body, Entries) or len(entry.body.items) < 2:
            return output
        within = f"{path}.{entry.name}" if path else entry.name
        shapes = self.each_alone(entry.body, handle, Scope(scope.locals, handle.shape, scope.prefix), within)
        if len(shapes) == len(entry.body.items) and len({shape.spatial for shape in shapes}) == 1:
            given = ", ".join(f"{of.name} {shape}" for of, shape in zip(entry.body.items, shapes, strict=True))
            instead = "concat" if len({shape.channels for shape in shapes}) > 1 else "concat, add, mul or mean"
            first = self.findings[before]
            del self.findings[before:]
            message = (
                f"`{entry.name}` is a chain whose parts do not read one another's output; each could read its input"
            )
            help = f"{instead}: below `{entry.name}` gives all of them {handle.shape}, and merges: {given}"
            self.findings.append(self.diagnostic("chain-as-merge", message, entry.span, help, first.message))
        return output

    def each_alone(self, body: Entries, handle: Handle, scope: Scope, path: str) -> list[Shape]:
        """What the parts of a chain give, each for the input of the chain; as many as take it. Nothing is kept."""
        kept = len(self.nodes), len(self.order), len(self.findings), self.characters, self.remembered
        known, spliced, templates = dict(self.known), set(self.spliced), dict(self.templates)
        shapes: list[Shape] = []
        for entry in body.items:
            found = self.body(entry.body, handle, scope, f"{path}.{entry.name}")
            if len(self.findings) > kept[2] or found.shape is NOT_KNOWN:
                break
            shapes.append(found.shape)
        del self.nodes[kept[0] :], self.order[kept[1] :], self.findings[kept[2] :]
        self.characters, self.remembered = kept[3:]
        self.known, self.spliced, self.templates = known, spliced, templates
        return shapes
