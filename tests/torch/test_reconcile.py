"""Other tools' figures: light tools run here, heavy ones as recorded; each is explained to the last integer."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archcalc.engine.cost.conventions import CONVENTIONS, TOOLS
from archcalc.engine.cost.costs import cost_of
from archcalc.engine.network import load
from archcalc.ops import OPERATORS, Shape
from archcalc.results.cost import shape_list
from archcalc.results.reconciliation import Coding, Figure, Reconciliation
from tests.cli.running import run

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")
pytestmark = pytest.mark.torch

from archcalc.torch_bridge.counters import peers  # noqa: E402
from archcalc.torch_bridge.counters import reconcile as module  # noqa: E402
from archcalc.torch_bridge.counters.coding import calls_of  # noqa: E402
from archcalc.torch_bridge.counters.coding import coding as coding_of  # noqa: E402
from archcalc.torch_bridge.counters.counters import examples  # noqa: E402
from archcalc.torch_bridge.counters.reconcile import reconcile  # noqa: E402
from archcalc.torch_bridge.counters.recorded import recorded as recorded_figure  # noqa: E402
from archcalc.torch_bridge.counters.recorded import recorded_coding  # noqa: E402
from archcalc.torch_bridge.model.build import make_module  # noqa: E402
from archcalc.torch_bridge.model.definitions import DEFINITIONS, torchvision_model  # noqa: E402

LIGHT = ["fvcore", "torch_flop_counter", "ptflops", "ptflops_aten", "thop", "torchinfo", "torchprofile"]
HEAVY = {"calflops", "calflops_macs", "deepspeed", "deepspeed_macs", "torchvision"}
EXACT = [
    "alexnet@torchvision",
    *(f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "@bn")),
    "googlenet@torchvision",
    "inception_v3",
    *(f"resnet{depth}@torchvision" for depth in (18, 34, 50, 101, 152)),
    "squeezenet1_0",
    "squeezenet1_1",
    "mobilenet_v2",
]


def differences(result: Reconciliation) -> dict[str, int]:
    return {tool.name: tool.difference for tool in result.tools if tool.difference}


def coding(result: Reconciliation, tool: str) -> list[int]:
    (found,) = (each for each in result.tools if each.name == tool)
    return [part.number for part in found.coding]


@pytest.mark.parametrize("name", EXACT)
def test_recorded_figures_are_explained(name: str) -> None:
    result = reconcile(name, recorded=True)
    assert [tool.name for tool in result.tools if not tool.figure.date] == []
    assert len(result.tools) == len(TOOLS) == len(LIGHT) + len(HEAVY)
    assert differences(result) == {}
    assert result.model == f"torchvision.models.{DEFINITIONS[name].builder}"


@pytest.mark.parametrize("name", ["alexnet@torchvision", "googlenet@torchvision", "resnet18@torchvision", "vgg11@bn"])
def test_light_tools_run(name: str) -> None:
    """They print what was recorded of them, and all of it is explained."""
    result = reconcile(name, LIGHT)
    assert result.missing == {}
    assert differences(result) == {}
    sizes = [3, 224, 224]
    for tool in result.tools:
        recorded = recorded_figure(tool.name, DEFINITIONS[name], sizes)
        assert tool.figure.date == ""
        assert recorded is not None
        assert tool.figure.number == recorded.number


def test_linear_layers_and_norms_of_other_classes() -> None:
    """ConvNeXt's 1x1 convolutions are linear layers in torchvision, and most of its norms a class that hooks miss."""
    result = reconcile("convnext_tiny", LIGHT)
    assert result.missing == {}
    assert differences(result) == {}
    hidden = 96 * 56**2 * 2 + 192 * 28**2 + 384 * 14**2 + 768  # elements of five norms
    assert coding(result, "thop") == [-4 * hidden]
    assert coding(result, "ptflops") == [-hidden]
    weights = [(3, 96, 56), (3, 192, 28), (9, 384, 14), (3, 768, 7)]  # blocks, channels, extent
    once = [(8 * channels**2 + 5 * channels) * blocks for blocks, channels, _ in weights]  # what torchinfo counts
    missed = sum(part * (extent**2 - 1) for part, (_, _, extent) in zip(once, weights, strict=True))
    assert coding(result, "torchinfo") == [-missed]


def test_squeeze_and_excitation() -> None:
    """MobileNetV3 of torchvision multiplies by `*`, which torchprofile counts: nine maps of the small one."""
    result = reconcile("mobilenet_v3_small", LIGHT)
    assert result.missing == {}
    assert differences(result) == {}
    sizes = [(16, 56), (96, 14), (240, 14), (240, 14), (120, 14), (144, 14), (288, 7), (576, 7), (576, 7)]
    (torchprofile,) = (tool for tool in result.tools if tool.name == "torchprofile")
    assert torchprofile.parts["other"] == sum(channels * extent**2 for channels, extent in sizes)
    assert not [tool for tool in result.tools if tool.coding]


