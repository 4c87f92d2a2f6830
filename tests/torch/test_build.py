"""Torch models built from specs: they run, train and export, with submodules named as the layers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.source.extra import MissingExtraError

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from archcalc.torch_bridge.model.build import build, example_input  # noqa: E402

# One of each family, and those with something of their own: tables, heads, unpooling, joins, uneven padding.
FAMILIES = [
    "lenet5",
    "alexnet",
    "ciresan-1",
    "vgg11@lrn",
    "googlenet",
    "resnet18@option-a",
    "squeezenet1_0@complex-bypass",
    "nin-cifar10",
    "zfnet",
    "bn_inception",
    "enet",
    "fractalnet20",
]


def test_submodules_are_named_as_the_layers() -> None:
    model: Any = archcalc.to_torch("googlenet@torchvision", device="meta")
    assert tuple(model.get_submodule("inception_3a.3x3.conv_2.conv").weight.shape) == (128, 96, 3, 3)
    assert type(model.get_submodule("inception_3a.3x3.conv_2.norm")).__name__ == "BatchNorm2d"
    assert type(model.get_submodule("pool1")).__name__ == "MaxPool2d"
    assert tuple(model.get_parameter("classifier.weight").shape) == (1000, 1024)
    assert "getattr(self.inception_3a" in model.code  # `3x3` is no identifier


def test_a_layer_is_found_at_its_name() -> None:
    for name in ("resnet50", "enet", "squeezenet1_1"):
        network = archcalc.load(name)
        graph = network.graph()
        model = build(graph, device="meta")
        modules = dict(model.named_modules())
        rows = archcalc.analyze(network).layers
        for row in rows:
            if any(other.name.startswith(f"{row.name}.") for other in rows):  # a merge, named as the block that it ends
                continue
            stored = sum(parameter.numel() for parameter in modules[row.name].parameters()) if row.params else 0
            assert stored == row.params, (name, row.name)


@pytest.mark.parametrize("name", FAMILIES)
def test_models_export(name: str) -> None:
    """The exported program calls as many convolutions and linear layers as the spec has."""
    network = archcalc.load(name)
    graph = network.graph()
    model = build(graph, device="meta").eval()
    exported = torch.export.export(model, (example_input(graph, 1, "meta"),))
    calls = [node for node in exported.graph.nodes if str(node.target).startswith(("aten.conv", "aten.linear"))]
    weighted = [node for node in graph.nodes[: graph.first_head] if node.operator.name in ("conv", "deconv", "linear")]
    assert len(calls) == len(weighted)


@pytest.mark.parametrize(
    ("name", "input"),
    [
        ("lenet5", (1, 32, 32)),
        ("lenet@caffe", (1, 28, 28)),
        ("ciresan-1", (1, 29, 29)),
        ("resnet20", (3, 16, 16)),
        ("squeezenet1_1", (3, 64, 64)),
        ("googlenet@torchvision", (3, 64, 64)),
        ("enet", (3, 64, 64)),
        ("fractalnet20", (3, 32, 32)),
    ],
)
def test_models_learn(name: str, input: tuple[int, ...]) -> None:
    """On the CPU, a few steps on one batch: every parameter has a gradient, and the loss falls."""
    torch.manual_seed(0)
    network = archcalc.load(name)
    graph = network.graph(input=input)
    model = build(graph, with_heads=bool(graph.heads)).train()
    for module in model.modules():
        if "Dropout" in type(module).__name__:
            module.eval()  # chance would hide what a few steps change
    x = example_input(graph, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(3):
        given = model(x)
        outputs = list(given.values()) if isinstance(given, dict) else [given]
        loss = sum(((output - 1).square().mean() for output in outputs), torch.zeros(()))
        optimizer.zero_grad()
        loss.backward()
        gradients = [parameter.grad for parameter in model.parameters()]
        assert all(gradient is not None and bool(gradient.isfinite().all()) for gradient in gradients)
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_heads_are_outputs_by_name() -> None:
    graph = archcalc.load("googlenet").graph()
    model = build(graph, with_heads=True, device="meta")
    given = model(example_input(graph, 2, "meta"))
    assert {name: tuple(value.shape) for name, value in given.items()} == {
        "output": (2, 1000),
        **dict.fromkeys(graph.heads, (2, 1000)),
    }
    assert len(graph.heads) == 2
    alone = archcalc.to_torch("googlenet", device="meta")(example_input(graph, 2, "meta"))
    assert tuple(alone.shape) == (2, 1000)


def test_shared_weights_are_one_parameter(tmp_path: Path) -> None:
    spec = tmp_path / "shared.yaml"
    spec.write_text(
        "network: shared\ninput: image(8, 16, 16)\nlayers:\n  conv: conv(8, 3, padding=1)\n  again: share(conv)\n"
        "  pool: global_avgpool\n  encode: linear(4)\n  decode: linear(8, weights=encode, bias=false)\n",
        encoding="utf-8",
    )
    model: Any = archcalc.to_torch(str(spec))
    assert sum(parameter.numel() for parameter in model.parameters()) == 8 * 8 * 9 + 8 + 8 * 4 + 4
    x = torch.randn(2, 8, 16, 16)
    twice = model.conv(model.conv(x))
    encoded = torch.nn.functional.linear(twice.mean((2, 3)), model.encode.weight, model.encode.bias)
    torch.testing.assert_close(model(x), encoded @ model.encode.weight)


def model_of(text: str, folder: Path) -> Any:
    path = folder / "own.yaml"
    path.write_text(f"network: own\n{text}", encoding="utf-8")
    return archcalc.to_torch(str(path))


@pytest.mark.parametrize(
    ("pool", "x", "expected"),
    [
        # by hand: windows of 3, every second position, one position of padding after
        ("maxpool(3, stride=2, padding=same)", [1, 2, 3, 4], [0, 0, 3, 4]),
        # one before; 5 wins twice, and the last position is in no window
        ("maxpool(3, stride=2, padding=(1, 0))", [1, 5, 3, 4, 7], [0, 5, 0, 0, 0]),
        # the last window hangs over the end and has 2 alone
        ("maxpool(2, stride=2, padding=(0, 1), ceil=true)", [1, 5, 3, 4, 2], [0, 5, 0, 4, 2]),
        # padding of more than half the kernel: the first window has 1 alone, and -inf never wins
        ("maxpool(3, stride=3, padding=2)", [-1, -5, -3, -4], [-1, 0, -3, 0]),
        ("adaptive_maxpool(2)", [1, 5, 3, 4, 2], [0, 5, 0, 4, 0]),
    ],
)
def test_unpooling_finds_what_a_padded_pooling_found(
    pool: str, x: list[float], expected: list[float], tmp_path: Path
) -> None:
    model = model_of(f"input: sequence(1, {len(x)})\nlayers:\n  pool: {pool}\n  back: unpool(pool)\n", tmp_path)
    assert model(torch.tensor([[x]], dtype=torch.float32)).flatten().tolist() == expected


@pytest.mark.parametrize("kind", ["sequence(2, 9)", "image(2, 9, 8)", "volume(2, 9, 8, 7)"])
@pytest.mark.parametrize("padding", ["same", "1", "2", "1, ceil=true", "2, ceil=true"])
def test_unpooling_leaves_the_largest_in_their_places(kind: str, padding: str, tmp_path: Path) -> None:
    layers = f"  pool: maxpool(3, stride=2, padding={padding})\n  back: unpool(pool)\n"
    model = model_of(f"input: {kind}\nlayers:\n{layers}outputs: {{found: tap(pool)}}\n", tmp_path)
    sizes = [int(size) for size in kind.partition("(")[2].rstrip(")").split(",")]
    x = torch.randperm(2 * torch.Size(sizes).numel()).float().reshape(2, *sizes) - 100  # no two alike
    given = model(x)
    assert torch.equal(given["output"], torch.where(torch.isin(x, given["found"]), x, 0))


@pytest.mark.parametrize("undone", ["pool", "again"])
@pytest.mark.parametrize("padding", ["0", "same"])
def test_a_pooling_that_is_shared_may_be_undone(undone: str, padding: str, tmp_path: Path) -> None:
    layers = f"  pool: maxpool(3, stride=3, padding={padding})\n  up: upsample(3)\n  again: share(pool)\n"
    model = model_of(f"input: sequence(1, 6)\nlayers:\n{layers}  back: unpool({undone})\n", tmp_path)
    x = torch.tensor([[[1.0, 2.0, 3.0, 6.0, 5.0, 4.0]]])
    expected = {"pool": [0, 0, 3, 6, 0, 0], "again": [3, 0, 0, 6, 0, 0]}
    assert model(x).flatten().tolist() == expected[undone]


def test_a_window_that_is_shared_fits_each_input(tmp_path: Path) -> None:
    """Of 4 positions `same` pads one after, of 3 one on either side; the weights are one parameter."""
    layers = "  a: conv(1, 3, stride=2, padding=same)\n  b: pad((0, 1))\n  c: share(a)\n"
    model = model_of(f"input: sequence(1, 4)\nlayers:\n{layers}", tmp_path)
    assert sum(parameter.numel() for parameter in model.parameters()) == 3 + 1
    with torch.no_grad():
        for parameter, values in zip(model.parameters(), ([[[1.0, 10.0, 100.0]]], [0.5]), strict=True):
            parameter.copy_(torch.tensor(values))
    # 1 + 20 + 300 and 3 + 40, each with 0.5; of these and a zero, one before and one after are missing
    assert model(torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])).flatten().tolist() == [
        10 * 321.5 + 100 * 43.5 + 0.5,
        43.5 + 0.5,
    ]


@pytest.mark.parametrize(
    ("last", "of"),
    [
        ("linear(3, weights=decode)", "encode"),  # whose own weights are those of encode
        ("linear(3, weights=again)", "encode"),
        ("linear(5) >> linear(3)", ""),
    ],
)
def test_tied_weights_are_tied_and_shared_in_turn(last: str, of: str, tmp_path: Path) -> None:
    text = f"""input: features(5)
