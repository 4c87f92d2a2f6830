"""What operators keep for the backward pass: that of torch, tensor by tensor, under `saved_tensors_hooks`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archcalc.dims import RequirementError
from archcalc.ops import KEPT_BITS, OPERATORS, Example, Operator, Shape, features, image, sequence
from tests.strategies import Case, cases
from tests.torch.test_operators import REFUSALS

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

BATCH = 2
# Rules of fused kernels: archcalc's modules compute in steps, so that counters see products of matrices.
KERNELS = {"attend", "scan", "delta"}
OTHERWISE = {
    "rotary": "tables of angles, which a network makes once for all layers",
    "unpool": "the indices, which its max pooling keeps too",
    "deform_conv": "a factor of one and a bias of zeros where there are none",
    "opaque": "nothing is known of it",
}
LIMIT = 2_000_000  # elements of an example that is run


def kept_by(run: Callable[[], Any], inputs: list[Any], stored: list[Any]) -> tuple[set[int], bool, int]:
    """Places of the inputs that are kept, whether the output is, and bytes of all other storages."""
    found: dict[int, Any] = {}

    def pack(each: Any) -> Any:
        found.setdefault(each.untyped_storage().data_ptr(), each)
        return each

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda each: each):
        y = run()
    places = {each.untyped_storage().data_ptr(): place for place, each in enumerate(inputs)}
    given = y.untyped_storage().data_ptr()
    own = {each.untyped_storage().data_ptr() for each in stored}
    kept = {places[key] for key in found if key in places}
    more = {key: each for key, each in found.items() if key not in places and key not in own and key != given}
    return kept, given in found and given not in places, sum(each.untyped_storage().nbytes() for each in more.values())


def tensor(x: Shape) -> Any:
    """A random batch that is no leaf, so that a gradient reaches it as it does inside a network."""
    if x.channels is None:
        return torch.zeros((BATCH, *x.spatial), dtype=torch.int64)
    return torch.rand((BATCH, x.channels, *x.spatial), requires_grad=True) * 0.5 + 0.1


def observed(operator: Operator, x: Any) -> tuple[set[int], bool, int]:
    """What torch keeps of the module of an operator."""
    from archcalc.torch_bridge.model.build import make_module

    inputs = [tensor(branch) for branch in ([x] if isinstance(x, Shape) else x)]
    call = operator.torch(x)
    if call.target.startswith("torch."):
        function = getattr(torch, call.target.removeprefix("torch."))
        arguments = [inputs] if call.target == "torch.cat" else inputs
        return kept_by(lambda: function(*arguments, **call.kwargs), inputs, [])
    module = make_module(call).train()
    if operator.name == "unpool":
        inputs[1:] = [torch.zeros(inputs[0].shape, dtype=torch.int64)]
    if operator.name == "route":  # the outputs of the experts that work come one after the other
        at, top = operator.given.index("expert"), operator.values()["top"]
        inputs[at] = inputs[at].repeat(top, *(1,) * (inputs[at].dim() - 1))
    if operator.values().get("initial") is not None:
        inputs.append(tensor(operator.values()["initial"].y))
    more = [torch.rand(call.args[::-1], requires_grad=True)] if call.target == "archcalc.TiedLinear" else []
    stored = [*module.parameters(), *module.buffers(), *more]
    return kept_by(lambda: module(*inputs, *more), inputs, stored)


def told(operator: Operator, x: Any) -> tuple[set[int], bool, int]:
    """What the rule says of it, for a batch at fp32."""
    y = operator.infer(x)
    saved = operator.saved(x, y)
    bits = sum(int(each.elements) * (1 if each.shared else BATCH) * KEPT_BITS.get(each.what, 32) for each in saved.made)
    return set(saved.inputs), saved.output, bits // 8


def _small(example: Example) -> bool:
    shapes = [example.x] if isinstance(example.x, Shape) else [*example.x]
    sizes = [each.elements for each in shapes if isinstance(each, Shape) and each.channels is not None]
    return sum(sizes) <= LIMIT and example.expect.get("params", 0) <= LIMIT


EXAMPLES = [
    pytest.param(cls, example, id=f"{name}-{index}")
    for name, cls in OPERATORS.items()
    for index, example in enumerate(cls.examples)
    if name not in KERNELS and _small(example)
]


def sizes(operator: Operator, x: Any, kept: tuple[set[int], bool, int]) -> int:
    """Bytes of all that is kept: a copy is as large as what it is of."""
    places, output, more = kept
    inputs = [x] if isinstance(x, Shape) else x
    y = operator.infer(x)
    whole = sum(int(inputs[place].elements) for place in places)
    return more + 4 * BATCH * (whole + (int(y.elements) if output else 0))


def pads_before(operator: Operator, x: Any) -> bool:
    """Whether its module makes a padded copy first, as torch's own has no such padding."""
    call = operator.torch(x)
    return call.target in ("archcalc.MaxPool", "archcalc.AvgPool") or (
        call.target == "nn.Sequential" and "Pad" in str(call.args[0])
    )


