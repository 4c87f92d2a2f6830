"""Estimates of this machine beside networks that its calibration did not see.

`python -m archcalc.torch_bridge.profile.unseen [FOLDER]` calibrates the CPU, then times twelve other networks, and
writes both, the calibration and a page, to the folder (`reports/measured`): minutes, where nothing else runs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import torch

from archcalc.engine.machine.calibrations import own_text
from archcalc.engine.machine.estimate import estimate
from archcalc.engine.machine.model import spearman
from archcalc.results.measurement import Environment
from archcalc.results.time import Calibration, Time
from archcalc.source.writing import write_whole
from archcalc.torch_bridge.profile.calibrate import calibrate
from archcalc.torch_bridge.profile.environment import OtherWork, environment_of
from archcalc.torch_bridge.profile.profile import profile

FOLDER = Path("reports/measured")
COMMAND = "python -m archcalc.torch_bridge.profile.unseen"
UNSEEN = (
    *("resnet34@torchvision", "resnet50@torchvision", "resnext50_32x4d", "wide_resnet50_2", "squeezenet1_0"),
    *("densenet169", "inception_v3", "mobilenet_v3_large", "mnasnet1_0", "efficientnet_b1", "regnet_y_400mf"),
    *("convnext_tiny",),
)


class Line(NamedTuple):
    """A network that the fit did not see: seconds measured, and told."""

    network: str
    measured_s: float
    told: Time

    @property
    def error(self) -> float:
        """Of what was told, as a part of what was measured."""
        return self.told.value_s / self.measured_s - 1

    @property
    def is_within(self) -> bool:
        """Whether the measurement lies in the interval."""
        return self.told.low_s <= self.measured_s <= (self.told.high_s or 0)


def unseen(found: Calibration, networks: Sequence[str] = UNSEEN) -> list[Line]:
    """Each network measured, and estimated by a calibration that knows nothing of it."""
    lines = []
    for name in networks:
        taken = profile(name, "cpu", batch=found.batch, dtype=found.dtype).median_s
        assert taken is not None
        lines.append(Line(name, taken, estimate(name, None, found, found.dtype, found.batch).passes["forward"]))
    return lines


def page(found: Calibration, lines: Sequence[Line], environment: Environment, calibration: str) -> str:
    """The page, in Markdown."""
    seen = found.passes["forward"]
    errors = [abs(line.error) for line in lines]
    rank = spearman([line.told.value_s for line in lines], [line.measured_s for line in lines])
    busy = environment.cores_busy_elsewhere
    made = [
        f"# Estimates of networks that a calibration did not see: {environment.device_name}",
        "",
        f"Written by `{COMMAND}` on {environment.date[:10]}, torch {environment.torch.partition('+')[0]}, "
        f"{environment.threads} threads, {environment.cores} cores, "
        f"{found.dtype}, batch {found.batch}. Not part of `archcalc report`.",
        "",
        f"The calibration is [{calibration}]({calibration}), {found.source}; `archcalc estimate --calibration` "
        "reads it. The networks below were measured then, the median of 20 runs each.",
        "",
        "| network | measured | estimate | low | high | error |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, measured_s, told in lines:
        times = [f"{1000 * (value or 0):.2f} ms" for value in (measured_s, told.value_s, told.low_s, told.high_s)]
        made.append(f"| {name} | {' | '.join(times)} | {told.value_s / measured_s - 1:+.1%} |")
    within = f"{sum(line.is_within for line in lines)} of {len(lines)} within the interval"
    made += [
        "",
        f"Mean error {fmean(errors):.1%}, worst {max(errors):.1%}, rank correlation {rank:.3f}; {within}.",
        "",
        f"On the {seen.measured} that were fitted: {seen.seen:.1%}; each left out in turn: "
        + (f"{seen.networks.mean:.1%}, rank {seen.networks.rank:.2f}." if seen.networks else "unknown."),
    ]
    if busy is not None and busy > 0.1:
        made += ["", f"Noisy: other processes kept {busy:.2f} cores busy meanwhile."]
    return "\n".join(made) + "\n"


def main(arguments: Sequence[str]) -> None:
    """Calibrate, measure, write."""
    folder = Path(arguments[0]) if arguments else FOLDER
    name = f"cpu-{datetime.now(UTC):%Y-%m-%d}-unseen"
    others = OtherWork()
    found = calibrate("cpu", tell=lambda done, stage: print(f"{done:4.0%} {stage}", file=sys.stderr, flush=True))
    lines = unseen(found)
    text = page(found, lines, environment_of(torch.device("cpu"), others, ""), f"{name}.yaml")
    write_whole(folder / f"{name}.yaml", own_text(found))
    write_whole(folder / f"{name}.md", text)
    print(text)


if __name__ == "__main__":
    main(sys.argv[1:])
