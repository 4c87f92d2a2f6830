"""Models that are not what the spec says, in one respect; and what is compared with nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archcalc.engine.network import load
from archcalc.graph import Graph
from archcalc.ops import Shape, Window
from archcalc.ops.conv import Conv
from archcalc.results.verification import Check, agreement
from archcalc.spec.library import specs_folder
from tests.cli.running import spec

torch = pytest.importorskip("torch")
pytest.importorskip("fvcore")
pytest.importorskip("torchvision")
pytestmark = pytest.mark.torch


from archcalc.torch_bridge.counters.counters import macs_of  # noqa: E402
from archcalc.torch_bridge.model.definitions import DEFINITIONS, Definition  # noqa: E402
from archcalc.torch_bridge.verify import against_fvcore, against_torch  # noqa: E402
from archcalc.torch_bridge.verify.faults import FAULTS, judge, judge_totals  # noqa: E402
from archcalc.torch_bridge.verify.verify import verify, verify_graph  # noqa: E402
from tests.torch.verifying import SMALL, Change, changed, freeze, the  # noqa: E402


def differing(checks: list[Check], against: str = "torch") -> set[tuple[str, str]]:
    """Operations and quantities that differ."""
    return {(each.operation, each.quantity) for each in checks if (each.against, each.state) == (against, "differs")}


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


def cut(model: Any) -> None:
    model.conv2.conv.register_forward_pre_hook(lambda module, x: (x[0].detach(),))


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
