"""Which commands there are, where each is defined, and its line in the help of all; it is imported when called."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

import typer

from archcalc.cli.plain import PlainCommand


class Defined(NamedTuple):
    """A command, before it is imported.

    Attributes:
        module: in this package.
        function: what it is there.
        says: the first line of its help; a test holds that it is the function's own.
    """

    module: str
    function: str
    says: str


COMMANDS = {
    "list": Defined("networks", "list_networks", "List all networks, or those whose names hold a word."),
    "find": Defined("find", "find", "Find networks by cost, task and published accuracy."),
    "show": Defined("networks", "show", "Show what each layer costs, and the totals."),
    "compare": Defined("networks", "compare", "Compare networks: which is cheaper, where, and why."),
    "explain": Defined("explain", "explain", "Explain how the numbers come about."),
    "diff": Defined("diff", "diff", "Tell what changed between two networks."),
    "draw": Defined("draw", "draw", "Draw a network as its paper does, with what it costs."),
    "page": Defined("page", "page", "Write a page to explore networks: one file, no server."),
    "export": Defined("export", "export", "Write a network as a file of another program, of one example."),
    "formula": Defined("formula", "formula", "Give a network's cost as a formula: the exact closed form."),
    "sweep": Defined("sweep", "sweep", "Compute what all configurations of networks cost."),
    "solve": Defined("solve", "solve", "Find the largest value of a variable that a budget allows."),
    "scale": Defined("solve", "scale", "Scale depth, width and resolution at once, up to a budget."),
    "cache": Defined("cache", "cache", "Tell what a cache takes, and what engines reserve for it."),
    "memory": Defined("memory", "memory", "Tell how much memory a network needs, and where."),
    "roofline": Defined("roofline", "roofline", "Tell the least time of each layer, and what bounds it."),
    "estimate": Defined("roofline", "estimate", "Estimate a time: value, low, high, and what they rest on."),
    "devices": Defined("roofline", "devices", "List the devices that are known."),
    "calibrate": Defined("roofline", "calibrate", "Measure this machine, for estimates of its own."),
    "validate": Defined("validate", "validate", "Check specs."),
    "check": Defined("check", "check", "Check published figures, or guard your own numbers."),
    "sources": Defined("check", "sources", "List the sources of published figures."),
    "audit": Defined("audit", "audit", "Audit a table of results: is each figure right?"),
    "conventions": Defined("reconcile", "conventions", "List the conventions: whose FLOPs they are, what they count."),
    "reconcile": Defined("reconcile", "reconcile", "Say why other tools print other numbers, to the last integer."),
    "verify": Defined("verify", "verify", "Hold networks against real models, to the last integer."),
    "import": Defined("importing", "import_spec", "Bring in a model, as a spec that is proven to be it."),
    "weights": Defined("weights", "weights", "Tell what a file of weights holds."),
    "profile": Defined("profile", "profile", "Measure real models: time, memory and energy beside the cost."),
    "ops": Defined("operators", "ops", "List the operators, or describe one."),
    "report": Defined("report", "report", "Write reports of all networks."),
    "site": Defined("site", "site", "Write a static site: networks, figures, formulas, tables."),
}


def built(name: str) -> Any:
    """The command as typer makes it of its function's signature, which takes longer than most commands do."""
    module, function, _ = COMMANDS[name]
    alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    alone.command(name, cls=PlainCommand)(getattr(import_module(f"archcalc.cli.{module}"), function))
    return typer.main.get_command(alone)
