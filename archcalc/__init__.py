"""What a neural network costs, exactly, from a spec that reads like the table in the paper.

>>> import archcalc
>>> archcalc.analyze("lenet5").totals.params
60000
"""

from __future__ import annotations

from time import time_ns as _now

TYPE_CHECKING = False  # as typing's, without its import: nothing stands between the command's start and its answers
if TYPE_CHECKING:
    from typing import Any

    from archcalc.claims.check import check_ledger
    from archcalc.engine.formula.closed_form import closed_form
    from archcalc.engine.network import Network, analyze, load
    from archcalc.engine.sweep.run import sweep
    from archcalc.python.answer import Answer
    from archcalc.python.draw import draw
    from archcalc.python.export import export
    from archcalc.python.files import inventory
    from archcalc.python.functions import (
        audit,
        check,
        compare,
        conventions,
        diff,
        explain,
        find,
        formula,
        names,
        operators,
        scale,
        solve,
        sources,
        validate,
    )
    from archcalc.python.machines import devices, estimate, generation, roofline
    from archcalc.python.memory import memory
    from archcalc.python.models import from_torch, import_model
    from archcalc.python.page import page
    from archcalc.python.reports import reports
    from archcalc.python.sequences import cache
    from archcalc.python.site import site
    from archcalc.python.with_torch import calibrate, profile, reconcile, verify
    from archcalc.source import SpecError
    from archcalc.spec.limits import Limits
    from archcalc.torch_bridge.model.build import to_torch

__version__ = "0.2.0"
BEGAN = _now()  # what of archcalc's code is written after it is not what this process runs [ns since 1970]
__all__ = [
    "Answer",
    "Limits",
    "Network",
    "SpecError",
    "__version__",
    "analyze",
    "audit",
    "cache",
    "calibrate",
    "check",
    "check_ledger",
    "closed_form",
    "compare",
    "conventions",
    "devices",
    "diff",
    "draw",
    "estimate",
    "explain",
    "export",
    "find",
    "formula",
    "from_torch",
    "generation",
    "import_model",
    "inventory",
    "load",
    "memory",
    "names",
    "operators",
    "page",
    "profile",
    "reconcile",
    "reports",
    "roofline",
    "scale",
    "site",
    "solve",
    "sources",
    "sweep",
    "to_torch",
    "validate",
    "verify",
]

# Where each public name lives; imported when first asked for, so that `archcalc --help` needs none of it.
_PUBLIC = {
    "Answer": "archcalc.python.answer",
    "Limits": "archcalc.spec.limits",
    "Network": "archcalc.engine.network",
    "SpecError": "archcalc.source",
    "analyze": "archcalc.engine.network",
    "check_ledger": "archcalc.claims.check",
    "closed_form": "archcalc.engine.formula.closed_form",
    "load": "archcalc.engine.network",
    "sweep": "archcalc.engine.sweep.run",
    "to_torch": "archcalc.torch_bridge.model.build",  # the torch extra
    **dict.fromkeys(
        (
            "audit",
            "check",
            "compare",
            "conventions",
            "diff",
            "explain",
            "find",
            "formula",
            "names",
            "operators",
            "scale",
            "solve",
            "sources",
            "validate",
        ),
        "archcalc.python.functions",
    ),
    "cache": "archcalc.python.sequences",
    "draw": "archcalc.python.draw",
    "export": "archcalc.python.export",
    "calibrate": "archcalc.python.with_torch",
    "devices": "archcalc.python.machines",
    "inventory": "archcalc.python.files",
    "profile": "archcalc.python.with_torch",
    "site": "archcalc.python.site",
    "estimate": "archcalc.python.machines",
    "generation": "archcalc.python.machines",
    "memory": "archcalc.python.memory",
    "from_torch": "archcalc.python.models",
    "import_model": "archcalc.python.models",
    "page": "archcalc.python.page",
    "reconcile": "archcalc.python.with_torch",
    "reports": "archcalc.python.reports",
    "roofline": "archcalc.python.machines",
    "verify": "archcalc.python.with_torch",
}


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        import importlib

        if name == "to_torch":
            from archcalc.source.extra import require

            require("torch")
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
