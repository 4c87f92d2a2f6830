"""The user's model stays as it was, whatever happens; what cannot be traced says where and what to try."""

# What modules of torch give is Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"
from __future__ import annotations

import random
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from archcalc.source import SpecError  # noqa: E402
from archcalc.torch_bridge.trace import read_module, read_torch  # noqa: E402
from archcalc.torch_bridge.trace.arguments import caught, of_module  # noqa: E402
from archcalc.torch_bridge.trace.forms import BINARY, UNARY, of_known_form, states_of_known_form  # noqa: E402
from archcalc.torch_bridge.trace.shells import made  # noqa: E402
from archcalc.torch_bridge.trace.tracer import Tracer  # noqa: E402

pytestmark = pytest.mark.torch


class Block(nn.Module):
    def __init__(self, planes: int, stride: int = 1, act: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.conv = nn.Conv2d(planes, planes, 3, stride, 1)
        self.act = act()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.conv(x))


class Net(nn.Module):
    def __init__(self, width: int = 8, depth: int = 2) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 1)
        self.blocks = nn.Sequential(*[Block(width, stride=2) for _ in range(depth)])
        self.drop = nn.Dropout(0.5)
        self.scale = torch.ones(1)  # a tensor that no module knows

    def forward(self, x: Tensor) -> Tensor:
        return self.drop(self.blocks(self.stem(x)) * self.scale)


