"""Where a node stands among modules: by its weight first, by what the exporter wrote second, by its name third."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from archcalc.importing.calls import Scope

_WEIGHTS = {
    "weight",
    "bias",
    "kernel",
    "gamma",
    "beta",
    "running_mean",
    "running_var",
    "in_proj_weight",
    "in_proj_bias",
}
_KINDS = {"Conv": "Conv2d", "ConvTranspose": "ConvTranspose2d", "Gemm": "Linear", "MatMul": "Linear"}
_SCOPES = "pkg.torch.onnx.name_scopes"
_CLASSES = "pkg.torch.onnx.class_hierarchy"


class Scopes:
    """Modules of a model, each with an instance and, each time that it is entered, a run."""

    def __init__(self) -> None:
        self._instances: dict[tuple[str, ...], int] = {}
        self._runs: dict[tuple[str, ...], int] = {}
        self._kinds: dict[tuple[str, ...], str] = {}
        self._current: tuple[str, ...] = ()
        self._functions: list[tuple[str, str]] = []

    @contextmanager
    def inside(self, kind: str, name: str) -> Iterator[None]:
        """Within a function of the file, which is a module by the name of the node that calls it."""
        self._functions.append((_last(name) or kind, kind))
        yield
        self._functions.pop()

    def of(self, proto: Any, weight: str = "") -> tuple[tuple[Scope, ...], str]:
        """The modules around a node, outermost first, and what the node itself is called."""
        path, kinds, name = _told(proto)
        if not path:
            path, name = _by_name(proto.name)
        owner = _owner(weight)
        if owner and owner != path and _is_better(owner, path, kinds, proto.op_type):
            kind = _KINDS.get(proto.op_type, "")
            kinds = [*kinds[: len(owner) - 1], *[""] * (len(owner) - 1 - len(kinds)), kind] if kinds else []
            path = owner
        for function, kind in reversed(self._functions):
            path, kinds = (function, *path), [kind, *(kinds or [""] * len(path))]
        return self._entered(path, kinds), name

    def _entered(self, path: tuple[str, ...], kinds: list[str]) -> tuple[Scope, ...]:
        scopes = []
        for depth in range(1, len(path) + 1):
            place = path[:depth]
            instance = self._instances.setdefault(place, len(self._instances) + 1)
            if self._current[:depth] != place:
                self._runs[place] = self._runs.get(place, -1) + 1
            kind = kinds[depth - 1] if depth <= len(kinds) else ""
            kind = self._kinds.setdefault(place, kind) or kind
            scopes.append(Scope(place[-1], kind, {}, instance, self._runs[place]))
        self._current = path
        return tuple(scopes)


def _is_better(owner: tuple[str, ...], path: tuple[str, ...], kinds: list[str], op: str) -> bool:
    """Whether the module of a weight names a node better than its scope.

    It does without a scope, where it lies within that, and for a convolution that has the scope of the norm that is
    folded into it. Elsewhere a weight may be that of another module whose numbers are the same.
    """
    if owner[: len(path)] == path:
        return True
    return op in _KINDS and bool(kinds) and "Norm" in kinds[-1] and owner[:-1] == path[:-1]


def _told(proto: Any) -> tuple[tuple[str, ...], list[str], str]:
    """Path and classes as torch's exporter by FX graphs writes them: each scope is the whole path to it."""
    entries = {entry.key: entry.value for entry in proto.metadata_props if entry.key in (_SCOPES, _CLASSES)}
    if _SCOPES not in entries:
        return (), [], ""
    try:
        scopes = ast.literal_eval(entries[_SCOPES])
        classes = ast.literal_eval(entries.get(_CLASSES, "[]"))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return (), [], ""
    if not isinstance(scopes, list) or not all(isinstance(item, str) for item in scopes) or not scopes:
        return (), [], ""
    path: tuple[str, ...] = ()
    kinds: list[str] = []
    for index, scope in enumerate(scopes[:-1]):
        if not scope:
            continue
        parts = tuple(scope.split("."))
        kind = str(classes[index]).rpartition(".")[2] if isinstance(classes, list) and index < len(classes) else ""
        kinds += [""] * (len(parts) - len(kinds) - 1) + [kind] if len(parts) > len(kinds) else []
        path = parts
    return path, kinds, scopes[-1]


def _by_name(name: str) -> tuple[tuple[str, ...], str]:
    """`/layer1/layer1.0/conv1/Conv`, as torch's exporter by TorchScript writes it: each part repeats the one before."""
    if not name.startswith("/"):
        return (), name
    parts = name[1:].split("/")
    path: list[str] = []
    for part in parts[:-1]:
        for start in range(len(path)):
            before = ".".join(path[start:]) + "."
            if part.startswith(before):
                path += part[len(before) :].split(".")
                break
        else:
            path += part.split(".")
    return tuple(path), parts[-1]


def _owner(weight: str) -> tuple[str, ...]:
    """The module of a parameter, by the parameter's name; nothing where that is a number of an exporter."""
    if "::" in weight or weight.startswith(("/", "_", "val_")) or " + " in weight:
        return ()
    parts = weight.partition("[")[0].split(".")
    return tuple(parts[:-1]) if len(parts) > 1 and parts[-1] in _WEIGHTS else ()


def _last(name: str) -> str:
    return name.rpartition("/")[2]
