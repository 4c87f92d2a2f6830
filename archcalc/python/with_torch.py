"""What needs torch: networks held against real models, and other tools run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from archcalc.engine.network import AnyNetwork, load
from archcalc.python.answer import Answer

if TYPE_CHECKING:
    from archcalc.results.measurement import Measurement
    from archcalc.results.reconciliation import Reconciliation
    from archcalc.results.time import Calibration
    from archcalc.results.verification import Verification


def verify(*networks: AnyNetwork, against: Sequence[str] | None = None, **how: Any) -> Answer[Verification]:
    """Networks held against real models, to the last integer; needs torch.

    Args:
        networks: the networks.
        against: tools: `torch`, `fvcore`, `torchvision`; without, all of them.
            Modules of one's own are given as `net.py:Net(3)`.
        how: `export`, `jobs`, `set`, `input`, `values`.

    Raises:
        ValueError: no network is given, or an unknown tool.
        SpecError: as `analyze`.
        MissingExtraError: a tool is not installed.
    """
    from archcalc.report.verification import rows, verification_object, verified
    from archcalc.results.verification import TOOLS
    from archcalc.source.extra import require

    if not networks:
        raise ValueError("verify needs a network: verify('resnet50')")
    chosen = list(against or ())
    require("torch", *(tool for tool in chosen if tool in TOOLS))
    from archcalc.torch_bridge.verify.verify import installed_tools, parted

    chosen = installed_tools() if against is None else chosen

    for tool in parted(chosen)[0]:
        if tool not in TOOLS:
            raise ValueError(f"no tool is called {tool}; there are {', '.join(TOOLS)}")
    from archcalc.torch_bridge.verify.verify import verify_all

    found = verify_all([load(network) for network in networks], chosen, **how)
    return Answer(
        found,
        lambda: {"verification": verification_object(found)},
        lambda: rows(found),
        lambda: verified(found),
    )


def reconcile(
    network: AnyNetwork,
    tools: Sequence[str] | None = None,
    recorded: bool = False,
    input: Any = None,
    library: str = "",
) -> Answer[Reconciliation]:
    """Why other tools print other numbers, to the last integer; needs torch and torchvision.

    Args:
        network: the network.
        tools: some of `conventions()` that are tools; without, all of them.
        recorded: take the figures that were recorded, and run none.
        input: other extents of the input.
        library: run the tools on the model of transformers or timm.

    Raises:
        SpecError: as `load`.
        MissingExtraError: torch is not installed.
    """
    from archcalc.report.reconciliation import reconciled, reconciliation_object, rows
    from archcalc.source.extra import require

    require("torch", "torchvision")
    from archcalc.engine.cost.conventions import TOOLS
    from archcalc.torch_bridge.counters.reconcile import reconcile as run

    named = [convention.name for convention in TOOLS] if tools is None else tools
    found = run(load(network), named, recorded, input=input, library=library)
    return Answer(
        found,
        lambda: {"reconciliation": reconciliation_object(found)},
        lambda: list(rows(found)),
        lambda: reconciled(found),
    )


def profile(network: AnyNetwork, **how: Any) -> Answer[Measurement]:
    """A network's real model measured: time, memory and energy beside its cost; needs torch.

    Args:
        network: the network.
        how: `device`, `batch`, `dtype`, `channels_last`, `compile`, `train`, `layers`, `repeats`, `threads`, `set`,
            `input`, `note`.

    Raises:
        SpecError: as `analyze`.
        MeasurementError: no such device, too little memory, or an operation that the device cannot run so.
        ValueError: another dtype, fewer than 20 repeats, or layers of a compiled model.
        MissingExtraError: torch is not installed.
    """
    from archcalc.report.measurement import measured, measurement_object, measurement_rows
    from archcalc.source.extra import require

    require("torch")
    from archcalc.torch_bridge.profile.profile import profile as measure

    found = measure(network, **how)
    return Answer(
        found,
        lambda: {"measurements": [measurement_object(found)]},
        lambda: measurement_rows([found]),
        lambda: measured([found], "si"),
    )


def calibrate(device: str = "cpu", **how: Any) -> Calibration:
    """This machine measured, for `estimate(net, stack=...)`; it takes a minute or more, and needs torch.

    Args:
        device: `cpu`, `cuda`, `cuda:1`.
        how: `networks`, `dtype`, `batch`, `repeats`, `train`, `stack`.

    Raises:
        MeasurementError: no such device, or a network that it cannot run.
        SpecError: an unknown network.
        ValueError: fewer than three networks.
        MissingExtraError: torch is not installed.
    """
    from archcalc.source.extra import require

    require("torch")
    from archcalc.torch_bridge.profile.calibrate import calibrate as measure

    return measure(device, **how)