class Decides(nn.Module):
    """Little of it runs before it decides."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 1)
        self.rest = nn.Linear(4, 400)

    def forward(self, x: Tensor) -> Tensor:
        if self.first(x).sum() > 0:
            return self.rest(x)
        return x


def _codes(error: SpecError) -> list[str]:
    return [each.code for each in error.diagnostics]


def test_a_model_is_left_exactly_as_it_was() -> None:
    model = Net().train()
    seen: list[str] = []
    model.stem.register_forward_hook(lambda *_: seen.append("hook"))
    weights = {name: each.clone() for name, each in model.state_dict().items()}
    pointers = {name: each.data_ptr() for name, each in model.named_parameters()}
    states = torch.get_rng_state(), random.getstate()
    calls = read_module(model, (3, 8, 8))
    assert torch.equal(states[0], torch.get_rng_state())
    assert states[1] == random.getstate()
    assert all(torch.equal(weights[name], each) for name, each in model.state_dict().items())
    assert pointers == {name: each.data_ptr() for name, each in model.named_parameters()}
    assert model.training
    assert seen == []
    assert len(model.stem._forward_hooks) == 1
    assert model.scale.device.type == "cpu"
    assert torch.is_grad_enabled()
    assert [call.operator.name for call in calls.calls if call.operator.name == "conv"] == ["conv"] * 3


def test_torch_imports_no_compiler_to_keep_it_away() -> None:
    class Mode(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return func(*args, **(kwargs or {}))

    assert hasattr(Mode.__torch_dispatch__, "__wrapped__")  # by what imports it at the first operation
    assert not hasattr(Tracer.__torch_dispatch__, "__wrapped__")


def test_nothing_stays_behind_after_a_failure() -> None:
    init, call, fill = nn.Module.__init__, nn.Module._call_impl, nn.Linear.reset_parameters
    ones, fast = nn.init.ones_, torch.backends.mha.get_fastpath_enabled()
    model = Decides()
    state = torch.get_rng_state()

    def broken() -> nn.Module:
        torch.rand(3)
        raise RuntimeError("no such weights")

    with pytest.raises(RuntimeError, match="no such weights"):
        made(broken)
    with pytest.raises(SpecError):
        read_module(model, (4,))
    assert nn.Module.__init__ is init
    assert nn.Module._call_impl is call
    assert nn.Linear.reset_parameters is fill
    assert nn.init.ones_ is ones
    assert torch.backends.mha.get_fastpath_enabled() == fast
    assert torch.equal(state, torch.get_rng_state())
    model.first(torch.zeros(1, 4))  # no hook, no mode is left
    assert not nn.modules.module._global_forward_hooks
    assert not nn.modules.module._global_forward_pre_hooks


def test_layers_of_other_threads_are_filled() -> None:
    found: list[nn.Linear] = []

    def make() -> nn.Module:
        other = Thread(target=lambda: found.append(nn.Linear(4, 4)))
        other.start()
        other.join()
        return nn.Linear(4, 4)

    model, _ = made(make, is_own=True)
    assert next(model.parameters()).is_meta
    (filled,) = found
    assert not filled.weight.is_meta
    assert 0 < filled.weight.abs().max() <= 0.5  # uniform within 1 / sqrt(4)


def test_arguments_of_constructors_are_caught() -> None:
    with caught() as found:
        block = Block(4, stride=2)
    assert found[block] == {"planes": 4, "stride": 2}  # a class is no data
    assert found[block.conv]["out_channels"] == 4
    assert found[block.conv]["bias"] is True  # a default


def test_arguments_of_a_module_that_was_there_are_its_attributes() -> None:
    conv = nn.Conv2d(3, 5, 7, stride=2)
    assert of_module(conv, {})["stride"] == (2, 2)


def test_scopes_name_modules_and_runs() -> None:
    model, found = made(lambda: Net(depth=2))
    calls = read_module(model, (3, 8, 8), arguments=found)
    convs = [call for call in calls.calls if call.operator.name == "conv"]
    assert [[scope.name for scope in call.scope] for call in convs] == [
        ["stem"],
        ["blocks", "0", "conv"],
        ["blocks", "1", "conv"],
    ]
    assert convs[1].scope[1].kind == "Block"
    assert convs[1].scope[1].arguments["stride"] == 2
    assert convs[1].scope[1].instance != convs[2].scope[1].instance
    assert convs[1].scope[0].run == convs[2].scope[0].run
    assert convs[0].weights == ("stem.weight", "stem.bias")
    assert calls.named == {"width": 8, "depth": 2}


def test_a_layer_called_twice_has_one_weight() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(torch.relu(self.layer(x)))

    calls = read_module(Twice(), (4,))
    first, _, second = calls.calls
    assert first.weights == second.weights
    assert first.scope[0].instance == second.scope[0].instance
    assert first.scope[0].run != second.scope[0].run


def test_every_output_is_kept() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 3), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> dict[str, Tensor]:
            return {"out": self.a(x), "aux": self.b(x)}

    calls = read_module(Two(), (4,))
    assert list(calls.outputs) == ["out", "aux"]
    assert [calls.calls[node].shape.channels for node in calls.outputs.values()] == [3, 2]


def test_what_decides_at_once_says_where() -> None:
    with pytest.raises(SpecError) as raised:
        read_module(Decides(), (4,))
    (found,) = raised.value.diagnostics
    assert found.code == "cannot-trace"
    assert "numbers that depend on its input" in found.message
    assert Path(__file__).name in found.message  # the line of the decision
    assert "module of it" in str(found.help)


def test_a_wrong_input_says_the_module_and_what_was_given() -> None:
    with pytest.raises(SpecError) as raised:
        read_module(Net(), (4, 8, 8))
    (found,) = raised.value.diagnostics
    assert found.code == "cannot-trace"
    assert "`stem` (Conv2d)" in found.message
    assert "4x8x8" in str(found.help)


def test_no_input_is_asked_for() -> None:
    with pytest.raises(SpecError) as raised:
        read_module(Net())
    assert _codes(raised.value) == ["no-input"]


@pytest.mark.parametrize(
    "input", [(3, 8, 8), "3x8x8", "image(3, 8, 8)", {"x": (3, 8, 8)}, "x=3x8x8", torch.zeros(5, 3, 8, 8)], ids=str
)
def test_inputs_are_said_in_many_ways(input: Any) -> None:
    calls = read_module(Net(), input)
    assert str(calls.inputs["x"]) == "3x8x8"


@pytest.mark.parametrize("input", ["3xx8", "three", {"y": (3, 8, 8)}, (3, 0, 8), (3.5,)], ids=str)
def test_inputs_that_are_none(input: Any) -> None:
    with pytest.raises(SpecError) as raised:
        read_module(Net(), input)
    assert _codes(raised.value) == ["bad-input"]


def test_tokens_are_whole_numbers() -> None:
    model = nn.Sequential(nn.Embedding(10, 6), nn.Linear(6, 2))
    for input in ("tokens(5)", 5):
        calls = read_module(model, input)
        assert [call.operator.name for call in calls.calls] == ["embedding", "linear"]
        assert next(iter(calls.inputs.values())).kind == "tokens"


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    code = "from torch import nn\n\nclass Net(nn.Sequential):\n    def __init__(self, n=3):\n"
    (tmp_path / "mine.py").write_text(code + "        super().__init__(nn.Linear(4, n))\n", encoding="utf-8")
    calls = read_torch(f"{tmp_path / 'mine.py'}:Net(n=7)", (4,))
    assert calls.name == "Net"
    assert calls.named["n"] == 7
    assert calls.calls[0].operator.values()["channels"] == 7


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("torchvision:resnet5", "unknown-model"),
        ("torchvision:resnet18(3)", "bad-model"),
        ("torchvision:resnet18(nummer=3)", "model-fails"),
        ("transformers:LlamaForCausalML", "unknown-model"),
        ("transformers:./nowhere/config.json", "no-such-file"),
        ("timm:resnet5", "unknown-model"),
    ],
)
def test_models_that_are_none(source: str, code: str) -> None:
    pytest.importorskip(source.partition(":")[0])
    with pytest.raises(SpecError) as raised:
        read_torch(source)
    assert _codes(raised.value) == [code]


def test_settings_of_a_model_of_a_library() -> None:
    pytest.importorskip("torchvision")
    calls = read_torch("torchvision:resnet18(num_classes=10)", (3, 64, 64))
    assert calls.calls[-1].operator.values()["channels"] == 10
    assert calls.inputs["x"].spatial == (64, 64)


@pytest.mark.parametrize("name", sorted(UNARY | BINARY | {"batch_norm", "layer_norm", "linear"}))
def test_what_is_not_asked_of_torch_is_what_it_gives(name: str) -> None:
    """Shape, type and order in memory of operations of known form, on the CPU, where torch really computes them."""
    x, row = torch.randn(1, 4, 3, 3), [torch.ones(4)] * 4
    wide = torch.randn(1, 4, 3, 3).permute(0, 2, 3, 1)
    cases = {
        "batch_norm": [(x, *row, False, 0.1, 1e-5, True)],
        "layer_norm": [(x, [3, 3]), (wide, [4])],
        "linear": [(x, torch.ones(5, 3)), (wide, torch.ones(5, 4))],
    }
    more = [(x, x), (torch.ones(4, 1, 1), x), (torch.ones(4), wide)] if name in BINARY else [(x,), (wide,)]
    for args in cases.get(name, more):
        wanted = getattr(torch.ops.aten, name)(*args)
        found = of_known_form(name, [each.to("meta") if isinstance(each, Tensor) else each for each in args], {})
        assert found is not None
        assert (found.shape, found.dtype, found.stride()) == (wanted.shape, wanted.dtype, wanted.stride())


@pytest.mark.parametrize("name", sorted(BINARY))
def test_sums_lie_in_memory_as_the_first_operand_does(name: str) -> None:
    """As torch has it on the CPU: by rows, though the larger one lies otherwise. Such a form is torch's to say."""
    small, large = torch.ones(3, 4, 5), torch.ones(2, 4, 3, 5).transpose(1, 2)
    assert getattr(torch.ops.aten, name)(small, large).is_contiguous()
    assert not getattr(torch.ops.aten, name)(large, small).is_contiguous()
    assert of_known_form(name, [small.to("meta"), large.to("meta")], {}) is None


