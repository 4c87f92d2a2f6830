"""Whatever layers are called: torch models have them all, and give their parameters in the order of execution."""

from __future__ import annotations

import builtins
import copy
import keyword
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import archcalc
from archcalc.engine.network import load
from archcalc.results.cost import shape_list
from archcalc.spec.library import all_names, specs_folder
from archcalc.spec.words import RESERVED

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch.overrides import TorchFunctionMode  # noqa: E402
from torch.utils._pytree import tree_leaves  # noqa: E402

from archcalc.torch_bridge.counters.counters import examples  # noqa: E402
from archcalc.torch_bridge.model.attention import Experts  # noqa: E402
from archcalc.torch_bridge.model.build import build, example_input  # noqa: E402

MODEL = torch.fx.GraphModule(torch.nn.Module(), torch.fx.Graph())
TAKEN = sorted(
    {*keyword.kwlist, *keyword.softkwlist, *dir(MODEL), *dir(torch.nn.Module()), *dir(torch.nn.Sequential())}
    | {
        *dir(builtins),
        "self",
        "torch",
        "device",
        "getitem",
        "inf",
        "nan",
        "weight",
        "bias",
        "output",
        "placeholder",
        "T",
        "call",
    }
)
NAMES = [name for name in TAKEN if name not in RESERVED]

# Alone, in a folder beside the operations that it is made of, and as a branch of a merge named alike.
PLACES = (
    '  "{name}": conv(3, 1)\n',
    '  "{name}":\n    "{name}": conv(3, 1, norm=batch_norm)\n    z: relu\n',
    '  "{name}":\n    add:\n      "{name}": conv(3, 1)\n      b: identity\n',
)


def spec_of(layers: str, folder: Path) -> str:
    path = folder / "named.yaml"
    path.write_text(f"network: named\ninput: image(3, 8, 8)\nlayers:\n{layers}", encoding="utf-8")
    return str(path)


def assert_runs(layers: str, folder: Path) -> None:
    """It computes, has what the spec counts, and is still a module in everything that modules do."""
    path = spec_of(layers, folder)
    cost = archcalc.analyze(path)
    model: Any = archcalc.to_torch(path)
    x = torch.randn(2, 3, 8, 8)
    y = model.train()(x)
    graph = load(path).graph()
    assert tuple(y.shape) == (2, *shape_list(graph.shape(graph.output)))
    assert sum(parameter.numel() for parameter in model.parameters()) == cost.totals.params
    again = copy.deepcopy(model).eval()
    again.load_state_dict(model.state_dict())
    torch.testing.assert_close(again(x), model.eval()(x))
    assert "forward" in model.code
    assert str(model)


@pytest.mark.parametrize("place", PLACES)
def test_every_name_that_torch_and_python_have(place: str, tmp_path: Path) -> None:
    """Keywords, builtins, attributes of modules: none of them is a reserved word of the language."""
    assert {"import", "None", "self", "training", "_modules", "forward", "T", "call", "lambda"} <= {*NAMES}
    assert_runs("".join(place.format(name=name) for name in NAMES), tmp_path)


words = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(["3x3", "1", "0_", "_", "__", "a-b", "a_b", "reference", "align", "aligned"]),
    st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=8).filter(
        lambda text: not text.startswith("-")
    ),
)
names = st.builds(lambda word, underscores: word + "_" * underscores, words, st.integers(0, 2)).filter(
    lambda name: name not in RESERVED
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=st.lists(names, min_size=1, max_size=5, unique=True), crop=st.booleans())
def test_any_names_beside_each_other(chosen: list[str], crop: bool, tmp_path: Path) -> None:
    layers = "".join(f'  "{name}": conv(3, 1)\n' for name in chosen)
    branches = "".join(f'      "{name}": conv(3, 1, norm=batch_norm)\n' for name in chosen)
    merge = "concat(align=crop, reference=0)" if crop else "concat"
    assert_runs(f"{layers}  zz:\n    {merge}:\n{branches}      other: identity\n  end: conv(2, 1)\n", tmp_path)


def test_names_with_underscores_stay_apart(tmp_path: Path) -> None:
    path = spec_of("".join(f"  train{'_' * number}: conv(3, 1)\n" for number in range(3)), tmp_path)
    assert [name for name, _ in archcalc.to_torch(path).named_children()] == ["train_", "train__", "train___"]


class Used(TorchFunctionMode):
    """Parameters in the order in which functions of torch read them."""

    def __init__(self) -> None:
        super().__init__()
        self.order: dict[int, None] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        for each in tree_leaves((args, kwargs)):  # a recurrent layer takes its weights as a list
            if isinstance(each, torch.nn.Parameter):
                self.order.setdefault(id(each))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("path", sorted(specs_folder().glob("*.yaml")), ids=lambda path: path.stem)
def test_parameters_come_in_the_order_of_execution(path: Path) -> None:
    network = load(all_names([path])[0])
    few = {"experts": min(network.value("experts"), 16)} if "experts" in network.spec.settable else {}
    graph = network.graph(few)  # hundreds of them are modules alike
    model = build(graph, True, "meta").train()
    with Used() as used:
        model(*examples(graph, 2, "meta"))
    every = [id(parameter) for parameter in model.parameters()]
    assert list(used.order) == [each for each in every if each in used.order]
    idle = {id(parameter) for each in model.modules() if isinstance(each, Experts) for parameter in each.parameters()}
    assert {*every} - {*used.order} <= idle  # those that the router would not choose


def test_parameters_of_blocks_between_layers_come_in_their_order() -> None:
    """torchvision's order, by name: fx sorts by depth, which had the classifier before the stages."""
    model = archcalc.to_torch("resnet18@torchvision", device="meta")
    shapes = [tuple(parameter.shape) for parameter in model.parameters()]
    torchvision = pytest.importorskip("torchvision")
    with torch.device("meta"):
        theirs = torchvision.models.resnet18()
    assert shapes == [tuple(parameter.shape) for parameter in theirs.parameters()]
    assert tuple(model(example_input(load("resnet18@torchvision").graph(), 2, "meta")).shape) == (2, 1000)
