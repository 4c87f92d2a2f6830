"""Budgets: kept, over by how much, and why; in a spec and on the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from archcalc.engine.limits.budget import check_budget, dearest, limit_of
from archcalc.engine.network import analyze
from archcalc.results.budget import QUANTITIES
from archcalc.spec.budget import exact_amount
from tests.cli.running import MYSTERY, run, spec
from tests.guards.repository import MACS, NET, PARAMS

RESNET50_PARAMS = 25_557_032  # torchvision.models.resnet50().parameters()
RESNET50_MACS = 4_089_184_256


@pytest.mark.parametrize(
    ("text", "quantity", "amount"),
    [
        ("7M", "params", 7_000_000),
        ("1.6G", "macs", 1_600_000_000),
        ("7 k", "params", 7_000),
        ("2T", "macs", 2 * 10**12),
        ("6_624_904", "params", 6_624_904),
        ("6,624,904", "params", 6_624_904),
        ("0", "params", 0),
        ("0.0000000001T", "macs", 100),
        ("30MiB", "size_bytes", 30 * 2**20),
        ("30 MB", "size_bytes", 30_000_000),
        ("1.5KiB", "size_bytes", 1536),
        ("12", "size_bytes", 12),
        ("12B", "size_bytes", 12),
    ],
)
def test_amounts_are_exact(text: str, quantity: str, amount: int) -> None:
    assert exact_amount(text, quantity) == amount


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        ("1.5", "params"),
        ("7MM", "params"),
        ("7m", "params"),
        ("30MiB", "params"),
        ("30M", "size_bytes"),
        ("-1", "params"),
        ("", "params"),
        ("1e6", "params"),
        ("1,5M", "params"),
        ("12,34,567", "params"),
        ("9" * 40, "params"),
    ],
)
def test_what_is_no_amount_is_refused(text: str, quantity: str) -> None:
    assert exact_amount(text, quantity) is None


@pytest.mark.parametrize(("most", "verdict", "over"), [(RESNET50_MACS, "kept", 0), (RESNET50_MACS - 1, "over", 1)])
def test_a_limit_is_kept_to_the_last_unit(most: int, verdict: str, over: int) -> None:
    (check,) = check_budget(analyze("resnet50@torchvision"), [limit_of("macs", str(most))])
    assert (check.verdict, check.over, check.value) == (verdict, over, RESNET50_MACS)


def test_every_quantity_can_be_limited() -> None:
    cost = analyze("lenet5")
    for quantity in QUANTITIES:
        (low,) = check_budget(cost, [limit_of(quantity, "1")])
        (high,) = check_budget(cost, [limit_of(quantity, str(low.value))])
        assert high.verdict == "kept"
        assert low.verdict == ("over" if low.value > 1 else "kept"), quantity


def test_the_dearest_layers_are_named() -> None:
    # LeCun et al. 1998, section II.B: C5 has 48,120 trainable connections, F6 10,164, C3 1,516 parameters.
    assert [(part.layer, part.value) for part in dearest(analyze("lenet5"), "params")] == [
        ("C5", 48_120),
        ("F6", 10_164),
        ("C3", 1_516),
    ]
    assert dearest(analyze("lenet5"), "depth") == ()


def test_check_holds_what_the_options_say(tmp_path: Path) -> None:
    path = spec(tmp_path, NET, "my.yaml")
    kept = run("check", path, "--max", f"params={PARAMS}", "--max", "macs=1.7K")
    assert "1 network, 2 limits: all kept" in kept.stdout
    over = run("check", path, "--max", f"params={PARAMS - 1}", "--max", "macs=1.6K", code=1)
    assert (
        f"- my: params is 410, 1 (0.2%) over {PARAMS - 1}; most in fc (370, 90.2%) and conv1 (40, 9.8%)" in over.stdout
    )
    assert f"my: macs is {MACS:,}, 56 (3.5%) over 1.6K; most in conv1 (1,296, 78.3%) and fc (360, 21.7%)" in over.stdout
    assert "1 network, 2 limits: 2 over" in over.stdout


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        (["--batch", "3"], f"macs={3 * MACS}"),
        (["--set", "width=8"], f"macs={8 * 9 * 6 * 6 + 8 * 3 * 3 * 10}"),
        (["--input", "1x10x10"], f"macs={4 * 9 * 8 * 8 + 4 * 4 * 4 * 10}"),
        (["--dtype", "fp16"], f"size_bytes={2 * PARAMS}"),
    ],
)
def test_check_counts_as_the_settings_say(settings: list[str], limit: str, tmp_path: Path) -> None:
    path = spec(tmp_path, NET, "my.yaml")
    name, _, most = limit.partition("=")
    run("check", path, "--max", limit, *settings)
    run("check", path, "--max", f"{name}={int(most) - 1}", *settings, code=1)


def test_check_counts_heads_where_that_is_said() -> None:
    # torchvision.models.googlenet().parameters(), with and without its two heads
    run("check", "googlenet@torchvision", "--max", "params=6624904")
    run("check", "googlenet@torchvision", "--max", "params=13004888", "--with-heads")
    run("check", "googlenet@torchvision", "--max", "params=13004887", "--with-heads", code=1)


@pytest.mark.parametrize(
    "settings", [["--batch", "3"], ["--set", "width=8"], ["--input", "1x10x10"], ["--dtype", "fp16"], ["--with-heads"]]
)
@pytest.mark.parametrize("others", [[], ["--source", "he2016deep"], ["--baseline", "lenet5.csv"]], ids=" ".join)
def test_settings_are_refused_without_networks(settings: list[str], others: list[str]) -> None:
    found = run("check", *others, *settings, code=2)
    assert found.stderr.startswith(
        "error[no-network]: --set, --input, --batch, --dtype, --state-dtype, --with-heads and --step say how "
    )
    assert not found.stdout


def test_check_holds_what_the_spec_says_of_every_network_of_it(tmp_path: Path) -> None:
    text = (
        f"{NET}variants:\n  my@wide: {{width: 8}}\nbudget:\n  params: {PARAMS}\n  my@wide: {{params: 810, macs: 3K}}\n"
    )
    path = spec(tmp_path, text, "my.yaml")
    found = run("check", path, "--format", "csv", code=1).stdout.splitlines()
    # Twice the channels: 80 + 730 params, 2 x 1,656 MACs.
    assert found[1:] == [
        "my,params,410,410,0,kept,",
        "my@wide,params,810,810,0,kept,",
        "my@wide,macs,3000,3312,312,over,conv1 fc",
    ]
    assert run("check", f"{path}:my", "--format", "csv").stdout.splitlines()[1:] == ["my,params,410,410,0,kept,"]


def test_a_variant_has_the_budget_of_what_it_starts_from(tmp_path: Path) -> None:
    budget = "budget:\n  my: {params: 400, macs: 1K}\n  my@wide: {params: 810}\n"
    text = f"{NET}variants:\n  my@wide: {{width: 8}}\n{budget}"
    found = run("check", spec(tmp_path, text, "my.yaml"), "--format", "csv", code=1).stdout.splitlines()
    assert [line.split(",")[:5] for line in found[1:]] == [
        ["my", "params", "400", "410", "10"],
        ["my", "macs", "1000", "1656", "656"],
        ["my@wide", "params", "810", "810", "0"],
        ["my@wide", "macs", "1000", "3312", "2312"],
    ]


def test_check_as_json_github_junit_and_markdown(tmp_path: Path) -> None:
    path = spec(tmp_path, f"{NET}budget: {{params: 400, depth: 2}}\n", "my.yaml")
    found = json.loads(run("check", path, "--format", "json", code=1).stdout)["budgets"]
    assert [(row["quantity"], row["value"], row["over"]) for row in found] == [("params", 410, 10), ("depth", 2, 0)]
    lines = run("check", path, "--format", "github", code=1).stdout.splitlines()
    assert [re.sub("^.*my.yaml,", "", line) for line in lines] == [
        "line=8,col=18,endLine=8,endColumn=21,title=over-budget::my: params is 410, 10 (2.5%25) over 400; "
        "most in fc (370, 90.2%25) and conv1 (40, 9.8%25)"
    ]
    (suite,) = ElementTree.fromstring(run("check", path, "--format", "junit", code=1).stdout)
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("budgets", "2", "1")
    assert "| my | params | 400 | 410 | 10 (2.5%) | over |" in run("check", path, "--format", "markdown", code=1).stdout


def test_a_lower_bound_within_its_limit_does_not_pass(tmp_path: Path) -> None:
    path = spec(tmp_path, MYSTERY, "mystery.yaml")
    found = run("check", path, "--max", "macs=1G", code=1).stdout
    assert "1 limit: 1 unknown" in found
    assert "or more, for some operation is of unknown cost" in found
    assert "1 over" in run("check", path, "--max", "macs=10", code=1).stdout
    told = spec(tmp_path, MYSTERY.replace("opaque(4)", "opaque(4, params=100)"), "told.yaml")
    assert "all kept" in run("check", told, "--max", "params=1M").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "help"),
    [
        (["--max", "params=7M"], "no-network", ""),
        (["resnet18"], "no-budget", "archcalc check NET --max params=7M"),
        (["resnet18", "--max", "prams=7M"], "unknown-quantity", "did you mean `params`?"),
        (
            ["resnet18", "--max", "flops=7M"],
            "unknown-quantity",
            "say whose FLOPs they are: `flops_arithmetic`, or `macs`",
        ),
        (["resnet18", "--max", "params=many"], "bad-amount", "a number with K, M, G or T: 7M"),
        (["resnet18", "--max", "params"], "bad-option", "--max params=7M"),
        (["resnet1", "--max", "params=7M"], "unknown-network", ""),
        (["missing.yaml", "--max", "params=7M"], "no-such-file", ""),
    ],
)
def test_mistakes(arguments: list[str], code: str, help: str) -> None:
    found = run("check", *arguments, code=2).stderr
    assert found.startswith(f"error[{code}]: ")
    assert help in found


def test_a_typed_limit_does_not_loosen_that_of_the_spec(tmp_path: Path) -> None:
    path = spec(tmp_path, f"{NET}budget: {{params: 400}}\n", "my.yaml")
    assert "2 limits: 1 over" in run("check", path, "--max", "params=1M", code=1).stdout