def test_a_mean_over_positions() -> None:
    """MnasNet of torchvision pools its 1280x7x7 by `x.mean([2, 3])`, which torchprofile alone takes for pooling."""
    result = reconcile("mnasnet0_5", LIGHT)
    assert result.missing == {}
    assert differences(result) == {}
    assert {tool.name: tool.coded for tool in result.tools if tool.coding} == {
        "fvcore": -62_720,
        "ptflops": -2 * 62_720,
        "thop": -62_720 - 1_280,
    }


@pytest.mark.parametrize("tool", LIGHT)
def test_linear_layers_of_a_sequence(tool: str) -> None:
    operator: Any = OPERATORS["linear"].of({"channels": 6})
    x, y = Shape(8, (5,)), Shape(6, (5,))

    def make(device: str) -> Any:
        with torch.device(device):
            return torch.nn.Sequential(torch.nn.Linear(8, 6)).eval()

    found = peers.run(tool, make, (5, 8)).number
    assert found == CONVENTIONS[tool].flops(operator, x, y, cost_of(operator, x, y))


def test_coding_is_measured_and_not_what_is_left() -> None:
    """GoogLeNet of torchvision calls F.relu: 3,226,160 elements, as counted by hooks on the model."""
    result = reconcile("googlenet@torchvision", recorded=True)
    assert coding(result, "ptflops") == [-3_226_160]
    assert sum(len(tool.coding) for tool in result.tools) == 1
    inception = reconcile("inception_v3", recorded=True)
    assert coding(inception, "ptflops") == [-8_967_488, -2_002_400, -574_752]
    assert coding(inception, "thop") == [-2_002_400]
    vgg = reconcile("vgg16", recorded=True)  # 25,088 inputs and as many outputs of a pooling that changes nothing
    assert {tool.name: tool.coded for tool in vgg.tools if tool.coding} == {
        **dict.fromkeys(("fvcore", "torchprofile", "calflops", "deepspeed"), 25_088),
        **dict.fromkeys(("thop", "ptflops"), 50_176),
    }


