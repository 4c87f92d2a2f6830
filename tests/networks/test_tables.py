"""Every spec against the tables of the papers, prototxt files and torchvision, row by row and in all."""

from __future__ import annotations

import re

import pytest

import archcalc
from archcalc.results.cost import NetworkCost
from archcalc.spec.library import all_names
from tests.networks.compare import assert_same_rows, fractal_order
from tests.networks.golden import AT_OTHER_SIZES, FACTS, TABLES, WITH_HEADS, WITHOUT_TABLE, Facts, Row, rows, totals

# Names of issue 2, section 4, and of issue 3.
ASKED_FOR = re.findall(
    r"\S+",
    """
    lenet5 lenet5@full lenet@caffe alexnet caffenet alexnet@torchvision alexnet@ungrouped vgg11
    vgg11@lrn vgg13 vgg16@c vgg16 vgg19 vgg11@bn vgg13@bn vgg16@bn vgg19@bn googlenet
    googlenet@torchvision googlenet@naive resnet18 resnet34 resnet50 resnet101 resnet152
    resnet18@torchvision resnet34@torchvision resnet50@torchvision resnet101@torchvision
    resnet152@torchvision resnet18@option-a resnet18@option-c resnet34@option-a resnet34@option-c
    plain18 plain34 resnet20 resnet32 resnet44 resnet56 resnet110 resnet1202
    nin-cifar10 nin-imagenet overfeat-fast overfeat-accurate zfnet ciresan-1 ciresan-2 ciresan-3 ciresan-4
    ciresan-5 bn_inception bn_inception@tfslim inception_v3 inception_v4 inception_resnet_v1
    inception_resnet_v1@facenet inception_resnet_v2 inception_resnet_v2@tfslim squeezenet1_0 squeezenet1_1
    squeezenet1_0@caffe squeezenet1_1@caffe squeezenet1_0@simple-bypass squeezenet1_0@complex-bypass enet
    enet@encoder fractalnet20 fractalnet40 fractalnet80 fractalnet160 fractalnet20@released
    fractalnet40@released fractalnet34
    """,
)


EVERY_FACT = [*FACTS.values(), *WITH_HEADS.values(), *(facts for _, facts in AT_OTHER_SIZES)]
HEADS = {
    "googlenet": ["aux1", "aux2"],
    "inception_v3": ["aux"],
    **{name: ["aux"] for name in FACTS if name.startswith(("fcn_resnet", "deeplabv3_"))},
}


def table_of(name: str, facts: Facts) -> list[Row]:
    """Rows of a network's table, in the order in which its spec has its layers."""
    assert facts.table is not None
    table = list(rows(facts.table))
    return fractal_order(table) if name.startswith("fractalnet") else table


def assert_same_totals(cost: NetworkCost, facts: Facts) -> None:
    expected = totals()[facts.total]
    assert cost.totals.params == expected.params
    assert cost.totals.macs == expected.macs
    assert not cost.totals.at_least


@pytest.mark.parametrize("name", [name for name in FACTS if name not in WITHOUT_TABLE])
def test_rows(name: str) -> None:
    cost = archcalc.analyze(name)
    assert_same_rows(name, cost, cost.layers, table_of(name, FACTS[name]))


@pytest.mark.parametrize(("name", "facts"), AT_OTHER_SIZES)
def test_rows_at_other_sizes(name: str, facts: Facts) -> None:
    cost = archcalc.analyze(name, input=facts.input)
    assert_same_rows(name, cost, cost.layers, table_of(name, facts))
    assert_same_totals(cost, facts)


@pytest.mark.parametrize("name", WITH_HEADS)
def test_rows_of_heads(name: str) -> None:
    """The table with heads is that without, and the heads where they branch off; ours stand at the end, in order."""
    main, both = table_of(name, FACTS[name]), table_of(name, WITH_HEADS[name])
    known = set(main)
    assert [row for row in both if row in known] == main
    cost = archcalc.analyze(name, with_heads=True)
    assert {layer.head for layer in cost.layers} == {"", *HEADS[name.partition("@")[0]]}
    assert_same_rows(name, cost, cost.layers, [*main, *(row for row in both if row not in known)])


@pytest.mark.parametrize("name", FACTS)
def test_totals(name: str) -> None:
    assert_same_totals(archcalc.analyze(name), FACTS[name])


@pytest.mark.parametrize("name", WITH_HEADS)
def test_totals_with_heads(name: str) -> None:
    assert_same_totals(archcalc.analyze(name, with_heads=True), WITH_HEADS[name])


@pytest.mark.parametrize("name", FACTS)
def test_names_without_heads_have_none(name: str) -> None:
    cost = archcalc.analyze(name)
    assert cost.heads == HEADS.get(name.partition("@")[0], [])
    assert not any(layer.head for layer in cost.layers)


def test_tables_sum_to_their_totals() -> None:
    """The tables and the lists of totals are one source: a slip in copying either would show."""
    for facts in EVERY_FACT:
        if facts.table:
            expected = totals()[facts.total]
            assert sum(row.params for row in rows(facts.table)) == expected.params
            assert sum(row.macs for row in rows(facts.table)) == expected.macs


def test_every_table_and_total_is_used() -> None:
    assert {fact.table for fact in EVERY_FACT} - {None} == {path.stem for path in TABLES.glob("*.csv")}
    assert {fact.total for fact in EVERY_FACT} == set(totals())


def test_networks_without_a_table_are_named() -> None:
    assert {name for name, facts in FACTS.items() if facts.table is None} == WITHOUT_TABLE


def test_every_name_asked_for_is_there() -> None:
    assert set(ASKED_FOR) <= set(FACTS)


def test_no_spec_is_left_unchecked() -> None:
    assert set(all_names()) == set(FACTS)
