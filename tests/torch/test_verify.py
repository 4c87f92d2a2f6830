"""`archcalc verify` against torch, fvcore and torchvision: what agrees."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archcalc.dims import RequirementError
from archcalc.engine.network import load
from archcalc.ops import OPERATORS
from tests.cli.running import spec
from tests.strategies import cases

torch = pytest.importorskip("torch")
pytest.importorskip("fvcore")
pytest.importorskip("torchvision")
pytestmark = pytest.mark.torch


from archcalc.torch_bridge.verify.verify import verify, verify_graph  # noqa: E402
from tests.torch.test_operators import REFUSALS  # noqa: E402
from tests.torch.verifying import alone, the  # noqa: E402

# What agrees. One of each way to be odd: a connection table and fixed codes, heads, upsampling and unpooling, merges
# named as what they merge, channels of zeros appended.


@pytest.mark.parametrize("name", ["lenet5", "googlenet@torchvision", "enet", "fractalnet20", "resnet20"])
def test_networks_agree(name: str) -> None:
    found = verify(name)
    assert found.differences == []
    operations = {node.name for node in load(name).graph().nodes}
    for quantity in ("out_shape", "macs"):
        assert {check.operation for check in found.of("torch", [quantity])} >= operations


@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [
        ("alexnet@torchvision", 61_100_840, 714_188_480),
        ("vgg11@bn", 132_868_840, 7_609_090_048),
        ("squeezenet1_1", 1_235_496, 349_151_936),
        ("resnet18@torchvision", 11_689_512, 1_814_073_344),
        ("inception_v3", 23_834_568, 5_713_216_096),
    ],
)
def test_what_torchvision_documents_is_measured(name: str, params: int, macs: int) -> None:
    """Figures of torchvision's weights' meta data and of its models, in full."""
    found = verify(name, ["torchvision"]).checks
    assert {check.state for check in found} == {"equal"}
    assert (the(found, "params", against="torchvision").theirs, the(found, "macs", against="torchvision").theirs) == (
        params,
        macs,
    )


@pytest.mark.parametrize("against", ["torch", "torchvision"])
def test_networks_are_compared_with_heads_and_without(against: str) -> None:
    """13,004,888 is what `torchvision.models.googlenet(weights=None)` has, 6,624,904 its documentation."""
    found = verify("googlenet@torchvision", [against]).checks
    assert the(found, "params_with_heads", against=against).theirs == 13_004_888
    assert the(found, "params", against=against).theirs == 6_624_904


def test_flops_of_fvcore_are_measured() -> None:
    """What fvcore 0.1.5 prints for torchvision's alexnet: 9,216 elements that adaptive pooling reads are in it."""
    found = verify("alexnet@torchvision", ["fvcore"]).checks
    assert the(found, "macs", against="fvcore").theirs == 714_188_480
    assert the(found, "fvcore_flops", against="fvcore").theirs == 714_197_696
    assert {check.state for check in found} == {"equal"}


def test_what_is_shared_is_stored_once(tmp_path: Path) -> None:
    """By hand: 8 filters of 8*9 weights and 8 biases, called twice; 8*4 weights, also transposed; 4 biases."""
    layers = "  conv: conv(8, 3, padding=1)\n  again: share(conv)\n  pool: global_avgpool\n  encode: linear(4)\n"
    text = f"network: shared\ninput: image(8, 6, 6)\nlayers:\n{layers}  decode: linear(8, weights=encode, bias=false)\n"
    found = verify(spec(tmp_path, text), ["torch", "fvcore"])
    assert found.differences == []
    assert [(check.operation, check.theirs) for check in found.of("torch", ["params"]) if check.operation] == [
        ("conv", 8 * 8 * 9 + 8),
        ("again", 0),
        ("pool", 0),
        ("encode", 8 * 4 + 4),
        ("decode", 0),
    ]
    assert the(found.checks, "macs", "conv", "fvcore").theirs == 2 * 8 * 8 * 9 * 36  # both calls


@pytest.mark.parametrize("name", [name for name in OPERATORS if name != "unpool"])  # which needs a pool: see enet
def test_operators_agree_alone(name: str) -> None:
    cls = OPERATORS[name]
    graphs = [graph for example in cls.examples if (graph := alone(*example.operation(cls)))]
    assert graphs
    for graph in graphs:
        assert verify_graph(name, graph, ["torch", "fvcore"]).differences == []


@pytest.mark.parametrize("name", [name for name in OPERATORS if name != "unpool"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(data=st.data())
def test_operators_agree_whatever_their_arguments(name: str, data: st.DataObject) -> None:
    """Multiply-accumulates and receptive fields too, of uneven, dilated, grouped and overhanging windows."""
    case = data.draw(cases(OPERATORS[name]))
    try:
        graph = alone(case.cls.of(dict(case.arguments)).variant(given=case.given), case.x)
    except RequirementError:
        return
    if graph is not None:
        found = verify_graph(name, graph, ["torch", "fvcore"]).differences
        assert [check for check in found if not str(check.theirs).partition(": ")[2].startswith(REFUSALS)] == []


# One for each way in which operations meet: branches, calls of the same layer, other inputs, further outputs.
MEETINGS = {
    "a window that is shared fits each input": """
  a: conv(4, 3, stride=2, padding=same)
  b: pad((0, 1, 1, 0))
  c: share(a)
""",
    "shared with its norm": """
  a: conv(4, (3, 1), padding=(2, 0, 0, 1), norm=batch_norm, activation=prelu)
  b: maxpool(2, ceil=true)
  c: share(a)
""",
    "uneven poolings undone": """
  a: maxpool(3, stride=2, padding=same)
  b: maxpool(3, stride=2, padding=(1, 0, 0, 1), ceil=true)
  c: conv(4, 1) >> unpool(b)
  d: unpool(a)
""",
    "a shared pooling undone twice": """
  a: maxpool(2)
  b: share(a)
  c: unpool(b)
  d: unpool(a)
""",
    "tied to what is tied, and shared": """
  a: linear(3)
  b: linear(4, bias=false)
  c: linear(3, weights=b)
  d: share(b)
  e: linear(3, weights=c)
""",
    "shuffled back": """
  a: pixel_unshuffle((2, 1))
  b: channel_shuffle(4) >> conv(8, (1, 3), groups=2, dilation=(2, 3), padding=same)
  c: pixel_shuffle((1, 2))
""",
    "branches cut to one": """
  a:
    - add(align=crop, reference=1):
        deep: conv(4, 3, stride=2) >> deconv(4, 3, stride=2, padding=(1, 0), output_padding=(1, 0))
        cut:  crop(sides=(2, 1, 0, 2))
  b: concat(identity, tap(a), avgpool(3, stride=1, padding=(2, 0, 1, 1), count_include_pad=false))
""",
    "squeezed": """
  a: mul(identity, adaptive_avgpool(1) >> conv(4, 1, activation=sigmoid))
  b: adaptive_maxpool((5, 1))
""",
}


@pytest.mark.parametrize("layers", MEETINGS.values(), ids=MEETINGS)
@pytest.mark.parametrize("ends", ["", "outputs: {more: tap(a) >> relu}\nheads: {aux: tap(b) >> linear(3)}\n"])
def test_operations_agree_where_they_meet(layers: str, ends: str, tmp_path: Path) -> None:
    text = f"network: meeting\ninput: image(4, 12, 9)\nlayers:{layers}{ends}"
    found = verify(spec(tmp_path, text, "meeting.yaml"), ["torch", "fvcore"], export=True)
    assert found.differences == []
