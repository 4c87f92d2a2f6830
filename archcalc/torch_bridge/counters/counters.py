"""What torch's FlopCounterMode and fvcore count of a built model, operation by operation."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, fx, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from archcalc.graph import Graph
from archcalc.results.cost import shape_list

# What fvcore calls the operators whose flops are multiply-accumulates; its others are norms, pools and upsampling.
FVCORE_MACS = frozenset({"conv", "linear", "addmm", "mm", "bmm", "matmul", "einsum"})
STEPS = "num_batches_tracked"  # a buffer of norms: how many steps they were trained
PLACES = "relative_position_index"  # a buffer of attention over windows: which row of a table of biases is whose


class Ran(NamedTuple):
    """What an operation gave, and the FLOPs that torch counted meanwhile."""

    shape: tuple[int, ...]
    flops: int


class Remembered(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """On the meta device, what torch gives for an operation whose inputs have the same shapes as before.

    There torch runs a batch norm as thirty operations in Python, a thousand times in a network of a hundred. What is
    remembered of an operation are the shapes that torch gave for the first of its kind; FLOPs are counted above this.
    """

    given: ClassVar[dict[Any, Any]] = {}
    most: ClassVar[int] = 1 << 16

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation, or repeat what the same one gave."""
        kwargs = kwargs or {}
        key = _key(func, (*args, *kwargs.items())) if _is_pure(func) else None
        if key is None:
            return func(*args, **kwargs)
        found = self.given.get(key)
        if found is not None:
            return found()
        result = func(*args, **kwargs)
        if len(self.given) < self.most and (again := _again(result)):
            self.given[key] = again
        return result


@cache
def _is_pure(func: Any) -> bool:
    """Whether an operation makes new tensors alone; running statistics have no values on the meta device."""
    schema = func._schema
    if any(each.alias_info is not None for each in schema.returns):
        return False
    written = [each.name for each in schema.arguments if each.alias_info is not None and each.alias_info.is_write]
    return set(written) <= {"running_mean", "running_var"} and "batch_norm" in schema.name if written else True


def _key(func: Any, arguments: Any) -> Any:
    """What an operation's outputs depend on: shapes, strides and types of its tensors, and all else; None: too much."""
    parts: list[Any] = [func]
    for each in arguments:
        if isinstance(each, Tensor):
            if not each.is_meta or type(each) not in (Tensor, nn.Parameter):
                return None
            parts.append((each.shape, each.stride(), each.dtype))
        elif isinstance(each, (list, tuple)):
            inner = _key(None, each)
            if inner is None:
                return None
            parts.append(inner)
        elif each is None or isinstance(each, (int, float, str, torch.dtype, torch.layout, torch.device)):
            parts.append((type(each), each))
        else:
            return None
    return tuple(parts)


def _again(result: Any) -> Callable[[], Any] | None:
    """How to make new tensors like those of a result; None where it is not of tensors alone."""
    if isinstance(result, Tensor) and result.is_meta:
        size, stride, dtype = tuple(result.shape), result.stride(), result.dtype
        return lambda: torch.empty_strided(size, stride, dtype=dtype, device="meta")
    if isinstance(result, (list, tuple)):
        made = [(lambda: None) if each is None else _again(each) for each in result]
        if all(made):
            kind = type(result)
            return lambda: kind(each() for each in made if each)
    return None


class CountingInterpreter(fx.Interpreter):
    """Runs a built model, and notes of each operation what it gave and what FlopCounterMode counted."""

    def __init__(self, model: fx.GraphModule) -> None:
        super().__init__(model)
        self.ran: dict[int, Ran] = {}
        self._mode = FlopCounterMode(display=False)

    def count(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Run it, and give all outputs; gradients stay on, for without them FlopCounterMode fails on some modules."""
        with Remembered(), self._mode:
            return outputs(self.run(*inputs))

    def run_node(self, n: fx.Node) -> Any:
        """Run a node; several of them may be one operation, which gives what the last of them gives."""
        before = self._mode.get_total_flops()
        result = super().run_node(n)
        index = n.meta.get("index")
        if index is not None:
            flops = self._mode.get_total_flops() - before + (self.ran[index].flops if index in self.ran else 0)
            self.ran[index] = Ran(tuple(result.shape) if isinstance(result, Tensor) else (), flops)
        return result


def count_flops(model: nn.Module, inputs: Sequence[Tensor]) -> tuple[list[Tensor], int]:
    """What a model gives, and the FLOPs that FlopCounterMode counts."""
    with Remembered(), FlopCounterMode(display=False) as mode:
        given = outputs(model(*inputs))
    return given, int(mode.get_total_flops())


def count_by_fvcore(model: nn.Module, inputs: Sequence[Tensor]) -> Mapping[str, Counter[str]]:
    """What fvcore counts at inference, for each path of a module and each operator of fvcore's; '' is the whole.

    fvcore traces a run on real tensors; it fails on the meta device.
    """
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # fvcore's imports and the tracer's own
        from fvcore.nn.flop_count import FlopCountAnalysis

        analysis = FlopCountAnalysis(_Listed(model), tuple(inputs)).tracer_warnings("none")
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        analysis.ancestor_mode("caller")  # a merge may have the name of what the layers merged are in
        counted = analysis.by_module_and_operator()
    return {path.removeprefix("model").removeprefix("."): counts for path, counts in counted.items()}


class _Listed(nn.Module):
    """A model whose outputs are a tuple, which the tracer takes; it does not take a dict."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model.eval()

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """All outputs."""
        return tuple(outputs(self.model(*inputs)))


class Uninitialised(TorchFunctionMode):
    """Weights are zeros and stay so: random ones take longer to draw than the network to run, and change no count."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init" or func in (Tensor.uniform_, Tensor.normal_):
            return args[0] if args else kwargs["tensor"]
        return torch.zeros(*args, **kwargs) if func is torch.empty else func(*args, **kwargs)


def outputs(given: Any) -> list[Tensor]:
    """All tensors that a model gave: one, or several by name or in order; heads that did not run are None."""
    if isinstance(given, Tensor):
        return [given]
    return [value for value in (given.values() if isinstance(given, dict) else given) if value is not None]


def examples(graph: Graph, batch: int, device: str) -> tuple[Tensor, ...]:
    """A batch of zeros for each input of the network, whole ones for tokens."""
    return tuple(
        torch.zeros(
            (batch, *shape_list(shape)), dtype=torch.int64 if shape.channels is None else torch.float32, device=device
        )
        for shape in graph.inputs.values()
    )


def macs_of(flops: int, batch: int) -> int | str:
    """Multiply-accumulates of one example, of which FlopCounterMode counts two FLOPs each; a fraction stays one."""
    macs = Fraction(flops, 2 * batch)
    return int(macs) if macs.denominator == 1 else str(macs)


def elements(tensors: Iterable[Tensor]) -> int:
    """Scalars in all."""
    return sum(each.numel() for each in tensors)


def stored_buffers(module: nn.Module) -> dict[str, Tensor]:
    """Buffers that the state dict holds, by name, but for how many steps norms were trained and indices of biases."""
    kept = {name for name in module.state_dict() if not name.endswith((STEPS, PLACES))}
    return {name: each for name, each in module.named_buffers() if name in kept}
