"""Estimates of this machine beside networks that its calibration did not see.

`python -m archcalc.torch_bridge.profile.unseen [FOLDER]` measures what a calibration of the CPU measures and, in turn
with that, twelve other networks; it writes the calibration and a page to the folder (`reports/measured`): two minutes,
where nothing else runs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import torch

from archcalc.engine.machine.estimate import estimate
from archcalc.engine.machine.model import spearman
from archcalc.engine.machine.own import own_text
from archcalc.engine.network import load
from archcalc.results.measurement import Environment
from archcalc.results.time import Calibration, Time, TimedNetwork
from archcalc.source.writing import write_whole
from archcalc.torch_bridge.profile.calibrate import NETWORKS, REPEATS, fitted, measured_device, probes
from archcalc.torch_bridge.profile.environment import OtherWork, environment_of
from archcalc.torch_bridge.profile.profile import Tell
from archcalc.torch_bridge.profile.rounds import in_turn
from archcalc.torch_bridge.profile.timing import clock_of, quartiles

FOLDER = Path("reports/measured")
COMMAND = "python -m archcalc.torch_bridge.profile.unseen"
UNSEEN = (
    *("resnet34@torchvision", "resnet50@torchvision", "resnext50_32x4d", "wide_resnet50_2", "squeezenet1_0"),
    *("densenet169", "inception_v3", "mobilenet_v3_large", "mnasnet1_0", "efficientnet_b1", "regnet_y_400mf"),
    *("convnext_tiny",),
)


class Line(NamedTuple):
    """A network that the fit did not see: what was measured, and told."""

    measured: TimedNetwork
    told: Time

    @property
    def error(self) -> float:
        """Of what was told, as a part of what was measured."""
        return self.told.value_s / self.measured.seconds - 1

    @property
    def is_within(self) -> bool:
        """Whether the measurement lies in the interval."""
        return self.told.low_s <= self.measured.seconds <= (self.told.high_s or 0)


def unseen(
    networks: Sequence[str] = NETWORKS,
    others: Sequence[str] = UNSEEN,
    repeats: int = REPEATS,
    tell: Tell = lambda done, stage: None,
) -> tuple[Calibration, list[Line]]:
    """A calibration by some networks, and what it gives for others that were measured in the same rounds.

    A machine is faster at one time than at another: measured one after the other, the calibration and the networks
    would differ by that too, which is no error of the model.
    """
    place = torch.device("cpu")
    tell(0, "products, copies, additions")
    on = measured_device(place, "fp32", clock_of(place))
    loaded = [*probes(), *map(load, (*networks, *others))]
    taken = in_turn(loaded, place, "fp32", 1, repeats, tell=tell)["forward"]
    seen, rest = taken[: -len(others)], taken[-len(others) :]
    found = fitted(on, place, "fp32", 1, {"forward": seen})
    return found, [Line(one, estimate(one.network, None, found).passes["forward"]) for one in rest]


def page(found: Calibration, lines: Sequence[Line], environment: Environment, calibration: str) -> str:
    """The page, in Markdown."""
    seen = found.passes["forward"]
    errors = [abs(line.error) for line in lines]
    rank = spearman([line.told.value_s for line in lines], [line.measured.seconds for line in lines])
    spreads = [quartiles(line.measured.rounds) for line in lines]
    busy = environment.cores_busy_elsewhere
    made = [
        f"# Estimates of networks that a calibration did not see: {environment.device_name}",
        "",
        f"Written by `{COMMAND}` on {environment.date[:10]}, torch {environment.torch.partition('+')[0]}, "
        f"{environment.threads} threads, {environment.cores} cores, "
        f"{found.dtype}, batch {found.batch}. Not part of `archcalc report`.",
        "",
        f"The calibration is [{calibration}]({calibration}), {found.source}, and operations of many kinds beside them; "
        "`archcalc estimate --calibration` reads it. The networks below are in none of it. All were measured in turn, "
        f"in {len(lines[0].measured.rounds)} rounds over all of them, since the machine is faster at one time than at "
        "another: medians, and of the networks below the quartiles of rounds.",
        "",
        "| network | measured | quartiles | estimate | low | high | error |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for line, spread in zip(lines, spreads, strict=True):
        given = line.measured.seconds, line.told.value_s, line.told.low_s, line.told.high_s or 0
        measured, *told = (f"{1000 * value:.2f} ms" for value in given)
        between = f"{1000 * spread.first:.2f} to {1000 * spread.third:.2f}"
        made.append(f"| {line.measured.network} | {measured} | {between} | {' | '.join(told)} | {line.error:+.1%} |")
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
    """Measure, calibrate, write."""
    folder = Path(arguments[0]) if arguments else FOLDER
    name = f"cpu-{datetime.now(UTC):%Y-%m-%d}-unseen"
    busy = OtherWork()
    found, lines = unseen(tell=lambda done, stage: print(f"{done:4.0%} {stage}", file=sys.stderr, flush=True))
    text = page(found, lines, environment_of(torch.device("cpu"), busy, ""), f"{name}.yaml")
    write_whole(folder / f"{name}.yaml", own_text(found))
    write_whole(folder / f"{name}.md", text)
    print(text)


if __name__ == "__main__":
    main(sys.argv[1:])
