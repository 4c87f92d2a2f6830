"""What a tracer or a file of nodes says, before anything is understood: tensors, and operations under ATen's names.

The torch tracer and the ONNX reader give a `Program`; `lowering.lower` makes `Calls` of it. A program is flat and in an
order in which it can run, and was read at batch 1: axes of extent 1 are nobody's, so the batch never shows.

Operations are called as ATen's *functional* forms in `native_functions.yaml`, without overload and without the
underscore of in-place ones, composites kept whole: `conv2d`, `linear`, `layer_norm`, `matmul`,
`scaled_dot_product_attention`, `adaptive_avg_pool2d`, `hardswish`, `view`, `permute`, `cat`. Arguments go by the names
of the schema, those left out are its defaults, and a tensor among them is a `Ref` (in lists too). A reader that has an
operation under another name (ONNX's `Gemm`, `Clip`, `Split`) says it as one or several of these. Beyond ATen:

- `convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups)` is any convolution;
  there and in poolings `padding` may hold pairs (before, after), one an axis, or be the word `same`.
- `module` is a whole layer known by name: `kind` holds the class (`LSTM`, `GRU`, `RNN`, `LocalResponseNorm`,
  `MaxUnpool2d`, `MultiheadAttention`), `settings` its constructor's arguments, `inputs` its tensors; its parameters
  are `stored`.
- `opaque` stands for what cannot be said: `inputs`, `reason`, `stored` (parameters), `macs` (a number or None).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from archcalc.importing.calls import Scope
from archcalc.named import NamedTuple


class Ref(NamedTuple):
    """A tensor as an argument, by its index among those of the program."""

    tensor: int


@dataclass(slots=True, eq=False, repr=False)
class Tensor:
    """A tensor of the source, with its batch of 1.

    `kind` says where it comes from: `value` is computed by an operation, `parameter` can be trained, `buffer` is
    stored and cannot, `constant` is written in the source. `name` is that of an input, a parameter or a buffer; equal
    names are one tensor. `value` are the numbers of a small constant, where they are known and matter (nested lists).
    """

    shape: tuple[int, ...]
    kind: Literal["input", "parameter", "buffer", "constant", "value"] = "value"
    name: str = ""
    dtype: Literal["float", "int", "bool"] = "float"
    value: Any = None

    @property
    def elements(self) -> int:
        """Scalars in it."""
        number = 1
        for extent in self.shape:
            number *= extent
        return number


@dataclass(slots=True, eq=False, repr=False)
class Operation:
    """One operation: `arguments` by name, `outputs` as indices of tensors in the order in which it gives them.

    `scope` are the modules around it, outermost first; `name` what the source calls the operation itself, if it does.
    """

    op: str
    arguments: dict[str, Any]
    outputs: tuple[int, ...]
    scope: tuple[Scope, ...] = ()
    name: str = ""
    _read: list[int] | None = field(default=None, init=False)

    def tensors(self) -> list[int]:
        """Indices of all tensors that it reads, in order."""
        if self._read is None:
            self._read = refs(self.arguments)
        return self._read

    def give(self, name: str, value: Any) -> None:
        """Give it an argument, in the place of what it had under that name."""
        self.arguments[name] = value
        self._read = None

    @property
    def path(self) -> str:
        """Where it stands: `layer1.0.conv1`."""
        return ".".join([part.name for part in self.scope if part.name] + ([self.name] if self.name else []))


@dataclass(slots=True, eq=False, repr=False)
class Program:
    """A network as operations. `inputs` and `outputs` name tensors, in order; the first output is the network's own.

    `input_words` may say what an input is in the language, where its shape alone does not: an input of integers is
    `tokens`, one of rank 2 `features`, 3 `sequence` (batch, channels, length), or `positions first` for (batch,
    length, channels), 4 `image`, 5 `volume`. `frozen` are names of parameters that are not trained with the others.
    Further fields are those of `Calls`.
    """

    name: str
    tensors: list[Tensor] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    inputs: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, int] = field(default_factory=dict)
    input_words: dict[str, str] = field(default_factory=dict)
    named: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    free: dict[str, int] = field(default_factory=dict)
    frozen: set[str] = field(default_factory=set)
    source: str = ""

    def add(self, tensor: Tensor) -> int:
        """Hold a tensor; gives its index."""
        self.tensors.append(tensor)
        return len(self.tensors) - 1


def refs(value: Any) -> list[int]:
    """Indices of the tensors within an argument, or within all arguments."""
    if type(value) is Ref:
        return [value.tensor]
    found: list[int] = []
    within = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    for item in within:
        kind = type(item)
        if kind is Ref:
            found.append(item.tensor)
        elif kind is not int and kind is not str and isinstance(item, (list, tuple, dict)):
            found += refs(item)
    return found
