"""Measures a real model: time, memory and energy of a run on a device, beside what the run costs."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, fx, nn

from archcalc.engine.cost.conventions import MACS
from archcalc.engine.execution import executions, least_memory
from archcalc.engine.inputs import Given
from archcalc.engine.network import AnyNetwork, cost_of_graph, load
from archcalc.graph import Graph
from archcalc.results.cost import DTYPES, LayerCost, shape_list
from archcalc.results.measurement import LayerTime, Measurement
from archcalc.spec.collector import paused_collector
from archcalc.torch_bridge.model.build import build, example_inputs
from archcalc.torch_bridge.profile.consumption import energy_j, peak_memory_bytes
from archcalc.torch_bridge.profile.environment import OtherWork, available_memory, environment_of
from archcalc.torch_bridge.profile.operation_times import OperationTimer, TrainingTimer
from archcalc.torch_bridge.profile.timing import WarmUp, clock_of, quartiles, warm_up

MEASURED_DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
LEAST_REPEATS = 20

Tell = Callable[[float, str], None]  # which part is over, and what is being done


class MeasurementError(Exception):
    """A measurement that could not be made, and why: `no-device`, `out-of-memory` or `cannot-run`."""

    def __init__(self, code: str, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.help = help


def best_device() -> str:
    """A GPU where there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def profile(
    network: AnyNetwork,
    device: str = "cpu",
    batch: int = 1,
    dtype: str = "fp32",
    channels_last: bool = False,
    compile: bool = False,
    train: bool = False,
    layers: bool = False,
    repeats: int = LEAST_REPEATS,
    threads: int | None = None,
    set: Mapping[str, Any] | None = None,
    input: Given = None,
    note: str = "",
    tell: Tell = lambda done, stage: None,
) -> Measurement:
    """Measure a network.

    Args:
        network: a name, a file, or what `load` gave.
        device: `cpu`, `cuda`, `cuda:1`.
        batch: examples at once.
        dtype: of weights and activations: fp32, fp16 or bf16.
        channels_last: lay images out with the channels last.
        compile: through `torch.compile`; the compilation is in no time.
        train: forward and backward of the mean of the outputs, without a loss of its own and without an update of the
            weights, as benchmarks of convolutional networks do.
        layers: time each layer too, in runs of their own between those of the whole.
        repeats: runs of which the median is taken, 20 or more.
        threads: of one operation on the CPU; None: as torch chooses.
        set: values of variables of the spec.
        input: another input than the spec's, channels first.
        note: what else there is to say of the environment.
        tell: called as the measurement goes on.

    Raises:
        SpecError: an unknown name or variable, or the place where the spec is wrong.
        MeasurementError: no such device, too little memory, or an operation that the device cannot run so.
        ValueError: another dtype, fewer than 20 repeats, or layers of a compiled model, which has none.
    """
    if repeats < LEAST_REPEATS:
        raise ValueError(f"a median of {repeats} repeats is no median to tell; {LEAST_REPEATS} or more")
    if dtype not in MEASURED_DTYPES:
        raise ValueError(f"torch does not compute in {dtype} here; {', '.join(MEASURED_DTYPES)}")
    if layers and compile:
        raise ValueError("a compiled model has no layers any more: they are fused")
    network = load(network)
    place = existing(device)
    graph = network.graph(set, input, with_heads=False)
    if channels_last and graph.input.rank != 2:
        raise MeasurementError("cannot-run", f"channels last is a layout of images; the input is {graph.input}")
    bits = DTYPES[dtype]
    refuse_too_large(place, least_memory(graph, batch, bits, train))
    work = executions(graph, batch, bits, train)
    cost = cost_of_graph(network, graph, batch, set or {}, dtype, MACS.name, with_heads=False)
    with running(place, threads):
        tell(0, "build")
        model, given = built(graph, place, dtype, batch)
        model.train(train)
        if channels_last:
            model = model.to(memory_format=torch.channels_last)
            given = [x.to(memory_format=torch.channels_last) for x in given]
        clock = clock_of(place)
        run = training_step(model, given, compile) if train else inference(model, given, compile)
        timer = (TrainingTimer if train else OperationTimer)(model, clock, len(work)) if layers else None
        with torch.inference_mode(not train):
            others = OtherWork()
            warmed, whole, parts = _repeated(
                lambda: clock.time(run), (lambda: timer.times(*given)) if timer else None, repeats, tell
            )
            environment = environment_of(place, others, note)
            times = quartiles(whole)
            tell(1, "memory and energy")
            model.zero_grad(set_to_none=True)
            peak = peak_memory_bytes(run, place, _held(model, given))
            energy = energy_j(run, place, clock, times.median)
    return Measurement(
        network=network.name,
        input=tuple(shape_list(graph.input)),
        batch=batch,
        dtype=dtype,
        device=place.type,
        mode="training" if train else "inference",
        channels_last=channels_last,
        compiled=compile,
        warm_up=warmed.runs,
        is_stable=warmed.is_stable,
        repeats=repeats,
        first_quartile_s=times.first,
        median_s=times.median,
        third_quartile_s=times.third,
        macs=cost.totals.macs,
        executed_macs=sum(operation.macs for operation in work),
        bytes_moved=sum(operation.bytes_moved for operation in work),
        peak_memory_bytes=peak,
        energy_j=energy,
        environment=environment,
        layers=[_layer_time(layer, parts, work) for layer in cost.layers] if layers else [],
    )


