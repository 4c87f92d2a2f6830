"""The commands about time on a device: roofline, estimate, devices, calibrate."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archcalc.cli.completion import complete_device, complete_stack
from archcalc.cli.inputs import known, settings, sizes, tell_remarks
from archcalc.cli.options import (
    BatchOption,
    DtypeOption,
    Format,
    FormatOption,
    InputOption,
    NetworkName,
    OutputOption,
    PlotOption,
    SetOption,
    StepOption,
    StrictOption,
    TopOption,
    UnitsChoice,
    UnitsOption,
)
from archcalc.cli.output import deliver, draw, fail, guarded

if TYPE_CHECKING:
    from archcalc.results.time import Calibration


class FuseChoice(StrEnum):
    """What runs as one."""

    NONE = "none"
    POINTWISE = "pointwise"


DeviceOption = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="NAME",
        help="h100-sxm, titan-x-pascal (archcalc devices); or ./mine.yaml.",
        show_default=False,
        autocompletion=complete_device,
    ),
]
FuseOption = Annotated[
    FuseChoice, typer.Option("--fuse", help="What runs as one: nothing, or what works on single elements.")
]


def _checked(
    dtype: str, batch: int, set: list[str] | None, input: list[str] | None, fuse: FuseChoice, step: bool
) -> dict[str, Any]:
    from archcalc.results.cost import DTYPES

    known(dtype, DTYPES, "dtype")
    if batch < 1:
        fail("bad-batch", f"the batch is {batch}; it is 1 or more", "--batch 1")
    return {
        "dtype": dtype,
        "batch": batch,
        "fuse": fuse.value,
        "step": step,
        "set": settings(set or []),
        "input": sizes(input),
    }


@guarded
def roofline(
    network: NetworkName,
    device: DeviceOption,
    dtype: DtypeOption = "fp32",
    batch: BatchOption = 1,
    fuse: FuseOption = FuseChoice.NONE,
    step: StepOption = False,
    set: SetOption = None,
    input: InputOption = None,
    top: TopOption = None,
    format: FormatOption = None,
    output: OutputOption = None,
    units: UnitsOption = UnitsChoice.SI,
    plot: PlotOption = None,
    strict: StrictOption = False,
) -> None:
    """Tell the least time of each layer, and what bounds it.

    Every operation takes at least its arithmetic at the printed peak, and its bytes at the printed bandwidth; the
    larger is its floor. `archcalc roofline llama3_8b --device h100-sxm --dtype bf16 --step --set past=8192`.
    """
    from archcalc.engine.machine.roofline import roofline as floors_of
    from archcalc.report.media import data
    from archcalc.report.media.roof import roof
    from archcalc.report.roofline import floor_rows, floors, roofline_object

    found = floors_of(network, device, **_checked(dtype, batch, set, input, fuse, step))
    if strict and found.at_least:
        fail("unknown-cost", f"the work of some operations of {found.network} is not known", status=1)
    rows = found.busy()
    if top:
        rows = sorted(rows, key=lambda row: -row.floor_s)[:top]
    draw(lambda charts: roof(found), plot)
    tell_remarks(network)
    deliver(
        format,
        output,
        lambda: floors(found, rows, units.value),
        lambda: data.csv_text(floor_rows(found, rows)),
        lambda: data.json_lines(data.versioned(**roofline_object(found))),
    )


@guarded
def estimate(
    network: NetworkName,
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            metavar="NAME",
            help="h100-sxm, titan-x-pascal (archcalc devices); or ./mine.yaml; that of --calibration without it.",
            show_default=False,
            autocompletion=complete_device,
        ),
    ] = None,
    stack: Annotated[
        str | None,
        typer.Option(
            "--stack",
            metavar="NAME",
            help="What was measured with: cudnn-5.1; without it a floor alone.",
            show_default=False,
            autocompletion=complete_stack,
        ),
    ] = None,
    calibration: Annotated[
        str | None,
        typer.Option(
            "--calibration", metavar="FILE", help="What `archcalc calibrate -o FILE` measured.", show_default=False
        ),
    ] = None,
    prompt: Annotated[
        int | None,
        typer.Option(
            "--prompt",
            metavar="N",
            min=1,
            help="Of a decoder: answer so many tokens; time to the first token, and tokens a second.",
            show_default=False,
        ),
    ] = None,
    generate: Annotated[
        int, typer.Option("--generate", metavar="N", min=1, help="Tokens of the answer, with --prompt.")
    ] = 256,
    dtype: DtypeOption = "fp32",
    batch: BatchOption = 1,
    fuse: FuseOption = FuseChoice.NONE,
    step: StepOption = False,
    set: SetOption = None,
    input: InputOption = None,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Estimate a time: value, low, high, and what they rest on.

    With a stack that was measured, what its calibration gives, and between what nine of ten networks lay that the fit
    did not see; beside it the floor. Without one a floor alone: no efficiency is made up.
    """
    from archcalc.engine.machine.estimate import estimate as estimate_of
    from archcalc.engine.machine.own import own
    from archcalc.report.estimate import estimate_object, estimate_rows, estimated
    from archcalc.report.media import data

    if stack and calibration:
        fail("bad-option", "a stack that is shipped and a calibration of one's own are two", "leave one of them out")
    used: str | Calibration = own(calibration) if calibration else stack or ""
    if device is None and not calibration:
        fail("missing-option", "an estimate is of a device", "--device titan-x-pascal (archcalc devices)")
    if prompt is not None:
        if stack or calibration or step or input or device is None:
            fail("bad-option", "of a prompt floors alone are told", "--device h100-sxm --prompt 2048 --generate 256")
        checked = _checked(dtype, batch, set, None, fuse, False)
        return _answer(network, device, prompt, generate, checked, format, output)
    found = estimate_of(network, device, used, **_checked(dtype, batch, set, input, fuse, step))
    tell_remarks(network)
    deliver(
        format,
        output,
        lambda: estimated(found),
        lambda: data.csv_text(estimate_rows(found)),
        lambda: data.json_lines(data.versioned(**estimate_object(found))),
    )


