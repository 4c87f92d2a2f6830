"""Models of other frameworks; importing this says who reads what runs code, and imports nothing of torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archcalc.importing import sources
from archcalc.source import SpecError

if TYPE_CHECKING:
    from pathlib import Path

    from archcalc.engine.network import Module
    from archcalc.importing.calls import Calls
    from archcalc.importing.sources import Given
    from archcalc.python.answer import Answer
    from archcalc.results.imported import ImportedModel


def import_model(
    source: str | Path | Module, input: Given = None, *, check_input: Given = None, name: str = ""
) -> Answer[ImportedModel]:
    """A model as a spec that is proven to be it: what `archcalc import` tells; `.text` is the spec.

    Args:
        source: `model.onnx`, `deploy.prototxt`, `torchvision:resnet50`, `my_file.py:Net()`, or a torch module, which
            is left as it is and never run on real tensors.
        input: another shape of its input, channels first, or the one that it does not say: `(3, 224, 224)`.
        check_input: a second one, at which the spec is held to the model too.
        name: of the network, in place of its own.

    Raises:
        SpecError: it cannot be read, with what to try.
        MissingExtraError: a library that reads it is not installed, with the line to type.
    """
    from archcalc.engine.imported import import_model as bring_in
    from archcalc.python.answer import Answer
    from archcalc.report.imported import imported_object, imported_rows, told

    found = bring_in(source, input, check_input, name)
    return Answer(
        found, lambda: {"imported": [imported_object(found)]}, lambda: imported_rows(found), lambda: told(found)
    )


def from_torch(
    model: Module, input: Given = None, *, check_input: Given = None, name: str = ""
) -> Answer[ImportedModel]:
    """A torch module as a spec: `import_model` of it; `archcalc.load(found.text)` is the network.

    Args:
        model: the module, left exactly as it was.
        input: the shape of one example, channels first.
        check_input: a second one, at which the spec is held to the module too.
        name: of the network; that of its class where not given.

    Raises:
        TypeError: it is no torch module.
        SpecError: it cannot be traced, with the place and what to try.
        MissingExtraError: torch is not installed.
    """
    if not hasattr(model, "named_parameters"):
        raise TypeError(f"from_torch reads a torch module, not {type(model).__name__}; import_model reads files")
    return import_model(model, input, check_input=check_input, name=name)


def _by_name(source: Any, input: Any) -> Calls:
    from archcalc.torch_bridge.trace.sources import read_torch

    return _of_kind(read_torch, source, input)


def _module(module: Any, input: Any) -> Calls:
    from archcalc.torch_bridge.trace.read import read_module

    return _of_kind(read_module, module, input)


def _of_kind(read: Callable[[Any, Any], Calls], source: Any, input: Any) -> Calls:
    """What is read at an input; a single number is one of features, or where that fails a length of tokens."""
    tokens = _as_lengths(input)
    try:
        return read(source, input)
    except SpecError as error:
        if tokens is input or error.diagnostics[0].code != "cannot-trace":
            raise
    calls = read(source, tokens)
    again = calls.again
    calls.again = None if again is None else lambda other: again(_as_lengths(other))
    return calls


def _as_lengths(input: Any) -> Any:
    """Single numbers as lengths of tokens; the input itself where there are none."""
    if not isinstance(input, dict):
        return _length(input)
    found = {name: _length(each) for name, each in input.items()}
    return input if all(found[name] is each for name, each in input.items()) else found


def _length(given: Any) -> Any:
    """A single number as a length."""
    return given[0] if isinstance(given, (list, tuple)) and len(given) == 1 and isinstance(given[0], int) else given


sources.register("torch", _by_name)
sources.register("module", _module)
