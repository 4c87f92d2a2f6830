"""Measurements: what they are made of. No test knows how fast the machine is."""

from __future__ import annotations

import gc
import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import archcalc
from archcalc.engine.execution import executions, least_memory
from archcalc.engine.network import load
from tests.cli.running import run, spec

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from archcalc.torch_bridge.model.build import build, example_input  # noqa: E402
from archcalc.torch_bridge.profile import consumption, environment, timing  # noqa: E402
from archcalc.torch_bridge.profile import profile as profiling  # noqa: E402
from archcalc.torch_bridge.profile.nvml import Gpu  # noqa: E402
from archcalc.torch_bridge.profile.operation_times import OperationTimer, TrainingTimer  # noqa: E402
from archcalc.torch_bridge.profile.profile import MeasurementError, profile  # noqa: E402
from tests.torch.profile.measuring import measured, normed  # noqa: E402

BRANCHES = """\
network: branches
input: image(3, 12, 12)
layers:
  conv1: conv(4, 3, padding=1, norm=batch_norm, activation=relu)
  pool1: maxpool(2)
  both:
    - concat:
        left: conv(4, 1)
        right: conv(4, 3, padding=1) >> relu
  unpool1: conv(4, 1) >> unpool(pool1)
  residual:
    - add:
        deep: conv(4, 3, padding=1)
        shortcut: identity
  fc: linear(5)
"""


# what is measured


def test_layers_stand_beside_their_costs(tiny: str) -> None:
    (one, eight), outcome = measured(tiny, "--batch", "1,8", "--layers")
    # by hand: 4 maps of 6x6 from 3x3 windows; 36 features into 10
    assert [(layer["layer"], layer["macs"]) for layer in one["layers"]] == [("conv1", 1296), ("pool1", 0), ("fc", 360)]
    assert [layer["macs"] for layer in eight["layers"]] == [8 * 1296, 0, 8 * 360]
    assert [layer["macs"] for layer in one["layers"]] == [layer.macs for layer in archcalc.analyze(tiny).layers]
    assert (one["macs"], one["executed_macs"]) == (1656, 1656)
    # by hand, in floats: conv reads 8x8 and 36 + 4 parameters and writes 4x6x6; relu reads and writes 4x6x6;
    # pooling writes 4x3x3; linear reads these and 370 parameters and writes 10
    assert [layer["bytes_moved"] for layer in one["layers"]] == [
        4 * (64 + 40 + 144 + 144 + 144),
        4 * (144 + 36),
        4 * (36 + 370 + 10),
    ]
    assert eight["layers"][2]["bytes_moved"] == 4 * (8 * 36 + 370 + 8 * 10)
    assert one["layers"][0]["out_shape"] == [4, 6, 6]
    assert outcome.stderr == ""  # no bar where nobody sees it


def test_layers_add_up_to_the_whole_but_for_the_residue(tiny: str) -> None:
    (found,), _ = measured(tiny, "--layers")
    layers = found["layers"]
    assert sum(layer["median_s"] for layer in layers) + found["residue_s"] == pytest.approx(found["median_s"], rel=1e-4)
    assert sum(layer["share_of_time"] for layer in layers) == pytest.approx(1, rel=1e-4)
    assert sum(layer["share_of_macs"] for layer in layers) == pytest.approx(1, rel=1e-4)
    assert all(layer["median_s"] > 0 for layer in layers)
    for timed in (found, *layers):
        assert timed["first_quartile_s"] <= timed["median_s"] <= timed["third_quartile_s"]
        assert timed["achieved_flops_per_s"] == pytest.approx(2 * timed["macs"] / timed["median_s"], rel=1e-4)
        assert timed["arithmetic_intensity"] == pytest.approx(2 * timed["macs"] / timed["bytes_moved"], rel=1e-4)
        assert timed["flops_convention"] == "2 x macs"
    assert found["throughput_per_s"] == pytest.approx(1 / found["median_s"], rel=1e-4)
    assert found["repeats"] == 20


