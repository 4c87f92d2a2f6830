"""What archcalc makes of a model, and what torch says of it: a row of the table."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, NamedTuple

from archcalc.source import SpecError
from archcalc.spec.library import index, plain

FIELDS = [
    "group",
    "source",
    "operations",
    "params",
    "macs",
    "params_torch",
    "macs_torch",
    "lines",
    "by_hand",
    "proven",
    "second",
    "unknown",
    "unused",
    "error",
    "alone",
]


ALONE = "The text is of this size of the input alone"


class Row(NamedTuple):
    """A model: what was read, what torch counts (empty where nothing counts it), and how its spec is."""

    group: str
    source: str
    operations: int = 0
    params: int = 0
    macs: int = 0
    params_torch: int | None = None
    macs_torch: int | None = None
    lines: int = 0
    by_hand: int | None = None  # lines of the file of the library that has it
    proven: bool = False
    second: bool = False  # the spec is the model at a second size too
    unknown: int = 0
    unused: int = 0  # parameters of what leads to no output: heads for training alone
    error: str = ""
    alone: str = ""  # why the spec is of one size

    @property
    def is_exact(self) -> bool:
        """Whether parameters and MACs are torch's."""
        return self.params + self.unused == self.params_torch and (
            self.macs_torch is None or self.macs == self.macs_torch
        )


def measured(group: str, source: str, model: Any = None, input: Any = None, hand: str = "") -> Row:
    """Import a source, and count it by torch where a module of it is given."""
    from archcalc.engine.imported import import_model

    row = Row(group, source, by_hand=lines_by_hand(hand or source.partition(":")[2].partition("(")[0]))
    if model is not None:
        row = row._replace(**counted(model, input))
    try:
        return filled(row, import_model(source, input if group == "onnx" else None))
    except SpecError as error:
        return row._replace(error=f"{error.diagnostics[0].code}: {error.diagnostics[0].message}")


def filled(row: Row, found: Any) -> Row:
    """A row with what importing gave."""
    return row._replace(
        operations=found.operations,
        params=found.params,
        macs=found.macs,
        lines=found.lines,
        proven=found.is_proven,
        second=any(held.startswith("the same at") for held in found.held),
        unknown=len(found.unknown),
        unused=found.unused_params,
        error=found.differences[0] if found.differences else "",
        alone=next((note[len(ALONE) :].strip(": ;") for note in found.notes if note.startswith(ALONE)), ""),
    )


def round_trip(name: str, set: dict[str, Any] | None = None) -> Row:
    """A network of the library as a module of torch, without memory, and read back; its own costs as those of torch."""
    import archcalc
    from archcalc.engine.imported import import_model
    from archcalc.torch_bridge.model.build import build, example_inputs

    cost = archcalc.analyze(name, set=set)
    row = Row("library", name, params_torch=cost.totals.params, macs_torch=cost.totals.macs)
    row = row._replace(by_hand=lines_by_hand(name))
    try:
        examples = example_inputs(cost.graph, device="meta")
        given: Any = examples[0] if len(examples) == 1 else dict(zip(cost.graph.inputs, examples, strict=True))
        return filled(row, import_model(build(cost.graph, device="meta"), given, name=name))
    except Exception as error:  # named in the table, whatever it is: the other networks are read all the same
        said = error.diagnostics[0].message if isinstance(error, SpecError) else str(error)
        return row._replace(error=f"{type(error).__name__}: {' '.join(said.split())}"[:200])


def counted(model: Any, input: Any) -> dict[str, Any]:
    """Parameters by their distinct tensors, and MACs by FlopCounterMode / 2 on meta."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    model.requires_grad_(False)
    params = sum(tensor.numel() for tensor in {id(each): each for each in model.parameters()}.values())
    if input is None:
        return {"params_torch": params}
    counter = FlopCounterMode(display=False)
    try:
        with warnings.catch_warnings(), counter:
            warnings.simplefilter("ignore")
            model = model.eval().to("meta")
            if isinstance(input, dict):
                model(**input)
            else:
                model(torch.empty(1, *input, device="meta"))
    except (RuntimeError, NotImplementedError, ValueError, AssertionError):
        return {"params_torch": params}
    return {"params_torch": params, "macs_torch": counter.get_total_flops() // 2}


def lines_by_hand(name: str) -> int | None:
    """Lines of the file of the library that has a network of this name, without empty ones and comments."""
    known = index().get(plain(name))
    if known is None:
        return None
    text = known[1].read_text(encoding="utf-8")
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in text.splitlines())


def on_meta(make: Any) -> Any:
    """A model without memory, or where it reads numbers while it is made, one moved there."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with torch.device("meta"):
                return make()
        except (RuntimeError, NotImplementedError, TypeError, ValueError):
            return make().to("meta")


def exported(name: str, folder: Path, dynamo: bool) -> Path:
    """A model of torchvision as an ONNX file, its weights in it."""
    import torch
    from torchvision.models._api import get_model

    path = folder / f"{name}_{'dynamo' if dynamo else 'script'}.onnx"
    size = 299 if name == "inception_v3" else 224
    torch.manual_seed(0)
    model = get_model(name, weights=None).eval()
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                tensor.copy_(torch.rand_like(tensor) + 0.5)  # none of zeros and no two alike, as after training
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        more: dict[str, Any] = {"verbose": False} if dynamo else {}
        torch.onnx.export(model, (torch.zeros(1, 3, size, size),), str(path), dynamo=dynamo, **more)
    return path
