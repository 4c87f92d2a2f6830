"""Networks against their torch models: what is equal is told so, and everything that can differ is told to differ."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archcalc.dims import RequirementError
from archcalc.engine.network import load
from archcalc.graph import Graph, Node
from archcalc.ops import OPERATORS, Operator, Shape, Window
from archcalc.ops.conv import Conv
from archcalc.results.verification import Check, agreement
from archcalc.source.extra import MissingExtraError
from archcalc.spec.library import specs_folder
from tests.cli.running import run, spec
from tests.strategies import cases

torch = pytest.importorskip("torch")
pytest.importorskip("fvcore")
pytest.importorskip("torchvision")
pytestmark = pytest.mark.torch

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from archcalc.torch_bridge.counters.counters import macs_of  # noqa: E402
from archcalc.torch_bridge.model.build import build  # noqa: E402
from archcalc.torch_bridge.model.definitions import DEFINITIONS, Definition, torchvision_model  # noqa: E402
from archcalc.torch_bridge.model.thin import thin  # noqa: E402
from archcalc.torch_bridge.verify import against_fvcore, against_torch  # noqa: E402
from archcalc.torch_bridge.verify.faults import FAULTS, judge, judge_totals  # noqa: E402
from archcalc.torch_bridge.verify.receptive_field import Seen, measure  # noqa: E402
from archcalc.torch_bridge.verify.verify import verify, verify_graph  # noqa: E402
from tests.torch.test_operators import REFUSALS  # noqa: E402

SMALL = """\
network: small
input: image(3, 20, 16)
defaults:
  conv: {norm: batch_norm, activation: relu}
layers:
  conv1: conv(8, 3, padding=1, bias=false)
  conv2: conv(8, 3, stride=2)
  pool: global_avgpool
  fc: linear(10)
