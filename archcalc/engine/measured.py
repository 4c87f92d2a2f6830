"""Files that `archcalc profile` wrote, read again, and their figures set beside what networks cost now."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from io import StringIO
from typing import Any, NamedTuple, NoReturn

from archcalc.results.cost import NetworkCost, shape_list
from archcalc.results.measurement import Environment, Measurement
from archcalc.source import Diagnostic, SpecError, read_source

LONGEST_FILE = 1 << 28  # bytes
WRITE_ONE = "archcalc profile NET NET -o FILE.json writes one; CSV is read too"


class Configuration(NamedTuple):
    """Under what a network was measured, besides batch, dtype and input."""

    device: str
    device_name: str
    mode: str
    channels_last: bool
    compiled: bool


def read_measurements(path: str) -> list[Measurement]:
    """The networks of a file, CSV or JSON, without their layers.

    Raises:
        SpecError: it cannot be read, or is no such file.
    """
    try:
        text = read_source(path, limit=LONGEST_FILE, kind="what `archcalc profile` wrote, as CSV or JSON").text
    except SpecError as error:
        raise SpecError([found._replace(help=WRITE_ONE) for found in error.diagnostics]) from None
    try:
        rows = _json_rows(text) if text.lstrip().startswith("{") else _csv_rows(text)
        found = [_measurement(row) for row in rows]
    except (KeyError, ValueError, TypeError, csv.Error, RecursionError) as error:
        what = f"it has no {error.args[0]}" if isinstance(error, KeyError) else str(error) or "it is nested too deeply"
        _refuse("not-measured", f"`{path}` is no file of measurements: {what}", WRITE_ONE)
    if not found:
        _refuse("not-measured", f"`{path}` holds no measurement", WRITE_ONE)
    return found


def matched(
    measurements: Iterable[Measurement], costs: Sequence[NetworkCost], path: str
) -> dict[Configuration, list[Measurement]]:
    """For each configuration under which all networks were measured, their measurements in order.

    A measurement is one of a network if its name, batch, dtype and input are, and its multiply-accumulates.

    Raises:
        SpecError: a network is missing, or was measured as something else.
    """
    everything = list(measurements)
    found = [_of(cost, everything, path) for cost in costs]
    shared = [configuration for configuration in found[0] if all(configuration in of for of in found)]
    if not shared:
        of = [f"{cost.name} on {_devices(one)}" for cost, one in zip(costs, found, strict=True)]
        _refuse("not-measured", f"`{path}` measured the networks under different conditions: {', '.join(of)}", None)
    return {configuration: [of[configuration] for of in found] for configuration in shared}


def _of(cost: NetworkCost, measurements: list[Measurement], path: str) -> dict[Configuration, Measurement]:
    """Measurements of a network; of several under one configuration the last."""
    named = [one for one in measurements if one.network == cost.name]
    if not named:
        holds = ", ".join(dict.fromkeys(one.network for one in measurements))
        _refuse("not-measured", f"`{path}` does not hold {cost.name}", f"it holds {holds}")
    alike = [one for one in named if (one.batch, one.dtype) == (cost.batch, cost.dtype)]
    if not alike:
        there = ", ".join(dict.fromkeys(f"--batch {one.batch} --dtype {one.dtype}" for one in named))
        wanted = f"{cost.name} at batch {cost.batch} in {cost.dtype}"
        _refuse("not-measured", f"`{path}` does not hold {wanted}", f"it has {there}")
    same = [one for one in alike if list(one.input) == shape_list(cost.input) and one.macs == cost.totals.macs]
    if not same:
        other = alike[-1]
        _refuse(
            "not-measured",
            f"what `{path}` measured as {cost.name} is another network: {other.macs:,} MACs at input "
            f"{'x'.join(map(str, other.input))}, here {cost.totals.macs:,} at {cost.input}",
            "measure it again, or give the --set and --input that it was measured with",
        )
    return {configuration_of(one): one for one in same}


def configuration_of(one: Measurement) -> Configuration:
    """Under what it was measured."""
    return Configuration(one.device, one.environment.device_name, one.mode, one.channels_last, one.compiled)


def _devices(found: Iterable[Configuration]) -> str:
    return " and ".join(f"{of.device_name} ({of.mode})" for of in found)


def _refuse(code: str, message: str, help: str | None) -> NoReturn:
    raise SpecError([Diagnostic(code, message, help=help)])


# texts to measurements


def _json_rows(text: str) -> list[Mapping[str, Any]]:
    whole = json.loads(text)
    found = whole["measurements"]
    if not (isinstance(found, list) and all(isinstance(row, dict) for row in found)):
        raise ValueError("`measurements` is no list of objects")
    return [{**row, **row["environment"]} for row in found]


def _csv_rows(text: str) -> list[Mapping[str, Any]]:
    """Rows of whole networks: those without a layer."""
    return [row for row in csv.DictReader(StringIO(text), strict=True) if not row.get("layer")]


def _measurement(row: Mapping[str, Any]) -> Measurement:
    environment = Environment(**_values(Environment, row))
    found = Measurement(**_values(Measurement, row), environment=environment)
    if not found.median_s:
        raise ValueError("median_s is 0")
    return found


def _values(kind: type, row: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in fields(kind):
        if one.name not in ("environment", "layers"):
            declared = str(one.type)
            value = row[one.name]
            if value in (None, "") and declared.endswith("| None"):
                found[one.name] = None
            else:
                found[one.name] = _READ[declared.removesuffix(" | None")](one.name, value)
    return found


def _whole(name: str, value: Any) -> int:
    if isinstance(value, (bool, float)):
        raise ValueError(f"{name} is {value}")  # noqa: TRY004 - of a file, not of a caller
    return int(value)


def _decimal(name: str, value: Any) -> float:
    number = float(value)
    if isinstance(value, bool) or not math.isfinite(number) or number < 0:
        raise ValueError(f"{name} is {value}")
    return number


def _flag(name: str, value: Any) -> bool:
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise ValueError(f"{name} is {value}")


def _word(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} is {value}")  # noqa: TRY004 - of a file, not of a caller
    return value


def _sizes(name: str, value: Any) -> tuple[int, ...]:
    return tuple(_whole(name, size) for size in (value.split("x") if isinstance(value, str) else value))


_READ: dict[str, Callable[[str, Any], Any]] = {
    "int": _whole,
    "float": _decimal,
    "bool": _flag,
    "str": _word,
    "tuple[int, ...]": _sizes,
}
