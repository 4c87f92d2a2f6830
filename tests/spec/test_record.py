"""The record of an expansion: every operation in one place, copies as if expanded, sums exact."""

from typing import Any

import pytest

from archcalc.engine.network import load
from archcalc.engine.structure import QUANTITIES, structured
from archcalc.results.structure import Part, sum_over
from archcalc.spec.library import all_names
from archcalc.spec.limits import DEFAULT_LIMITS
from archcalc.spec.record import Recorder

FEW = ("googlenet", "resnet50", "densenet121", "inception_v4", "bart_base", "mixtral_8x7b", "lenet5", "unet", "enet")


def library() -> list[Any]:
    found = all_names()
    return [name if name in FEW else pytest.param(name, marks=pytest.mark.slow) for name in found]


class Expanded(Recorder):
    """Expands every call, and replays none."""

    def calls(self, *given: Any) -> Any:
        self.templates.clear()
        return super().calls(*given)

    def expanded(self, *given: Any) -> Any:
        self.templates.clear()
        return super().expanded(*given)


@pytest.mark.parametrize("name", library())
def test_each_operation_is_in_one_place(name: str) -> None:
    found = structured(name)
    structure, graph = found.structure, found.structure.graph
    assert sorted(index for part in structure.parts for index in part.nodes) == list(range(len(graph.nodes)))
    for part in structure.walk():
        inner = [index for each in part.parts for index in each.nodes]
        assert len(inner) == len(set(inner))
        rest = set(part.nodes) - set(inner)
        if part.kind == "merge":
            assert rest == ({part.node} if part.node >= 0 else set())
            assert part.node < 0 or graph.nodes[part.node].operator.name == part.name
        elif part.kind == "operation":
            assert {graph.nodes[index].layer for index in part.nodes} == {part.path}
            assert graph.nodes[part.first].operator.name == part.name
        else:
            assert not rest or not part.parts


@pytest.mark.parametrize("name", library())
def test_sums_of_the_parts_are_the_totals(name: str) -> None:
    found = structured(name)
    entries = [part for part in found.structure.parts if part.kind != "head"]
    for quantity in QUANTITIES:
        total = sum(sum_over(part, found.amounts[quantity]) for part in entries)
        totals = found.cost.totals
        whole = 4 * (totals.params + totals.activations) if quantity == "memory" else getattr(totals, quantity)
        assert total == whole, quantity


@pytest.mark.parametrize("name", library())
def test_a_copy_is_what_the_call_gives_when_it_is_expanded(name: str) -> None:
    network = load(name)
    given: tuple[Any, ...] = (network.spec, network.name, {}, {}, DEFAULT_LIMITS, True)
    once, again = Recorder(*given), Expanded(*given)
    first, second = once.expand(), again.expand()
    # a value written at two places is one value: where an operation of a copy was written is told of the first
    assert [node._replace(span=(0, 0)) for node in first.nodes] == [node._replace(span=(0, 0)) for node in second.nodes]
    assert once.structure(first).to_dict() == again.structure(second).to_dict()


def parts_of(text: str) -> list[Part]:
    return load(text).structure().parts


def test_words_that_the_author_wrote_are_kept() -> None:
    (entry, _) = parts_of(
        """
network: small
input: image(3, 8, 8)
variables: {unit: double}
modules:
  double(n): conv(n, 3, padding=1) * 2
layers:
  body: unit(4) * 3
  end: global_avgpool
"""
    )
    (repeat,) = entry.parts
    assert (repeat.kind, repeat.times) == ("repeat", 3)
    assert [(call.name, call.written, call.arguments) for call in repeat.parts] == [("double", "unit", {"n": 4})] * 3
    assert [call.path for call in repeat.parts] == ["body.1", "body.2", "body.3"]
    assert [list(call.nodes) for call in repeat.parts] == [[0, 1], [2, 3], [4, 5]]


def test_a_merge_that_went_into_the_next_has_no_operation_of_its_own() -> None:
    (entry,) = parts_of(
        """
network: small
input: image(3, 8, 8)
layers:
  both: concat(conv(4, 1), concat(conv(5, 1), identity))
"""
    )
    (outer,) = entry.parts
    (inner,) = outer.parts[1].parts
    assert (outer.node, inner.node, inner.output) == (2, -1, None)
    assert [branch.output for branch in inner.parts] == [1, -1]
    assert entry.output == 2


def test_each_branch_of_a_generator_is_a_branch() -> None:
    (entry,) = parts_of(
        """
network: small
input: image(3, 8, 8)
layers:
  both: concat(conv(n, 1) for n in [4, 5, 6])
"""
    )
    (merge,) = entry.parts
    assert [branch.output for branch in merge.parts] == [0, 1, 2]
    assert {branch.kind for branch in merge.parts} == {"branch"}


def test_heads_and_further_outputs_are_told_apart() -> None:
    kinds = [(part.kind, part.name) for part in load("googlenet").structure().parts if part.kind != "entry"]
    assert kinds == [("head", "aux1"), ("head", "aux2")]