"""


def differing(checks: list[Check], against: str = "torch") -> set[tuple[str, str]]:
    """Operations and quantities that differ."""
    return {(each.operation, each.quantity) for each in checks if (each.against, each.state) == (against, "differs")}


def the(checks: list[Check], quantity: str, operation: str = "", against: str = "torch") -> Check:
    """The one check of a quantity."""
    (found,) = (
        check for check in checks if (check.against, check.operation, check.quantity) == (against, operation, quantity)
    )
    return found


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


def shaped(op: Operator, x: Any, inputs: tuple[int, ...], name: str) -> Node:
    return Node(name, name, op, inputs, x, op.infer(x), -1, (0, 0))


def alone(operator: Operator, x: Any) -> Graph | None:
    """A network of one operator; before a merge, what gives its branches. None where that takes more."""
    nodes: list[Node] = []
    if operator.merges:
        for number, branch in enumerate(x):
            if branch.spatial != x[0].spatial:
                return _of_other_lengths(operator, x)
            width = OPERATORS["conv" if branch.rank else "linear"]
            window = {"kernel": 1} if branch.rank else {}
            gives = width.of({"channels": branch.channels, **window})
            if operator.given:
                gives = gives.variant(copies=operator.copies_of(operator.given[number]))
            nodes.append(shaped(gives, x[0], (-1,), f"branch{number}"))
        nodes.append(shaped(operator, x, tuple(range(len(nodes))), operator.name))
    else:
        nodes.append(shaped(operator, x, () if operator.sources else (-1,), operator.name))
    given = Shape(1, ()) if operator.sources else x[0] if operator.merges else x
    return Graph(operator.name, operator.name, {"input": given}, nodes, len(nodes) - 1, first_head=len(nodes))


def _of_other_lengths(operator: Operator, x: Any) -> Graph | None:
    """Sequences that are put one after the other: each an input of its own."""
    if operator.name != "join":
        return None
    node = shaped(operator, x, tuple(-1 - number for number in range(len(x))), operator.name)
    inputs = {f"input{number}": branch for number, branch in enumerate(x)}
    return Graph(operator.name, operator.name, inputs, [node], 0, first_head=1)


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


# What is measured.


def field_of(text: str, folder: Path, operation: str) -> dict[str, Any]:
    found = verify(spec(folder, text, "field.yaml"), ["torch"])
    assert found.differences == []
    return {
        check.quantity: check.theirs
        for check in found.checks
        if check.operation == operation and check.quantity in ("receptive_field", "jump", "first_centre")
    }


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        # by hand: 1 + 2 + 2; then 3 more taps of 2 pixels
        ("a: conv(4, 3) >> conv(4, 3, stride=2) >> conv(4, 4)", ((11, 11), (2, 2), (5, 5))),
        ("a: conv(4, 3, dilation=(1, 3))", ((3, 7), (1, 1), (1, 3))),
        ("a: conv(4, (5, 1), stride=(1, 2), padding=(2, 0))", ((5, 1), (1, 2), (0, 0))),
        # by hand: a window of 3 pools, 2 apart, begins one before the input
        ("a: maxpool(3, stride=2, padding=1)", ((3, 3), (2, 2), (0, 0))),
        ("a: maxpool(2, ceil=true) >> conv(4, 2)", ((4, 4), (2, 2), (1.5, 1.5))),
        # by hand: the wider branch
        ("a:\n    - add:\n        b: conv(3, 5, padding=2)\n        c: identity", ((5, 5), (1, 1), (0, 0))),
        ("a: pad((2, 0, 1, 0)) >> conv(4, 2)", ((2, 2), (1, 1), (-1.5, -0.5))),
        ("a: pad((50, 0, 0, 60)) >> conv(4, 2)", ((2, 2), (1, 1), (-49.5, 0.5))),
        # by hand: output j adds up what inputs j - 3 to j spread
        ("a: deconv(4, 4)", ((4, 4), (1, 1), (-1.5, -1.5))),
        # by hand: taps 2 apart, from pixels -2 and -1 on
        ("a: maxpool(3, stride=2, padding=(2, 0, 1, 0), dilation=2, ceil=true)", ((5, 5), (2, 2), (0, 1))),
        # by hand: output j adds up what inputs j - 4, j - 2 and j spread
        ("a: deconv(4, 3, dilation=2)", ((5, 5), (1, 1), (-2, -2))),
        # by hand: 40 positions that see 3 pixels are cut by 4 on every side, as those were that see one
        (
            "a:\n    - add(align=crop, reference=1):\n        b: conv(3, 3, padding=1)\n        c: crop(sides=4)",
            ((3, 3), (1, 1), (4, 4)),
        ),
        # by hand: of three rows one reads a pixel; of two columns one reads two, at first pixels -1 and 0
        ("a: deconv(4, (1, 3), stride=(3, 2)) >> conv(4, 1)", ((1, 2), (1 / 3, 0.5), (0, -0.5))),
        # by hand: rows 1 and columns 2 apart from where 0 was; the first that reads anything is 2 and 1 further
        ("a: deconv(4, 1, stride=3, padding=(1, 0, 2, 0))", ((1, 1), (1 / 3, 1 / 3), (1 / 3, 2 / 3))),
        # by hand: windows of 5 rows, and all 40 columns
        ("a: adaptive_avgpool((8, 1))", ((5, 40), (5, 0), (2, 19.5))),
        # by hand: each position is back where its window was, also where the last hangs over the end
        ("a: maxpool(4)\n  b: unpool(a)", ((4, 4), (1, 1), (1.5, 1.5))),
        ("a: maxpool(3)\n  b: unpool(a)", ((3, 3), (1, 1), (1, 1))),
        ("a: maxpool(3, ceil=true)\n  b: unpool(a)", ((3, 3), (1, 1), (1, 1))),
        # by hand: a local layer reads as a convolution does: 3 rows from -1 on, 2 columns with a gap between them
        ("a: local(4, (3, 2), stride=(2, 1), padding=((1, 1), (0, 2)), dilation=(1, 2))", ((3, 3), (2, 1), (0, 1))),
        ("a: conv(4, 3, padding=1) >> local(4, 3, padding=1)", ((5, 5), (1, 1), (0, 0))),
        # by hand: every pixel is there twice, so that three neighbours see two; the first reads pixels 0, 0 and 1
        ("a: upsample(2) >> conv(4, 3)", ((2, 2), (0.5, 0.5), (0.5, 0.5))),
    ],
)
def test_fields_are_what_gradients_show(layers: str, expected: tuple[Any, ...], tmp_path: Path) -> None:
    text = f"network: fields\ninput: image(3, 40, 40)\nlayers:\n  {layers}\n"
    name = load(spec(tmp_path, text, "field.yaml")).graph().nodes[-1].name
    seen = field_of(text, tmp_path, name)
    assert (seen["receptive_field"], seen["jump"], seen.get("first_centre")) == expected


def test_a_field_wider_than_the_input_is_measured_whole() -> None:
    """VGG-16's is 212 after pool5 (Araujo et al. 2019, table), at any resolution; linear layers see all 224 pixels."""
    found = verify("vgg16", ["torch"])
    assert the(found.checks, "receptive_field", "pool5").theirs == (212, 212)
    assert the(found.checks, "receptive_field", "fc8").theirs == (224, 224)