@pytest.mark.parametrize(("cls", "example"), EXAMPLES)
def test_examples(cls: type[Operator], example: Example) -> None:
    """Which inputs, whether the output, and the bytes of what is made: as torch keeps them."""
    operator, x = example.operation(cls)
    if cls.name in OTHERWISE or pads_before(operator, x):
        return
    found, expected = observed(operator, x), told(operator, x)
    if cls.name == "lstm":  # the workspace in pages, and of small layers in blocks of 16 channels
        assert found[:2] == expected[:2]
        assert found[2] == pytest.approx(expected[2], rel=0.02, abs=65_536)
    elif cls.name in ("dot", "gru"):  # copies where positions are not alone
        assert sizes(operator, x, found) == sizes(operator, x, expected)
    else:
        assert found == expected


@pytest.mark.parametrize("name", [name for name in OPERATORS if name not in {*KERNELS, *OTHERWISE, "lstm", "local"}])
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_bytes(name: str, data: st.DataObject) -> None:
    """Of any arguments and input, as many bytes as torch keeps."""
    case: Case = data.draw(cases(OPERATORS[name]))
    try:
        case.operator.infer(case.x)
    except RequirementError:
        return
    values = case.operator.values()
    if pads_before(case.operator, case.x) or values.get("p") in (0, 1):
        return
    if values.get("connections") is not None:  # our module multiplies the weights by the table first, and keeps both
        return
    if name in ("gru", "rnn") and case.x.positions == 1:  # reversed and in order of time, one position is no copy
        return
    try:
        found = observed(case.operator, case.x)
    except (ValueError, RuntimeError, AssertionError) as error:
        if not str(error).startswith(REFUSALS):
            raise
        return
    if name == "adaptive_avgpool" and case.operator.infer(case.x).positions == 1:
        assert found == (set(), False, 0)  # a mean, for which torch needs no input
        return
    assert sizes(case.operator, case.x, found) == sizes(case.operator, case.x, told(case.operator, case.x))


def test_products_before_the_last_are_kept_as_large_as_they_are() -> None:
    """Two features are multiplied before they are repeated over a map."""
    x = (features(5), features(5), image(5, 4, 3))
    operator = OPERATORS["mul"].of({})
    found = observed(operator, x)
    assert found == told(operator, x) == ({0, 1, 2}, False, BATCH * 5 * 4)
    assert told(OPERATORS["mul"].of({"reference": 2}), x) == found  # nothing is cut, so it is no matter to what


def _heads(x: Any, heads: int) -> Any:
    """(batch, channels, length) as (batch, heads, length, channels of a head), of whole memory as models have it."""
    return x.unflatten(1, (heads, -1)).transpose(2, 3).contiguous()


@pytest.mark.parametrize(("kv_heads", "causal"), [(None, False), (None, True), (2, False)])
def test_fused_attention_keeps_what_the_kernel_of_torch_keeps(kv_heads: int | None, causal: bool) -> None:
    """Queries, keys, values, the output and the logarithm of the sum of each row."""
    operator = OPERATORS["attend"].of({"heads": 4, "kv_heads": kv_heads, "causal": causal})
    operator = operator.variant(given=("q", "k", "v"))
    few = kv_heads or 4
    x = (sequence(64, 32), sequence(16 * few, 32), sequence(16 * few, 32))
    branches = [_heads(tensor(each), count) for each, count in zip(x, (4, few, few), strict=True)]
    attend = torch.nn.functional.scaled_dot_product_attention
    found = kept_by(lambda: attend(*branches, is_causal=causal, enable_gqa=kv_heads is not None), branches, [])
    assert found == told(operator, x)


def test_attention_with_a_trained_bias_keeps_all_pairs() -> None:
    """As torchvision's shifted_window_attention, whose products of matrices are two."""
    from torchvision.models.swin_transformer import shifted_window_attention

    operator = OPERATORS["attend"].of({"heads": 3, "blocks": 7}).variant(given=("qkv", "bias"))
    x = (image(288, 14, 14), sequence(3, 169))
    inputs = tensor(image(96, 14, 14)).permute(0, 2, 3, 1).contiguous()
    bias = torch.rand(1, 3, 49, 49, requires_grad=True) * 1
    qkv, proj = torch.rand(288, 96, requires_grad=True), torch.rand(96, 96, requires_grad=True)
    window, shift = [7, 7], [0, 0]

    def run() -> Any:
        return shifted_window_attention(inputs, qkv, proj, bias, window, 3, shift, 0.0, 0.0, torch.ones(288), None)

    linears = 2 * BATCH * 96 * 14 * 14 * 4  # what both projections read
    kept, _, more = kept_by(run, [inputs], [qkv, proj, bias])
    assert more == told(operator, x)[2] + linears - (BATCH * 96 * 14 * 14 * 4 if 0 in kept else 0)