FORMS_OF = {
    "conv1d": [(torch.randn(1, 4, 9), torch.ones(6, 2, 3), torch.ones(6), [2], [1], [2], 2)],
    "conv2d": [
        (torch.randn(1, 4, 9, 8), torch.ones(6, 4, 3, 2)),
        (torch.randn(1, 4, 9, 8), torch.ones(8, 1, 3, 3), None, [2], [1], [1], 4),
    ],
    "conv3d": [(torch.randn(1, 2, 5, 6, 7), torch.ones(3, 2, 1, 3, 3), None, [1, 2, 2], [0, 1, 1])],
    "max_pool2d": [(torch.randn(1, 4, 9, 8), [3, 2], [], [1, 1]), (torch.randn(1, 4, 9, 8), [3, 3], [2, 2])],
    "adaptive_avg_pool2d": [(torch.randn(1, 4, 9, 8), [1, 1]), (torch.randn(1, 4, 9, 8), [3, 5])],
    "mean": [(torch.randn(1, 4, 9, 8), [2, 3]), (torch.randn(1, 4, 9, 8), [-1], True)],
    "cat": [([torch.randn(1, 4, 9), torch.randn(1, 2, 9)], 1), ([torch.randn(1, 4), torch.randn(1, 4)],)],
    "mul": [(torch.randn(1, 4), 2.5)],
}
"""Operations with what they are given, of types and in orders that have no other form."""


@pytest.mark.parametrize("name", FORMS_OF)
def test_forms_by_arithmetic_are_those_of_torch(name: str) -> None:
    def without_memory(value: Any) -> Any:
        if isinstance(value, list):
            return [without_memory(each) for each in value]
        return value.to("meta") if isinstance(value, Tensor) else value

    for args in FORMS_OF[name]:
        packet = getattr(torch.ops.aten, name)
        overload = getattr(packet, {"mean": "dim", "mul": "Scalar"}.get(name, "default"))
        names = [each.name for each in overload._schema.arguments]
        wanted = overload(*args)
        bound = dict(zip(names, args, strict=False))
        found = of_known_form(name, without_memory(list(args)), {key: without_memory(bound[key]) for key in bound})
        assert found is not None
        assert (found.shape, found.dtype, found.stride()) == (wanted.shape, wanted.dtype, wanted.stride())


@pytest.mark.parametrize("layer", [nn.LSTM(3, 4, 2, bidirectional=True), nn.GRU(3, 4, 2), nn.RNN(3, 4)])
def test_what_recurrent_layers_give_by_arithmetic(layer: nn.RNNBase) -> None:
    """Shapes of the output and the states are those that torch computes."""
    x = torch.randn(5, 1, 3)
    y, states = layer(x)
    states = list(states) if isinstance(states, tuple) else [states]
    bound = {"hx": [each.to("meta") for each in states], "bidirectional": layer.bidirectional}
    found = states_of_known_form(layer.mode.lower(), (x.to("meta"),), bound)
    assert found is not None
    assert [each.shape for each in found] == [y.shape, *[each.shape for each in states]]