layers:
  encode: linear(3, bias=false)
  decode: linear(5, weights=encode, bias=false)
  again:  share(encode)
  once:   share(decode)
  last:   {last.replace(")", ", bias=false)")}
"""
    model: Any = model_of(text, tmp_path)
    x, weight = torch.randn(2, 5), model.encode.weight
    y = x @ weight.t() @ weight @ weight.t() @ weight
    torch.testing.assert_close(model(x), y @ weight.t() if of else model.last.linear_2(model.last.linear_1(y)))


def test_weights_behind_a_module_that_pads_are_tied(tmp_path: Path) -> None:
    """A convolution over all 8 rows, and one more that is padding, is a linear layer; its weights turned undo it."""
    window = "(8, 1), padding=(0, 1, 0, 0), stride=2"
    layers = f"  all: conv(2, {window}, bias=false)\n  back: linear(8, weights=all, bias=false)\n"
    model: Any = model_of(f"input: image(1, 8, 1)\nlayers:\n{layers}", tmp_path)
    (weight,) = model.parameters()
    x = torch.randn(3, 1, 8, 1)
    torch.testing.assert_close(model(x).flatten(1), x.flatten(1) @ weight.flatten(1).t() @ weight.flatten(1))


@pytest.mark.parametrize("padding", ["(1, 0)", "(0, 2)", "(2, 1)"])
def test_a_transposed_convolution_is_cropped_on_either_side(padding: str, tmp_path: Path) -> None:
    window = f"3, stride=2, padding={padding}, output_padding=1"
    model: Any = model_of(f"input: sequence(2, 5)\nlayers:\n  up: deconv(3, {window})\n", tmp_path)
    weight, bias = model.parameters()
    before, after = (int(side) for side in padding.strip("()").split(","))
    x = torch.randn(2, 2, 5)
    whole = torch.nn.functional.conv_transpose1d(x, weight, bias, 2, output_padding=1)
    torch.testing.assert_close(model(x), whole[..., before : whole.shape[-1] - after])


def test_names_that_modules_have_for_themselves(tmp_path: Path) -> None:
    spec = tmp_path / "taken.yaml"
    spec.write_text(
        "network: taken\ninput: features(4)\nlayers:\n  train: linear(4)\n  half: linear(2)\n", encoding="utf-8"
    )
    model: Any = archcalc.to_torch(str(spec)).train().half()
    assert model.get_parameter("train_.weight").dtype == torch.float16
    assert tuple(model.half_.weight.shape) == (2, 4)


def test_other_inputs_and_settings() -> None:
    model = archcalc.to_torch("resnet18", set={"classes": 10}, input=(3, 64, 64))
    assert tuple(model(torch.randn(1, 3, 64, 64)).shape) == (1, 10)


def test_without_torch_the_line_to_type_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import archcalc.source.extra as extra

    def found(name: str) -> Any:
        return None if name == "torch" else object()

    monkeypatch.setattr(extra, "find_spec", found)
    with pytest.raises(MissingExtraError, match=r"pip install .*\[torch\]'"):
        archcalc.to_torch  # noqa: B018


def test_torch_is_imported_when_it_is_asked_for() -> None:
    code = "import sys, archcalc; archcalc.analyze('lenet5'); assert 'torch' not in sys.modules; archcalc.to_torch"
    code += "; assert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
