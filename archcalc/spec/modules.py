"""Calls of modules: their bodies expanded, or replayed where the same call was expanded before; and shared bodies."""

from __future__ import annotations

from typing import Any

from archcalc.ops import LayerReference
from archcalc.spec.bind import Handle
from archcalc.spec.branches import Slot
from archcalc.spec.expression import Call
from archcalc.spec.limits import how_to_raise
from archcalc.spec.model import Module
from archcalc.spec.references import fits
from archcalc.spec.replay import Replays, Template
from archcalc.spec.trail import Frame
from archcalc.spec.values import BY_NAME, NOWHERE, LayerValue, Scope
from archcalc.spec.words import TRAINABLE, argument_count

_MAY_HOLD_LAYERS = (LayerReference, LayerValue, tuple)


class Modules(Replays):
    """Expands calls of modules. What stands in their bodies is expanded by the class below."""

    def module(
        self, module: Module, call: Call, base: int, handle: Handle, scope: Scope, slot: Slot, count: int = 1
    ) -> Handle:
        """A call of a module, so many times in a row: expanded, or replayed."""
        outside = self.trainable
        if call.named and self.is_frozen(module, call, base, scope):
            self.trainable = False
        try:
            return self.calls(module, call, base, handle, scope, slot, count)
        finally:
            self.trainable = outside

    def is_frozen(self, module: Module, call: Call, base: int, scope: Scope) -> bool:
        """Whether a call says `trainable=false`; a module may have an argument of that name."""
        said = dict(call.named).get(TRAINABLE)
        if said is None or any(parameter.name == TRAINABLE for parameter in module.parameters):
            return False
        return not self.flag(self.value(said, scope, base), call, base)

    def calls(
        self, module: Module, call: Call, base: int, handle: Handle, scope: Scope, slot: Slot, count: int
    ) -> Handle:
        """So many calls of a module in a row."""
        while count:
            self.steps += 4
            values = self.module_arguments(module, call, base, scope, handle)
            # What is told of the network's input stays told of it: a template made there serves there only.
            begins = min(handle.node, 0)
            key: tuple[Any, ...] = (module.name, handle.shape, begins, self.copies, self.trainable)
            reads_input = False
            for value in values.values():
                key = (*key, self.keys.key(value))
                if type(value) in _MAY_HOLD_LAYERS:
                    layers = self.keys.layers(value)
                    reads_input = reads_input or BY_NAME in layers or handle.node in layers
            if reads_input:
                key = (*key, handle.node)  # what it reads beside its input stays where it is, the same node too
            template = None if self.sharing is not None else self.templates.get(key)
            if template is None:
                turns = 1
                handle = self.expanded(module, call, base, handle, values, slot.next(), key)
            else:
                # What leaves its input's shape as it was is the same call again; limits are looked at in between.
                is_same = template.output.shape == handle.shape and not begins and not reads_input
                if is_same and (template.last - template.first) * count > self.limits.layers - self.count:
                    self.too_many_layers(base + call.start)  # told before the work is done
                turns = min(count, 256) if is_same else 1
                self.step(self.span_of(call, base), 5 * (turns - 1))
                handle = self.replay(template, handle, [slot.next() for _ in range(turns)], base + call.start)
            count -= turns
        return handle

    def expanded(
        self, module: Module, call: Call, base: int, handle: Handle, values: dict[str, Any], path: str, key: Any
    ) -> Handle:
        """The body of a module for these arguments; kept under the key, to be replayed."""
        span = self.span_of(call, base)
        if len(self.stack) >= self.limits.nesting:
            self.fail(
                "module-nesting",
                f"modules are nested more than {self.limits.nesting} deep",
                span,
                how_to_raise("nesting"),
            )
        first, item, named, characters = self.count, len(self.order), self.remembered, self.characters
        self.stack.append(Frame(path, span, module.name, values))
        self.edge = first
        output = self.body(module.body, handle, Scope(values, handle.shape, path, handle.node), path)
        self.edge = self.count
        self.stack.pop()
        if self.sharing is None:
            self.templates[key] = Template(
                first,
                self.count,
                item,
                len(self.order),
                self.remembered - named,
                path,
                handle.node,
                output,
                tuple(index for index in self.spliced if index >= first),
                self.characters - characters,
            )
        return output

    def module_arguments(self, module: Module, call: Call, base: int, scope: Scope, handle: Handle) -> dict[str, Any]:
        """Values of a module's arguments: given, or their defaults."""
        parameters, arguments = module.parameters, call.arguments
        if len(arguments) > len(parameters):
            self.fail(
                "too-many-arguments",
                f"{module.name} takes {argument_count(len(parameters))}, not {len(arguments)}",
                self.span_of(arguments[len(parameters)], base),
            )
        if call.named:
            known = [parameter.name for parameter in parameters]
            self.check_named(module.name, call, base, known, len(arguments))
        given = {
            parameter.name: self.value(part, scope, base)
            for parameter, part in zip(parameters, arguments, strict=False)
        }
        if len(given) == len(parameters):  # in their order
            return given
        for name, part in call.named:
            given[name] = self.value(part, scope, base)
        values: dict[str, Any] = {}
        for parameter in parameters:
            if parameter.name in given:
                values[parameter.name] = given[parameter.name]
            elif parameter.default is not None:
                placed = parameter.default
                inside = Scope(values, handle.shape, NOWHERE, handle.node)
                values[parameter.name] = self.value(placed.expression, inside, placed.base)
            else:
                wanted = ", ".join(other.name for other in parameters if other.default is None)
                self.fail(
                    "missing-argument",
                    f"{module.name} needs {parameter.name}",
                    self.span_of(call, base),
                    f"{module.name}({wanted})",
                )
        return values

    def share(self, call: Call, base: int, handle: Handle, scope: Scope, slot: Slot) -> Handle:
        """An earlier body again, with the weights it has."""
        reference = self.reference(call, base, scope)
        span = self.span_of(call, base)
        path = f"{scope.prefix}.{reference.name}" if scope.prefix else reference.name
        self.settle(path, is_whole=True)
        known = self.known.get(path) or next(
            (
                self.known[other]
                for other in self.all_known()
                if fits(tuple(reference.name.split(".")), other) and self.known[other].node == reference.node
            ),
            None,
        )
        if known is None or known.body is None:
            self.fail(
                "bad-reference",
                f"`{reference.name}` is not a named body that can be computed again",
                span,
                "name a whole entry of the mapping that it stands in",
            )
        if self.sharing is not None:
            help = "share the layer that it shares"
            self.fail("bad-reference", "what is shared cannot share in turn", span, help)
        self.sharing = list(range(known.last - 1, known.first - 1, -1))
        self.stack.append(Frame(scope.prefix, span, f"share({reference.name})", {}))
        first = self.count
        try:
            inside = Scope(known.locals, handle.shape, known.prefix, handle.node)
            output = self.body(known.body, handle, inside, slot.next())
            if any(index not in self.spliced for index in self.sharing):
                message = f"`{reference.name}` is another body for the input {handle.shape}"
                self.fail("share-mismatch", message, span, "share needs an input of the kind that the earlier body had")
            if first < self.count and all(handle.node not in node.inputs for node in self.nodes[first:]):
                message = f"`{reference.name}` does not read its input: it begins with a tap or a source"
                self.fail("share-mismatch", message, span, "name what stands after the tap, and share that")
            self.stack.pop()
        finally:
            self.sharing = None
        return output
