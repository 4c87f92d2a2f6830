"""Networks against models that somebody wrote: counts, shapes, and outputs with the same weights."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archcalc.engine.network import load
from archcalc.source import SpecError
from tests.cli.running import run, spec

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")
pytestmark = pytest.mark.torch

from torch import nn  # noqa: E402

from archcalc.torch_bridge.model.build import build  # noqa: E402
from archcalc.torch_bridge.verify.values import UnmatchedError, compare_values  # noqa: E402
from archcalc.torch_bridge.verify.verify import verify  # noqa: E402
from tests.torch.against import SPEC  # noqa: E402

MODULE = '''
import torch
from torch import nn
from beside import CLASSES

print("their module talks")


class Net(nn.Module):
    """Registered in another order than it runs."""

    def __init__(self, classes=CLASSES, eps=0.001, extra=False):
        super().__init__()
        self.fc = nn.Linear(8, classes)
        self.second = nn.Conv2d(8, 8, 3, stride=2)
        self.norm = nn.BatchNorm2d(8, eps=eps)
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.rates = [rate.item() for rate in torch.linspace(0, 1, 3)]  # as many do; the meta device cannot
        if extra:
            self.extra = nn.Linear(7, 5, bias=False)

    def forward(self, x):
        print("and runs")
        return self.fc(self.second(self.norm(self.first(x)).relu()).mean((2, 3)))


class Refuses(nn.Module):
    def __init__(self, number):
        raise ValueError(f"no {number}\\nnever")


class Words(Net):
    def forward(self, x):
        return {"output": "a text"}


class Narrow(Net):
    def forward(self, x):
        return super().forward(x[:, :, :, :99].reshape(2, 3, 8, 32))[:, :, None]


class Unregistered(Net):
    def __init__(self):
        super().__init__()
        self.shift = [torch.zeros(5)]

    def forward(self, x):
        return super().forward(x) + self.shift[0]


class Leaves(Net):
    def __init__(self):
        raise SystemExit(3)


def factory(classes=CLASSES):
    return {"output": Net(classes)}["output"]


def number():
    return 3


made = Net()
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's folder, in which the user is: a spec, a module, and what that imports."""
    (tmp_path / "theirs_of_test.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "beside.py").write_text("CLASSES = 5\n", encoding="utf-8")
    spec(tmp_path, SPEC, "own.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    for name in ("beside", "theirs_of_test"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    "model",
    [
        "theirs_of_test.py:Net(5)",
        "./theirs_of_test.py:Net",
        "theirs_of_test:factory()",
        "theirs_of_test.py:factory",
        "theirs_of_test.py:made",
        "theirs_of_test.py:Net(classes=2 + 3, eps=1e-3)",
        "theirs_of_test.py:Unregistered",
    ],
)
def test_a_model_of_ones_own(model: str, folder: Path) -> None:
    path, before = list(sys.path), set(sys.modules)
    found = run("verify", "own.yaml", "--against", model, "--values", "--format", "json")
    result = json.loads(found.stdout)["verification"]  # what their code prints is not in it
    assert (result["model"], result["against"], result["differs"]) == (model, ["model"], 0)
    (network,) = result["networks"]
    assert network["model_equal"] == 6
    assert sys.path == path
    assert "theirs_of_test" not in sys.modules or model.startswith("theirs_of_test:")
    assert {"beside"} >= {name for name in set(sys.modules) - before if "_of_archcalc" in name or name == "beside"}


def test_every_quantity_is_compared(folder: Path) -> None:
    found = verify("./own.yaml", "theirs_of_test.py:Net", values=True)
    figures = {check.quantity: check.theirs for check in found.checks}
    assert {check.against for check in found.checks} == {"model"}
    assert figures == {
        "out_shape": (2, 5),
        "params": 3 * 8 * 9 + 8 + 2 * 8 + 8 * 8 * 9 + 8 + 8 * 5 + 5,  # by hand
        "buffers": 2 * 8,
        "macs": 3 * 8 * 9 * 16 * 16 + 8 * 8 * 9 * 7 * 7 + 8 * 5,
        "param_shapes": "8 shapes",
        "values": "bit-equal",
    }


@pytest.mark.parametrize(
    ("model", "differing"),
    [
        ("Net(eps=1e-5)", {"values": "not rounding"}),
        (
            "Net(7)",
            {"out_shape": "2x7", "params": "887", "macs": "", "param_shapes": "7x8 (fc.weight)", "values": "7x8"},
        ),
        ("Net(extra=True)", {"params": "", "param_shapes": "1 of 5x7 (extra.weight)"}),
        ("Words()", {"runs": "TypeError: the model gives dict, in which there is no tensor"}),
        ("Narrow()", {"out_shape": "2x5x1", "macs": "", "values": "not rounding"}),
    ],
)
def test_what_differs_of_it_is_said(model: str, differing: dict[str, str], folder: Path) -> None:
    out = run("verify", "own.yaml", "--against", f"theirs_of_test.py:{model}", "--values", code=1).stdout
    found = verify("./own.yaml", [f"theirs_of_test.py:{model}"], values=True).differences
    assert {check.quantity for check in found} == set(differing)
    from archcalc.report.verification import written

    for check in found:
        assert differing[check.quantity] in written(check.theirs)
    assert f"{len(found)} difference" in out


@pytest.mark.parametrize(
    ("model", "message", "help"),
    [
        ("nowhere.py:Net", "error[no-such-file]: there is no file `nowhere.py`", ""),
        (".py:Net", "error[no-such-file]", ""),
        ("nowhere.module:Net", "error[no-such-module]: there is no module `nowhere.module`", "mymodule.py"),
        ("theirs_of_test.py:Nett(5)", "error[unknown-model]: `theirs_of_test.py` has no `Nett`", "did you mean `Net`?"),
        ("theirs_of_test.py:zz", "error[unknown-model]", "it has Net, Refuses"),
        (
            "theirs_of_test.py:Refuses(5)",
            "error[model-fails]: Refuses(5) raises ValueError: no 5\n",
            "see theirs_of_test.py",
        ),
        ("theirs_of_test.py:Refuses", "error[model-fails]: Refuses() raises TypeError", ""),
        ("theirs_of_test.py:Leaves()", "error[model-fails]: Leaves() raises SystemExit: 3", ""),
        ("theirs_of_test.py:Net.nothing()", "error[model-fails]: Net.nothing() raises AttributeError", ""),
        ("theirs_of_test.py:number()", "error[not-a-model]: `number()` of `theirs_of_test.py` is int", ""),
        ("theirs_of_test.py:Net(", "error[bad-model]: `Net(` is not an expression of Python", "mymodule.py:Net(3)"),
        ("theirs_of_test.py", "error[bad-model]: `theirs_of_test.py` does not say which model", "mymodule.py:Net(3)"),
        (":Net", "error[bad-model]", "mymodule.py:Net(3)"),
        ("broken.py:Net", "error[model-fails]: importing broken.py raises SyntaxError", "see broken.py, line 2"),
        ("lacks.py:Net", "error[model-fails]: importing lacks.py raises ModuleNotFoundError", "see lacks.py, line 1"),
    ],
)
def test_mistakes_are_one_diagnostic(model: str, message: str, help: str, folder: Path) -> None:
    (folder / "broken.py").write_text("import torch\nclass Net(:\n", encoding="utf-8")
    (folder / "lacks.py").write_text("import nothing_of_this_name\n", encoding="utf-8")
    found = run("verify", "own.yaml", "--against", model, code=2)
    said = [line for line in found.stderr.splitlines() if "their module talks" not in line]
    assert found.stdout == ""
    assert message.strip() in "\n".join(said)
    assert sum(line.startswith("error[") for line in said) == 1
    assert "Traceback" not in found.stderr
    assert help in found.stderr
    with pytest.raises(SpecError):
        verify("./own.yaml", model)


def test_one_network_is_held_against_one_model(folder: Path) -> None:
    model = "theirs_of_test.py:Net"
    several = run("verify", "own.yaml", "lenet5", "--against", model, code=2)
    assert "error[bad-option]: a model is held against one network, not 2" in several.stderr
    assert "name one of them: own, lenet5" in several.stderr
    twice = run("verify", "own.yaml", "--against", model, "--against", "theirs_of_test.py:made", code=2)
    assert "error[bad-option]: a network is held against one model, not 2" in twice.stderr
    nothing = run("verify", "own.yaml", "--against", "torch", "--values", code=2)
    assert "error[bad-option]: --values compares with a model that has weights" in nothing.stderr
    beside = run("verify", "own.yaml", "--against", "torch", "--against", model)
    assert "1 network" in beside.stdout
    assert beside.stdout.splitlines()[2].split()[-3:] == ["model", "field", "checks"]


class Trained(nn.Module):
    """With a state that running would change, and gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8, eps=0.001), nn.ReLU(inplace=True))
        self.rest = nn.Sequential(nn.Conv2d(8, 8, 3, stride=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
        self.calls = 0

    def forward(self, x: Any) -> Any:
        self.calls += 1
        return self.rest(self.body(x)), None


def test_a_model_stays_as_it_was(tmp_path: Path) -> None:
    torch.manual_seed(3)
    model = Trained().half()
    model(torch.randn(2, 3, 16, 16).half())[0].sum().backward()
    gradient = model.rest[3].weight.grad
    before = {name: each.clone() for name, each in model.state_dict().items()}
    random = torch.random.get_rng_state()
    found = verify(spec(tmp_path, SPEC), model, values=True)
    assert found.differences == []
    assert len(found.checks) == 6
    assert torch.equal(torch.random.get_rng_state(), random)
    after = model.state_dict()
    assert all(torch.equal(each, after[name]) for name, each in before.items())
    assert (model.training, model.calls, model.rest[3].weight.dtype) == (True, 1, torch.float16)
    assert model.rest[3].weight.grad is gradient


HEADED = """\
network: headed
input: image(3, 8, 8)
layers:
  conv: conv(4, 3)
  fc: linear(5)
outputs: {maps: tap(conv) >> relu}
heads: {aux: tap(conv) >> linear(3)}
"""


class Headed(nn.Module):
    def __init__(self, has_head: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.fc = nn.Linear(4 * 36, 5)
        self.aux = nn.Linear(4 * 36, 3) if has_head else None

    def forward(self, x: Any) -> Any:
        x = self.conv(x)
        given = {"logits": self.fc(x.flatten(1)), "maps": x.relu()}
        return {**given, "aux": self.aux(x.flatten(1))} if self.training and self.aux is not None else given


@pytest.mark.parametrize("has_head", [False, True])
def test_further_outputs_and_heads(has_head: bool, tmp_path: Path) -> None:
    found = verify(spec(tmp_path, HEADED), Headed(has_head), values=True)
    assert found.differences == []
    assert {check.quantity.endswith("_with_heads") for check in found.checks if check.quantity != "values"} == {
        has_head
    }
    assert {check.operation for check in found.checks} == {"", "maps"}


# How parameters are matched.


class Branches(nn.Module):
    """Branches run in the other order, with layers of equal shapes in them; a norm by hand; a linear layer for 1x1."""

    def __init__(self, swapped: bool) -> None:
        super().__init__()
        self.swapped = swapped
        self.short = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1))
        self.long = nn.Sequential(*(nn.Conv2d(4, 4, 3, padding=1) for _ in range(3)))
        self.scale, self.shift = nn.Parameter(torch.rand(4, 1, 1)), nn.Parameter(torch.rand(4, 1, 1))
        self.mix = nn.Linear(4, 6)

    def forward(self, x: Any) -> Any:
        if self.swapped:
            short = self.short(x)
            x = self.long(x) + short
        else:
            x = self.long(x)
        return self.mix((x * self.scale + self.shift).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


BRANCHES = """\
network: branches
input: image(4, 6, 6)
layers:
  mix:
    add:
      long:  conv(4, 3, padding=1) * 3
      short: conv(4, 3, padding=1) * 2
  scale: channel_affine
  last: conv(6, 1)
"""


def test_parameters_are_matched_by_where_they_stand(tmp_path: Path) -> None:
    text = BRANCHES.replace("channel_affine", "batch_norm(statistics=false)")
    graph = load(spec(tmp_path, text)).graph()
    model = Branches(True)
    found = compare_values(graph, _Standardised(model))
    assert found.is_rounding, found
    assert found.single < 1e-4


class _Standardised(nn.Module):
    """Batch statistics by hand, before the scale and the shift of `Branches`."""

    def __init__(self, model: Branches) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Any) -> Any:
        model = self.model
        short = model.short(x)
        x = model.long(x) + short
        mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), unbiased=False, keepdim=True)
        x = (x - mean) / (variance + 1e-5).sqrt() * model.scale + model.shift
        return model.mix(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def test_a_parameter_without_a_counterpart_is_named(tmp_path: Path) -> None:
    graph = load(spec(tmp_path, SPEC)).graph()
    model: Any = build(graph)
    model.fc = nn.Linear(8, 5, bias=False)
    with pytest.raises(UnmatchedError, match=r"the spec's parameter fc.bias, 5, has no counterpart"):
        compare_values(graph, model)


def test_shared_weights_are_matched_where_they_are_shared(tmp_path: Path) -> None:
    text = "network: s\ninput: features(6)\nlayers:\n  a: linear(6)\n  b: relu\n  c: share(a)\n  d: linear(6)\n"
    graph = load(spec(tmp_path, text)).graph()

    class Shared(nn.Module):
        def __init__(self, order: tuple[int, ...]) -> None:
            super().__init__()
            self.each = nn.ModuleList([nn.Linear(6, 6), nn.Linear(6, 6)])
            self.order = order

        def forward(self, x: Any) -> Any:
            a, b, c = (self.each[index] for index in self.order)
            return c(b(a(x).relu()))

    assert compare_values(graph, Shared((0, 0, 1))).single == 0
    with pytest.raises(UnmatchedError, match="used again"):
        compare_values(graph, Shared((0, 1, 1)))


def test_opaque_layers_give_no_values(tmp_path: Path) -> None:
    text = "network: o\ninput: features(6)\nlayers:\n  a: linear(6)\n  b: opaque(6)\n"
    (check,) = verify(spec(tmp_path, text), nn.Linear(6, 6), values=True).of("model", ["values"])
    assert (check.state, "opaque" in check.reason) == ("not counted", True)
