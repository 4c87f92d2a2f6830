"""Every refusal of the reader has a case in `invalid/`, and says in the comments at its end what comes of it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from archcalc.claims.read import CLAIM_KEYS, SOURCE_KEYS, LedgerFile, read_claims, read_ledger
from archcalc.results.claim import Settings
from archcalc.source import Diagnostic
from tests.spec.cases import expected, place
from tests.spec.codes import codes

CASES = sorted((Path(__file__).parent / "invalid").glob("*.yaml"))
FILES = tuple(f"claims/{name}.py:" for name in ("read", "expression", "printed", "value", "check"))
# Codes that no file on its own can bring about: they have tests below, and in test_check.py.
ELSEWHERE = {"duplicate-id", "no-ledger"}

SOURCE = """\
source:
  title: A Title
  authors: none
  year: none
  reference: a reference
  read: the text
  confidence: medium
claims:
"""


def ledger(folder: Path, claims: str, name: str = "key.yaml") -> LedgerFile:
    path = folder / name
    path.write_text(SOURCE + claims, encoding="utf-8")
    return read_claims(path)


def findings(path: Path) -> list[Diagnostic]:
    (found,) = read_ledger([path])
    return sorted(found.findings, key=lambda finding: finding.span or (-1, -1))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_wrong_file_is_refused_as_it_says(path: Path) -> None:
    found, blocks = findings(path), expected(path)
    assert [place(finding) for finding in found] == [block.head for block in blocks]
    for finding, block in zip(found, blocks, strict=True):
        for line in block.lines:
            kind, _, rest = line.partition(": ")
            assert kind in ("message", "help")
            assert getattr(finding, kind) == rest


def test_every_code_has_a_case() -> None:
    of_reader = {
        code for code, places in codes(("claims",)).items() if any(where.startswith(FILES) for where in places)
    }
    assert len(of_reader) > 20
    covered = {block.head.split()[0] for path in CASES for block in expected(path)}
    assert of_reader - covered == ELSEWHERE
    assert not covered & ELSEWHERE


def test_entries_that_are_right_are_kept_beside_those_that_are_wrong(tmp_path: Path) -> None:
    right = (
        'a:\n    printed: "22"\n    where: 1\n    network: googlenet\n    quantity: depth\n    verdict: reproduces\n'
    )
    wrong = right.replace("a:", "b:").replace('"22"', "22")
    found = ledger(tmp_path, f"  {right}  {wrong}")
    assert [claim.id for claim in found.claims] == ["a"]
    assert [finding.code for finding in found.findings] == ["unquoted-text"]


@pytest.mark.parametrize("text", ["", "\n\n", "# later\n"])
def test_an_empty_file_says_what_belongs_in_it(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    (finding,) = read_claims(path).findings
    assert (finding.code, finding.line) == ("empty-file", 1)
    assert finding.help
    assert "source: and claims:" in finding.help


def test_a_file_that_is_no_yaml_hides_no_other(tmp_path: Path) -> None:
    entry = '    printed: "22"\n    where: 1\n    network: googlenet\n    quantity: depth\n    verdict: reproduces\n'
    ledger(tmp_path, f"  a:\n{entry}", "one.yaml")
    (tmp_path / "two.yaml").write_text("source: [\n", encoding="utf-8")
    (tmp_path / "three.yaml").write_bytes(b"\xff")
    found = read_ledger(sorted(tmp_path.glob("*.yaml")))
    assert [claim.id for file in found for claim in file.claims] == ["a"]
    assert sorted(finding.code for file in found for finding in file.findings) == ["not-utf8", "yaml-syntax"]


def test_an_id_stands_in_one_file(tmp_path: Path) -> None:
    entry = '    printed: "22"\n    where: 1\n    network: googlenet\n    quantity: depth\n    verdict: reproduces\n'
    for name in ("one.yaml", "two.yaml"):
        ledger(tmp_path, f"  same:\n{entry}", name)
    first, second = read_ledger(sorted(tmp_path.glob("*.yaml")))
    assert [claim.id for claim in first.claims] == ["same"]
    assert not second.claims
    (finding,) = second.findings
    assert (finding.code, finding.line, finding.column) == ("duplicate-id", 9, 3)
    assert finding.note_texts() == [f"the first is at {tmp_path}/one.yaml:9"]


def test_an_entry_may_replace_one_of_another_file(tmp_path: Path) -> None:
    entry = '    printed: "22"\n    where: 1\n    network: googlenet\n    quantity: depth\n    verdict: reproduces\n'
    ledger(tmp_path, f"  old:\n{entry}", "one.yaml")
    ledger(tmp_path, f"  new:\n{entry}    replaces: old\n", "two.yaml")
    assert not [finding for file in read_ledger(sorted(tmp_path.glob("*.yaml"))) for finding in file.findings]


def test_every_key_arrives(tmp_path: Path) -> None:
    found = ledger(
        tmp_path,
        """\
  a.full-entry+1:
    printed: "60M"
    reads: "60 million"
    where: Table 1
    network: alexnet
    at: conv1
    quantity: flops
    set: {width: 2, resolution: 8 * 8}
    input: [3, 227, 227]
    batch: 4
    dtype: fp16
    bits: 6
    density: 0.33
    with_heads: true
    convention: two_per_mac
    thousand: 1024
    precision: about
    digits: 1
    verdict: differs
    kind: convention
    expect: [9408, -1/2, 0.25, true, 1_000]
    because: >-
      a reason
      on two lines
    read: from memory of the paper
    confidence: low
    note: a note
    replaces: a.full-entry+1
  b:
    printed: "12x"
    where: 1
    value: params("alexnet") / params("googlenet") + macs("alexnet")
    verdict: rounds
""",
    )
    assert not found.findings
    first, second = found.claims
    assert (first.id, first.printed, first.reads, first.where) == ("a.full-entry+1", "60M", "60 million", "Table 1")
    assert (first.network, first.at, first.quantity, first.networks) == ("alexnet", "conv1", "flops", ("alexnet",))
    assert first.settings == Settings(
        (("width", "2"), ("resolution", "8 * 8")), (3, 227, 227), 4, "fp16", "two_per_mac", True, 6, Fraction(33, 100)
    )
    assert (first.thousand, first.precision, first.digits) == (1024, "about", 1)
    assert (first.verdict, first.kind, first.because) == ("differs", "convention", "a reason on two lines")
    assert first.expect == (9408, Fraction(-1, 2), Fraction(1, 4), True, 1000)
    assert (first.read, first.confidence, first.note) == ("from memory of the paper", "low", "a note")
    assert first.replaces == "a.full-entry+1"
    assert first.is_recalled
    assert second.networks == ("alexnet", "googlenet")
    assert (second.read, second.confidence, second.is_recalled) == ("the text", "medium", False)
    assert (found.source and (found.source.citekey, found.source.authors, found.source.year)) == ("key", "", None)


def test_the_reference_page_has_every_key() -> None:
    text = (Path(__file__).parents[2] / "specs/claims/README.md").read_text(encoding="utf-8")
    for key in (*CLAIM_KEYS, *SOURCE_KEYS):
        assert f"`{key}`" in text or f"\n  {key}: " in text or f"`{key}:`" in text, key