def test_the_field_before_anything_global_is_measured(tmp_path: Path) -> None:
    """The end of a stage is not: two 3x3 windows see 5 pixels, and all 8 positions of them the 8 that there are."""
    layers = "  a: conv(4, 3, padding=2) >> conv(4, 3) >> global_avgpool\n"
    found = verify(spec(tmp_path, f"network: ends\ninput: image(3, 8, 8)\nlayers:\n{layers}"), ["torch"]).checks
    fields = {check.operation: check.theirs for check in found if check.quantity == "receptive_field"}
    assert fields == {"a.conv_2": (5, 5), "a.global_avgpool": (8, 8)}


@pytest.mark.parametrize("last", ["global_avgpool", "global_maxpool", "linear(5)"])
def test_a_whole_map_is_read_from_its_first_position_on(last: str, tmp_path: Path) -> None:
    """Three copies of each of 10 pixels are these, and not one more, as they would be from the second copy on."""
    text = f"network: copied\ninput: image(3, 10, 10)\nlayers:\n  a: upsample(3)\n  b: {last}\n"
    assert field_of(text, tmp_path, "b") == {"receptive_field": (10, 10), "first_centre": (4.5, 4.5)}


@pytest.mark.parametrize("sides", [(50, 50), (100, 0), (0, 100)])
def test_a_field_is_measured_whole_whatever_is_expected_of_it(sides: tuple[int, int], tmp_path: Path) -> None:
    layers = f"  a: conv(1, 101, padding={sides})\n"
    graph = load(spec(tmp_path, f"network: wide\ninput: sequence(1, 8)\nlayers:\n{layers}")).graph()
    axis = thin(build(graph, device="meta"), graph, 0)
    (seen,) = measure(axis, [axis.of[0]], hint=1).values()
    assert seen == Seen(101, Fraction(1), Fraction(50 - sides[0]))


def test_windows_that_lie_unevenly_are_not_compared(tmp_path: Path) -> None:
    path = spec(tmp_path, "network: uneven\ninput: image(3, 14, 14)\nlayers:\n  a: adaptive_avgpool(4)\n")
    found = verify(path, ["torch"])
    check = the(found.checks, "receptive_field", "a")
    assert (check.state, check.theirs) == ("not counted", "")
    assert "unevenly" in check.reason
    assert found.differences == []


@pytest.mark.parametrize("window", ["3, stride=2", "2, stride=3", "2, dilation=3", "3, padding=1"])
def test_what_depends_on_the_data_is_not_compared(window: str, tmp_path: Path) -> None:
    layers = f"  a: maxpool({window})\n  b: unpool(a)\n"
    found = verify(spec(tmp_path, f"network: undone\ninput: image(3, 14, 14)\nlayers:\n{layers}"), ["torch"])
    assert the(found.checks, "receptive_field", "a").state == "equal"
    check = the(found.checks, "receptive_field", "b")
    assert (check.state, check.theirs) == ("not counted", "")
    assert "depends on where they found it" in check.reason
    assert found.differences == []


# What differs: a model that is not what the spec says, in one respect.

Change = Callable[[Any], None]


def replace_conv(**named: Any) -> Change:
    def change(model: Any) -> None:
        old = model.conv2.conv
        kept = {"kernel_size": old.kernel_size, "stride": old.stride, "padding": old.padding}
        model.conv2.conv = torch.nn.Conv2d(8, 8, **{**kept, **named})

    return change


def set_stride(model: Any) -> None:
    model.conv2.conv.stride = (2, 1)


def add_buffer(model: Any) -> None:
    model.conv1.norm.register_buffer("extra", torch.zeros(3))


def freeze(model: Any) -> None:
    model.fc.weight.requires_grad_(False)


def cut(model: Any) -> None:
    model.conv2.conv.register_forward_pre_hook(lambda module, x: (x[0].detach(),))


