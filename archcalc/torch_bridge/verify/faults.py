"""What is known to be compared with nothing, by name: never a tolerance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from archcalc.results.verification import WITH_HEADS, Check
from archcalc.torch_bridge.counters.counters import STEPS


class Fault(NamedTuple):
    """A quantity of an operator that a tool has not, or has alone; `place` is where that is written."""

    against: str
    operator: str
    quantity: str
    reason: str
    place: str


_OPAQUE = "an opaque layer is a stand-in that gives zeros; its size and work are only declared"
_STAND_IN = "archcalc/torch_bridge/model/modules.py, Opaque"

FAULTS = (
    Fault(
        "torch",
        "batch_norm",
        STEPS,
        "norms keep how many steps they were trained, which no computation reads; it is in no figure of ours",
        "torch/nn/modules/batchnorm.py, _NormBase",
    ),
    Fault(
        "torch",
        "deform_conv",
        "macs",
        "FlopCounterMode has no rule for torchvision's operator, and counts nothing of it",
        "torch/utils/flop_counter.py, flop_registry",
    ),
    *(
        Fault(
            "fvcore",
            operator,
            "macs",
            "fvcore has no rule for it, and counts nothing of it",
            "fvcore/nn/flop_count.py, _DEFAULT_SUPPORTED_OPS",
        )
        for operator in ("deform_conv", "lstm", "gru", "rnn")
    ),
    Fault("torch", "opaque", "params", _OPAQUE, _STAND_IN),
    Fault("torch", "opaque", "macs", _OPAQUE, _STAND_IN),
    Fault("torch", "opaque", "gradients", "no gradient passes an opaque layer, which gives zeros", _STAND_IN),
    Fault("fvcore", "opaque", "macs", _OPAQUE, _STAND_IN),
    Fault("fvcore", "opaque", "fvcore_flops", _OPAQUE, _STAND_IN),
)
KNOWN = {(fault.against, fault.operator, fault.quantity): fault for fault in FAULTS}


def judge(check: Check, operator: str) -> Check:
    """A difference that is a known fault is said to be one; anything else stays."""
    fault = KNOWN.get((check.against, operator, check.quantity))
    return check._replace(state="not counted", reason=fault.reason) if fault and check.state == "differs" else check


def judge_totals(checks: Sequence[Check]) -> list[Check]:
    """A total that lacks exactly what is not counted of single operations, to the last integer, lacks it by them."""
    lacking: dict[tuple[str, str], int] = defaultdict(int)
    for _, against, operation, quantity, ours, theirs, state, _ in checks:
        if operation and state == "not counted" and isinstance(ours, int) and isinstance(theirs, int):
            lacking[against, quantity] += ours - theirs

    def judged(check: Check) -> Check:
        _, against, operation, quantity, ours, theirs, state, _ = check
        missing = lacking.get((against, quantity.removesuffix(WITH_HEADS)))
        if operation or state != "differs" or missing is None or ours != theirs + missing:  # type: ignore[operator]
            return check
        return check._replace(state="not counted", reason="lacks what is not counted of single operations")

    return [judged(check) for check in checks]
