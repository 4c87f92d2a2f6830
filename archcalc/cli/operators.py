"""The command ops."""

from __future__ import annotations

from typing import Annotated

import typer

from archcalc.cli.completion import complete_operator
from archcalc.cli.options import FormatOption, OutputOption
from archcalc.cli.output import deliver, fail, guarded


@guarded
def ops(
    operator: Annotated[
        str | None,
        typer.Argument(metavar="OPERATOR", help="One of them.", show_default=False, autocompletion=complete_operator),
    ] = None,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """List the operators, or describe one."""
    from archcalc.ops import OPERATORS
    from archcalc.report.media import data
    from archcalc.report.pages import operators
    from archcalc.source import suggestion

    if operator is None:
        deliver(
            format,
            output,
            operators.operators_listed,
            lambda: data.csv_text(operators.rows(OPERATORS.values())),
            lambda: data.json_lines(data.versioned(operators=operators.rows(OPERATORS.values()))),
        )
        return
    found = OPERATORS.get(operator) or OPERATORS.get(operator.lower().replace("-", "_"))
    if found is None:
        help = suggestion(operator, OPERATORS, "`archcalc ops` lists them all", most=3)
        fail("unknown-operator", f"there is no operator `{operator}`", help)
    deliver(
        format,
        output,
        lambda: operators.operator_described(found),
        lambda: data.csv_text(operators.operator_object(found)["arguments"], operators.ARGUMENT_COLUMNS),
        lambda: data.json_lines(data.versioned(operators=[operators.operator_object(found)])),
    )