def changed(monkeypatch: pytest.MonkeyPatch, room: Any, change: Change) -> None:
    built = room.build

    def build(graph: Graph, with_heads: bool = False, device: str = "cpu") -> Any:
        model = built(graph, with_heads, device)
        with torch.device(device):
            change(model)
        return model

    monkeypatch.setattr(room, "build", build)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (set_stride, {("conv2", "out_shape"), ("conv2", "macs"), ("conv2.activation", "jump"), ("", "macs")}),
        (replace_conv(bias=False), {("conv2", "params"), ("", "params")}),
        (replace_conv(groups=2), {("conv2", "params"), ("conv2", "macs"), ("", "params"), ("", "macs")}),
        (add_buffer, {("conv1.norm", "buffers"), ("", "buffers")}),
        (freeze, {("fc", "gradients")}),
        (cut, {("conv1", "gradients"), ("conv1.norm", "gradients")}),
        (
            replace_conv(dilation=2),
            {("conv2.activation", "receptive_field"), ("conv2.activation", "first_centre")},
        ),
    ],
)
def test_a_changed_model_differs(
    change: Change, expected: set[tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = spec(tmp_path, SMALL, "small.yaml")
    assert verify(path, ["torch"]).differences == []
    changed(monkeypatch, against_torch, change)
    assert differing(verify(path, ["torch"]).checks) >= expected


def test_a_change_of_one_thing_differs_in_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, against_torch, freeze)
    (check,) = verify(spec(tmp_path, SMALL), ["torch"]).differences
    assert (check.ours, check.theirs) == (90, 10)  # 8 * 10 weights and 10 biases; the biases still learn


HEADED = """\
network: headed
input: image(3, 8, 8)
layers:
  conv: conv(4, 3, norm=batch_norm)
  fc: linear(5)
outputs: {maps: tap(conv) >> relu}
heads: {aux: tap(conv) >> linear(3)}
"""


def test_everything_is_compared(tmp_path: Path) -> None:
    found = verify(spec(tmp_path, HEADED, "headed.yaml"), ["torch", "fvcore"], export=True)
    assert found.differences == []
    modules = ("conv", "conv.norm", "fc", "maps", "aux")
    stored = {"conv": {"params", "gradients"}, "conv.norm": {"params", "gradients"}, "fc": {"params", "gradients"}}
    expected: dict[tuple[str, str], set[str]] = {
        **{("torch", name): {"out_shape", "macs", "params", "buffers", *stored.get(name, ())} for name in modules},
        **{("fvcore", name): {"macs", "fvcore_flops"} for name in modules},
        ("fvcore", ""): {"macs_with_heads", "fvcore_flops_with_heads"},
    }
    expected["torch", "aux"].add("gradients")
    for name in ("conv.norm", "fc", "maps", "aux"):  # what ends a stage; of the linear ones no jump
        expected["torch", name] |= {"receptive_field", "first_centre"}
    for name in ("conv.norm", "maps"):
        expected["torch", name].add("jump")
    totals = {f"{quantity}{ending}" for quantity in ("params", "buffers", "macs") for ending in ("", "_with_heads")}
    expected["torch", ""] = {"out_shape", *totals, "num_batches_tracked", "exported_out_shape", "exported_params"}
    compared: dict[tuple[str, str], set[str]] = {}
    for check in found.checks:
        compared.setdefault((check.against, check.operation), set()).add(check.quantity)
    assert compared == expected


def swap(model: Any) -> None:
    (node,) = model.graph.find_nodes(op="output")
    given = node.args[0]
    if "aux" in given:
        node.args = ({**given, "output": given["aux"], "aux": given["output"]},)
        model.recompile()


def test_outputs_given_as_each_other_differ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    changed(monkeypatch, against_torch, swap)
    found = verify(spec(tmp_path, HEADED, "headed.yaml"), ["torch"])
    assert differing(found.checks) == {("", "out_shape"), ("aux", "out_shape")}


def test_a_wrong_window_rule_differs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = spec(tmp_path, SMALL)
    right = Conv.window

    def wrong(self: Any, x: Shape) -> Any:
        window: Any = right(self, x)
        return Window(window.kernel, window.stride, tuple(side + 1 for side in window.padding), window.dilation)

    monkeypatch.setattr(Conv, "window", wrong)
    found = {quantity for _, quantity in differing(verify(path, ["torch"]).checks)}
    assert found == {"first_centre", "receptive_field"}  # of what is seen by way of the global pool, the ends


def test_fvcore_sees_a_changed_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = spec(tmp_path, SMALL)
    assert verify(path, ["fvcore"]).differences == []
    changed(monkeypatch, against_fvcore, replace_conv(groups=2))
    expected = {("conv2", "macs"), ("conv2", "fvcore_flops"), ("", "macs"), ("", "fvcore_flops")}
    assert differing(verify(path, ["fvcore"]).checks, "fvcore") == expected


def test_another_definition_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEFINITIONS, "resnet18@torchvision", Definition("resnet34"))
    found = verify("resnet18@torchvision", ["torchvision"]).differences
    assert {check.quantity for check in found} == {"params", "buffers", "macs", "param_shapes"}
    shapes = next(check for check in found if check.quantity == "param_shapes")
    assert shapes.ours == "no others"
    assert "8 of 256x256x3x3" in str(shapes.theirs).split(", ")  # by hand: 11 against 3


