"""The command that measures: profile."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from archcalc.cli.inputs import Request, analysed, known, settings, sizes, whole_number, words
from archcalc.cli.options import (
    Format,
    FormatOption,
    InputOption,
    NetworkNames,
    OutputOption,
    SetOption,
    UnitsChoice,
    UnitsOption,
)
from archcalc.cli.output import FINDINGS, chosen, complain, deliver, fail, guarded
from archcalc.cli.progress import progress

if TYPE_CHECKING:
    from archcalc.results.measurement import Measurement
    from archcalc.source import Diagnostic


@guarded
def profile(
    networks: NetworkNames,
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            metavar="NAME",
            help="cpu, cuda, cuda:1. Without it: a GPU where there is one.",
            show_default=False,
        ),
    ] = None,
    batch: Annotated[str, typer.Option("--batch", metavar="N,N,...", help="Examples at once.")] = "1",
    dtype: Annotated[
        str, typer.Option("--dtype", metavar="NAME,...", help="Of weights and activations: fp32, fp16, bf16.")
    ] = "fp32",
    channels_last: Annotated[bool, typer.Option("--channels-last", help="Lay images out with channels last.")] = False,
    compile: Annotated[bool, typer.Option("--compile", help="Run what torch.compile makes of the model.")] = False,
    train: Annotated[
        bool, typer.Option("--train", help="Forward and backward of the mean of the outputs; no update of weights.")
    ] = False,
    layers: Annotated[bool, typer.Option("--layers", help="Time each layer too, beside its cost.")] = False,
    repeats: Annotated[
        int, typer.Option("--repeats", metavar="N", min=20, help="Runs of which the median is told, 20 or more.")
    ] = 20,
    threads: Annotated[
        int | None,
        typer.Option("--threads", metavar="N", min=1, help="On the CPU; without it as torch chooses."),
    ] = None,
    set: SetOption = None,
    input: InputOption = None,
    note: Annotated[
        str,
        typer.Option("--note", metavar="TEXT", help="What else there is to say of the machine."),
    ] = "",
    format: FormatOption = None,
    output: OutputOption = None,
    units: UnitsOption = UnitsChoice.SI,
) -> None:
    """Measure real models: time, memory and energy beside the cost.

    The torch model of each network is built, warmed up until its times are stable, and run. Told are the median and
    quartiles of a run, examples a second, achieved FLOP/s (2 for each multiply-accumulate), bytes moved (analytic),
    and the peak of memory; with `--layers` each layer's share of time beside its share of MACs. What cannot be
    measured is said on stderr (exit 1); the rest is told. Energy and clocks of a GPU need nvidia-ml-py.
    """
    from archcalc.report.measurement import measured, measurement_object, measurements_csv
    from archcalc.report.media.data import json_lines, versioned
    from archcalc.source.extra import require

    if layers and compile:
        fail("bad-option", "a compiled model has no layers to time: they are fused", "leave one of them out")
    batches = [_batch(text) for text in batch.split(",")]
    refuse_unwritable(format, output)
    names = [cost.name for cost in analysed(networks, Request(set, input))]  # everything wrong with them, first
    require("torch")
    dtypes = known_dtypes(dtype)
    options: dict[str, Any] = {
        "device": there(device),
        "channels_last": channels_last,
        "compile": compile,
        "train": train,
        "layers": layers,
        "repeats": repeats,
        "threads": threads,
        "set": settings(set or []),
        "input": sizes(input),
        "note": note,
    }
    jobs = [
        Job(f"{name} batch {examples} {kind}", network, examples, kind)
        for (name, network), kind, examples in product(zip(names, networks, strict=True), dtypes, batches)
    ]
    found, failures, is_interrupted = measure_all(jobs, options)
    if failures:
        complain(failures)
    if found:
        deliver(
            format,
            output,
            lambda: measured(found, units.value),
            lambda: measurements_csv(found),
            lambda: json_lines(versioned(measurements=list(map(measurement_object, found)))),
        )
    if is_interrupted:
        raise KeyboardInterrupt
    if failures:
        raise typer.Exit(FINDINGS)


class Job(NamedTuple):
    """A measurement to make."""

    label: str
    network: str
    batch: int
    dtype: str


def measure_all(jobs: Sequence[Job], options: dict[str, Any]) -> tuple[list[Measurement], list[Diagnostic], bool]:
    """Measurements, why others could not be made, and whether somebody ended it: what is measured is kept."""
    from archcalc.source import Diagnostic
    from archcalc.torch_bridge.profile.profile import MeasurementError, profile

    found: list[Measurement] = []
    failures: list[Diagnostic] = []
    with progress(len(jobs)) as tell:
        for number, (label, network, batch, dtype) in enumerate(jobs):

            def on_stage(part: float, stage: str, number: int = number, label: str = label) -> None:
                tell(number + part, f"{label}: {stage}")

            try:
                found.append(profile(network, batch=batch, dtype=dtype, tell=on_stage, **options))
            except MeasurementError as error:
                failures.append(Diagnostic(error.code, f"{label}: {error}", help=error.help))
            except KeyboardInterrupt:
                return found, failures, True
    return found, failures, False


def there(device: str | None) -> str:
    """A device that is there: the one asked for, or the best."""
    from archcalc.torch_bridge.profile.profile import MeasurementError, best_device, existing

    name = device or best_device()
    try:
        existing(name)
    except MeasurementError as error:
        fail(error.code, str(error), error.help)
    return name


def known_dtypes(text: str) -> list[str]:
    """Names of dtypes that torch computes in."""
    from archcalc.torch_bridge.profile.profile import MEASURED_DTYPES

    return [known(name, MEASURED_DTYPES, "dtype") for name in words([text], "--dtype", "fp32,fp16")]


def _batch(text: str) -> int:
    number = whole_number(text)
    if number is None:
        fail("bad-option", f"--batch takes whole numbers of 1 or more, not `{text}`", "--batch 1,8,64")
    return number


def refuse_unwritable(format: Format | None, output: Path | None) -> None:
    """Before minutes of measuring are lost for it: a folder that is not there, an ending that says no format."""
    chosen(format, output, Format)
    if output is not None and not os.access(output.parent, os.W_OK):
        help = None if output.parent.is_dir() else f"make the folder first: mkdir -p {output.parent}"
        fail("cannot-write", f"`{output}` cannot be written", help)
