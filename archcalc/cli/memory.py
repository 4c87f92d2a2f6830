"""The command memory."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from archcalc.cli.completion import complete_layer
from archcalc.cli.inputs import known, pairs, settings, sizes, tell_remarks, words
from archcalc.cli.options import (
    BatchOption,
    DtypeOption,
    FormatOption,
    InputOption,
    NetworkName,
    OutputOption,
    SetOption,
    StepOption,
    UnitsChoice,
    UnitsOption,
)
from archcalc.cli.output import deliver, fail, guarded


class OptimizerChoice(StrEnum):
    """What updates the parameters."""

    SGD = "sgd"
    MOMENTUM = "momentum"
    ADAM = "adam"
    ADAMW = "adamw"
    ADAFACTOR = "adafactor"


class RecomputeChoice(StrEnum):
    """What is computed again instead of kept."""

    NONE = "none"
    BLOCK = "block"
    FULL = "full"


class OnChoice(StrEnum):
    """Where it runs."""

    CPU = "cpu"
    CUDA = "cuda"


PATTERN = "PATTERN"


@guarded
def memory(
    network: NetworkName,
    batch: BatchOption = 1,
    dtype: DtypeOption = "fp32",
    train: Annotated[bool, typer.Option("--train", help="For a step of training, not a forward pass alone.")] = False,
    optimizer: Annotated[OptimizerChoice, typer.Option("--optimizer", help="Of training.")] = OptimizerChoice.ADAMW,
    master: Annotated[
        str | None,
        typer.Option(
            "--master", metavar="DTYPE", help="Of a second copy of the weights, and of what the optimizer keeps."
        ),
    ] = None,
    recompute: Annotated[
        RecomputeChoice,
        typer.Option("--recompute", help="What is computed again instead of kept: each block that repeats, or all."),
    ] = RecomputeChoice.NONE,
    frozen: Annotated[
        list[str] | None,
        typer.Option(
            "--frozen",
            metavar=PATTERN,
            help="Layers that are not trained: a path, * for anything; repeatable.",
            autocompletion=complete_layer,
        ),
    ] = None,
    lora: Annotated[
        int, typer.Option("--lora", metavar="RANK", min=0, help="Train matrices of that rank alone, beside each layer.")
    ] = 0,
    lora_on: Annotated[
        list[str] | None,
        typer.Option(
            "--lora-on",
            metavar=PATTERN,
            help="Beside these linear layers and convolutions; without, beside all.",
            autocompletion=complete_layer,
        ),
    ] = None,
    on: Annotated[
        OnChoice, typer.Option("--on", help="Masks of dropout: 4 bytes an element, on cuda 1.")
    ] = OnChoice.CPU,
    fit: Annotated[
        str | None,
        typer.Option("--fit", metavar="BYTES", help="Find the largest batch within it: 24GiB.", show_default=False),
    ] = None,
    variable: Annotated[
        str, typer.Option("--for", metavar="VARIABLE", help="With --fit, of what: a variable, as resolution or length.")
    ] = "batch",
    ranks: Annotated[
        str | None,
        typer.Option(
            "--ranks",
            metavar="AXIS=N,...",
            help="Divide it among ranks: dp=8,tp=4,pp=2,ep=8 (data, tensor, pipeline, experts).",
            show_default=False,
        ),
    ] = None,
    zero: Annotated[int, typer.Option("--zero", metavar="STAGE", min=0, max=3, help="Of ZeRO, 1 to 3.")] = 0,
    step: StepOption = False,
    past: Annotated[
        int | None,
        typer.Option("--past", metavar="N", min=0, help="Of one step after so many positions.", show_default=False),
    ] = None,
    set: SetOption = None,
    input: InputOption = None,
    format: FormatOption = None,
    output: OutputOption = None,
    units: UnitsOption = UnitsChoice.SI,
) -> None:
    """Tell how much memory a network needs, and where.

    Tensors are counted, each from the operation that makes it to the last that needs it; with --train those that the
    backward pass needs, gradients and what the optimizer keeps: `archcalc memory resnet50 --train --batch 32`.
    """
    from archcalc.engine.memory.fit import fitted
    from archcalc.engine.memory.memory import Asked, memory_of
    from archcalc.engine.memory.sharding import Ranks
    from archcalc.report.media import data
    from archcalc.report.memory import memory_object, needed, rows
    from archcalc.results.cost import DTYPES

    known(dtype, DTYPES, "dtype")
    if master is not None:
        known(master, DTYPES, "dtype")
    if batch < 1:
        fail("bad-batch", f"the batch is {batch}; it is 1 or more", "--batch 1")
    if variable != "batch" and fit is None:
        fail("bad-option", f"--for {variable} says of what the largest is found, within --fit", "--fit 24GiB")
    if not train:
        trained = {"--frozen": frozen, "--lora": lora, "--lora-on": lora_on, "--master": master}
        trained["--recompute"] = recompute != RecomputeChoice.NONE
        for option, value in trained.items():
            if value:
                fail("bad-option", f"{option} is of training", "--train")
    elif step or past is not None:
        fail("bad-option", "a step of a decoder keeps no gradients", "leave out --train, or --step and --past")
    asked = Asked(
        batch=batch,
        dtype=dtype,
        train=train,
        optimizer=optimizer.value,
        master=master or "",
        recompute=recompute.value,
        frozen=tuple(frozen or ()),
        lora=lora,
        adapted=tuple(lora_on or ()),
        cuda=on == OnChoice.CUDA,
        step=step or past is not None,
        ranks=Ranks.of(_ranks(ranks)) if ranks else Ranks(),
        zero=zero,
    )
    given = {**({} if past is None else {"past": str(past)}), **settings(set or [])}
    if fit is None:
        found = memory_of(network, asked, given, sizes(input))
    else:
        found = fitted(network, asked, fit, variable, given, sizes(input))
    tell_remarks(network)
    deliver(
        format,
        output,
        lambda: needed(found, units.value),
        lambda: data.csv_text(rows(found)),
        lambda: data.json_lines(data.versioned(**memory_object(found))),
    )


def _ranks(text: str) -> dict[str, int]:
    """`dp=8,tp=4` as numbers."""
    found = {}
    for axis, number in pairs(words([text], "--ranks", "dp=8,tp=4"), "--ranks", "dp=8"):
        if not number.isdecimal():
            fail("bad-ranks", f"`{axis}={number}` says nothing of ranks", "--ranks dp=8,tp=4,pp=2,ep=8")
        found[axis] = int(number)
    return found