def test_an_output_of_another_shape_than_torchvisions_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEFINITIONS, "resnet18@torchvision", Definition("resnet18", {"num_classes": 10}))
    found = verify("resnet18@torchvision", ["torchvision"]).checks
    assert differing(found, "torchvision") == {("", name) for name in ("out_shape", "params", "macs", "param_shapes")}
    assert the(found, "out_shape", against="torchvision").theirs == (2, 10)


def test_another_kernel_than_torchvisions_differs(tmp_path: Path) -> None:
    text = (specs_folder() / "squeezenet.yaml").read_text(encoding="utf-8")
    assert "conv(64, 3, stride=2" in text
    path = spec(tmp_path, text.replace("conv(64, 3, stride=2", "conv(64, 5, stride=2"), "other.yaml")
    network = load(f"{path}:squeezenet1_1")
    found = verify_graph(network.name, network.graph(), ["torchvision"]).checks
    shapes = the(found, "param_shapes", against="torchvision")
    assert (shapes.ours, shapes.theirs) == ("1 of 64x3x5x5 (conv1.conv.weight)", "1 of 64x3x3x3 (features.0.weight)")
    assert verify(network, ["torchvision"]).checks == []  # a user's own file is not torchvision's network


def test_a_fraction_of_a_multiply_accumulate_stays_one() -> None:
    """28 FLOPs of two examples are 7 MACs each; one FLOP more is no whole number of them."""
    assert (macs_of(28, 2), macs_of(29, 2)) == (7, "29/4")


