"""Models of Keras 3 on its torch backend, which are torch modules, and those of `keras.applications`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NoReturn

from torch import nn
from torch.nn.parameter import is_lazy

from archcalc.source import Diagnostic, SpecError, suggestion


@contextmanager
def on_meta(model: nn.Module) -> Iterator[None]:
    """Keras' own device, where a model is one of Keras: it brings its inputs there."""
    if not is_keras(model):
        yield
        return
    with sys.modules["keras"].device("meta"):
        yield


def is_keras(model: nn.Module) -> bool:
    """Whether a module is one of Keras."""
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(model, keras.layers.Layer)


def emptied(model: nn.Module) -> None:
    """Take the memory of all that a copy has still: Keras makes a copy anew, by what its layers were made with."""
    made: dict[int, nn.Parameter] = {}
    for module in model.modules():
        for name, tensor in list(module._parameters.items()):
            if tensor is not None and tensor.device.type != "meta" and not is_lazy(tensor):
                empty = made.setdefault(id(tensor), nn.Parameter(tensor.detach().to("meta"), tensor.requires_grad))
                module._parameters[name] = empty
    variables: list[Any] = list(model.variables) if is_keras(model) else []  # type: ignore[arg-type]
    for variable in variables:
        variable._value = made.get(id(variable._value), variable._value)


def application(name: str, settings: dict[str, Any]) -> nn.Module:
    """One of `keras.applications`, without weights.

    Raises:
        SpecError: there is none of that name (`unknown-model`), or Keras runs on another backend (`other-backend`).
    """
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras: Any = import_module("keras")
    if keras.backend.backend() != "torch":
        _fail("other-backend", f"keras runs on {keras.backend.backend()} here", "KERAS_BACKEND=torch archcalc ...")
    known = [each for each in dir(keras.applications) if each[:1].isupper()]
    if name not in known:
        _fail("unknown-model", f"keras.applications has no model `{name}`", suggestion(name, known, None, 3))
    made: nn.Module = getattr(keras.applications, name)(**{"weights": None, **settings})
    return made


def shape_of(model: Any) -> tuple[int, ...] | None:
    """The shape of one example, where the model says it."""
    keras = sys.modules.get("keras")
    if keras is None or not isinstance(model, keras.Model):
        return None
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or not all(isinstance(size, int) for size in shape[1:]):
        return None
    return tuple(shape[1:])


def _fail(code: str, message: str, help: str | None) -> NoReturn:
    raise SpecError([Diagnostic(code, message, help=help)]) from None
