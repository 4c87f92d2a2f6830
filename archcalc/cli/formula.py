"""The command formula."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

import typer

from archcalc.cli.completion import complete_variable
from archcalc.cli.inputs import positive_number, settings, tell_remarks, words
from archcalc.cli.options import HeadsOption, NetworkName, OutputOption, SetOption
from archcalc.cli.output import FINDINGS, chosen, fail, guarded, send, send_document

if TYPE_CHECKING:
    from archcalc.source import Diagnostic


class FormulaFormat(StrEnum):
    """How formulas are written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    LATEX = "latex"
    JSON = "json"
    PYTHON = "python"


class RowChoice(StrEnum):
    """What a formula is of."""

    TOTAL = "total"
    STAGE = "stage"
    LAYER = "layer"


@guarded
def formula(
    network: NetworkName,
    free: Annotated[
        list[str] | None,
        typer.Option(
            "--free",
            autocompletion=complete_variable,
            metavar="NAME[=UNIT],...",
            help="Variables that stay open, batch among them; width=1/4 for quarters. [resolution]",
            show_default=False,
        ),
    ] = None,
    quantity: Annotated[
        list[str] | None,
        typer.Option(
            "--quantity",
            metavar="NAME,...",
            help="What is counted: macs, params, connections, activations, flops_arithmetic, ... [macs,params]",
            show_default=False,
        ),
    ] = None,
    by: Annotated[RowChoice, typer.Option("--by", help="What a formula is of.")] = RowChoice.TOTAL,
    exact: Annotated[
        bool, typer.Option("--exact", help="For every value, with the floors of sizes, not for every so many.")
    ] = False,
    set: SetOption = None,
    with_heads: HeadsOption = False,
    format: Annotated[
        FormulaFormat | None,
        typer.Option("--format", help="Without it: by the ending of -o FILE, else text.", show_default=False),
    ] = None,
    output: OutputOption = None,
) -> None:
    """Give a network's cost as a formula: the exact closed form.

    It is a function of what is left free: resolution, width, classes, batch. Sizes are rounded in a network; at
    multiples of its total stride nothing is left of that, and the formula is a short polynomial: archcalc formula
    resnet50. With --exact it is one for every value. A variable that decides the structure (a depth, a block) has no
    formula: give it a value with --set.
    """
    from archcalc.engine.explain import MismatchError
    from archcalc.engine.formula.forms import formulas
    from archcalc.source import SpecError

    try:
        found = formulas(
            network,
            _units(free) if free else None,
            words(quantity, "--quantity", "macs,params") if quantity else ("macs", "params"),
            by.value,
            settings(set or []),
            with_heads,
        )
    except SpecError as error:
        raise SpecError(map(_advised, error.diagnostics)) from None
    except MismatchError as error:
        fail("internal-mismatch", str(error), "please report this: it is an error of archcalc", FINDINGS)
    tell_remarks(network)
    match chosen(format, output, FormulaFormat):
        case FormulaFormat.LATEX:
            from archcalc.report.formula import formulated_latex

            send(formulated_latex(found, exact), output)
        case FormulaFormat.PYTHON:
            from archcalc.report.formula_python import formulated_python

            send(formulated_python(found, exact), output)
        case FormulaFormat.JSON:
            from archcalc.report.formula import formulas_object
            from archcalc.report.media.data import json_text

            send(json_text([formulas_object(found)]), output)
        case FormulaFormat.MARKDOWN:
            from archcalc.report.formula import formulated
            from archcalc.report.media.markdown import markdown

            send(markdown(formulated(found, exact)), output)
        case FormulaFormat.TEXT:
            from archcalc.report.formula import formulated

            send_document(formulated(found, exact), output)


def _advised(found: Diagnostic) -> Diagnostic:
    """What this command can do about a variable that cannot stay free."""
    if found.code == "structural-variable":
        return found._replace(
            help="leave it out of --free: there is one formula for each of its values (--set NAME=VALUE)"
        )
    if found.code == "bad-argument" and "must be a whole number for all values" in found.message:
        return found._replace(help="a coarser unit: --free width=1/2, or width alone for whole numbers")
    return found


def _units(given: Sequence[str]) -> dict[str, Fraction | None]:
    """Each variable with its unit, where one is given."""
    found: dict[str, Fraction | None] = {}
    for word in words(given, "--free", "resolution,width=1/4"):
        name, sign, text = (part.strip() for part in word.partition("="))
        unit = positive_number(text)
        if not name or (sign and unit is None):
            fail(
                "bad-option", f"--free takes names, or NAME=UNIT with a unit above 0, not `{word}`", "--free width=1/4"
            )
        found[name] = unit
    return found
