"""Models of others as networks: read, written as a spec, proven, and from there like any network."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcalc.results.imported import ImportedModel, UnknownPart
from archcalc.source import Diagnostic, Source, SpecError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archcalc.importing.calls import Calls
    from archcalc.importing.imported import Imported
    from archcalc.importing.sources import Given
    from archcalc.importing.totals import Totals
    from archcalc.spec.library import Found


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
        check_input: a second one, at which the spec is held to the model too; without it one that is 64 larger, where
            the model can read that.
        name: of the network, in place of its own.

    Raises:
        SpecError: it is no source, or cannot be read.
        MissingExtraError: a library that reads it is not installed, with the line to type.
    """
    from archcalc.importing.sources import imported

    source = str(source) if isinstance(source, Path) else source
    return _model(source, imported(source, input, check_input, name))


def import_family(sources: Sequence[str], input: Given = None, name: str = "") -> tuple[str, list[ImportedModel]]:
    """Several models as the variants of one spec, and what is known of each; without text where one is not proven.

    Args:
        sources: at least two, as `import_model` takes them.
        input: another shape of their inputs, or the one that they do not say.
        name: of the family, in place of what their names begin with.

    Raises:
        SpecError: one of them cannot be read, or two have one name.
        MissingExtraError: a library that reads one is not installed, with the line to type.
    """
    from archcalc.importing.family import decompile_family
    from archcalc.importing.sources import read_again

    calls = [read_again(source, input) for source in sources]
    for at, each in enumerate(calls):
        if each.name in [other.name for other in calls[:at]]:
            message = f"two of the models are called {each.name}"
            raise SpecError([Diagnostic("same-name", message, help="a family has networks of different names")])
    family = decompile_family(calls, name)
    return family.text, [_model(source, found) for source, found in zip(sources, family.members.values(), strict=True)]


def _model(source: Any, found: Imported) -> ImportedModel:
    """All that is known of a model that was written."""
    from archcalc.importing.totals import totals_of

    calls = found.calls
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
        text=found.text,
        held=tuple(found.proof.held) if found.text else (),
        differences=tuple(found.proof.differences),
        unknown=tuple(UnknownPart(part.name, part.layer, part.reason) for part in found.unknown),
        unused=tuple(unused),
        unused_params=sum(prod(calls.parameters[name]) for name in unused),
        notes=(
            *(note for note in found.notes if not (unused and "no operation of the text stores" in note)),
            *_namesakes(source, calls, totals),
        ),
        names=found.names,
    )


def _namesakes(source: Any, calls: Calls, totals: Totals) -> Iterator[str]:
    """Whether a network of the library that is called so has the same parameters and MACs, at the same input."""
    from archcalc.engine.library import IMPLEMENTATIONS
    from archcalc.engine.network import analyze
    from archcalc.spec.library import index, plain

    name = calls.name.partition("@")[0]
    known = index()
    names = [known[key][0] for each in ("", *IMPLEMENTATIONS) if (key := plain(f"{name}@{each}".rstrip("@"))) in known]
    found = []
    for each in names:
        try:
            cost = analyze(each)
        except SpecError:  # the name of a family
            continue
        if list(cost.graph.inputs.values()) == list(calls.inputs.values()):
            found.append((each, cost.totals.params, cost.totals.macs))
    same = [each for each, *of in found if of == [totals.params, totals.macs]]
    if same:
        yield f"`{same[0]}` of the library has the same parameters and MACs"
    elif found:
        other, params, macs = found[0]
        what = f"`{other}` of the library has {params:,} parameters and {macs:,} MACs"
        yield f"{what}: archcalc diff {source} {other}" if isinstance(source, str) else what
