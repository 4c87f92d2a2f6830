"""Every operator as a torch module: the same output shape, parameters, buffers, and values of activations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archcalc.dims import RequirementError
from archcalc.ops import OPERATORS, Example, Operator, Shape, TorchCall
from tests.strategies import Case, cases

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def _branches(cls: type[Operator], example: Example) -> tuple[Any, tuple[str, ...]]:
    operator, x = example.operation(cls)
    return x, operator.given


BATCH = 2  # one example alone has no batch statistics
EXAMPLES = [
    pytest.param(Case(cls, dict(example.arguments), *_branches(cls, example)), id=f"{name}-{index}")
    for name, cls in OPERATORS.items()
    for index, example in enumerate(cls.examples)
]
# what torch refuses and counts do not depend on; nothing else may differ
REFUSALS = (
    "Expected more than 1 spatial element",
    "Expected more than 1 value per channel",
    "ZeroDivisionError: alpha cannot be 0",
    "max_val (",
    "batch_norm eps must be positive",  # since torch 2.14, while it trains
    "input image (T:",  # nn.AvgPool3d does not count padding here
)
OUR_OWN = {"drop_path", "mean", "opaque", "rbf", "scale", "scaled_tanh", "channel_scale"}
OUR_OWN |= {"slice_channels", "subsample", "unpool", "quick_gelu", "softcap", "maxout", "dot", "join"}
OUR_OWN |= {"embedding", "position_embedding", "rotary", "sinusoid", "select_token", "repeat_channels", "cache"}
OUR_OWN |= {"lstm", "gru", "rnn", "attend", "route", "scan", "delta", "trained", "fixed", "zeros"}
OUR_OWN |= {"local", "deform_conv", "roll", "slice_positions", "transpose", "exp", "l2_norm"}


def calls(call: TorchCall) -> Iterator[TorchCall]:
    """A call and those among its arguments."""
    yield call
    for value in (*call.args, *call.kwargs.values()):
        if isinstance(value, TorchCall):
            yield from calls(value)


def has_torch(call: TorchCall) -> bool:
    """Whether torch has all of it."""
    return all(each.target.startswith(("nn.", "torch.")) for each in calls(call))


def build(call: TorchCall) -> Any:
    """The module, on no device."""
    from archcalc.torch_bridge.model.build import make_module

    with torch.device("meta"):
        return make_module(call).eval()


def tensor(x: Shape) -> Any:
    if x.channels is None:
        return torch.zeros((BATCH, *x.spatial), dtype=torch.int64, device="meta")
    return torch.empty((BATCH, x.channels, *x.spatial), device="meta")


def assert_torch_agrees(case: Case) -> None:
    """Shape, parameters and buffers."""
    operator, x = case.operator, case.x
    y = operator.infer(x)
    call = operator.torch(x)
    stored = operator.parameters(x)
    parameters = buffers = 0
    tensors = [tensor(branch) for branch in x] if isinstance(x, tuple) and not isinstance(x, Shape) else [tensor(x)]
    if call.target.startswith("torch."):
        function = getattr(torch, call.target.removeprefix("torch."))
        result = function(tensors, **call.kwargs) if call.target == "torch.cat" else function(*tensors, **call.kwargs)
    else:
        module = build(call)
        if operator.name == "unpool":
            tensors.append(torch.zeros(tensors[0].shape, dtype=torch.int64, device="meta"))
        if operator.name == "route":  # the outputs of the experts that work come one after the other
            at, top = operator.given.index("expert"), operator.values()["top"]
            tensors[at] = tensors[at].repeat(top, *(1,) * (tensors[at].dim() - 1))
        if call.target == "archcalc.TiedLinear":
            tensors.append(torch.empty(call.args[::-1], device="meta"))
        if operator.values().get("initial") is not None:
            tensors.append(tensor(operator.values()["initial"].y))
        result = module(*tensors)
        parameters = sum(each.numel() for each in module.parameters() if each.requires_grad)
        names = {name for name, _ in module.named_parameters()} | {"num_batches_tracked"}
        buffers = sum(
            each.numel() for name, each in module.state_dict().items() if not {name, name.split(".")[-1]} & names
        )
    batch = 1 if operator.sources else BATCH
    assert tuple(result.shape) == (batch, *([] if y.channels is None else [y.channels]), *y.spatial)
    if operator.name == "opaque":  # its parameters are as given, or not known
        return
    assert parameters == stored.weights + stored.biases + stored.norm
    assert buffers == stored.buffers


@pytest.mark.parametrize("case", EXAMPLES)
def test_examples_agree_with_torch(case: Case) -> None:
    assert_torch_agrees(case)


@pytest.mark.parametrize("cls", OPERATORS.values(), ids=OPERATORS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(data=st.data())
def test_operators_agree_with_torch(cls: type[Operator], data: st.DataObject) -> None:
    case = data.draw(cases(cls))
    try:
        case.operator.infer(case.x)
    except RequirementError:
        return
    try:
        assert_torch_agrees(case)
    except (ValueError, RuntimeError, AssertionError) as error:
        if not str(error).startswith(REFUSALS):
            raise


@pytest.mark.parametrize("name", OPERATORS)
def test_torch_has_it_or_we_say_not(name: str) -> None:
    """An operator without any example that torch has is one of a known few."""
    cls = OPERATORS[name]
    found = any(has_torch(operator.torch(x)) for operator, x in (example.operation(cls) for example in cls.examples))
    assert found == (name not in OUR_OWN)


FORMULAS = [name for name, cls in OPERATORS.items() if hasattr(cls, "formula") and name not in OUR_OWN]
FUNCTIONS: Mapping[str, Any] = {
    **{name: getattr(math, name) for name in ("exp", "log", "tanh", "erf")},
    **{"min": min, "max": max, "abs": abs},
}


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("x", [-7.5, -2.0, -0.4, 0.0, 0.3, 1.0, 2.5, 6.5])
def test_formulas_give_the_values_of_torch(name: str, x: float) -> None:
    """The formula that the docstring shows, whose operations are counted, is what torch computes."""
    cls = OPERATORS[name]
    operator = cls.of(dict(cls.examples[0].arguments))
    numbers = {key: float(value) for key, value in operator.values().items()}
    expected = eval(str(vars(cls)["formula"]), {"__builtins__": {}}, {**FUNCTIONS, **numbers, "x": x})
    call = operator.torch(Shape(1))
    module = getattr(torch.nn, call.target.removeprefix("nn."))(*call.args, **call.kwargs).eval()
    got = module(torch.tensor([[x]], dtype=torch.float64)).item()
    assert got == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", ["same", "half", "valid", ((0, 1), (2, 1))])
def test_deformable_convolutions_agree_with_torch_whatever_their_padding(padding: object, stride: int) -> None:
    """Offsets of 2*3*3 channels at each output position: 6x7 with stride 1 and padding that keeps the extents."""
    arguments = {"channels": 4, "kernel": 3, "padding": padding, "stride": stride}
    x = Shape(2, (6, 7))
    offsets = OPERATORS["conv"].of(arguments).infer(x)._replace(channels=18)
    assert_torch_agrees(Case(OPERATORS["deform_conv"], arguments, (x, offsets)))
