"""A network at other sizes of images and with other numbers of classes: one expansion for all of them."""

from __future__ import annotations

from collections.abc import Mapping

from archcalc.engine.cost.quantities import ADDITIVE, quantity
from archcalc.engine.formula.closed_form import ClosedForm, form_of
from archcalc.engine.inputs import input_settings, input_shapes
from archcalc.engine.network import Network
from archcalc.graph import Graph
from archcalc.source import SpecError

CLASSES = "classes"


class Forms:
    """Closed forms of one network, in what the sizes of its images and the number of its classes are written with."""

    def __init__(self, network: Network, own: tuple[int, ...]) -> None:
        """Nothing is expanded before a number is asked for.

        Args:
            network: whose.
            own: channels, height and width of its images.
        """
        self.network = network
        self._own = own
        self._graph: Graph | None = None
        self._values: dict[str, int] = {}  # of the variables, as they are
        self._forms: dict[str, ClosedForm] = {}
        self._is_expanded = False

    def number(self, column: str, input: tuple[int, ...] | None, classes: int | None) -> int | None:
        """A quantity at another input and with other classes; None: to be expanded with these.

        Args:
            column: its name, of `ADDITIVE`.
            input: channels, height and width; None: its own.
            classes: how many; None: its own.
        """
        if column not in ADDITIVE:
            return None
        given = {} if classes is None else {CLASSES: classes}
        try:
            if input is not None:
                shapes = input_shapes(self.network.spec, input)
                found = input_settings(self.network.spec, shapes)
                if not found or not self._says_all(input, found):
                    return None
                given |= found
            form = self._form(column)
            if form is None or not given.keys() <= self._values.keys():
                return None
            return form(**(self._values | given))
        except (SpecError, ValueError, TypeError):  # it does not hold there: another network, or none
            return None

    def _says_all(self, input: tuple[int, ...], settings: Mapping[str, int]) -> bool:
        """Whether the variables say all of an input: height and width are one of them, and the channels its own."""
        return len(settings) == 1 and len(set(input[1:])) == 1 and input[:1] == self._own[:1]

    def _form(self, column: str) -> ClosedForm | None:
        if not self._is_expanded:
            self._is_expanded = True
            self._expand()
        if self._graph is None:
            return None
        if column not in self._forms:
            number = quantity(self._graph, column)
            self._forms[column] = form_of(self.network, self._graph, dict.fromkeys(self._values, 1), column, number)
        return self._forms[column]

    def _expand(self) -> None:
        own = input_settings(self.network.spec, input_shapes(self.network.spec, self._own))
        names = [*own, *([CLASSES] if CLASSES in self.network.spec.settable else [])]
        for wanted in (names, list(own), names[len(own) :]):
            values = {name: self.network.value(name) for name in wanted}
            if not wanted or not all(type(value) is int for value in values.values()):
                continue
            try:
                self._graph = self.network.graph(free=wanted, with_heads=False)
            except SpecError:  # one of them decides the structure
                continue
            self._values = values
            return