def test_pooling_that_torch_has_not(tmp_path: Path) -> None:
    """TF's padding is uneven: 8x8 becomes 9x9 first, 2 * (81 - 64) inputs more, which ptflops counts twice."""
    own = tmp_path / "own.yaml"
    own.write_text(
        "network: own\ninput: image(2, 8, 8)\nlayers:\n  a: maxpool(3, stride=2, padding=same)\n", encoding="utf-8"
    )
    result = reconcile(str(own), LIGHT)
    assert differences(result) == {}
    assert {tool.name: tool.coded for tool in result.tools if tool.coding} == {"ptflops": 2 * 2 * (81 - 64)}


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_transposed_convolutions_in_groups(groups: int, tmp_path: Path) -> None:
    """Of their own weights torchprofile takes the input's channels, where there are as many as the output's."""
    own = tmp_path / "own.yaml"
    layers = f"  a: deconv(12, 3, stride=2, groups={groups})\n  b: deconv(12, 3, groups={groups})\n"
    own.write_text(f"network: own\ninput: image(8, 9, 9)\nlayers:\n{layers}", encoding="utf-8")
    result = reconcile(str(own), LIGHT)
    assert differences(result) == {}
    (torchprofile,) = (tool for tool in result.tools if tool.name == "torchprofile")
    # 12 outputs from 8 inputs at 19x19 positions, as if without groups; 12 from 12 at 21x21
    assert torchprofile.ours == 9 * (8 * 12 * 19**2 + 12 * 12 // groups * 21**2)


def test_our_own_models() -> None:
    """No tool knows the table convolution and the subsampling of LeNet-5, and ptflops counts `torch.add`."""
    lenet = reconcile("lenet5", LIGHT)
    assert lenet.model == "archcalc.to_torch"
    assert differences(lenet) == {}
    assert coding(lenet, "thop") == [-150_000]  # C3: 60 pairs of maps, 25 weights each, at 100 positions
    assert coding(lenet, "ptflops") == [-151_600]  # and 16 biases there
    resnet = reconcile("resnet20", ["ptflops"])
    assert differences(resnet) == {}
    assert coding(resnet, "ptflops") == [3 * (16 * 32**2 + 32 * 16**2 + 64 * 8**2)]  # sums of nine blocks


@pytest.mark.parametrize("tool", LIGHT)
def test_one_operator_at_a_time(tool: str) -> None:
    """Every operator that is a module of torch, in its first example."""
    checked = 0
    for name, cls in OPERATORS.items():
        example = cls.examples[0]
        if not isinstance(example.x, Shape) or example.x.channels is None:
            continue
        operator: Any = cls.of(example.arguments)
        x: Any = example.x
        call = operator.torch(x)
        if not call.target.startswith("nn.") or "archcalc." in str(call):
            continue
        y = operator.infer(x)

        def make(device: str, call: Any = call) -> Any:
            with torch.device(device):
                return torch.nn.Sequential(make_module(call)).eval()

        found = peers.run(tool, make, (x.channels, *x.spatial)).number
        assert found == CONVENTIONS[tool].flops(operator, x, y, cost_of(operator, x, y)), name
        checked += 1
    assert checked > 40


def test_a_file_of_the_same_name_is_another_network(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("network: vgg11\ninput: image(3, 8, 8)\nlayers:\n  a: conv(4, 3)\n", encoding="utf-8")
    result = reconcile(str(own), ["fvcore", "torchvision"], recorded=True)
    assert result.model == "archcalc.to_torch"
    assert [(tool.name, tool.figure.number, tool.difference) for tool in result.tools] == [("fvcore", 27 * 4 * 36, 0)]
    assert list(result.missing) == ["torchvision"]


def test_a_figure_that_is_not_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more than it prints: the command says by how much, and fails."""
    genuine: Callable[..., Figure | None] = vars(module)["recorded_figure"]

    def one_more(tool: str, definition: Any, sizes: Any) -> Figure | None:
        found = genuine(tool, definition, sizes)
        return found._replace(number=found.number + 1) if found and tool == "fvcore" else found

    monkeypatch.setattr(module, "recorded_figure", one_more)
    outcome = run("reconcile", "resnet18@torchvision", "--recorded", code=1)
    assert "unexplained: +1" in outcome.stdout
    assert "error[unexplained]: fvcore" in outcome.stderr
    assert outcome.stderr.count("error[") == 1


def test_documentation_is_rounded_and_nothing_else() -> None:
    (tool,) = reconcile("resnet50@torchvision", ["torchvision"]).tools
    assert (tool.figure.number, tool.figure.unit) == (4_089_000_000, 1_000_000)
    assert (tool.ours, tool.explained, tool.difference) == (4_089_184_256, 4_089_000_000, 0)
    tool.coding.append(Coding("one digit more", 1_000_000))
    assert tool.difference == -1_000_000


def test_a_tool_that_fails_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(make: Callable[[str], Any], sizes: Any) -> int:
        raise RuntimeError("no such thing\nmore")

    monkeypatch.setitem(peers.PEERS, "thop", peers.PEERS["thop"]._replace(measure=fails))
    result = reconcile("ciresan-1", ["thop", "torchinfo"])
    assert [tool.name for tool in result.tools] == ["torchinfo"]
    assert result.missing == {"thop": "failed with RuntimeError: no such thing"}


def test_a_tool_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its recorded figure stands for it; without one it is left out, with what to type."""
    monkeypatch.setitem(peers.PEERS, "thop", peers.PEERS["thop"]._replace(module="no_such_module"))
    (tool,) = reconcile("resnet18@torchvision", ["thop"]).tools
    assert tool.figure.date == "2026-11-22"
    assert "pip install thop" in reconcile("lenet5", ["thop"]).missing["thop"]
    outcome = run("reconcile", "lenet5", "--tools", "thop", code=1)
    assert "error[no-figure]" in outcome.stderr


def test_tools_leave_no_traces() -> None:
    """Some patch functions of torch, or hook modules: a second run prints the same, and torch is as it was."""
    functions = (torch.nn.functional.relu, torch.add, torch.Tensor.add, torch.nn.functional.max_pool2d)
    first = reconcile("ciresan-1", LIGHT)
    assert {tool.name: tool.figure for tool in reconcile("ciresan-1", LIGHT).tools} == {
        tool.name: tool.figure for tool in first.tools
    }
    assert functions == (
        torch.nn.functional.relu,
        torch.add,
        torch.Tensor.add,
        torch.nn.functional.max_pool2d,
    )


@pytest.mark.parametrize("name", EXACT)
def test_recorded_coding_is_what_a_trace_gives(name: str) -> None:
    network = load(name)
    graph = network.graph(with_heads=False)
    sizes = tuple(shape_list(graph.input))
    calls = calls_of(torchvision_model(name, "meta"), examples(graph, 1, "meta"))
    for convention in TOOLS:
        expected = recorded_coding(convention.name, DEFINITIONS[name], sizes)
        assert sorted(coding_of(convention, calls, graph)) == sorted(expected), convention.name


# 128 outputs of linear upsampling: thop's `count_upsample` counts 5 of each, and 259 of bicubic.
@pytest.mark.parametrize(
    ("read", "mode", "of_thop"),
    [
        ("sequence(8, 8)", "nearest", 128),
        ("sequence(8, 8)", "bilinear", 5 * 128),
        ("image(8, 8, 8)", "nearest", 2048),
        ("image(8, 8, 8)", "bilinear", 11 * 2048),
        ("image(8, 8, 8)", "bicubic", 259 * 2048),
        ("volume(2, 4, 4, 4)", "nearest", 1024),
        ("volume(2, 4, 4, 4)", "bilinear", 0),  # trilinear: "not implemented yet, take it a zero op"
    ],
)
def test_every_mode_of_upsampling(read: str, mode: str, of_thop: int, tmp_path: Path) -> None:
    spec = tmp_path / "up.yaml"
    spec.write_text(f"network: up\ninput: {read}\nlayers:\n  u: upsample(2, mode={mode})\n", encoding="utf-8")
    result = reconcile(str(spec), LIGHT)
    assert {tool.name for tool in result.tools} == set(LIGHT)
    assert differences(result) == {}
    (thop,) = (tool for tool in result.tools if tool.name == "thop")
    assert thop.figure.number == of_thop


ONE_DIMENSION = """\
network: line
input: sequence(6, 101)
layers:
  c1: conv(8, 5, stride=2, padding=2, dilation=2, groups=2, norm=batch_norm, activation=relu6)
  u: upsample(2, mode=bilinear)
  c2: conv(8, 3, padding=half, activation=silu)
  a: adaptive_avgpool(7)
  d: deconv(4, 4, stride=3, groups=4)
  g: global_avgpool
  fc: linear(3)
"""


def test_rows_that_are_labelled_alike_have_one_amount(tmp_path: Path) -> None:
    spec = tmp_path / "line.yaml"
    spec.write_text(ONE_DIMENSION, encoding="utf-8")
    result = reconcile(str(spec))
    assert differences(result) == {}
    labels = [(component.operator, component.words) for component in result.components]
    assert len(labels) == len(set(labels))
    deconv = {component.words: component.many for component in result.components if component.operator == "deconv"}
    # 8 in to 4 out in 4 groups: 2 * 1 * 4 * 4 = 32 weights at 22 outputs; without groups four times as many
    assert deconv["weights times output positions"] == 32 * 22
    assert deconv["weights times output positions, without groups"] == 4 * 32 * 22


def test_calflops_runs_where_it_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("calflops")
    spec = tmp_path / "line.yaml"
    spec.write_text(ONE_DIMENSION, encoding="utf-8")
    result = reconcile(str(spec), ["calflops", "calflops_macs"])
    assert [(tool.name, tool.difference, tool.figure.date) for tool in result.tools] == [
        ("calflops_macs", 0, ""),
        ("calflops", 0, ""),
    ]
    calflops = result.tools[1]
    assert [part.number for part in calflops.coding] == [3]  # a 1x1 convolution has its 3 biases counted, a linear not


@pytest.mark.parametrize(
    ("read", "layer"),
    [
        ("image(3, 8, 8)", "conv(4000000000000000000, 1)"),
        ("image(3, 4000000000, 4000000000)", "conv(4, 1)"),
        ("features(4)", "linear(9000000000000000000)"),
        ("image(4, 1, 1)", "instance_norm"),
    ],
)
def test_what_torch_refuses_is_a_diagnostic(read: str, layer: str, tmp_path: Path) -> None:
    spec = tmp_path / "refused.yaml"
    spec.write_text(f"network: refused\ninput: {read}\nlayers:\n  it: {layer}\n", encoding="utf-8")
    assert "error[torch-refuses]: torch refuses the model of refused: " in run("reconcile", str(spec), code=2).stderr


@pytest.mark.parametrize(
    ("tool", "versions", "own", "expected"),
    [
        ("ptflops", {"ptflops": "0.6.9"}, "", ("ptflops_0_6", "0.6.9")),
        ("ptflops_aten", {"ptflops": "0.6.9"}, "", ("", "0.6.9")),
        ("thop", {"thop": "0.0.31-2005241907"}, "0.0.31-2005241907", ("thop_0_0", "0.0.31.post2005241907")),
        ("thop", {"ultralytics-thop": "2.2.3"}, "2.2.3", ("ultralytics_thop", "2.2.3")),
        ("thop", {"thop": "0.1.1", "ultralytics-thop": "2.2.3"}, "2.2.3", ("ultralytics_thop", "2.2.3")),
        ("thop", {"thop": "0.1.1", "ultralytics-thop": "2.2.3"}, "0.1.1", ("thop", "0.1.1")),
    ],
)
def test_another_version_has_its_own_convention(
    tool: str, versions: dict[str, str], own: str, expected: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str:
        if name not in versions:
            raise PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(peers, "version", version)
    monkeypatch.setattr(peers, "import_module", lambda name: SimpleNamespace(__version__=own))
    assert peers.installed(tool) == expected
