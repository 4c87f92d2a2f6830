"""Models of others as networks: read, written as a spec, proven, and from there like any network."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcalc.results.imported import ImportedModel, UnknownPart
from archcalc.source import Diagnostic, Source, SpecError

if TYPE_CHECKING:
    from archcalc.importing.calls import Calls
    from archcalc.importing.imported import Imported
    from archcalc.importing.sources import Given
    from archcalc.spec.library import Found

FURTHER = 64  # positions that the second size of an image has more


def network_found(source: Any, input: Given = None) -> Found:
    """The network of a model: its spec, as it was written and proven.

    Raises:
        SpecError: as `import_model`; or what was written is not proven to be the model.
    """
    from archcalc.importing.sources import imported
    from archcalc.spec.library import choose
    from archcalc.spec.read import read_spec

    found = imported(source, input)
    said = source if isinstance(source, str) else type(source).__name__
    if not found.text:
        raise SpecError(
            [
                Diagnostic(
                    "not-proven",
                    f"the spec of {said} is not proven to be it: {found.proof.differences[0]}",
                    help=f"archcalc import {said} tells what it costs, and what differs",
                )
            ]
        )
    network = choose(read_spec(Source(f"{said} as a spec", found.text), True))
    network.spec.notes += found.notes
    network.spec.read_at = input
    return network


def import_model(source: Any, input: Given = None, check_input: Given = None, name: str = "") -> ImportedModel:
    """A model as a spec, with all that is known of it.

    Args:
        source: a file of ONNX or Caffe, what makes a model (`my_file.py:Net()`), or a torch module.
        input: another shape of its input, or the one that it does not say.
        check_input: a second one, at which the spec is held to the model too; of an image, without it, one that is 64
            larger, where the model can read that.
        name: of the network, in place of its own.

    Raises:
        SpecError: it is no source, or cannot be read.
        MissingExtraError: a library that reads it is not installed, with the line to type.
    """
    from archcalc.importing.sources import imported
    from archcalc.importing.totals import totals_of

    source = str(source) if isinstance(source, Path) else source
    found = imported(source, input, check_input, name)
    calls = found.calls
    held, differences, notes = list(found.proof.held), list(found.proof.differences), list(found.notes)
    if found.text:
        second = _second(source, calls, check_input)
        if second is not None:
            shapes = ", ".join(map(str, second.inputs.values()))
            differing = differences_at(found, second)
            if not differing:
                held.append(f"the same at {shapes}")
            elif check_input is not None:
                differences.append(f"at {shapes}: {differing[0]}")
            else:
                notes.append(f"At {shapes} the source differs from the spec: {differing[0]}")
    totals = totals_of(calls)
    stored = {weight for call in calls.calls for weight in call.weights}
    unused = [weight for weight in calls.parameters if weight not in stored]
    return ImportedModel(
        source=source if isinstance(source, str) else type(source).__name__,
        name=calls.name,
        inputs={name: str(shape) for name, shape in calls.inputs.items()},
        operations=len(calls.calls),
        tensors=len(calls.parameters),
        params=totals.params,
        macs=totals.macs,
        buffers=totals.buffers,
        bounds=totals.bounds,
        text="" if differences else found.text,
        held=() if differences else tuple(held),
        differences=tuple(differences),
        unknown=tuple(UnknownPart(part.name, part.layer, part.reason) for part in found.unknown),
        unused=tuple(unused),
        unused_params=sum(prod(calls.parameters[name]) for name in unused),
        notes=tuple(note for note in notes if not (unused and "no operation of the text stores" in note)),
        names=found.names,
    )


def _second(source: Any, calls: Calls, asked: Given) -> Calls | None:
    """The model read once more: at the size that was asked for, or at a larger one that it can read."""
    from archcalc.importing.sources import read_again

    if asked is not None:
        return read_again(source, asked)
    shapes = list(calls.inputs.values())
    if len(shapes) != 1 or shapes[0].rank != 2 or calls.free:
        return None
    extents: tuple[Any, ...] = shapes[0].spatial
    try:
        return read_again(source, (shapes[0].channels, *(extent + FURTHER for extent in extents)))
    except SpecError:
        return None


def differences_at(found: Imported, second: Calls) -> list[str]:
    """Where the spec of a model, at the size at which the model was read once more, is not what was read there."""
    from archcalc.engine.inputs import input_settings
    from archcalc.engine.network import setting
    from archcalc.importing.prove import prove
    from archcalc.spec.expand import expand
    from archcalc.spec.library import choose
    from archcalc.spec.read import read_spec

    first = found.calls
    read = {index for call in first.calls for index in call.inputs if index < 0}
    spec, name = choose(read_spec(Source("text", found.text), True))
    names = [name for at, name in enumerate(first.inputs) if -1 - at in read]
    renamed = {**dict(zip(names, spec.inputs, strict=True)), **found.outputs}
    shapes = {renamed[name]: second.inputs[name] for name in names if name in second.inputs}
    settings = {name: setting(name, value) for name, value in input_settings(spec, shapes).items()}
    try:
        graph = expand(spec, name, settings, shapes)
    except SpecError as error:
        return [error.diagnostics[0].message]
    return prove(second, graph, renamed).differences
