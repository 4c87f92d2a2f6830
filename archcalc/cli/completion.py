"""What completes in the shell, and how bash hears of words that it has cut."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from archcalc.engine.network import Network

BREAKS = "@:="
"""Characters of COMP_WORDBREAKS at which bash cuts a word in pieces: `resnet50@t` comes as three."""


def complete_network(incomplete: str) -> list[str]:
    """Names of networks that begin so; a family that is none is left out."""
    from archcalc.spec.library import index, is_network, plain

    begins = [spelling for key, (spelling, _) in sorted(index().items()) if key.startswith(plain(incomplete))]
    return [name for name in begins if is_network(name)]


def complete_operator(incomplete: str) -> list[str]:
    """Names of operators that begin so."""
    from archcalc.ops import OPERATORS

    return _beginning(sorted(OPERATORS), incomplete)


def complete_convention(incomplete: str) -> list[str]:
    """Names of conventions that begin so."""
    from archcalc.engine.cost.conventions import CONVENTIONS

    return _beginning(CONVENTIONS, incomplete)


def complete_dtype(incomplete: str) -> list[str]:
    """Names of dtypes that begin so."""
    from archcalc.results.cost import DTYPES

    return _beginning(DTYPES, incomplete)


def complete_device(incomplete: str) -> list[str]:
    """Devices whose ids begin so."""
    from archcalc.engine.machine.devices import devices

    return _beginning(devices(), incomplete)


def complete_stack(incomplete: str) -> list[str]:
    """Stacks that begin so, of which measurements are shipped."""
    from archcalc.engine.machine.calibrations import calibrations

    return _beginning(calibrations(), incomplete)


def complete_bits(incomplete: str) -> list[str]:
    """Words of formats that begin so."""
    from archcalc.results.formats import BLOCKS

    return _beginning(BLOCKS, incomplete)


def complete_layer(context: typer.Context, incomplete: str) -> list[str]:
    """Paths of layers and blocks of the network that was typed, a part of the path at a time."""
    from archcalc.source import SpecError

    network = _typed(context)
    try:
        graph = network.graph() if network else None
    except SpecError:
        return []
    depth = incomplete.count(".") + 1
    paths = dict.fromkeys(".".join(node.layer.split(".")[:depth]) for node in graph.nodes) if graph else ()
    return [path for path in paths if path.lower().startswith(incomplete.lower())]


def complete_variable(context: typer.Context, incomplete: str) -> list[str]:
    """Variables of the network that was typed, after those before the last comma."""
    network = _typed(context)
    return _last_of(incomplete, network.spec.settable if network else ())


def complete_setting(context: typer.Context, incomplete: str) -> list[str]:
    """`resolution=224`: variables with the values that they have in the network that was typed and in its family."""
    network = _typed(context)
    if network is None:
        return []
    name, sign, _ = incomplete.partition("=")
    names = [name] if sign else _beginning(network.spec.settable, name)
    found = [f"{each}={value}" for each in names for value in _values(network, each, everywhere=bool(sign))]
    return _beginning(found, incomplete)


def complete_quantity(incomplete: str) -> list[str]:
    """Quantities, after those before the last comma."""
    from archcalc.results.budget import QUANTITIES

    return _last_of(incomplete, QUANTITIES)


def complete_limit(incomplete: str) -> list[str]:
    """`macs=`: quantities that a network may be held to."""
    return [f"{name}=" for name in complete_quantity(incomplete)]


def complete_column(incomplete: str) -> list[str]:
    """Columns of layers, after those before the last comma."""
    from archcalc.engine.network import analyze
    from archcalc.report.chosen import columns

    return _last_of(incomplete, columns(analyze("lenet5")))


def complete_found_column(incomplete: str) -> list[str]:
    """Columns of networks; a minus may stand before one."""
    from archcalc.claims.find import COLUMNS

    before, comma, last = incomplete.rpartition(",")
    minus = "-" if last.startswith("-") else ""
    return [f"{before}{comma}{minus}{name}" for name in COLUMNS if name.startswith(last.removeprefix("-"))]


def complete_task(incomplete: str) -> list[str]:
    """Tasks of the networks that begin so."""
    from archcalc.spec.library import all_tasks, plain

    return [task for task in all_tasks() if plain(task).startswith(plain(incomplete))]


def _beginning(words: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]


def _last_of(incomplete: str, words: Iterable[str]) -> list[str]:
    """Words for what stands after the last comma."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{word}" for word in _beginning(words, last)]


