"""Options that several commands have; what completes in the shell."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from archcalc.cli.choices import ByChoice as ByChoice
from archcalc.cli.choices import Format as Format
from archcalc.cli.choices import UnitsChoice as UnitsChoice
from archcalc.cli.completion import (
    complete_bits,
    complete_column,
    complete_convention,
    complete_dtype,
    complete_layer,
    complete_network,
    complete_setting,
)


class CheckFormat(StrEnum):
    """How the result of a check is written."""

    TABLE = "table"
    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"
    JUNIT = "junit"
    GITHUB = "github"


class GroupChoice(StrEnum):
    """What networks of a list stand together by."""

    FAMILY = "family"
    YEAR = "year"
    TASK = "task"


NETWORK_HELP = (
    "A name (`archcalc list`), a file `./my.yaml`, or `./my.yaml:variant`; or a model of another framework: "
    "model.onnx, deploy.prototxt, torchvision:resnet50, my_net.py:Net()."
)
NetworkName = Annotated[
    str, typer.Argument(metavar="NET", help=NETWORK_HELP, show_default=False, autocompletion=complete_network)
]
NetworkNames = Annotated[
    list[str],
    typer.Argument(metavar="NET NET ...", help=NETWORK_HELP, show_default=False, autocompletion=complete_network),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Give a variable of the spec another value, or an item of a list, 'kernel[3]=5'; repeatable.",
        autocompletion=complete_setting,
    ),
]
InputOption = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="CxHxW",
        help="Another input, channels first: 3x256x256; of several inputs text=128, repeatable.",
    ),
]
StepOption = Annotated[
    bool,
    typer.Option("--step", help="Of one step: a decoder's next token; what a step does not repeat is told apart."),
]
StateDtypeOption = Annotated[
    str | None,
    typer.Option(
        "--state-dtype",
        metavar="DTYPE",
        help="Of what is kept for the next step, a cache; without it that of the weights.",
        autocompletion=complete_dtype,
    ),
]
BatchOption = Annotated[
    int, typer.Option("--batch", metavar="N", help="Examples at once; multiplies MACs, FLOPs and activations.")
]
DtypeOption = Annotated[
    str,
    typer.Option(
        "--dtype",
        help="Of the weights, for their bytes: fp64 fp32 tf32 bf16 fp16 fp8 int8 int4.",
        autocompletion=complete_dtype,
    ),
]
ConventionOption = Annotated[
    str,
    typer.Option(
        "--convention",
        help="Whose FLOPs (archcalc conventions): arithmetic macs two_per_mac torchvision torch_flop_counter fvcore "
        "fvcore_fused ptflops ptflops_aten thop torchinfo torchprofile calflops_macs calflops "
        "deepspeed_macs deepspeed ptflops_0_6 thop_0_0 ultralytics_thop torchlens torchscan torchscan_macs onnx_tool.",
        autocompletion=complete_convention,
    ),
]
HeadsOption = Annotated[bool, typer.Option("--with-heads", help="Count heads that are for training only too.")]
BitsOption = Annotated[
    str | None,
    typer.Option(
        "--bits",
        metavar="N",
        help="Of each stored parameter, whatever the dtype and the spec say; or a format that packs weights: q4_k.",
        autocompletion=complete_bits,
    ),
]
DensityOption = Annotated[
    str | None,
    typer.Option(
        "--density", metavar="D", help="Part of all weights that is not zero, 0 to 1, whatever the spec says."
    ),
]
ScopeOption = Annotated[
    str | None,
    typer.Option(
        "--scope",
        metavar="PATH",
        help="Only what is under a path: a stage, a block or a layer.",
        autocompletion=complete_layer,
    ),
]
ByOption = Annotated[ByChoice, typer.Option("--by", help="What a row is.")]
PartOption = Annotated[
    ByChoice | None, typer.Option("--by", help="What a row of a network's own table is; without, a stage.")
]
GroupOption = Annotated[GroupChoice | None, typer.Option("--by", help="What networks stand together by.")]
DepthOption = Annotated[
    int | None, typer.Option("--depth", metavar="N", min=1, help="Cut names of layers to N parts, and sum.")
]
SortOption = Annotated[
    str | None,
    typer.Option(
        "--sort",
        metavar="COLUMN",
        help="Largest first, names from A; columns are those of the CSV.",
        autocompletion=complete_column,
    ),
]
TopOption = Annotated[
    int | None, typer.Option("--top", metavar="N", min=1, help="The N rows with most MACs, or first by --sort.")
]
ListSortOption = Annotated[
    str | None,
    typer.Option(
        "--sort", metavar="COLUMN", help="Largest first, names from A, years from the first; columns are the CSV's."
    ),
]
ListTopOption = Annotated[
    int | None,
    typer.Option(
        "--top", metavar="N", min=1, help="The N networks with most MACs, or first by --sort; of each group with --by."
    ),
]
UnfoldOption = Annotated[
    bool,
    typer.Option("--unfold", help="Every row of a long table, of blocks that are like an earlier one too."),
]
MeasuredOption = Annotated[
    str | None,
    typer.Option("--measured", metavar="FILE", help="Set the time that `archcalc profile` measured beside the cost."),
]
FormatOption = Annotated[
    Format | None,
    typer.Option("--format", help="Without it: by the ending of -o FILE, else table.", show_default=False),
]
OutputOption = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write to a file, whole or not at all.", show_default=False),
]
PlotOption = Annotated[
    Path | None,
    typer.Option("--plot", metavar="FILE", help="Draw it too: FILE.svg, .png or .html.", show_default=False),
]
UnitsOption = Annotated[UnitsChoice, typer.Option("--units", help="In tables: 1.583 G, or every digit.")]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Fail (exit 1) where the cost of an operation is not known.")
]
PublishedOption = Annotated[
    bool, typer.Option("--published", help="With the figures of the ledger beside ours: `archcalc check`.")
]
ColumnsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        metavar="NAME,...",
        help="These columns alone: those of the CSV, and read_bytes (what a layer takes from others, and its "
        "parameters), write_bytes (what it gives) and intensity (FLOPs for each byte), at the dtype.",
        autocompletion=complete_column,
    ),
]
LimitOption = Annotated[
    list[str] | None,
    typer.Option("--limit", metavar="NAME=N", help="Raise a limit of the expansion: steps or layers."),
]
