"""Times of single operations within a run: the model's graph interpreted, each operation between two stamps."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx

from archcalc.torch_bridge.profile.timing import Clock


class OperationTimer(fx.Interpreter):
    """Runs a model forward and tells how long each operation takes.

    What lies between operations (finding arguments, freeing what nobody reads any more) is in none of the times.
    """

    def __init__(self, model: fx.GraphModule, clock: Clock, operations: int) -> None:
        super().__init__(model)
        self._clock = clock
        self._operations = operations
        self._spans: list[tuple[int, Any, Any]] = []

    def times(self, *given: Tensor) -> list[float]:
        """Seconds of each operation of the network, in one run."""
        self._clock.finish()
        self._spans = []
        self._execute(*given)
        self._clock.finish()
        found = [0.0] * self._operations
        for index, start, stop in self._spans:
            found[index] += self._clock.seconds(start, stop)
        return found

    def _execute(self, *given: Tensor) -> None:
        self.run(*given)

    def run_node(self, n: fx.Node) -> Any:
        """Run a node of the graph; those that serve an operation are timed."""
        if "index" not in n.meta:
            return super().run_node(n)
        args, kwargs = self.fetch_args_kwargs_from_env(n)
        return self._call(n, args, kwargs)

    def _call(self, n: fx.Node, args: Any, kwargs: Any) -> Any:
        function = self.fetch_attr(str(n.target)) if n.op == "call_module" else n.target
        assert callable(function)
        start = self._clock.stamp()
        given = function(*args, **kwargs)
        self._spans.append((n.meta["index"], start, self._clock.stamp()))
        return given


class TrainingTimer(OperationTimer):
    """Runs a model forward and backward, each operation's backward pass by itself.

    Every operation reads copies of what others gave that know nothing of how these came about, so that its own
    backward pass ends there; gradients are then handed on by hand, from the last operation to the first.
    """

    def __init__(self, model: fx.GraphModule, clock: Clock, operations: int) -> None:
        super().__init__(model, clock, operations)
        self._tape: list[tuple[fx.Node, dict[fx.Node, Any], Any]] = []
        self._gradients: dict[fx.Node, Tensor] = {}

    def _execute(self, *given: Tensor) -> None:
        self.module.zero_grad(set_to_none=True)
        self._tape, self._gradients = [], {}
        self.run(*given)
        while self._tape:
            self._go_back(*self._tape.pop())

    def run_node(self, n: fx.Node) -> Any:
        """Run a node of the graph, and remember how to come back."""
        if n.op == "output":
            values = {source: self.env[source] for source in n.all_input_nodes}
            # of the mean of each output
            self._gradients = {node: torch.full_like(value, 1 / value.numel()) for node, value in values.items()}
        if "index" not in n.meta:
            return super().run_node(n)
        leaves = {source: _leaf(self.env[source]) for source in n.all_input_nodes}
        args, kwargs = (fx.node.map_arg(given, leaves.__getitem__) for given in (n.args, n.kwargs))
        given = self._call(n, args, kwargs)
        self._tape.append((n, leaves, given))
        return given

    def _go_back(self, n: fx.Node, leaves: dict[fx.Node, Any], given: Any) -> None:
        gradient = self._gradients.pop(n, None)
        if gradient is not None and given.requires_grad:
            start = self._clock.stamp()
            torch.autograd.backward(given, gradient)
            self._spans.append((n.meta["index"], start, self._clock.stamp()))
        for source, leaf in leaves.items():
            if isinstance(leaf, Tensor) and leaf.is_leaf and leaf.grad is not None:
                self._hand_on(source, leaf.grad)

    def _hand_on(self, source: fx.Node, gradient: Tensor) -> None:
        """What several operations read gets the sum of their gradients: work of the one that gave it."""
        if source not in self._gradients:
            self._gradients[source] = gradient
            return
        start = self._clock.stamp()
        self._gradients[source] = self._gradients[source] + gradient
        if "index" in source.meta:
            self._spans.append((source.meta["index"], start, self._clock.stamp()))


def _leaf(value: Any) -> Any:
    if isinstance(value, Tensor) and value.requires_grad:
        return value.detach().requires_grad_()
    return value