def _answer(
    network: str,
    device: str,
    prompt: int,
    generate: int,
    checked: dict[str, Any],
    format: Format | None,
    output: Path | None,
) -> None:
    from archcalc.engine.machine.generation import generation
    from archcalc.report.generation import generated, generation_object, generation_rows
    from archcalc.report.media import data

    how = {name: checked[name] for name in ("dtype", "batch", "fuse", "set")}
    found = generation(network, device, prompt, generate, **how)
    tell_remarks(network)
    deliver(
        format,
        output,
        lambda: generated(found),
        lambda: data.csv_text(generation_rows(found)),
        lambda: data.json_lines(data.versioned(**generation_object(found))),
    )


@guarded
def devices(format: FormatOption = None, output: OutputOption = None) -> None:
    """List the devices that are known."""
    from archcalc.engine.machine.devices import devices as shipped
    from archcalc.report.media import data
    from archcalc.report.roofline import device_object, device_rows, device_table

    found = list(shipped().values())
    deliver(
        format,
        output,
        lambda: device_table(found),
        lambda: data.csv_text(device_rows(found)),
        lambda: data.json_lines(data.versioned(devices=[device_object(one) for one in found])),
    )


@guarded
def calibrate(
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            metavar="NAME",
            help="cpu, cuda, cuda:1. Without it: a GPU where there is one.",
            show_default=False,
        ),
    ] = None,
    networks: Annotated[
        str | None,
        typer.Option(
            "--networks", metavar="NAME,...", help="What is measured, instead of nine classics.", show_default=False
        ),
    ] = None,
    dtype: Annotated[str, typer.Option("--dtype", help="Of weights and activations: fp32, fp16, bf16.")] = "fp32",
    batch: Annotated[int, typer.Option("--batch", metavar="N", min=1, help="Examples at once.")] = 1,
    train: Annotated[bool, typer.Option("--train", help="The backward pass too.")] = False,
    repeats: Annotated[
        int, typer.Option("--repeats", metavar="N", min=20, help="Runs of which the median is taken, 20 or more.")
    ] = 20,
    output: OutputOption = None,
) -> None:
    """Measure this machine, for estimates of its own.

    It takes about a minute on a CPU; `archcalc estimate --calibration FILE` reads what comes of it. First what it
    computes and moves, then networks and their operations; what operations of each kind take is fitted to these, and
    the error is that on each network of a fit to the others. The file holds what was measured, too.
    """
    from archcalc.cli.output import send
    from archcalc.cli.profile import known_dtypes, refuse_unwritable, there
    from archcalc.cli.progress import progress
    from archcalc.engine.machine.own import own_text
    from archcalc.engine.network import load
    from archcalc.source.extra import require

    if output is not None:
        if output.suffix not in (".yaml", ".yml"):
            fail("bad-option", f"a calibration is YAML, not `{output.name}`", "-o mine.yaml")
        refuse_unwritable(None, output.with_suffix(".json"))
    require("torch")
    from archcalc.torch_bridge.profile.calibrate import NETWORKS
    from archcalc.torch_bridge.profile.calibrate import calibrate as measure
    from archcalc.torch_bridge.profile.profile import MeasurementError

    names = [name for name in (networks or "").split(",") if name] or list(NETWORKS)
    if len(names) < 3:
        fail("bad-option", "a fit to fewer than three networks says nothing of others", "--networks with three or more")
    for name in names:
        load(name)
    (kind,) = known_dtypes(dtype)
    try:
        with progress(1) as tell:
            found = measure(there(device), names, kind, batch, repeats, train, tell=tell)
    except MeasurementError as error:
        fail(error.code, str(error), error.help)
    for which, one in found.passes.items():
        if one.networks is not None:
            typer.echo(
                f"{which}: {one.networks.mean:.1%} mean error on networks that the fit did not see, "
                f"{one.networks.worst:.1%} at most; ranks agree to {one.networks.rank:.2f}",
                err=True,
            )
    send(own_text(found), output)