def test_what_torch_refuses_is_a_difference(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    changed(monkeypatch, against_torch, replace_conv(kernel_size=99))
    (check,) = verify(spec(tmp_path, SMALL), ["torch"]).differences
    assert (check.quantity, check.ours) == ("runs", "runs")
    assert str(check.theirs).startswith("RuntimeError: ")


def test_models_are_exported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = spec(tmp_path, SMALL)
    found = verify(path, ["torch"], export=True).checks
    assert the(found, "exported_out_shape").theirs == (1, 10)
    assert the(found, "exported_params").theirs == 3 * 9 * 8 + 8 * 9 * 8 + 8 + 2 * 2 * 8 + 90

    def decide(module: Any, x: Any, y: Any) -> Any:
        return y if bool(y.sum() > 0) else -y  # depends on data

    changed(monkeypatch, against_torch, lambda model: model.fc.register_forward_hook(decide))
    monkeypatch.setattr("archcalc.torch_bridge.verify.verify._CHECKS", {"torch": lambda name, graph: iter(())})
    (check,) = verify(path, ["torch"], export=True).differences
    assert (check.quantity, check.ours) == ("exports", "exports")


def test_an_exported_model_that_differs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def widen(model: Any) -> None:
        model.fc = torch.nn.Linear(8, 11)

    monkeypatch.setattr("archcalc.torch_bridge.verify.verify._CHECKS", {"torch": lambda name, graph: iter(())})
    changed(monkeypatch, against_torch, widen)
    found = verify(spec(tmp_path, SMALL), ["torch"], export=True).checks
    assert differing(found) == {("", "exported_out_shape"), ("", "exported_params")}


def test_one_thread_computes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And as many as before afterwards, also where a check fails."""
    seen = []

    def look(name: str, graph: Graph) -> Any:
        seen.append(torch.get_num_threads())
        raise RuntimeError("no such thing")

    before = torch.get_num_threads()
    monkeypatch.setattr("archcalc.torch_bridge.verify.verify._CHECKS", {"torch": look})
    try:
        torch.set_num_threads(3)
        assert len(verify(spec(tmp_path, SMALL), ["torch"]).differences) == 1
        assert (seen, torch.get_num_threads()) == ([1], 3)
    finally:
        torch.set_num_threads(before)


# What is compared with nothing.


def test_opaque_layers_are_known_by_name(tmp_path: Path) -> None:
    text = "network: mystery\ninput: image(3, 8, 8)\nlayers:\n  a: conv(4, 3)\n  b: opaque(4, params=7, macs=50)\n"
    found = verify(spec(tmp_path, text), ["torch", "fvcore"])
    assert found.differences == []
    states = {(check.against, check.operation, check.quantity) for check in found.not_counted}
    assert states == {
        ("torch", "b", "params"),
        ("torch", "b", "macs"),
        ("torch", "", "params"),
        ("torch", "", "macs"),
        ("torch", "a", "gradients"),
        ("torch", "b", "receptive_field"),
        ("fvcore", "b", "macs"),
        ("fvcore", "b", "fvcore_flops"),
        ("fvcore", "", "macs"),
        ("fvcore", "", "fvcore_flops"),
    }


def test_faults_have_places_and_hide_nothing_else() -> None:
    assert all(fault.reason and fault.place for fault in FAULTS)
    lost = Check("net", "torch", "b", "macs", 50, 0, "differs")
    assert judge(lost, "opaque").state == "not counted"
    assert judge(lost, "conv") is lost
    assert judge(lost._replace(quantity="out_shape"), "opaque").state == "differs"
    equal = lost._replace(theirs=50, state="equal")
    assert judge(equal, "opaque") is equal


@pytest.mark.parametrize(("theirs", "state"), [(150, "not counted"), (149, "differs"), (151, "differs")])
def test_a_total_may_lack_exactly_what_is_known_to_be_lacking(theirs: int, state: str) -> None:
    part = Check("net", "torch", "b", "macs", 50, 0, "not counted", "known")
    whole = Check("net", "torch", "", "macs", 200, theirs, "differs")
    assert judge_totals([part, whole])[1].state == state
    assert judge_totals([part, whole._replace(quantity="macs_with_heads")])[1].state == state
    assert judge_totals([part, whole._replace(quantity="params")])[1].state == "differs"
    assert judge_totals([part, part, whole._replace(theirs=theirs - 50)])[2].state == state


def test_what_differs_was_checked_and_what_is_not_counted_was_not() -> None:
    check = Check("net", "torch", "a", "macs", 1, 1, "equal")
    states: list[Any] = ["equal", "equal", "equal", "differs", "differs", "not counted"]
    found = agreement([check._replace(state=state) for state in states])
    assert (found, found.checks) == ((3, 2, 1), 5)


def test_steps_of_norms_are_told_apart(tmp_path: Path) -> None:
    found = verify(spec(tmp_path, SMALL), ["torch"])
    (check,) = found.not_counted
    assert (check.quantity, check.ours, check.theirs) == ("num_batches_tracked", 0, 2)
    assert agreement(found.checks).not_counted == 1


# The command.


def test_a_network_of_which_nothing_is_known_elsewhere_is_not_verified() -> None:
    pytest.importorskip("torchvision")
    found = run("verify", "plain18", "--against", "torchvision", code=1).stdout
    assert "1 network, nothing checked: there is nothing of torchvision to hold it against" in found
    both = run("verify", "plain18", "resnet18@torchvision", "--against", "torchvision").stdout
    assert "2 networks, 5 checks, no differences" in both


def test_the_table_has_a_line_for_each_network(tmp_path: Path) -> None:
    lines = run("verify", "resnet18@torchvision", spec(tmp_path, SMALL)).stdout.splitlines()
    table = [line.split() for line in lines[4:6]]
    assert table[0] == ["resnet18@torchvision", "39", "11.69", "M", "1.814", "G", *["equal"] * 4, table[0][-1]]
    assert table[1][:2] == ["small", "4"]
    assert table[1].count("equal") == 3  # torchvision does not define it
    first, second = (int(row[-1].replace(",", "")) for row in table)
    assert lines[-1] == f"2 networks, {first + second:,} checks, no differences"


def test_totals_that_hold_an_unknown_operation_are_lower_bounds(tmp_path: Path) -> None:
    path = spec(tmp_path, "network: mystery\ninput: image(3, 8, 8)\nlayers:\n  a: conv(4, 3)\n  b: opaque(4)\n")
    (row,) = (line for line in run("verify", path).stdout.splitlines() if line.startswith("mystery"))
    assert row.split()[2:5] == ["112", "≥", "3,888"]  # by hand: 3*9*4 weights and 4 biases, at 6*6 positions
    (network,) = json.loads(run("verify", path, "--format", "json").stdout)["verification"]["networks"]
    assert (network["params"], network["macs"], network["at_least"]) == (112, 3888, True)


def test_exports_have_a_column(tmp_path: Path) -> None:
    lines = run("verify", spec(tmp_path, SMALL), "--against", "torch", "--export").stdout.splitlines()
    assert lines[2].split()[-2:] == ["export", "checks"]
    assert lines[4].split().count("equal") == 3


def test_layers_show_every_figure(tmp_path: Path) -> None:
    lines = run("verify", "lenet5", "--layers").stdout.splitlines()
    (row,) = (line for line in lines if line.startswith("C3 "))
    assert row.split() == ["C3", "2x16x10x10", "1,516", "0", "1,516", "150,000", "150,000", "150,000"]


def test_differences_are_told_and_exit_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    changed(monkeypatch, against_torch, freeze)
    out = run("verify", spec(tmp_path, SMALL), "--against", "torch", code=1).stdout
    assert "1 differ" in out.splitlines()[4]
    assert ["small", "fc", "gradients", "torch", "90", "10"] in [line.split() for line in out.splitlines()]
    assert out.splitlines()[-1].endswith(" checks, 1 difference")


def test_json_holds_the_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    changed(monkeypatch, against_torch, freeze)
    path = spec(tmp_path, SMALL)
    found = json.loads(run("verify", path, "--against", "torch,fvcore", "--format", "json", code=1).stdout)
    result = found["verification"]
    assert result["against"] == ["torch", "fvcore"]
    assert set(result["versions"]) == {"torch", "fvcore"}
    alone = json.loads(run("verify", path, "--against", "fvcore", "--format", "json").stdout)["verification"]
    assert set(alone["versions"]) == {"torch", "fvcore"}  # the models are torch's
    (network,) = result["networks"]
    assert (network["network"], network["params"], network["torch_differs"]) == ("small", 922, 1)
    assert network["torch_equal"] + network["fvcore_equal"] == result["equal"]
    assert [check["quantity"] for check in network["checks"]] == ["gradients", "num_batches_tracked"]
    assert network["checks"][0] == {
        "network": "small",
        "against": "torch",
        "operation": "fc",
        "quantity": "gradients",
        "ours": 90,
        "theirs": 10,
        "state": "differs",
        "reason": "",
    }


def test_csv_has_a_row_for_each_network_or_check(tmp_path: Path) -> None:
    path = spec(tmp_path, SMALL)
    header, row = run("verify", path, "--against", "torch", "--format", "csv").stdout.splitlines()
    assert header.startswith("network,layers,operations,params,macs,at_least,torch_equal")
    target = tmp_path / "checks.csv"
    assert run("verify", path, "--against", "torch", "--layers", "-o", str(target)).stdout == ""
    rows = target.read_text(encoding="utf-8").splitlines()
    assert "small,torch,conv1,macs,69120,69120,equal," in rows  # by hand: 3*9*8 weights at 20*16 positions
    equal, differs, not_counted = map(int, row.split(",")[-3:])
    assert (len(rows) - 1, differs) == (equal + not_counted, 0)


def test_a_file_means_all_its_networks(tmp_path: Path) -> None:
    text = "network: one\ninput: image(1, size, size)\nvariables: {size: 8}\nvariants:\n  two: {size: 9}\n"
    path = spec(tmp_path, f"{text}layers:\n  conv1: conv(4, 3)\n", "both.yaml")
    lines = run("verify", path, "--against", "torch").stdout.splitlines()
    assert [line.split()[0] for line in lines[4:6]] == ["one", "two"]
    assert lines[-1].startswith("2 networks")
    assert run("verify", f"{path}:two", "--against", "torch").stdout.splitlines()[-1].startswith("1 network,")


def test_all_means_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.spec.library.all_names", lambda: ["lenet5", "lenet@caffe"])
    lines = run("verify", "--all", "--against", "torch").stdout.splitlines()
    assert [line.split()[0] for line in lines[4:6]] == ["lenet5", "lenet@caffe"]


def test_networks_at_once_give_the_same_bytes(tmp_path: Path) -> None:
    names = [spec(tmp_path, SMALL), "lenet5", "squeezenet1_1", "resnet20"]
    alone, together = (run("verify", *names, "--format", "json", "--jobs", jobs) for jobs in ("1", "2"))
    assert (together.stdout, together.stderr) == (alone.stdout, alone.stderr)
    assert [found["network"] for found in json.loads(alone.stdout)["verification"]["networks"]][1:] == names[1:]


def test_other_sizes_and_settings() -> None:
    """torchvision's model takes any input; other widths are other networks."""
    result = json.loads(run("verify", "resnet18@torchvision", "--input", "3x97x65", "--format", "json").stdout)
    (network,) = result["verification"]["networks"]
    assert network["torchvision_equal"] > 3
    with FlopCounterMode(display=False) as counter:
        torchvision_model("resnet18@torchvision")(torch.empty(1, 3, 97, 65, device="meta"))
    assert 2 * network["macs"] == counter.get_total_flops()
    lines = run("verify", "resnet18@torchvision", "--set", "resolution=65").stdout.splitlines()
    assert [line.split()[-5:-1] for line in lines if line.startswith("resnet18")] == [["equal"] * 4]
    assert any(line.endswith("| resolution=65") for line in lines)
    wide = verify("resnet18@torchvision", set={"width": 2})
    assert not wide.differences
    assert not wide.of("torchvision")
    assert "did you mean `resolution`?" in run("verify", "lenet5", "--set", "resoluton=32", code=2).stderr


def test_what_is_wrong_with_one_of_several_is_said(tmp_path: Path) -> None:
    wrong = spec(tmp_path, SMALL.replace("stride=2", "groups=3"))
    alone, together = (run("verify", "lenet5", wrong, "--jobs", jobs, code=2) for jobs in ("1", "2"))
    assert "error[indivisible-groups]" in together.stderr
    assert (together.stdout, together.stderr) == ("", alone.stderr)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_told_on_a_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from archcalc.cli.progress import progress
    from archcalc.torch_bridge.verify.verify import verify_all

    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    network = load(spec(tmp_path, SMALL))
    with progress(2) as tell:
        verify_all([network, network], ["torch"], tell=tell)
    assert "small" in terminal.getvalue()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "error[bad-option]: verify takes names of networks, or --all"),
        (["--all", "lenet5"], "error[bad-option]: verify takes names of networks, or --all"),
        (["lenet5", "--against", "tensorflow"], "error[unknown-tool]: no tool is called `tensorflow`"),
        (["lenet6", "--against", "torch"], "error[unknown-network]: no network is called `lenet6`"),
        (["./nothing.yaml"], "error[no-such-file]"),
    ],
)
@pytest.mark.parametrize("missing", [[], ["torch", "fvcore", "torchvision"]])
def test_mistakes_are_told(
    arguments: list[str], message: str, missing: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anybody installs torch for a name with a slip in it."""
    without(missing, monkeypatch)
    out = run("verify", *arguments, code=2)
    assert (out.stdout, out.stderr.startswith(message)) == ("", True), out.stderr


def without(missing: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As if these were not installed."""
    from importlib.util import find_spec

    monkeypatch.setattr("archcalc.source.extra.find_spec", lambda name: None if name in missing else find_spec(name))


@pytest.mark.parametrize("missing", ["torch", "fvcore", "torchvision"])
def test_a_missing_extra_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without([missing], monkeypatch)
    out = run("verify", "lenet5", "--against", "torch,fvcore,torchvision", code=3)
    assert out.stderr.startswith(f"error[missing-extra]: this needs {missing}, which is not installed")
    assert "pip install 'archcalc[torch]'" in out.stderr
    with pytest.raises(MissingExtraError, match=f"this needs {missing}, "):
        verify("lenet5", [missing])
    unasked = run("verify", "lenet5", code=0 if missing == "torchvision" else 3)
    assert missing in unasked.stderr
    assert ("no differences" in unasked.stdout) == (missing == "torchvision")
