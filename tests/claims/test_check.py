"""Verdicts: each comes of what is computed, and an entry that says something else is broken or stale."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.claims.check import check_ledger, figures_of
from archcalc.report.claim import finding
from archcalc.results.claim import ClaimResult
from archcalc.source import SpecError
from tests.claims.test_read import SOURCE

# GoogLeNet's first convolution has 7 x 7 x 3 x 64 = 9,408 weights and gives 64 maps of 112 x 112.
ENTRY = "  a:\n    printed: '{}'\n    where: Table 1\n    network: googlenet\n    at: conv1\n    quantity: {}\n    {}\n"


def result(folder: Path, printed: str, quantity: str, *lines: str) -> ClaimResult:
    (folder / "key.yaml").write_text(SOURCE + ENTRY.format(printed, quantity, "\n    ".join(lines)), encoding="utf-8")
    ledger = check_ledger(folder)
    assert not ledger.findings
    (found,) = ledger.results
    assert ledger.fails == found.fails
    return found


def differs(expect: str, kind: str = "erratum") -> list[str]:
    return ["verdict: differs", f"kind: {kind}", f"expect: {expect}", "because: why"]


@pytest.mark.parametrize(
    ("printed", "quantity", "lines", "status", "agreement"),
    [
        ("9,408", "weights", ["verdict: reproduces"], "reproduces", "exact"),
        ("9.4K", "weights", ["verdict: rounds"], "rounds", "rounded"),
        ("9.408K", "weights", ["verdict: rounds"], "reproduces", "exact"),
        ("9.408K", "weights", ["verdict: reproduces"], "reproduces", "exact"),
        ("9000", "weights", ["verdict: reproduces", "precision: at least"], "reproduces", "bound"),
        ("9,000", "weights", ["verdict: rounds", "precision: about"], "rounds", "about"),
        ("9,000", "weights", ["verdict: rounds", "digits: 1"], "rounds", "rounded"),
        ("64x112x112", "output_shape", ["verdict: reproduces"], "reproduces", "exact"),
        ("112x112x64", "output_shape", ['reads: "64x112x112"', "verdict: reproduces"], "reproduces", "exact"),
        ("2.7K", "weights", differs("9408"), "differs", None),
        ("112x112x64", "output_shape", differs("[64, 112, 112]"), "differs", None),
        # what no longer agrees
        ("9,472", "weights", ["verdict: reproduces"], "broken", None),
        ("9.3K", "weights", ["verdict: rounds"], "broken", None),
        ("9.4K", "weights", ["verdict: reproduces"], "broken", "rounded"),
        ("10000", "weights", ["verdict: reproduces", "precision: at least"], "broken", None),
        # a difference that is another one
        ("2.7K", "weights", differs("9472"), "broken", None),
        ("112x112x64", "output_shape", differs("[64, 112]"), "broken", None),
        ("2.7K", "weights", differs("true"), "broken", None),
        # a difference that has vanished
        ("9,408", "weights", differs("9472"), "stale", "exact"),
        ("9.4K", "weights", differs("9408"), "stale", "rounded"),
        ("9000", "weights", [*differs("9408"), "precision: at least"], "stale", "bound"),
    ],
)
def test_verdicts(
    printed: str, quantity: str, lines: list[str], status: str, agreement: str | None, tmp_path: Path
) -> None:
    found = result(tmp_path, printed, quantity, *lines)
    assert (found.status, found.agreement) == (status, agreement)
    assert found.ours == (9408 if quantity == "weights" else (64, 112, 112))
    assert found.fails == (status in ("broken", "stale"))


def test_what_is_not_computable_is_not_computed(tmp_path: Path) -> None:
    entry = (
        "  a:\n    printed: similar\n    where: 1\n    network: none\n    verdict: not_computable\n    because: why\n"
    )
    (tmp_path / "key.yaml").write_text(SOURCE + entry.replace("similar", "'similar'"), encoding="utf-8")
    (found,) = check_ledger(tmp_path).results
    assert (found.status, found.ours, found.fails) == ("not_computable", None, False)


def test_true_is_not_one(tmp_path: Path) -> None:
    entry = "  a:\n    printed: '2'\n    where: 1\n    value: '{}'\n    verdict: differs\n    kind: erratum\n"
    for value, expect, status in (("1", "1", "differs"), ("1", "true", "broken"), ("[1]", "[true]", "broken")):
        text = f"{entry.format(value)}    expect: {expect}\n    because: why\n"
        (tmp_path / "key.yaml").write_text(SOURCE + text, encoding="utf-8")
        (found,) = check_ledger(tmp_path).results
        assert found.status == status
    entry = "  a:\n    printed: 'yes'\n    reads: 'true'\n    where: 1\n    value: {}\n    verdict: reproduces\n"
    for value, status in (("2 > 1", "reproduces"), ("1 > 2", "broken"), ("1", "broken")):
        (tmp_path / "key.yaml").write_text(SOURCE + entry.format(value), encoding="utf-8")
        (found,) = check_ledger(tmp_path).results
        assert found.status == status


@pytest.mark.parametrize(
    ("printed", "lines", "message", "help"),
    [
        ("9.3K", ["verdict: rounds"], "printed is 9.3K (9,250 to 9,400), computed is 9,408", "`expect: 9408`"),
        ("9.4K", ["verdict: reproduces"], "computed is 9,408, which agrees rounded", "set `verdict: rounds`"),
        ("2.7K", differs("9472"), "the entry expects 9,472, computed is 9,408", "set `expect: 9408`"),
        ("9,408", differs("9472"), "the recorded difference is no more: computed is 9,408", "`verdict: reproduces`"),
        ("9.4K", differs("9408"), "which agrees rounded", "`verdict: rounds`"),
    ],
)
def test_what_fails_says_what_to_do(printed: str, lines: list[str], message: str, help: str, tmp_path: Path) -> None:
    found = finding(result(tmp_path, printed, "weights", *lines))
    assert message in found[0]
    assert help in found[1]


def test_a_network_that_is_not_there_breaks_its_claim_only(tmp_path: Path) -> None:
    good = ENTRY.format("9,408", "weights", "verdict: reproduces")
    bad = good.replace("a:", "b:", 1).replace("googlenet", "gogglenet")
    (tmp_path / "key.yaml").write_text(SOURCE + good + bad, encoding="utf-8")
    first, second = check_ledger(tmp_path).results
    assert (first.status, second.status, second.ours) == ("reproduces", "broken", None)
    assert finding(second)[0] == "cannot be computed: no network is called `gogglenet`"
    assert "googlenet" in finding(second)[1]


def test_a_ledger_of_ones_own_finds_networks_beside_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "claims"
    folder.mkdir()
    text = "network: mine\ninput: image(3, 8, 8)\nvariants:\n  mine: {w: 4}\n  mine@wide: {w: 8}\nlayers: conv(w, 1)\n"
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    entry = "  {0}:\n    printed: '{0}'\n    where: 1\n    network: mine.yaml:{1}\n    quantity: params\n"
    entries = [f"{entry.format(*of)}    verdict: reproduces\n" for of in ((16, "mine"), (32, "mine@wide"))]
    (folder / "key.yaml").write_text(SOURCE + "".join(entries), encoding="utf-8")
    for given in (folder, folder / "key.yaml"):
        assert [found.status for found in check_ledger(given).results] == ["reproduces", "reproduces"]


def test_a_file_that_does_not_read_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(SOURCE + ENTRY.format("9,408", "weights", "verdict: reproduces"))
    (tmp_path / "bad.yaml").write_text("source: [\n")
    ledger = check_ledger(tmp_path)
    assert [found.status for found in ledger.results] == ["reproduces"]
    assert [diagnostic.code for diagnostic in ledger.findings] == ["yaml-syntax"]
    assert ledger.fails


def test_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        check_ledger(tmp_path / "none")
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["no-ledger"]


def test_figures_of_a_network_are_those_that_name_it() -> None:
    found = {figure.claim.id for figure in figures_of("GoogLeNet")}
    assert {"googlenet.conv1.params", "googlenet.params_vs_alexnet"} <= found
    assert "lenet5.c1.params" not in found
