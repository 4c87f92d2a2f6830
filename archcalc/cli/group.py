"""The group of all commands, of which only the one that is called is built."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

from archcalc.cli.commands import COMMANDS, built
from archcalc.cli.output import writing_stdout
from archcalc.cli.plain import PlainCommand, convert_here


class Commands(TyperGroup):
    """The commands by name, each as its line in the help until it is called; own options are converted here too."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {name: PlainCommand(name, help=defined.says) for name, defined in COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is called, or being completed, as a whole."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, built(name) if name in COMMANDS else command, rest

    def get_params(self, ctx: Any) -> Any:
        """All options, `--help` among them."""
        return convert_here(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """What is typed; `--help` and `--version` are written here."""
        with writing_stdout():
            return super().parse_args(ctx, args)
