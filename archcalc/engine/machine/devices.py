"""Devices: those that are shipped, and a user's own in a file of the same form."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from archcalc.results.cost import DTYPES
from archcalc.results.time import Device
from archcalc.source import (
    Diagnostic,
    Source,
    Span,
    SpecError,
    YamlMapping,
    YamlNode,
    YamlScalar,
    read_source,
    read_yaml,
    suggestion,
)

NUMBERS = ("year", "memory_gb", "bandwidth_gb_s", "vector", "units", "tdp_w")
TEXTS = ("name", "architecture", "confidence", "note")
KEYS = (*TEXTS, *NUMBERS, "peaks", "sources")
NEEDED = ("name", "bandwidth_gb_s", "peaks")
EXAMPLE = "one of one's own: mine.yaml with name, bandwidth_gb_s and peaks, as in `archcalc devices --format yaml`"
GIGA, TERA = 1e9, 1e12


@cache
def devices() -> dict[str, Device]:
    """The devices that are shipped, by id."""
    text = files("archcalc.engine.machine").joinpath("devices.yaml").read_text(encoding="utf-8")
    return _read(Source("devices.yaml", text))


def device(name: str) -> Device:
    """A device by its id, or the only one of a file.

    Raises:
        SpecError: `unknown-device`, or the place where the file is wrong.
    """
    if name.endswith((".yaml", ".yml")) or "/" in name:
        found = _read(read_source(name, kind="a file with a device"))
        if len(found) != 1:
            raise SpecError([Diagnostic("one-device", f"`{name}` holds {len(found)} devices", help="leave one in it")])
        return next(iter(found.values()))
    known = devices()
    wanted = name.strip().lower().replace("_", "-").replace(" ", "-")
    if wanted not in known:
        others = f"there are {', '.join(known)}; or a file ./mine.yaml"
        raise SpecError(
            [Diagnostic("unknown-device", f"no device is called `{name}`", help=suggestion(wanted, known, others))]
        )
    return known[wanted]


def peak(of: Device, dtype: str) -> float:
    """Operations a second of matrix products at a dtype.

    Raises:
        SpecError: `no-peak`: nothing is printed of this dtype.
    """
    if dtype not in of.peaks:
        message = f"no peak of {of.name} is known at {dtype}"
        raise SpecError([Diagnostic("no-peak", message, help=f"--dtype {' or '.join(of.peaks)}")])
    return of.peaks[dtype]


def _read(source: Source) -> dict[str, Device]:
    root = read_yaml(source)
    findings: list[Diagnostic] = []

    def wrong(code: str, node: YamlNode, message: str, help: str | None = None) -> None:
        findings.append(Diagnostic(code, message, Span(node.start, node.end), source, help))

    found: dict[str, Device] = {}
    if not isinstance(root, YamlMapping):
        wrong("not-a-device", root, "this is no mapping of ids to devices", EXAMPLE)
        raise SpecError(findings)
    for key, entry in root.items:
        if not isinstance(entry, YamlMapping):
            wrong("not-a-device", entry, f"`{key.value}` is no device", EXAMPLE)
            continue
        values = _entry(entry, wrong)
        missing = [name for name in NEEDED if name not in values]
        if missing:
            wrong("missing-key", key, f"`{key.value}` has no {' and no '.join(missing)}", EXAMPLE)
        elif not findings:
            found[key.value] = _device(key.value, values)
    if findings:
        raise SpecError(findings)
    return found


def _entry(entry: YamlMapping, wrong: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in entry.items:
        name = key.value
        if name not in KEYS:
            wrong(
                "unknown-key", key, f"a device has no `{name}`", suggestion(name, KEYS, f"keys are {', '.join(KEYS)}")
            )
        elif name in ("peaks", "sources"):
            if not isinstance(value, YamlMapping):
                wrong("not-a-mapping", value, f"`{name}` is a mapping", "peaks: {fp32: 10.5, bf16: 120}")
                continue
            values[name] = {
                word.value: _number(word.value, given, wrong) if name == "peaks" else getattr(given, "value", "")
                for word, given in value.items
            }
            if name == "peaks":
                for word, _ in value.items:
                    if word.value not in DTYPES:
                        wrong("unknown-dtype", word, f"no dtype is called `{word.value}`", f"{', '.join(DTYPES)}")
        elif name in NUMBERS:
            values[name] = _number(name, value, wrong)
        else:
            values[name] = getattr(value, "value", "")
    return values


def _number(name: str, node: YamlNode, wrong: Any) -> float:
    try:
        value = float(node.value) if isinstance(node, YamlScalar) else float("nan")
    except ValueError:
        value = float("nan")
    if not 0 <= value < 1e12 or (value == 0 and name not in ("units", "vector", "tdp_w", "memory_gb")):
        wrong("not-a-number", node, f"`{name}` is a number above 0", "bandwidth_gb_s: 936")
        return 0.0
    return value


def _device(id: str, values: dict[str, Any]) -> Device:
    peaks = {dtype: rate * TERA for dtype, rate in values["peaks"].items()}
    first = next(iter(peaks.values()))
    vector = values.get("vector")
    return Device(
        id=id,
        name=values["name"],
        architecture=values.get("architecture", ""),
        year=int(values["year"]) if values.get("year") else None,
        memory_bytes=int(values["memory_gb"] * GIGA) if values.get("memory_gb") else None,
        bandwidth=values["bandwidth_gb_s"] * GIGA,
        peaks=peaks,
        vector=vector * TERA if vector else peaks.get("fp32", first),
        units=int(values.get("units", 0)),
        tdp_w=values.get("tdp_w") or None,
        sources=values.get("sources", {}),
        confidence=values.get("confidence", ""),
        note=values.get("note", ""),
    )
