"""Where a node stands among modules: by its weight first, by what the exporter wrote second, by its name third."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from archcalc.importing.calls import Scope
from archcalc.importing.neutral import Program
from archcalc.importing.onnx.values import is_anonymous

_OF_LAYER = re.compile(
    r"(.+?)[._/]((weight|bias|kernel|gamma|beta|running_mean|running_var|in_proj_weight|in_proj_bias|filter|w|b|W|B)"
    r"(_\d+)?)(:0)?$"
)
_INLINED = re.compile(r"^(F\d+::|If_\d+_(then|else)_branch_+Inline_\d+_+\.?)+")
"""What the package's inliner puts before names of what stood in a branch."""
_KINDS = {"Conv": "Conv2d", "ConvTranspose": "ConvTranspose2d", "Gemm": "Linear", "MatMul": "Linear"}
_SCOPES = "pkg.torch.onnx.name_scopes"
_CLASSES = "pkg.torch.onnx.class_hierarchy"


Place = tuple[tuple[str, ...], list[str]]
"""A path of modules, outermost first, and their classes as far as they are told."""


class Scopes:
    """Modules around the operations of a program."""

    def __init__(self) -> None:
        self._functions: list[tuple[str, str]] = []
        self._places: dict[int, Place] = {}  # by the first tensor that an operation gives

    @contextmanager
    def inside(self, kind: str, name: str) -> Iterator[None]:
        """Within a function of the file, which is a module by the name of the node that calls it."""
        self._functions.append((_last(name) or kind, kind))
        yield
        self._functions.pop()

    def note(self, proto: Any, weight: str, output: int) -> None:
        """Remember where a node stands that gives a tensor."""
        path, kinds, is_told = _told(proto)
        if not is_told:
            path = _by_name(proto.name)
        owner = _owner(weight)
        if len(owner) > len(path) > 0 and _numbered(owner[: len(path)]) == _numbered(path):
            owner = (*path, *owner[len(path) :])  # of another layer, whose numbers are the same
        if owner and owner != path and _is_better(owner, path, kinds, proto.op_type):
            kind = _KINDS.get(proto.op_type, "")
            kinds = [*kinds[: len(owner) - 1], *[""] * (len(owner) - 1 - len(kinds)), kind] if kinds else []
            path = owner
        for function, kind in reversed(self._functions):
            path, kinds = (function, *path), [kind, *(kinds or [""] * len(path))]
        self._places[output] = (path, kinds)

    def settle(self, program: Program) -> None:
        """Give every operation its modules, each with an instance and, each time that it is entered, a run.

        A node of which the exporter says nothing stands where all that read it stand, or else where what it reads does.
        """
        places = [self._places.get(operation.outputs[0], ((), [])) for operation in program.operations]
        self._fill(program, places)
        instances: dict[tuple[str, ...], int] = {}
        runs: dict[tuple[str, ...], int] = {}
        classes: dict[tuple[str, ...], str] = {}
        for path, kinds in places:
            for depth, kind in enumerate(kinds[: len(path)], 1):
                if kind:
                    classes.setdefault(path[:depth], kind)
        current: tuple[str, ...] = ()
        for operation, (path, _) in zip(program.operations, places, strict=True):
            scope = []
            for depth in range(1, len(path) + 1):
                place = path[:depth]
                instance = instances.setdefault(place, len(instances) + 1)
                if current[:depth] != place:
                    runs[place] = runs.get(place, -1) + 1
                scope.append(Scope(place[-1], classes.get(place, ""), {}, instance, runs[place]))
            operation.scope, current = tuple(scope), path

    def _fill(self, program: Program, places: list[Place]) -> None:
        maker = {index: number for number, item in enumerate(program.operations) for index in item.outputs}
        readers: dict[int, list[int]] = {}
        for number, operation in enumerate(program.operations):
            for index in operation.tensors():
                if index in maker:
                    readers.setdefault(maker[index], []).append(number)
        for number in range(len(places) - 1, -1, -1):
            if not places[number][0] and number in readers:
                places[number] = _shared([places[reader] for reader in readers[number]])
        for number, operation in enumerate(program.operations):
            if not places[number][0]:
                made = [places[maker[index]] for index in operation.tensors() if index in maker]
                places[number] = _shared(made) if made else places[number]


def _shared(places: list[Place]) -> Place:
    """The innermost module that all of these are in."""
    path, kinds = places[0]
    for other, _ in places[1:]:
        length = 0
        while length < min(len(path), len(other)) and path[length] == other[length]:
            length += 1
        path = path[:length]
    if len(places) == 1 and len(path) > 1:
        path = path[:-1]  # what one layer reads or gives is no part of that layer
    return path, kinds[: len(path)]


def _numbered(path: tuple[str, ...]) -> str:
    """A path without its numbers."""
    return re.sub(r"\d+", "0", ".".join(path))


def _is_better(owner: tuple[str, ...], path: tuple[str, ...], kinds: list[str], op: str) -> bool:
    """Whether the module of a weight names a node better than its scope.

    It does without a scope, where it lies within that, and for a convolution that has the scope of the norm that is
    folded into it. Elsewhere a weight may be that of another module whose numbers are the same.
    """
    if owner[: len(path)] == path:
        return True
    return op in _KINDS and bool(kinds) and "Norm" in kinds[-1] and owner[:-1] == path[:-1]


def _told(proto: Any) -> tuple[tuple[str, ...], list[str], bool]:
    """Path and classes as torch's exporter by FX graphs writes them: each scope is the whole path to it."""
    entries = {entry.key: entry.value for entry in proto.metadata_props if entry.key in (_SCOPES, _CLASSES)}
    if _SCOPES not in entries:
        return (), [], False
    try:
        from ast import literal_eval

        scopes = literal_eval(entries[_SCOPES])
        classes = literal_eval(entries.get(_CLASSES, "[]"))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return (), [], False
    if not isinstance(scopes, list) or not all(isinstance(item, str) for item in scopes) or not scopes:
        return (), [], False
    path: tuple[str, ...] = ()
    kinds: list[str] = []
    for index, scope in enumerate(scopes[:-1]):
        if not scope:
            continue
        parts = tuple(scope.split("."))
        kind = str(classes[index]).rpartition(".")[2] if isinstance(classes, list) and index < len(classes) else ""
        kinds += [""] * (len(parts) - len(kinds) - 1) + [kind] if len(parts) > len(kinds) else []
        path = parts
    return path, kinds, True


def _by_name(name: str) -> tuple[str, ...]:
    """`/layer1/layer1.0/conv1/Conv`, as torch's exporter by TorchScript writes it: each part repeats the one before.

    TensorFlow's names are paths too, `model/block1/conv/Conv2D`; other exporters number their nodes.
    """
    parts = [part for part in _INLINED.sub("", name).split("/")[:-1] if part and "PartitionedCall" not in part]
    path: list[str] = []
    for part in parts:
        for start in range(len(path)):
            before = ".".join(path[start:]) + "."
            if part.startswith(before):
                path += part[len(before) :].split(".")
                break
        else:
            path += part.split(".")
    return tuple(path)


def _owner(weight: str) -> tuple[str, ...]:
    """The module of a parameter, by the parameter's name; nothing where that is a number of an exporter."""
    if is_anonymous(weight) or " + " in weight:
        return ()
    found = _OF_LAYER.match(_INLINED.sub("", weight.partition("[")[0]))
    return tuple(part for part in re.split("[./]", found[1]) if part) if found else ()


def _last(name: str) -> str:
    return name.rpartition("/")[2]
