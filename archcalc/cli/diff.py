"""The command diff."""

from __future__ import annotations

from typing import Annotated

import typer

from archcalc.cli.completion import complete_network
from archcalc.cli.inputs import Request, checked, refuse_unknown, tell_remarks, warn_of_inputs
from archcalc.cli.options import (
    NETWORK_HELP,
    BatchOption,
    DtypeOption,
    Format,
    FormatOption,
    HeadsOption,
    InputOption,
    LimitOption,
    OutputOption,
    ScopeOption,
    SetOption,
    StepOption,
    StrictOption,
)
from archcalc.cli.output import FINDINGS, chosen, deliver, fail, guarded, send
from archcalc.cli.page import HOW, is_page, refuse_options, write_page


@guarded
def diff(
    networks: Annotated[
        list[str],
        typer.Argument(metavar="OLD [NEW]", help=NETWORK_HELP, show_default=False, autocompletion=complete_network),
    ],
    git: Annotated[
        str | None,
        typer.Option("--git", metavar="REVISION", help="Take OLD, a file, from a commit, branch or tag."),
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-if",
            metavar="CONDITION",
            help="Exit 1 where it is met: 'macs > +2%', 'params > +100K', 'params > 5M'; repeatable.",
        ),
    ] = None,
    set: SetOption = None,
    input: InputOption = None,
    batch: BatchOption = 1,
    dtype: DtypeOption = "fp32",
    with_heads: HeadsOption = False,
    step: StepOption = False,
    scope: ScopeOption = None,
    format: FormatOption = None,
    output: OutputOption = None,
    strict: StrictOption = False,
    limit: LimitOption = None,
) -> None:
    """Tell what changed between two networks.

    Two names, two files, or a file and what it was in a git revision: `archcalc diff my.yaml --git main`. Layers are
    aligned by name, and by type and shape where they were renamed. Markdown fits a pull request; CSV and JSON have the
    layers that are the same too; `-o FILE.html` is a page to explore both.
    """
    from archcalc.engine.difference import difference, met
    from archcalc.engine.limits.conditions import condition
    from archcalc.engine.network import Network, analyze, load
    from archcalc.python.page import page_of
    from archcalc.report.difference import changes, changes_markdown, changes_page, difference_object, rows
    from archcalc.report.media import data
    from archcalc.spec.library import find_in_revision

    if len(networks) > 2 or (len(networks) == 1 and git is None):
        fail("bad-count", "diff needs two networks, or a file and --git REVISION", "archcalc diff my.yaml --git main")
    conditions = [condition(text) for text in fail_if or []]
    old_name, new_name = networks[0], networks[-1]
    request = Request(set, input, batch, dtype, with_heads=with_heads, limit=limit, scope=scope, step=step)
    arguments = checked(request)
    size = arguments["input"]
    old = load(old_name, size) if git is None else Network(*find_in_revision(old_name, git))
    new = load(new_name, size)
    warn_of_inputs((old, new), arguments["set"], arguments["input"])
    before, after = [analyze(network, **arguments) for network in (old, new)]
    if strict:
        refuse_unknown([before, after])
    found = difference(before, after, f"{git}:{old_name}" if git else old_name, new_name)
    failing = met(conditions, found)
    tell_remarks(*networks)
    if format is None and is_page(output):
        refuse_options({"--dtype": dtype != "fp32", "--scope": scope, "--step": step})
        title = f"{found.before} and {found.after}"
        how = {name: arguments[name] for name in HOW}
        write_page(page_of([old, new], title, changes_page(found, failing), **how).html, output)
    elif chosen(format, output, Format) is Format.MARKDOWN:
        send(changes_markdown(found, failing), output)
    else:
        deliver(
            format,
            output,
            lambda: changes(found, failing),
            lambda: data.csv_text(rows(found)),
            lambda: data.json_lines(data.versioned(**difference_object(found, failing))),
        )
    if failing:
        raise typer.Exit(FINDINGS)
