"""The page on calibrations: what was measured, what was fitted to it, and the errors on what a fit did not see."""

from __future__ import annotations

from archcalc.engine.machine.calibrations import calibrations, origin
from archcalc.report.media import numbers
from archcalc.report.media.blocks import Column, Document, Heading, Items, Paragraph, Table, number
from archcalc.results.time import Fit, Unseen


def page() -> Document:
    """A row for each pass of each stack."""
    errors, fits = Table(_columns()), Table(_fitted())
    for stack, found in calibrations().items():
        for which, fit in found.passes.items():
            assert isinstance(fit, Fit)
            errors.rows.append(
                [stack, which, str(fit.measured), _percent(fit.seen), *_errors(fit.networks, fit.devices)]
            )
            fits.rows.append([stack, which, *_parameters(fit)])
    given = origin()
    source = f"{given['source']} ({given['license']})"
    return [
        Heading("Times: what calibrations are worth", 1),
        Paragraph(
            f"Measured by others: {source}, {given['library']}, {given['dtype']}, batch {given['batch']}. "
            "`archcalc estimate` gives what the fit of a stack gives, between the multiples that one in twenty of the "
            "networks it did not see was below, and above."
        ),
        Items(given["notes"]),
        Heading("Errors"),
        Paragraph(
            "Each network, and each device, is left out in turn, and estimated by a fit to the others: mean and worst "
            "of |estimate / measurement - 1|. Rank: the least Spearman correlation of estimates and measurements of "
            "the networks inside a device."
        ),
        errors,
        Heading("What was fitted"),
        Paragraph(
            "t = FLOPs / (compute * peak) + bytes / (memory * bandwidth) + overhead for each operation, with the peaks "
            "and bandwidths of `archcalc devices`; FLOPs of dense 3x3 convolutions of stride 1 times `winograd`, in "
            f"whole tiles and waves. {', '.join(given['by_example'])}: convolves one example after the other, with an "
            "overhead for each, and writes out what the kernel sees. That both times add up, where the larger of them "
            "was taken before, and this loop were chosen among a few forms by the errors above. "
            "The backward pass is fitted by itself to the work of the forward pass. Where "
            "several devices were measured, each has a factor of its own besides, from what the fit saw of it; a "
            "device that it did not see has none. How far a factor is drawn towards 1 was chosen by the errors of "
            "torch7-cuda, forward, on networks that were left out: its error above is too small by that choice."
        ),
        fits,
        Items(_factors()),
        Paragraph("Fitted by `python -m archcalc.engine.machine.calibrations`; a test fits again.", quiet=True),
    ]


def _factors() -> list[str]:
    """Factors of devices, a line for each pass."""
    found = []
    for stack, calibration in calibrations().items():
        for which, fit in calibration.passes.items():
            if isinstance(fit, Fit) and fit.factors:
                each = ", ".join(f"{name} {factor:.3f}" for name, factor in fit.factors.items())
                found.append(f"{stack} {which}: {each}")
    return found


def _columns() -> list[Column]:
    titles = ("measured", "seen", "networks, mean", "worst", "rank", "devices, mean", "worst", "rank")
    return [Column("stack"), Column("pass"), *map(number, titles)]


def _fitted() -> list[Column]:
    return [Column("stack"), Column("pass"), *map(number, ("compute", "memory", "overhead", "winograd"))]


def _errors(*unseen: Unseen | None) -> list[str]:
    cells: list[str] = []
    for one in unseen:
        cells += ["", "", ""] if one is None else [_percent(one.mean), _percent(one.worst), f"{one.rank:.2f}"]
    return cells


def _parameters(fit: Fit) -> list[str]:
    overhead = numbers.seconds(fit.overhead_s) if fit.overhead_s > 1e-8 else "0"
    return [f"{fit.compute:.3g}", f"{fit.memory:.3g}", overhead, f"{fit.winograd:.3g}"]


def _percent(value: float) -> str:
    return f"{value:.1%}"
