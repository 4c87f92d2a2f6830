"""What was checked of networks: a line for each, then every difference, and what is compared with nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from archcalc.report.media import numbers
from archcalc.report.media.blocks import Cell, Column, Document, Heading, Items, Paragraph, Table, number
from archcalc.report.media.numbers import Units
from archcalc.report.show import at_least
from archcalc.results.verification import (
    EXPORTS,
    FIELDS,
    MODEL,
    TOOLS,
    VALUES,
    Check,
    NetworkVerification,
    Value,
    Verification,
    agreement,
)


def verified(result: Verification, units: Units = "si", with_layers: bool = False) -> Document:
    """The table, the layers of each network where asked for, the differences, and a line of totals."""
    document: Document = [Heading("Networks held against their real models", 1), _networks(result, units)]
    if with_layers:
        for network in result.networks:
            document += [Heading(network.name), _operations(network, result.against)]
    if result.differences:
        document += [Heading("Differences"), _differences(result.differences)]
    unmatched = list(_not_counted(result))
    if unmatched:
        document += [Heading("Compared with nothing"), Items(unmatched)]
    tools = ", ".join(f"{tool} {version}" for tool, version in result.versions.items())
    at = [f"{name}={value}" for name, value in result.settings.items()] + [f"input {result.input}"] * bool(result.input)
    model = [f"model {result.model}"] if result.model else []
    document += [Paragraph(" | ".join([tools, *model, *at]), quiet=True), Paragraph(total_line(result))]
    return document


def total_line(result: Verification) -> str:
    """`90 networks, 12,345 checks, no differences`."""
    found = result.agreement
    if not found.checks:
        return f"{numbers.plural(len(result.networks), 'network')}, nothing checked: {_nothing(result)}"
    ending = numbers.plural(found.differs, "difference") if found.differs else "no differences"
    return f"{numbers.plural(len(result.networks), 'network')}, {numbers.plural(found.checks, 'check')}, {ending}"


def _nothing(result: Verification) -> str:
    tools = numbers.listed(result.against, "or")
    return f"there is nothing of {tools} to hold {'it' if len(result.networks) == 1 else 'them'} against"


def _networks(result: Verification, units: Units) -> Table:
    has_values = any(network.of("", [VALUES]) for network in result.networks)
    table = Table(
        [
            Column("network", least=12),
            number("layers", drop=3),
            number("params"),
            number("MACs"),
            *(Column(tool) for tool in result.against),
            *([Column("field")] if "torch" in result.against else []),
            *([Column("export")] if result.exported else []),
            *([Column("values")] if has_values else []),
            number("checks", drop=2),
        ]
    )
    for network in result.networks:
        cells = [_cell(_of_tool(network, tool)) for tool in result.against]
        if "torch" in result.against:
            cells.append(_cell(network.of("torch", FIELDS)))
        if result.exported:
            cells.append(_cell(network.of("torch", EXPORTS)))
        if has_values:
            cells.append(_values(network.of("", [VALUES])))
        table.rows.append(
            [
                network.name,
                f"{network.layers:,}",
                numbers.count(network.params, units),
                at_least(numbers.count(network.macs, units), network.at_least),
                *cells,
                f"{agreement(network.checks).checks:,}",
            ]
        )
    return table


def _of_tool(network: NetworkVerification, tool: str) -> list[Check]:
    """Checks against a tool; fields, exports and values stand apart."""
    return [check for check in network.of(tool) if check.quantity not in (*FIELDS, *EXPORTS, VALUES)]


def _values(checks: Sequence[Check]) -> str:
    """How equal outputs are: bit for bit, or but for rounding."""
    if any(check.state == "differs" for check in checks):
        return _cell(checks)
    return ", ".join(dict.fromkeys(written(check.ours) for check in checks if check.state == "equal"))


def _cell(checks: Sequence[Check]) -> str:
    found = agreement(checks)
    return f"{found.differs:,} differ" if found.differs else "equal" if found.equal else ""


# What is checked of every operation, and the heading of its column.
_OPERATION = {
    ("torch", "out_shape"): "output",
    ("torch", "params"): "params",
    ("torch", "buffers"): "buffers",
    ("torch", "gradients"): "gradients",
    ("torch", "macs"): "MACs",
    ("fvcore", "macs"): "MACs (fvcore)",
    ("fvcore", "fvcore_flops"): "flops (fvcore)",
    ("torch", "receptive_field"): "field",
    ("torch", "jump"): "jump",
    ("torch", "first_centre"): "first centre",
    ("torch", "local_receptive_field"): "local field",
    ("torch", "local_jump"): "local jump",
    ("torch", "local_first_centre"): "local first centre",
}


def _operations(network: NetworkVerification, against: Sequence[str]) -> Table:
    columns = {key: title for key, title in _OPERATION.items() if key[0] in against}
    table = Table([Column("operation", least=12), *(number(title, drop=1) for title in columns.values())])
    rows: dict[str, dict[tuple[str, str], Check]] = {}
    for check in network.checks:
        if check.operation:
            rows.setdefault(check.operation, {})[check.against, check.quantity] = check
    for operation, checks in rows.items():
        table.rows.append([operation, *(_both(checks[key]) if key in checks else "" for key in columns)])
    return table


def _both(check: Check) -> str:
    """A figure that all agree on, or both."""
    if check.state == "equal":
        return written(check.ours)
    return f"{written(check.ours)} ({'not counted' if check.state == 'not counted' else written(check.theirs)})"


def _differences(checks: Sequence[Check]) -> Table:
    titles = ("network", "operation", "quantity", "against")
    table = Table([*map(Column, titles), number("ours"), Column("theirs", cut="wrap", least=20)])
    for check in checks:
        row: list[Cell] = [check.network, check.operation or "the whole", check.quantity, check.against]
        table.rows.append([*row, written(check.ours), written(check.theirs)])
    return table


def _not_counted(result: Verification) -> Iterator[str]:
    """Each reason once, with how often it holds."""
    checks = sorted(
        (check for network in result.networks for check in network.not_counted),
        key=lambda check: ((*TOOLS, MODEL).index(check.against), check.quantity, check.reason),
    )
    for (against, quantity, reason), group in groupby(
        checks, lambda check: (check.against, check.quantity, check.reason)
    ):
        members = list(group)
        networks = list(dict.fromkeys(check.network for check in members))
        where = f"{members[0].operation or 'the whole'} of {networks[0]}"
        if len(networks) > 1:
            where = numbers.plural(len(networks), "network")
        elif len(members) > 1:
            where = f"{numbers.plural(len(members), 'operation')} of {networks[0]}"
        yield f"{quantity} against {against}, {where}: {reason}"


def written(value: Value) -> str:
    """A count with its separators, a shape or the numbers of the axes with x between them, a text."""
    if isinstance(value, tuple):
        return numbers.extents(value)
    return f"{value:,}" if isinstance(value, int) else value


def rows(result: Verification, with_layers: bool = False) -> list[dict[str, Any]]:
    """A row for each network; for each check where layers are asked for."""
    if with_layers:
        return [check_row(check) for network in result.networks for check in network.checks]
    return [network_row(network, result.against) for network in result.networks]


def check_row(check: Check) -> dict[str, Any]:
    """A check as CSV and JSON hold it."""
    return {
        **check._asdict(),
        "ours": _plain(check.ours),
        "theirs": _plain(check.theirs),
    }


def network_row(network: NetworkVerification, against: Sequence[str]) -> dict[str, Any]:
    """A network, and how many of its checks against each tool are in which state."""
    row: dict[str, Any] = {
        "network": network.name,
        "layers": network.layers,
        "operations": network.operations,
        "params": network.params,
        "macs": network.macs,
        "at_least": network.at_least,
    }
    for tool in against:
        found = agreement(network.of(tool))
        row |= {f"{tool}_{state}": many for state, many in found._asdict().items()}
    return row


def verification_object(result: Verification, with_layers: bool = False) -> dict[str, Any]:
    """All of it for JSON; checks that are equal only where layers are asked for."""
    found = result.agreement
    return {
        "versions": result.versions,
        "against": list(result.against),
        "exported": result.exported,
        "settings": result.settings,
        "input": result.input,
        "model": result.model,
        **found._asdict(),
        "networks": [
            network_row(network, result.against)
            | {"checks": [check_row(check) for check in network.checks if with_layers or check.state != "equal"]}
            for network in result.networks
        ],
    }


def _plain(value: Value) -> Any:
    return list(value) if isinstance(value, tuple) else value
