"""Calibrations: measurements of others with their source, and what was fitted to them, by stack."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from functools import cache
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import Any

import yaml

from archcalc.engine.machine.devices import device
from archcalc.engine.machine.model import Features, Sample, features, fit
from archcalc.results.cost import DTYPES
from archcalc.results.time import Calibration, Fit, Unseen
from archcalc.source import Diagnostic, SpecError, suggestion
from archcalc.source.writing import write_whole

MEASURED = "cnn-benchmarks"
PASSES = ("forward", "backward")
FITTED = "fits.yaml"
_FOLDER = "archcalc.engine.machine.measured"


def _text(name: str) -> str:
    return files(_FOLDER).joinpath(name).read_text(encoding="utf-8")


@cache
def origin() -> dict[str, Any]:
    """Where the measurements are from, and under what they were taken."""
    found: dict[str, Any] = yaml.safe_load(_text(f"{MEASURED}.yaml"))
    return found


def rows() -> list[dict[str, str]]:
    """The measurements: stack, network, device, and milliseconds of each pass."""
    return list(csv.DictReader(StringIO(_text(f"{MEASURED}.csv"))))


@cache
def _features(network: str, by_example: str) -> Features:
    from archcalc.engine.network import load

    return features(load(network).graph(), origin()["batch"], DTYPES[origin()["dtype"]], by_example)


def samples(stack: str, which: str) -> list[Sample]:
    """What was measured with a stack, of the forward or the backward pass."""
    found = []
    by_example = which if stack in origin()["by_example"] else ""
    for row in rows():
        if row["stack"] == stack:
            on = device(row["device"])
            of = _features(row["network"], by_example)
            taken = float(row[f"{which}_ms"]) / 1000
            found.append(Sample(row["network"], on, on.peaks[origin()["dtype"]], of, taken))
    return found


def refit(with_errors: bool = True, stacks: Iterable[str] = ()) -> dict[str, dict[str, Fit]]:
    """Fit every stack, or some, to their measurements: what `measured/fits.yaml` holds."""
    wanted = list(stacks) or list(dict.fromkeys(row["stack"] for row in rows()))
    return {
        stack: {
            which: replace(fit(samples(stack, which), with_errors), by_example=stack in origin()["by_example"])
            for which in PASSES
        }
        for stack in wanted
    }


def fits_text(fits: Mapping[str, Mapping[str, Fit]]) -> str:
    """As the file holds them."""
    values = {stack: {name: rounded(asdict(one)) for name, one in passes.items()} for stack, passes in fits.items()}
    head = f"# Fitted to {MEASURED}.csv by `python -m archcalc.engine.machine.calibrations`.\n"
    return head + yaml.safe_dump(values, sort_keys=False, default_flow_style=None, width=120)


def digits(value: float) -> str:
    """As files hold a number: four digits, which is more than measurements have."""
    return f"{value:.4g}"


def rounded(values: dict[str, Any]) -> dict[str, Any]:
    """The same of numbers in mappings."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name in ("factors", "by_example") and not value:
            continue
        if isinstance(value, Unseen):
            found[name] = rounded(value._asdict())
        elif isinstance(value, dict):
            found[name] = rounded(value)
        else:
            found[name] = float(digits(value)) if isinstance(value, float) else value
    return found


@cache
def calibrations() -> dict[str, Calibration]:
    """Those that are shipped, by stack."""
    fits = yaml.safe_load(_text(FITTED))
    given = origin()
    on: dict[str, list[str]] = {}
    for row in rows():
        if row["device"] not in on.setdefault(row["stack"], []):
            on[row["stack"]].append(row["device"])
    return {
        stack: Calibration(
            stack,
            given["dtype"],
            given["batch"],
            tuple(on[stack]),
            given["source"],
            {name: _fit(values) for name, values in passes.items()},
        )
        for stack, passes in fits.items()
    }


def _fit(values: Mapping[str, Any]) -> Fit:
    known = dict(values)
    for name in ("networks", "devices"):
        known[name] = None if known.get(name) is None else Unseen(**known[name])
    return Fit(**known)


def calibration(stack: str) -> Calibration:
    """A calibration by its stack.

    Raises:
        SpecError: `unknown-stack`.
    """
    known = calibrations()
    if stack not in known:
        others = f"there are {', '.join(known)}; without --stack a floor is told"
        help = suggestion(stack, known, others)
        raise SpecError([Diagnostic("unknown-stack", f"nothing was measured with `{stack}`", help=help)])
    return known[stack]


if __name__ == "__main__":
    write_whole(Path(str(files(_FOLDER).joinpath(FITTED))), fits_text(refit()))
