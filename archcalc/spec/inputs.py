"""What a network reads: the shapes under `input:`, one or several by name."""

from __future__ import annotations

from collections.abc import Mapping

from archcalc.dims import Dim, Polynomial
from archcalc.ops import Shape, describe
from archcalc.source import SpecError
from archcalc.spec.expression import Call, Unread
from archcalc.spec.model import Placed
from archcalc.spec.modules import Modules
from archcalc.spec.words import INPUTS


def as_written(kind: str) -> str:
    """How an input of a kind is written, for messages."""
    return f"{kind}({', '.join(INPUTS[kind])})"


class Inputs(Modules):
    """Reads the shapes of the inputs; some may be given from outside."""

    input_shapes: Mapping[str, Shape]

    def read_inputs(self) -> dict[str, Shape]:
        """Shapes by name, in their order."""
        return {
            name: self.input_shapes.get(name) or self.read_input(placed) for name, placed in self.spec.inputs.items()
        }

    def read_input(self, placed: Placed) -> Shape:
        """The shape that an expression says."""
        call = placed.expression
        span = placed.span()
        if isinstance(call, Unread):
            raise SpecError(())
        if not isinstance(call, Call) or call.function not in INPUTS:
            self.fail(
                "bad-input",
                "the input is not one of the shapes of the language",
                span,
                "image(3, 224, 224), volume(c, d, h, w), sequence(c, l), features(n) or tokens(l)",
            )
        wanted = len(INPUTS[call.function])
        if len(call.arguments) != wanted or call.named:
            self.fail("bad-input", f"{call.function} takes {wanted} numbers", span, as_written(call.function))
        sizes: list[Dim] = []
        for argument in call.arguments:
            value = self.number(argument, self.empty, placed.base)
            if not isinstance(value, Polynomial) and (not isinstance(value, int) or value < 1):
                self.fail(
                    "bad-input",
                    f"a size is a whole number of 1 or more, not {describe(value)}",
                    placed.span(argument),
                )
            sizes.append(value)
        if call.function == "tokens":
            return Shape(None, (sizes[0],))
        return Shape(sizes[0], tuple(sizes[1:]))
