"""Values of options converted here, where typer would import pydantic for it: 0.1 s, twice what `compare` takes."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_origin

import typer
from typer.core import TyperCommand

from archcalc.cli.output import writing_stdout


class PlainCommand(TyperCommand):
    """A command that converts words, numbers, choices and paths itself."""

    def get_params(self, ctx: Any) -> Any:
        """All options, `--help` among them."""
        return convert_here(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """What is typed; `--help` is written here."""
        with writing_stdout():
            return super().parse_args(ctx, args)


def convert_here(parameters: list[Any]) -> list[Any]:
    """Newer versions of typer ask each parameter for its `_runtime_param`; others do not look at it.

    A test holds that pydantic stays out.
    """
    for parameter in parameters:
        described = getattr(parameter, "type_descriptor", None)
        conversion = conversion_of(getattr(described, "annotation", None))
        if conversion is not None:
            info = getattr(described, "parameter_info", None)
            parameter._runtime_param = Plain(conversion, getattr(info, "min", None))
    return parameters


def conversion_of(annotation: Any) -> Any:
    """The class that a single value is made into, or None where typer must see to it."""
    if get_origin(annotation) is list:
        (annotation,) = get_args(annotation)
    known = isinstance(annotation, type) and (annotation in (str, int, bool) or issubclass(annotation, (StrEnum, Path)))
    return annotation if known else None


class Plain:
    """What typer asks to convert a value."""

    def __init__(self, kind: Any, least: int | None) -> None:
        self.kind, self.least = kind, least

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value, or a usage error."""
        is_many = param.multiple or param.nargs == -1
        if value is None:
            return () if is_many else None
        if is_many:
            return [self.one(item, param, ctx) for item in value]
        return self.one(value, param, ctx)

    def one(self, value: Any, param: Any, ctx: Any) -> Any:
        """A single value."""
        if isinstance(value, self.kind):
            return value
        try:
            made = self.kind(value)
        except ValueError:
            raise typer.BadParameter(self.complaint(value), ctx=ctx, param=param) from None
        if self.least is not None and made < self.least:
            raise typer.BadParameter(f"{value} is less than {self.least}.", ctx=ctx, param=param)
        return made

    def complaint(self, value: Any) -> str:
        """Why a value does not fit."""
        if issubclass(self.kind, StrEnum):
            return f"'{value}' is not one of {', '.join(self.kind)}."
        return f"'{value}' is not a whole number."
