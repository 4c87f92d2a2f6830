"""The command import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from archcalc.cli.inputs import sizes
from archcalc.cli.options import InputOption, OutputOption, StrictOption
from archcalc.cli.output import FINDINGS, asked_width, fail, guarded, send

if TYPE_CHECKING:
    from archcalc.report.media.blocks import Document

SOURCE_HELP = (
    "model.onnx, deploy.prototxt, torchvision:resnet50, timm:NAME, transformers:./config.json, "
    "my_file.py:Net(num_classes=10), package.module:factory(), or a config.json of transformers or its folder."
)


@guarded
def import_spec(
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE...", help=SOURCE_HELP, show_default=False)],
    output: OutputOption = None,
    input: InputOption = None,
    check_input: Annotated[
        list[str] | None,
        typer.Option("--check-input", metavar="CxHxW", help="A second input, at which the spec must be the model too."),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", metavar="N", help="Of the network, in place of its own.", show_default=False)
    ] = "",
    strict: StrictOption = False,
) -> None:
    """Bring in a model, as a spec that is proven to be it.

    The spec goes to stdout or, whole, into a file; what was read, what it costs, what is proven and what is unknown is
    said on stderr. Files are read and never run; my_file.py:Net() runs that code. Of a configuration it is the spec of
    its family with the values that the configuration gives. Several sources become one spec, each a variant of it. Exit
    code 1: the spec is not proven, and not written; or,
    with --strict, something is unknown.
    """
    from archcalc.spec.library import is_configuration

    if len(sources) > 1:
        return of_family(sources, input, check_input, name, output)
    (source,) = sources
    if is_configuration(source):
        return of_configuration(source, output)
    from archcalc.engine.imported import import_model
    from archcalc.importing.sources import kind_of, refusal
    from archcalc.report.imported import told

    if kind_of(source) is None:
        if wrong := refusal(source):
            raise wrong
        fail("not-a-source", f"`{source}` is no configuration, and no model of another framework", instead(source))
    found = import_model(source, sizes(input), sizes(check_input), name)
    tell(told(found, with_text=False))
    if not found.is_proven:
        raise typer.Exit(FINDINGS)
    if strict and found.unknown:
        fail("unknown-cost", f"{found.name}: {len(found.unknown)} parts are unknown", "leave --strict out", FINDINGS)
    send(found.text, output)
    if output is not None:
        typer.echo(f"{output}: written", err=True)


def of_family(
    sources: list[str], input: list[str] | None, check_input: list[str] | None, name: str, output: OutputOption
) -> None:
    """Write one spec of several models."""
    from archcalc.engine.imported import import_family
    from archcalc.report.imported import told_family

    if check_input:
        fail("bad-option", "--check-input is of one model", "import them one by one")
    text, models = import_family(sources, sizes(input), name)
    tell(told_family(text, models))
    if not text:
        raise typer.Exit(FINDINGS)
    send(text, output)
    if output is not None:
        typer.echo(f"{output}: written", err=True)


def of_configuration(source: str, output: OutputOption) -> None:
    """Write the spec of a configuration; what it costs is said on stderr."""
    from archcalc.engine.network import analyze, load

    network = load(source)
    totals = analyze(network).totals
    send(network.spec.source.text, output)
    typer.echo(f"{network.name}: {totals.params:,} params, {totals.macs:,} MACs", err=True)
    for remark in network.spec.remarks:
        typer.echo(remark, err=True)


def instead(source: str) -> str:
    """What to do with a name that is none of a model: it may be a network of ours."""
    from archcalc.importing.sources import FORMS
    from archcalc.spec.library import index, looks_like_file, plain

    if plain(source) in index():
        return f"it is a network of the library: archcalc show {source}"
    return f"a spec stays as it is: archcalc show {source}" if looks_like_file(source) else FORMS


def tell(document: Document) -> None:
    """Say a result on stderr, beside what stdout gets."""
    import sys

    from archcalc.cli.output import can_show
    from archcalc.report.media.text import ascii_only, plain

    text = plain(document, asked_width() or 100)
    typer.echo(text if can_show(text, sys.stderr) else ascii_only(text), err=True, nl=not text.endswith("\n"))
