"""The command explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from archcalc.cli.completion import complete_layer
from archcalc.cli.inputs import Request, analysed
from archcalc.cli.options import (
    BatchOption,
    ConventionOption,
    DtypeOption,
    FormatOption,
    HeadsOption,
    InputOption,
    LimitOption,
    NetworkName,
    OutputOption,
    SetOption,
    StepOption,
    StrictOption,
)
from archcalc.cli.output import FINDINGS, deliver, fail, guarded

if TYPE_CHECKING:
    from archcalc.results.cost import LayerCost, NetworkCost


@guarded
def explain(
    network: NetworkName,
    layer: Annotated[
        str | None,
        typer.Argument(
            metavar="LAYER",
            help="The path of a layer or block, or an end of it that fits one only.",
            show_default=False,
            autocompletion=complete_layer,
        ),
    ] = None,
    set: SetOption = None,
    input: InputOption = None,
    batch: BatchOption = 1,
    dtype: DtypeOption = "fp32",
    convention: ConventionOption = "arithmetic",
    with_heads: HeadsOption = False,
    step: StepOption = False,
    format: FormatOption = None,
    output: OutputOption = None,
    strict: StrictOption = False,
    limit: LimitOption = None,
) -> None:
    """Explain how the numbers come about.

    Of a layer: the rule, the numbers put into it, the result, and whose rule it is. Of a block: what each quantity of
    its layers comes to, and which of them it is. Of a network: what is counted, under which convention, what is
    largest, what was declared zero and why.
    """
    from archcalc.engine.explain import MismatchError, explained
    from archcalc.report.explanation import (
        block_explained,
        block_rows,
        explanation_object,
        layer_explained,
        network_explained,
        rule_object,
    )
    from archcalc.report.media import data

    request = Request(set, input, batch, dtype, convention, with_heads, limit, strict, step=step)
    (cost,) = analysed([network], request)
    if layer is None:
        deliver(
            format,
            output,
            lambda: network_explained(cost, network),
            lambda: data.totals_csv([cost]),
            lambda: data.json_text([data.network_object(cost)]),
        )
        return
    if cost.heads and layer.partition(".")[0] in cost.heads:  # a layer of a head needs no --with-heads
        (cost,) = analysed([network], request._replace(with_heads=True))
    block = block_of(cost, layer)
    if block:
        (part,) = analysed([network], request._replace(scope=block, with_heads=cost.with_heads))
        joining = [of for layer in part.layers if layer.name == block for of in explained(part, layer)]
        deliver(
            format,
            output,
            lambda: block_explained(part, network, joining),
            lambda: data.csv_text(block_rows(part)),
            lambda: data.json_text([data.network_object(part)]),
        )
        return
    found = one_layer(cost, layer, network)
    try:
        explanations = explained(cost, found)
    except MismatchError as error:  # pragma: no cover - a test explains every layer of each family
        fail("internal-mismatch", f"{found.name}: {error}", "please report this: it is an error of archcalc", FINDINGS)
    deliver(
        format,
        output,
        lambda: layer_explained(cost, found, explanations),
        lambda: data.csv_text(
            {"operation": of.name, **rule_object(rule), "source": of.source} for of in explanations for rule in of.rules
        ),
        lambda: data.json_text(
            [data.network_object(cost, [found]) | {"explanations": [explanation_object(of) for of in explanations]}]
        ),
    )


def block_of(cost: NetworkCost, name: str) -> str:
    """The path of a block: of several layers, the one that joins them among them; nothing where there is none.

    A name that is the end of several blocks and of no layer is refused.
    """
    wanted = name.lower().rstrip(".")
    parts = [layer.name.split(".") for layer in cost.layers]
    paths = dict.fromkeys(".".join(part[:depth]) for part in parts for depth in range(1, len(part)))
    if name in paths:
        return name
    layers = {layer.name.lower() for layer in cost.layers}
    found = [path for path in paths if path.lower() == wanted]
    if not found and not any(layer == wanted or layer.endswith(f".{wanted}") for layer in layers):
        found = [path for path in paths if path.lower().endswith(f".{wanted}")]
    if len(found) > 1:
        listed = ", ".join(found[:6]) + (f" and {len(found) - 6} more" if len(found) > 6 else "")
        message = f"`{name}` is the end of {len(found)} blocks of {cost.name}"
        fail("ambiguous-layer", message, f"name one of {listed}")
    return found[0] if found else ""


def one_layer(cost: NetworkCost, name: str, network: str) -> LayerCost:
    """The layer of a name, or of the end of one; `network` is what was typed."""
    from archcalc.engine.cost.scope import one_of_row
    from archcalc.source import suggestion

    layers = {layer.name: layer for layer in cost.layers}
    if name in layers:
        return layers[name]
    wanted = name.lower()
    found = [layer for key, layer in layers.items() if key.lower() == wanted]
    found = found or [layer for key, layer in layers.items() if key.lower().endswith(f".{wanted}")]
    found = found or [
        layer for layer in cost.layers if any(cost.graph.nodes[index].name.lower() == wanted for index in layer.nodes)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        names = [layer.name for layer in found]
        listed = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
        message = f"`{name}` is the end of {len(names)} layers of {cost.name}"
        fail("ambiguous-layer", message, f"name one of {listed}")
    blocks = {".".join(key.split(".")[:depth]) for key in layers for depth in range(1, key.count(".") + 1)}
    paths = [*layers, *blocks, *{key.rpartition(".")[2] for key in layers}]
    listed = f"`archcalc show {network}` lists the layers"
    help = one_of_row(name, layers) or suggestion(name, paths, listed, most=3)
    fail("unknown-layer", f"{cost.name} has no layer `{name}`", help)