@pytest.mark.parametrize("network", ["vgg11", "resnet18", "squeezenet1_0", "enet"])
@pytest.mark.parametrize("training", [False, True])
def test_executed_macs_are_those_that_torch_counts(network: str, training: bool) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    graph = load(network).graph(with_heads=False)
    model = build(graph, device="meta").train(training)
    x = example_input(graph, 2, "meta")
    with FlopCounterMode(display=False) as counter:
        y = model(x)
        if training:
            y.mean().backward()
    assert 2 * sum(done.macs for done in executions(graph, 2, 32, training)) == counter.get_total_flops()


def test_bytes_of_a_training_step_by_hand(tiny: str) -> None:
    conv, relu, pool, fc = (done.bytes_moved for done in executions(load(tiny).graph(), 1, 16, True))
    assert relu == 2 * (144 + 144 + 144 + 144 + 144)  # gradient of the output, input again, gradient of the input
    assert pool == 2 * (144 + 36 + 36 + 144 + 144)
    assert conv == 2 * (64 + 40 + 144 + 144 + 64 + 40 + 40)  # the input of the network has no gradient
    assert fc == 2 * (36 + 370 + 10 + 10 + 36 + 370 + 36 + 370)


def test_what_moves_nothing(tmp_path: Path) -> None:
    """By hand, in floats: flattening renames, and so does dropout at inference; norms read their statistics."""
    layers = "  conv: conv(2, 1, bias=false, norm=batch_norm)\n  drop: dropout(0.5)\n  flat: flatten\n  fc: linear(2)\n"
    graph = load(spec(tmp_path, f"network: still\ninput: image(2, 3, 3)\nlayers:\n{layers}")).graph()
    conv, norm, drop, flat, fc = (done.bytes_moved for done in executions(graph, 1, 32, False))
    assert (conv, norm) == (4 * (18 + 4 + 18), 4 * (18 + 4 + 4 + 18))
    assert (drop, flat, fc) == (0, 0, 4 * (18 + 38 + 2))
    _, _, drop, flat, _ = (done.bytes_moved for done in executions(graph, 1, 32, True))
    assert (drop, flat) == (4 * (18 + 18 + 18 + 18 + 18), 0)


def test_least_memory_by_hand(tiny: str) -> None:
    """40 + 370 parameters; relu works where it is: conv reads 64 elements and gives 144; linear reads 36."""
    graph = load(tiny).graph()
    assert least_memory(graph, 3, 16, False) == 2 * (410 + 3 * (64 + 144))
    assert least_memory(graph, 3, 16, True) == 2 * (2 * 410 + 3 * (64 + 36))


