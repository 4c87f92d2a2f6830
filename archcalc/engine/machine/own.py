"""Calibrations of one's own as files: what was measured, as two tables, and the rates that were fitted to it.

`passes` holds of each kind of operation what one takes, in microseconds: `each`, and for a million multiply-accumulates
(`mmacs`), a megabyte read and written (`read_mb`, `write_mb`) and of parameters (`parameters_mb`), a million elementary
operations (`mega_elements`); rates that are left out are zero. `timed` holds of each pass the `networks`, with the
medians of runs in a row, and their `operations`, equal ones in one line: the rates are a function of these alone.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from io import StringIO
from typing import Any

import yaml

from archcalc.engine.machine.calibrations import digits, rounded
from archcalc.engine.machine.operations import OTHER, fit
from archcalc.results.time import (
    CALIBRATED,
    Calibration,
    Device,
    OperationFit,
    Rates,
    TimedNetwork,
    TimedOperation,
    Unseen,
)
from archcalc.source import Diagnostic, SpecError
from archcalc.source.files import read_source

_NETWORKS = ("network", "ms", "rounds_ms")
_OPERATIONS = ("network", *TimedOperation._fields[:-1], "us")


def calibrated(
    on: Device, stack: str, dtype: str, batch: int, source: str, timed: Mapping[str, Sequence[TimedNetwork]]
) -> Calibration:
    """Fit what was measured, as the file will hold it."""
    kept = {which: tuple(map(_as_written, networks)) for which, networks in timed.items()}
    passes = {which: fit(networks) for which, networks in kept.items()}
    return Calibration(stack, dtype, batch, (on.id,), source, passes, _reached(on, dtype, kept["forward"]), kept)


def _reached(on: Device, dtype: str, networks: Sequence[TimedNetwork]) -> Device:
    """With the rates that some operation reached, where they are higher: floors rest on them, and are not to be missed.

    Tensors that fit into caches move faster than a copy of what does not.
    """
    rows = [one for network in networks for one in network.operations if one.seconds > 0]
    peak = max(2 * one.macs / one.seconds for one in rows)
    moved = max((one.read_bytes + one.write_bytes + one.parameter_bytes) / one.seconds for one in rows)
    vector = max(one.elements / one.seconds for one in rows)
    return on._replace(
        peaks={**on.peaks, dtype: max(on.peaks[dtype], peak)},
        bandwidth=max(on.bandwidth, moved),
        vector=max(on.vector, vector),
    )


def own_text(found: Calibration) -> str:
    """The file that `archcalc calibrate` writes."""
    assert found.device is not None
    on = found.device
    values = {
        "stack": found.stack,
        "dtype": found.dtype,
        "batch": found.batch,
        "source": found.source,
        "device": rounded(
            {
                "name": on.name,
                "bandwidth_gb_s": on.bandwidth / 1e9,
                "peaks": {dtype: rate / 1e12 for dtype, rate in on.peaks.items()},
                "vector": on.vector / 1e12,
                "units": on.units,
            }
        ),
        "passes": {name: _pass(one) for name, one in found.passes.items() if isinstance(one, OperationFit)},
    }
    text = "# Written by `archcalc calibrate`: microseconds, 10^6 operations and 10^6 bytes.\n"
    text += yaml.dump(values, Dumper=_Dumper, sort_keys=False, width=1000)
    text += "timed:\n"
    for name, networks in found.timed.items():
        text += f"  {name}:\n"
        text += "    networks: |\n" + _block(_NETWORKS, map(_network_cells, networks))
        rows = [(one.network, *row[:-1], digits(row.seconds * 1e6)) for one in networks for row in one.operations]
        text += "    operations: |\n" + _block(_OPERATIONS, rows)
    return text


def own(path: str) -> Calibration:
    """Read a calibration of one's own.

    Raises:
        SpecError: it cannot be read, or is no such file.
    """
    source = read_source(path, kind="what `archcalc calibrate -o mine.yaml` wrote")
    try:
        values = yaml.safe_load(source.text)
        given = values["device"]
        on = Device(
            id=str(given["name"]),
            name=str(given["name"]),
            architecture="",
            year=None,
            memory_bytes=None,
            bandwidth=_number(given["bandwidth_gb_s"], "bandwidth_gb_s", is_rate=True) * 1e9,
            peaks={str(dtype): _number(rate, "peaks", is_rate=True) * 1e12 for dtype, rate in given["peaks"].items()},
            vector=_number(given["vector"], "vector", is_rate=True) * 1e12,
            units=int(given["units"]),
            tdp_w=None,
            sources={"rest": CALIBRATED},
            confidence="",
        )
        on.peaks[str(values["dtype"])]  # a KeyError where none was measured
        return Calibration(
            str(values["stack"]),
            str(values["dtype"]),
            int(_number(values["batch"], "batch", is_rate=True)),
            (on.id,),
            str(values["source"]),
            {str(name): _read_pass(one) for name, one in values["passes"].items()},
            on,
            {str(name): _read_timed(one) for name, one in values["timed"].items()},
        )
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"`{path}` is no calibration: {_told(error)}"
        help = "archcalc calibrate --device cpu -o mine.yaml writes one"
        raise SpecError([Diagnostic("not-a-calibration", message, help=help)]) from None


def _told(error: Exception) -> str:
    """What is wrong with a file, in words."""
    if isinstance(error, KeyError):
        return f"it has no `{error.args[0]}`"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1} is no YAML: {error.problem}"
    if isinstance(error, ValueError):
        return str(error).splitlines()[0]
    return "its parts are not those that such a file has"


class _Dumper(yaml.SafeDumper):
    """Mappings of numbers alone in a line of their own."""


def _mapping(dumper: yaml.SafeDumper, values: Mapping[str, Any]) -> yaml.Node:
    is_flat = not any(isinstance(value, (dict, str)) for value in values.values())
    return dumper.represent_mapping("tag:yaml.org,2002:map", values, flow_style=is_flat)


_Dumper.add_representer(dict, _mapping)


def _pass(one: OperationFit) -> dict[str, Any]:
    values = asdict(one)
    kinds = {
        kind: {name: value for name, value in rates._asdict().items() if value or name == "each"}
        for kind, rates in values.pop("kinds").items()
    }
    return rounded({**values, "kinds": kinds})


def _read_pass(values: Mapping[str, Any]) -> OperationFit:
    known = dict(values)
    kinds = {str(kind): Rates(**_numbers(rates)) for kind, rates in known.pop("kinds").items()}
    kinds[OTHER]  # a KeyError where nothing is said of what was not measured
    unseen = known.pop("networks", None)
    judged = None if unseen is None else Unseen(**_numbers(unseen))
    return OperationFit(kinds, **_numbers(known), networks=judged)


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in values.items():
        _number(value, name, least=-1 if name == "rank" else 0)  # a correlation
    return dict(values)


def _number(value: Any, name: str, *, least: float = 0, is_rate: bool = False) -> float:
    """What is told, where it can be: times below zero, or rates that are not above it, are none."""
    found = float(value) if isinstance(value, (int, float)) else math.nan
    if not math.isfinite(found) or found < least or (is_rate and not found):
        raise ValueError(f"it says `{name}: {value}`")
    return found


def _read_timed(values: Mapping[str, str]) -> tuple[TimedNetwork, ...]:
    operations: dict[str, list[TimedOperation]] = {}
    for row in csv.DictReader(StringIO(values["operations"])):
        numbers = {name: int(row[name]) for name in TimedOperation._fields[1:-1]}
        one = TimedOperation(kind=row["kind"], **numbers, seconds=float(row["us"]) / 1e6)
        operations.setdefault(row["network"], []).append(one)
    return tuple(
        TimedNetwork(
            row["network"],
            float(row["ms"]) / 1e3,
            tuple(float(taken) / 1e3 for taken in row["rounds_ms"].split()),
            tuple(operations[row["network"]]),
        )
        for row in csv.DictReader(StringIO(values["networks"]))
    )


def _as_written(one: TimedNetwork) -> TimedNetwork:
    """So that a fit to what a file holds is the same."""
    rows = tuple(row._replace(seconds=float(digits(row.seconds * 1e6)) / 1e6) for row in one.operations)
    name, ms, rounds = _network_cells(one)
    return TimedNetwork(name, float(ms) / 1e3, tuple(float(taken) / 1e3 for taken in rounds.split()), rows)


def _network_cells(one: TimedNetwork) -> tuple[str, str, str]:
    return one.network, digits(one.seconds * 1e3), " ".join(digits(taken * 1e3) for taken in one.rounds)


def _block(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return "".join(f"      {line}\n" for line in file.getvalue().splitlines())