def _repeated(
    time: Callable[[], float], times_of_parts: Callable[[], list[float]] | None, repeats: int, tell: Tell
) -> tuple[WarmUp, list[float], list[list[float]]]:
    """Warm up, then time the whole, and its parts in turn with it."""
    whole: list[float] = []
    parts: list[list[float]] = []
    with paused_collector():  # its search would be timed too
        tell(0, "warm-up")
        warmed = warm_up(time)
        if times_of_parts:
            warm_up(lambda: sum(times_of_parts()))
        for number in range(repeats):
            tell(number / repeats, f"repeat {number + 1} of {repeats}")
            whole.append(time())
            if times_of_parts:
                parts.append(times_of_parts())
    return warmed, whole, parts


def existing(device: str) -> torch.device:
    """A device that is there.

    Raises:
        MeasurementError: it is not.
    """
    kind, _, number = device.partition(":")
    if kind not in ("cpu", "cuda") or (number and not (kind == "cuda" and number.isdecimal())):
        raise MeasurementError("no-device", f"`{device}` is no device to measure on", "cpu, cuda, cuda:1")
    if kind == "cpu":
        return torch.device("cpu")
    if torch.version.cuda is None:
        raise MeasurementError("no-device", f"torch {torch.__version__} is built without CUDA", "--device cpu")
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if there == 0:
        raise MeasurementError("no-device", "torch finds no CUDA device on this machine", "--device cpu")
    if int(number or 0) >= there:
        raise MeasurementError("no-device", f"there is no `{device}`; the last is cuda:{there - 1}", "--device cuda:0")
    return torch.device("cuda", int(number or 0))


def refuse_too_large(device: torch.device, least: int) -> None:
    """Say so before the system ends the process for it, and everything measured before is lost."""
    if device.type == "cuda":
        gc.collect()  # of a model that did not fit
        torch.cuda.empty_cache()
        free: int | None = torch.cuda.mem_get_info(device)[0]
    else:
        free = available_memory()
    if free is not None and least > free:
        raise MeasurementError(
            "out-of-memory", f"it takes at least {least / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB are free"
        )


@contextmanager
def running(device: torch.device, threads: int | None) -> Iterator[None]:
    """Settings of a run, put back after it; what torch refuses, as an error of ours."""
    before = torch.get_num_threads(), torch.backends.cudnn.benchmark
    if threads:
        torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = True  # the fastest algorithm for these sizes, found in the warm-up
    try:
        yield
    except (RuntimeError, ValueError, MemoryError) as error:
        text = str(error).strip().split("\n")[0]
        known = ("can't allocate memory", "out of memory")  # of the CPU; of a GPU, within an error of a compiler
        if isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(words in text for words in known):
            raise MeasurementError("out-of-memory", text or "no memory left") from error
        raise MeasurementError("cannot-run", text) from error
    finally:
        torch.set_num_threads(before[0])
        torch.backends.cudnn.benchmark = before[1]
        if device.type == "cuda":
            torch.cuda.empty_cache()


def built(graph: Graph, device: torch.device, dtype: str, batch: int) -> tuple[fx.GraphModule, list[Tensor]]:
    """A model on a device, and inputs for it."""
    kind = MEASURED_DTYPES[dtype]
    given = example_inputs(graph, batch, device)
    return build(graph, device=device).to(kind), [x.to(kind) if x.is_floating_point() else x for x in given]


def _compiled(model: fx.GraphModule) -> Callable[[Tensor], Any]:
    torch.compiler.reset()  # each batch is compiled by itself, without limit
    compiled: Callable[[Tensor], Any] = torch.compile(model, dynamic=False)
    return compiled


def inference(model: fx.GraphModule, given: Sequence[Tensor], compile: bool = False) -> Callable[[], object]:
    """A forward pass."""
    forward = _compiled(model) if compile else model
    return lambda: forward(*given)


def training_step(model: fx.GraphModule, given: Sequence[Tensor], compile: bool = False) -> Callable[[], object]:
    """Forward, and backward of the mean of the outputs."""
    forward = _compiled(model) if compile else model

    def step() -> None:
        model.zero_grad(set_to_none=True)
        outputs = forward(*given)
        made = outputs.values() if isinstance(outputs, dict) else [outputs]
        torch.stack([output.mean() for output in made]).sum().backward()  # type: ignore[no-untyped-call]

    return step


def _held(model: nn.Module, given: Sequence[Tensor]) -> int:
    """Bytes of parameters, buffers and inputs."""
    return sum(tensor.nbytes for tensor in (*model.parameters(), *model.buffers(), *given))


def _layer_time(layer: LayerCost, parts: list[list[float]], work: Sequence[Any]) -> LayerTime:
    times = quartiles([sum(of_run[index] for index in layer.nodes) for of_run in parts])
    return LayerTime(
        layer=layer.name,
        type=layer.type,
        out_shape=tuple(shape_list(layer.out_shape)),
        first_quartile_s=times.first,
        median_s=times.median,
        third_quartile_s=times.third,
        macs=layer.macs,
        executed_macs=sum(work[index].macs for index in layer.nodes),
        bytes_moved=sum(work[index].bytes_moved for index in layer.nodes),
    )