@pytest.mark.parametrize("network", ["branches", "squeezenet1_1"])
def test_backward_layer_by_layer_is_backward(network: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    found = load(spec(tmp_path, BRANCHES) if network == "branches" else network)
    graph = found.graph(input=None if network == "branches" else (3, 80, 80), with_heads=False)
    model = build(graph).eval()  # dropout would differ
    x = example_input(graph, 2)
    model(x).mean().backward()
    expected = gradients(model)
    times = TrainingTimer(model, timing.Clock(), len(graph.nodes)).times(x)
    assert all(time > 0 for time in times)
    torch.testing.assert_close(gradients(model), expected)


def gradients(model: Any) -> dict[str, Any]:
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


def test_every_operation_has_a_time(tmp_path: Path) -> None:
    graph = load(spec(tmp_path, BRANCHES)).graph()
    timer = OperationTimer(build(graph).eval(), timing.Clock(), len(graph.nodes))
    with torch.inference_mode():
        times = timer.times(example_input(graph, 1))
    assert len(times) == len(graph.nodes)
    assert all(time > 0 for time in times)


class Steps(timing.Clock):
    """A second passes at every look."""

    now = 0

    def stamp(self) -> Any:
        self.now += 1
        return self.now


def test_an_operation_has_the_times_of_all_its_parts(tiny: str) -> None:
    """Convolution, relu and pooling are one call each; the linear layer flattens first. Backward is as much again."""
    graph = load(tiny).graph()
    model = build(graph)
    x = example_input(graph, 1)
    assert OperationTimer(model, Steps(), 4).times(x) == [1, 1, 1, 2]
    assert TrainingTimer(model, Steps(), 4).times(x) == [2, 2, 2, 4]


def test_a_layer_has_the_times_of_all_its_operations(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiling, "clock_of", lambda device: Steps())
    found = profile(tiny, layers=True, threads=1)
    assert [(layer.layer, layer.median_s) for layer in found.layers] == [("conv1", 2), ("pool1", 1), ("fc", 2)]


def test_training_is_forward_and_backward(tiny: str) -> None:
    (found,), _ = measured(tiny, "--train", "--layers", "--batch", "2")
    assert found["mode"] == "training"
    assert found["macs"] == 2 * 1656
    assert found["executed_macs"] == 2 * (2 * 1296 + 3 * 360)
    assert [layer["executed_macs"] for layer in found["layers"]] == [2 * 2 * 1296, 0, 2 * 3 * 360]


@pytest.mark.parametrize(
    ("options", "dtype", "last"),
    [
        (["--dtype", "fp32"], torch.float32, False),
        (["--dtype", "bf16"], torch.bfloat16, False),
        (["--dtype", "fp16"], torch.float16, False),
        (["--channels-last"], torch.float32, True),
    ],
)
def test_dtypes_and_layouts(
    options: list[str], dtype: Any, last: bool, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: set[tuple[Any, Any, bool]] = set()

    def watched(graph: Any, device: Any) -> Any:
        model = build(graph, device=device)

        def look(module: Any, inputs: Any) -> None:
            is_last = bool(inputs[0].is_contiguous(memory_format=torch.channels_last))
            read.add((inputs[0].dtype, next(module.parameters()).dtype, is_last))

        model.register_forward_pre_hook(look)
        return model

    monkeypatch.setattr(profiling, "build", watched)
    (found,), _ = measured(spec(Path(tiny).parent, RGB, "rgb.yaml"), "--batch", "4", *options)
    assert read == {(dtype, dtype, last)}
    assert found["channels_last"] is last
    assert found["bytes_moved"] == dtype.itemsize * (4 * (192 + 144) + 112)


def test_memory_is_what_torch_gave_out(tmp_path: Path) -> None:
    path = spec(tmp_path, "network: r\ninput: image(4, 8, 8)\nlayers: {a: relu, b: relu, c: relu}\n")
    (found,), _ = measured(path)
    assert found["peak_memory_bytes"] == 3 * 4 * 8 * 8 * 4  # the input, what an operation reads, what it writes
    path = spec(tmp_path, "network: held\ninput: features(8)\nlayers: {fc: linear(4)}\n")
    assert measured(path)[0][0]["peak_memory_bytes"] == 4 * (8 + 8 * 4 + 4 + 4)  # input, weights, biases, output


def test_a_compiled_model_is_the_compiled_one(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    def compile(model: Any, **options: Any) -> Any:
        made.append(options)
        return model

    monkeypatch.setattr(torch, "compile", compile)
    (found,), _ = measured(tiny, "--compile")
    assert found["compiled"] is True
    assert made == [{"dynamic": False}]
    assert "they are fused" in run("profile", tiny, "--compile", "--layers", code=2).stderr


def test_the_environment_says_what_it_takes_to_repeat(tiny: str) -> None:
    (found,), _ = measured(tiny, "--note", "a quiet night")
    told = found["environment"]
    assert told["torch"] == torch.__version__
    assert told["python"] == platform.python_version()
    assert told["archcalc"] == archcalc.__version__
    assert told["threads"] == 1
    assert told["note"] == "a quiet night"
    assert told["device_name"]
    assert told["date"].endswith("+00:00")
    text = json.dumps(found)
    assert str(Path.home()) not in text
    assert str(Path.cwd()) not in text


def test_work_of_others_is_all_but_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """In 4 s the system is busy for 8.5 s, of which this process is for 2.5; idling and waiting are no work."""
    second = os.sysconf("SC_CLK_TCK")
    user, nice, system, idle, waiting, irq, softirq, stolen = 5, 1, 1, 100, 10, 0.5, 0.5, 0.5
    before = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    after = [user, nice, system, idle, waiting, irq, softirq, stolen, 7, 7]
    lines = iter(["cpu  " + " ".join(str(int(each * second)) for each in each_of) for each_of in (before, after)])
    own = iter([SimpleNamespace(user=1.0, system=1.0), SimpleNamespace(user=3.0, system=1.5)])
    now = iter([10.0, 14.0])
    with monkeypatch.context() as patch:
        patch.setattr(environment, "_text", lambda path: next(lines))
        patch.setattr(environment, "perf_counter", lambda: next(now))
        patch.setattr("os.times", lambda: next(own))
        assert environment.OtherWork().cores() == 1.5
    monkeypatch.setattr(environment, "_text", lambda path: "")
    assert environment.OtherWork().cores() is None


def test_memory_that_the_system_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_text", lambda path: "MemTotal:  9000 kB\nMemFree: 1 kB\nMemAvailable:   3 kB\n")
    assert environment.available_memory() == 3072
    monkeypatch.setattr(environment, "_text", lambda path: "")
    assert environment.available_memory() is None


@pytest.mark.parametrize(
    ("conv", "matmul", "said"),
    [(False, False, "none"), (True, False, "conv"), (False, True, "matmul"), (True, True, "conv+matmul")],
)
def test_what_may_round_to_tf32_on_a_gpu(conv: bool, matmul: bool, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", conv)
    monkeypatch.setattr(torch.backends.cuda, "matmul", SimpleNamespace(allow_tf32=matmul))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Quipu")
    monkeypatch.setattr(environment, "gpu_of", lambda device: None)
    found = environment.environment_of(torch.device("cuda"), environment.OtherWork(), "")
    assert (found.tf32, found.device_name, found.driver, found.clock_mhz) == (said, "Quipu", "", None)
    assert environment.environment_of(torch.device("cpu"), environment.OtherWork(), "").tf32 == "none"


def test_options_reach_the_measurement(tiny: str) -> None:
    options = ("--set", "width=2", "--input", "1x10x10", "--repeats", "21", "--threads", "2")
    (found,) = json.loads(run("profile", tiny, "--device", "cpu", *options, "--format", "json").stdout)["measurements"]
    # by hand: 2 maps of 8x8 from 3x3 windows; 2 maps of 4x4 into 10
    assert (found["input"], found["macs"]) == ([1, 10, 10], 2 * 64 * 9 + 32 * 10)
    assert (found["repeats"], found["environment"]["threads"]) == (21, 2)


def test_nothing_else_is_timed(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No collection of garbage and, at inference, no bookkeeping for gradients; memory is measured after the times."""
    during: list[tuple[bool, bool, bool]] = []

    def watched(graph: Any, device: Any) -> Any:
        model = build(graph, device=device)
        model.register_forward_pre_hook(
            lambda module, x: during.append((gc.isenabled(), torch.is_inference_mode_enabled(), module.training))
        )
        return model

    monkeypatch.setattr(profiling, "build", watched)
    profile(tiny, threads=1)
    assert during[:-1] == [(False, True, False)] * (len(during) - 1)
    assert during[-1] == (True, True, False)
    assert len(during) > 20


def test_settings_of_torch_are_put_back(tiny: str) -> None:
    before = torch.get_num_threads(), torch.backends.cudnn.benchmark
    with pytest.raises(MeasurementError, match="per channel"):
        profile(normed(tiny), train=True, threads=before[0] + 1)
    assert (torch.get_num_threads(), torch.backends.cudnn.benchmark) == before


RGB = """\
network: rgb
input: image(3, 8, 8)
layers:
  conv1: conv(4, 3)
"""

# how times are taken


def test_warm_up_ends_when_times_no_longer_change() -> None:
    falling: Iterator[float] = iter([9.0, 0.005, 0.004, 0.003, 0.002, 0.001, *[0.001] * 50])
    found = timing.warm_up(lambda: next(falling))
    assert found.is_stable
    assert found.runs == 13  # the medians of runs 2 to 6, 3 to 7 and 4 to 8 are 3, 2 and 1 ms; then 1 ms


def test_warm_up_without_an_end_says_so() -> None:
    growing = iter([100.0, *(0.001 * 2**number for number in range(50))])
    found = timing.warm_up(lambda: next(growing))
    assert not found.is_stable
    assert found.runs == 9  # 0.255 s in all, the first run not among them
    slower = iter([100.0, *(0.001 * 1.5**number for number in range(50))])
    assert timing.warm_up(lambda: next(slower)) == (13, False)  # 0.171 s after 12 runs, 0.257 s after 13


def test_warm_up_takes_some_time_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    """20 runs of 1/64 s, and the first; that times do not change is seen after 11 already."""
    monkeypatch.setattr(timing, "LEAST_SECONDS", 20 / 64)
    monkeypatch.setattr(timing, "MOST_SECONDS", 30.0)
    assert timing.warm_up(lambda: 1 / 64) == (21, True)


def test_quartiles() -> None:
    assert timing.quartiles([5.0, 1.0, 4.0, 2.0, 3.0]) == (2.0, 3.0, 4.0)
    assert timing.quartiles([1.0, 2.0, 3.0, 4.0]) == (1.75, 2.5, 3.25)


def test_energy_is_that_of_the_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        NVMLError = type("NVMLError", (Exception,), {})
        NVML_CLOCK_SM, NVML_CLOCK_MEM = 1, 2
        millijoules = 5000

        def nvmlDeviceGetTotalEnergyConsumption(self, handle: str) -> int:  # noqa: N802 - its name there
            return self.millijoules

        def nvmlDeviceGetClockInfo(self, handle: str, kind: int) -> int:  # noqa: N802
            if kind == self.NVML_CLOCK_MEM:
                raise self.NVMLError("not supported")
            return 1410

        def nvmlSystemGetDriverVersion(self) -> bytes:  # noqa: N802
            return b"550.54.15"

    library = Library()
    gpu = Gpu(library, "handle")
    assert (gpu.driver(), gpu.clock_mhz(), gpu.memory_clock_mhz()) == ("550.54.15", 1410.0, None)
    runs = []

    def run_once() -> None:
        runs.append(1)
        library.millijoules += 250

    monkeypatch.setattr(consumption, "gpu_of", lambda device: gpu)
    assert consumption.energy_j(run_once, torch.device("cpu"), timing.Clock(), 0.125) == 0.25
    assert len(runs) == 8  # a second
    monkeypatch.setattr(consumption, "gpu_of", lambda device: None)
    assert consumption.energy_j(run_once, torch.device("cpu"), timing.Clock(), 0.125) is None


TWO_INPUTS = """\
network: two_inputs
input:
  text: tokens(5)
  picture: image(3, 8, 8)
layers:
  words: embedding(11, 4)
  pixels: tap(picture) >> conv(4, 1) >> to_sequence
  both: join(words, pixels) >> linear(3)
"""


@pytest.mark.parametrize("train", [False, True])
def test_tokens_and_several_inputs_are_given_as_they_are(tmp_path: Path, train: bool) -> None:
    """Tokens stay whole numbers in half precision; 5 + 64 positions of 4 channels into 3, and 64 of 3 into 4."""
    found = profile(spec(tmp_path, TWO_INPUTS), dtype="bf16", train=train, layers=True, threads=1, repeats=20)
    assert found.macs == 69 * 4 * 3 + 64 * 3 * 4
    assert {layer.layer for layer in found.layers} >= {"words", "both.linear"}
    assert found.median_s > 0