def _typed(context: typer.Context) -> Network | None:
    """The network on the line, or the first of several; None: there is none yet, or none of that name."""
    from archcalc.engine.network import load
    from archcalc.importing.sources import kind_of
    from archcalc.source import SpecError

    given = context.params.get("network") or next(iter(context.params.get("networks") or ()), None)
    name = given or _first_network()
    if not name or kind_of(name) is not None:  # a model is not read, and no code runs, for a key that is pressed
        return None
    try:
        return load(name)
    except SpecError:
        return None


def _first_network() -> str:
    """The first word of the line that names a network: an option that has no value yet keeps typer from reading on."""
    from archcalc.spec.library import index, looks_like_file, plain

    line = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS", "")
    words = [word.strip("'\"") for word in line.split()[2:]]
    return next((word for word in words if plain(word) in index() or looks_like_file(word)), "")


def _values(network: Network, name: str, everywhere: bool) -> list[str]:
    """What a variable is in a network, and in the others of its file."""
    from archcalc.engine.network import Network
    from archcalc.source import SpecError
    from archcalc.spec.expression import Name
    from archcalc.spec.values import LayerValue

    found: dict[str, None] = {}
    for each in [network.name, *(network.spec.variants if everywhere else ())]:
        try:
            value = Network(network.spec, each).value(name)
        except SpecError:
            continue
        if isinstance(value, LayerValue):  # the name of a module or an operator; longer ones nobody completes
            expression = value.placed.expression
            value = expression.id if isinstance(expression, Name) else None
        if value is not None:
            found[_written(value)] = None
    return list(found)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (tuple, list)):
        return f"[{','.join(map(_written, value))}]"
    return str(value)


# bash


def is_completing(shell: str = "bash") -> bool:
    """Whether the shell asks for completions."""
    return os.environ.get("_ARCHCALC_COMPLETE") == f"complete_{shell}"


def complete_for_bash(app: Callable[[], object]) -> None:
    """Complete for bash, which cuts words at `@`, `:` and `=` and replaces the last piece alone (an `@` with it).

    The pieces are put together before the application sees them, and what stands before the last one is taken off
    what it answers.
    """
    words, position, before = joined(os.environ.get("COMP_WORDS", ""), int(os.environ.get("COMP_CWORD") or 0))
    os.environ["COMP_WORDS"], os.environ["COMP_CWORD"] = "\n".join(words), str(position)
    answers = io.StringIO()
    try:
        with redirect_stdout(answers):
            app()
    finally:
        lines = [line.removeprefix(before) for line in answers.getvalue().splitlines()]
        sys.stdout.write("".join(f"{line}\n" for line in lines if line))
        sys.stdout.flush()


def joined(text: str, position: int) -> tuple[list[str], int, str]:
    """Words of a line, one a line of the text, as they were typed; where the cursor is; and what bash has cut off it.

    A piece that is nothing but breaks belongs to the words at its sides: nobody types one alone.
    """
    pieces = text.split("\n")[: position + 1]
    pieces += [""] * (position + 1 - len(pieces))
    words: list[str] = []
    cut = ""
    is_open = False  # the piece before ends in a break
    for number, piece in enumerate(pieces):
        is_break = bool(piece) and not piece.strip(BREAKS)
        if words and number > 1 and (is_break or is_open):
            cut = words[-1] + (piece if is_break else "")
            words[-1] += piece
        else:
            words.append(piece)
            cut = ""
        is_open = is_break
    # of `resnet50@t` bash replaces `@t`, of `resolution=2` and `my.yaml:t` what stands after the sign
    return words, len(words) - 1, cut.removesuffix("@")
