"""Calls written by hand, as a reader of a module tree gives them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from archcalc.importing.calls import Call, Calls, Scope
from archcalc.ops import OPERATORS, Shape, image


class Source:
    """A network in the making: modules around, operations in order."""

    def __init__(self, name: str = "net", **inputs: Shape) -> None:
        self.calls = Calls(name, inputs or {"input": image(3, 32, 32)}, [], {})
        self.scope: tuple[Scope, ...] = ()
        self.instances = 0

    @contextmanager
    def module(self, name: str, kind: str = "", instance: int = 0, **arguments: Any) -> Iterator[None]:
        """What is added within stands in a module; an `instance` that was there before is the same one again."""
        self.instances += 1
        outside = self.scope
        self.scope = (*outside, Scope(name, kind, arguments, instance or -self.instances, self.instances))
        yield
        self.scope = outside

    def add(
        self, operator: str, *inputs: int, weights: tuple[str, ...] | None = None, name: str = "", **arguments: Any
    ) -> int:
        """An operation; without inputs it reads what the last one gives. What it stores gets a name of its own."""
        last = len(self.calls.calls) - 1
        cls = OPERATORS[operator]
        read = inputs or (() if cls.sources else (last,))
        made = cls.of(arguments)
        shapes = tuple([self.calls.shape(index) for index in read])
        x: Any = shapes if cls.merges else () if cls.sources else shapes[0]
        stored = made.parameters(x)
        size = int(stored.weights + stored.biases + stored.norm)
        if weights is None:
            weights = (f"tensor{last + 1}",) if size else ()
        for tensor in weights:
            self.calls.parameters.setdefault(tensor, (size,))
        self.calls.calls.append(Call(made, read, made.infer(x), self.scope, name, weights))
        return last + 1

    def conv_norm(self, channels: int, kernel: int, stride: int = 1, name: str = "", activation: str = "relu") -> int:
        """A convolution with its norm and its activation, each a module as torch has them."""
        with self.module(f"conv{name}", "Conv2d"):
            self.add("conv", channels=channels, kernel=kernel, stride=stride, padding=kernel // 2, bias=False)
        with self.module(f"bn{name}", "BatchNorm2d"):
            index = self.add("batch_norm")
        if activation:
            with self.module("relu", "ReLU"):
                index = self.add(activation)
        return index

    def done(self, *indices: int, **named: Any) -> Calls:
        """The calls; the last operation is the output, others are further ones."""
        self.calls.outputs = {"output": len(self.calls.calls) - 1}
        self.calls.outputs.update({f"out{number}": index for number, index in enumerate(indices, 1)})
        self.calls.named = named
        return self.calls
