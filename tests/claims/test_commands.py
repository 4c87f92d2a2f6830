"""`archcalc check`, `archcalc sources`, `archcalc show --published` and the pages of the reports."""

from __future__ import annotations

import csv
import io
import json
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pytest

from archcalc.claims.check import check_ledger
from archcalc.report import claim, published
from archcalc.report.media.markdown import markdown
from archcalc.report.pages import folder, ledger
from archcalc.results.claim import ClaimResult, Value
from tests.claims.test_read import SOURCE
from tests.cli.running import run
from tests.library import shipped

ENTRY = """\
  {}:
    printed: '{}'
    where: Table 1
    network: googlenet
    at: conv1
    quantity: weights
    {}
"""
DIFFERS = "verdict: differs\n    kind: {}\n    expect: {}\n    because: a <b>reason</b> with 7*7*3"
ALL = {
    "a.reproduces": ("9,408", "verdict: reproduces"),
    "a.rounds": ("9.4K", "verdict: rounds"),
    "a.differs": ("2.7K", DIFFERS.format("unexplained", 9408)),
    "a.broken": ("9.3K", "verdict: rounds"),
    "a.stale": ("9.408K", DIFFERS.format("erratum", 9472)),
    "a.recalled": ("9,408", "verdict: reproduces\n    read: from memory of the paper"),
}
OTHER = (
    "  a.not_computable:\n    printed: '6.7%'\n    where: '\"Tables\" & <figures>'\n    network: googlenet\n"
    "    verdict: not_computable\n    because: an accuracy & no <cost>\n"
)


def write(folder: Path, *names: str) -> str:
    """A ledger with some of the entries, or all."""
    entries = [ENTRY.format(name, *ALL[name]) for name in names or ALL]
    (folder / "key2014.yaml").write_text(SOURCE + "".join(entries) + ("" if names else OTHER), encoding="utf-8")
    return str(folder)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "claims").mkdir()
    write(tmp_path / "claims")
    monkeypatch.chdir(tmp_path)
    return "claims"


@pytest.mark.parametrize("columns", [80, 120, None])
def test_a_line_each_then_details_then_the_summary(path: str, columns: int | None) -> None:
    found = run("check", "--ledger", path, columns=columns, code=1)
    assert found.stderr == ""
    lines = found.stdout.splitlines()
    if columns:
        assert all(len(line) <= columns for line in lines)
    words = {
        "a.reproduces": "REPRODUCES",
        "a.rounds": "ROUNDS",
        "a.differs": "DIFFERS (recorded)",
        "a.broken": "BROKEN",
        "a.stale": "STALE",
        "a.recalled": "REPRODUCES",
        "a.not_computable": "not computable",
    }
    rows = {line.split()[0]: line for line in lines if line.split() and line.split()[0] in words}
    for name, word in words.items():
        assert rows[name].endswith(word)
        assert ("9,408" in rows[name]) == (name != "a.not_computable")
    assert lines[0] == "Unexplained differences: 1, each a question that is open"
    assert lines[2] == "- a.differs: printed 2.7K, computed 9,408"
    order = [
        lines.index(title) for title in ("Recalled, not read", "Why figures differ", "Broken and stale", "Summary")
    ]
    assert order == sorted(order)
    text = " ".join(found.stdout.split())
    assert f"{path}/key2014.yaml:33" in found.stdout
    assert "printed is 9.3K (9,250 to 9,400), computed is 9,408" in text
    assert "set `verdict: reproduces`" in text
    assert "a <b>reason</b> with 7*7*3" in text
    assert "a.not_computable: 6.7%; an accuracy & no <cost>" in text
    assert lines[-1].split() == ["all", "6", "1", "7"]


@pytest.mark.parametrize(
    ("names", "code"), [(["a.rounds", "a.differs"], 0), (["a.rounds", "a.broken"], 1), (["a.stale"], 1)]
)
def test_the_exit_code_says_whether_something_fails(names: list[str], code: int, tmp_path: Path) -> None:
    for format in ("table", "markdown", "csv", "json", "junit", "github"):
        run("check", "--ledger", write(tmp_path, *names), "--format", format, code=code)


def test_nothing_unexplained_is_said_too(tmp_path: Path) -> None:
    assert run("check", "--ledger", write(tmp_path, "a.rounds")).stdout.startswith("Unexplained differences: none\n")


def test_csv_without_rows_has_the_same_columns(path: str) -> None:
    names, *_ = run("check", "--ledger", path, "--format", "csv", code=1).stdout.splitlines()
    none = run("check", "--source", "lin2013network", "--verdict", "broken", "--format", "csv").stdout
    assert none == f"{names}\n"


def test_csv_and_json_are_exact_and_agree(path: str) -> None:
    rows = list(csv.DictReader(io.StringIO(run("check", "--ledger", path, "--format", "csv", code=1).stdout)))
    whole = json.loads(run("check", "--ledger", path, "--format", "json", code=1).stdout)
    assert [row["id"] for row in rows] == [*ALL, "a.not_computable"] == [claim["id"] for claim in whole["claims"]]
    assert [row["computed"] for row in rows] == ["9408"] * 6 + [""]
    assert [claim["computed"] for claim in whole["claims"]] == [9408] * 6 + [None]
    assert [row["status"] for row in rows] == [claim["status"] for claim in whole["claims"]]
    assert whole["summary"] == {
        "reproduces": 2,
        "rounds": 1,
        "differs": 1,
        "not_computable": 1,
        "quoted": 0,
        "broken": 1,
        "stale": 1,
    }
    assert rows[3]["problem"].startswith("printed is 9.3K")


def test_junit(path: str, tmp_path: Path) -> None:
    (tmp_path / "claims/bad.yaml").write_text("source: [\n", encoding="utf-8")
    root = ElementTree.fromstring(run("check", "--ledger", path, "--format", "junit", code=2).stdout)
    suite, files = root.findall("testsuite")
    assert (suite.get("name"), suite.get("tests"), suite.get("failures"), suite.get("skipped")) == (
        "key2014",
        "7",
        "2",
        "1",
    )
    cases = {case.get("name"): case for case in suite}
    assert {name for name, case in cases.items() if case.find("failure") is not None} == {"a.broken", "a.stale"}
    skipped = cases["a.not_computable"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "an accuracy & no <cost>"
    assert files.get("errors") == "1"


def test_github_annotates_the_entry(path: str) -> None:
    lines = run("check", "--ledger", path, "--format", "github", code=1).stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"::error file={path}/key2014.yaml,line=33,col=3,")
    assert "title=broken::a.broken: printed is 9.3K" in lines[0]
    assert "title=stale::a.stale" in lines[1]


def test_markdown_shows_reasons_as_they_are(path: str) -> None:
    text = run("check", "--ledger", path, "--format", "markdown", code=1).stdout
    assert "a &lt;b>reason&lt;/b> with 7\\*7\\*3" in text
    assert "| a.differs | 2.7K | 9,408 | DIFFERS (recorded) |" in text


def test_a_file_chooses_the_format(path: str, tmp_path: Path) -> None:
    for name, start in {"a.xml": "<?xml", "a.csv": "id,", "a.json": "{", "a.md": "Unexp", "a.txt": "Unexp"}.items():
        run("check", "--ledger", path, "-o", str(tmp_path / name), code=1)
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


def ids(*arguments: str, code: int = 0) -> list[str]:
    return [
        row["id"] for row in csv.DictReader(io.StringIO(run("check", *arguments, "--format", "csv", code=code).stdout))
    ]


def test_parts_of_the_ledger(path: str) -> None:
    assert ids("--ledger", path, "--verdict", "stale", code=1) == ["a.stale"]
    assert ids("--ledger", path, "--verdict", "not-computable") == ["a.not_computable"]
    assert ids("--ledger", path, "--network", "GoogLeNet", code=1) == [*ALL, "a.not_computable"]
    lecun = ids("--source", "lecun1998gradient")
    assert "lenet5.c1.params" in lecun
    assert set(lecun) <= set(ids("--network", "lenet5"))
    both = ids("--network", "googlenet")
    assert "googlenet.params_vs_alexnet" in both
    assert "googlenet.params_vs_alexnet" in ids("--network", "alexnet")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--source", "szegedy2015gong"], "unknown-source", "did you mean `szegedy2015going`?"),
        (["--network", "no_such"], "no-figure", "no figure of `no_such`"),
        (["--verdict", "differ"], "unknown-verdict", "did you mean `differs`?"),
        (["--ledger", "/nowhere/at/all"], "no-ledger", "/nowhere/at/all"),
        (["googlenet", "--source", "szegedy2015going"], "bad-option", "--source is for published figures"),
    ],
)
def test_mistakes_are_answered(arguments: list[str], code: str, words: str) -> None:
    found = run("check", *arguments, code=2)
    assert f"error[{code}]" in found.stderr
    assert words in found.stderr
    assert found.stdout == ""


def test_a_file_that_does_not_read_is_told_beside_the_rest(tmp_path: Path) -> None:
    write(tmp_path, "a.rounds")
    (tmp_path / "bad.yaml").write_text(SOURCE + "  b: 60M\n", encoding="utf-8")
    found = run("check", "--ledger", str(tmp_path), code=2)
    assert "a.rounds" in found.stdout
    assert f"error[not-a-mapping]: `b` must be a mapping\n --> {tmp_path}/bad.yaml:9:6" in found.stderr


def test_where_nothing_reads_nothing_is_claimed(tmp_path: Path) -> None:
    """A summary of no figures would say that no difference is unexplained."""
    (tmp_path / "bad.yaml").write_text(SOURCE + "  b: 60M\n", encoding="utf-8")
    target = tmp_path / "found.md"
    found = run("check", "--ledger", str(tmp_path), "-o", str(target), code=2)
    assert "error[not-a-mapping]" in found.stderr
    assert not target.exists()
    assert run("check", "--ledger", str(tmp_path), code=2).stdout == ""


@pytest.mark.usefixtures("shared_library")
def test_sources(path: str) -> None:
    (row,) = csv.DictReader(io.StringIO(run("sources", "--ledger", path, "--format", "csv").stdout))
    assert (row["source"], row["title"], row["figures"], row["reproduces"]) == ("key2014", "A Title", "7", "2")
    table = run("sources", columns=80).stdout
    assert all(len(line) <= 80 for line in table.splitlines())
    assert "szegedy2015going" in table
    many = json.loads(run("sources", "--format", "json").stdout)["sources"]
    assert sum(source["figures"] for source in many) == len(shipped().results)


@pytest.mark.parametrize(
    ("printed", "said", "verdict"),
    [
        ("9.4K", "", "ROUNDS"),
        ("9K", "", "ROUNDS"),
        ("9,400", "digits: 2", "ROUNDS"),
        ("9,408", "", "REPRODUCES"),
        ("9.40K", "", "ROUNDS (truncated)"),
        ("9,000", "precision: about", "ROUNDS (about)"),
        ("9000", "precision: at least", "REPRODUCES (bound)"),
    ],
)
def test_the_verdict_says_how_it_agrees(printed: str, said: str, verdict: str, tmp_path: Path) -> None:
    entry = ENTRY.format("a", printed, f"verdict: rounds\n    {said}")
    (tmp_path / "key.yaml").write_text(SOURCE + entry, encoding="utf-8")
    assert claim.verdict(check_ledger(tmp_path).results[0]) == verdict


# beside the layers


@pytest.mark.parametrize("columns", [80, 120, None])
def test_published_figures_stand_beside_ours(columns: int | None) -> None:
    found = run("show", "googlenet", "--by", "stage", "--published", columns=columns).stdout
    lines = found.splitlines()
    if columns:
        assert all(len(line) <= columns for line in lines)
    (row,) = (line for line in lines if line.startswith("conv1 "))
    assert "weights 2.7K (ours" in row
    assert "118,013,952) ≠" in found  # 64 x 3 x 7 x 7 at 112 x 112, where the paper prints 34M
    assert any(line.startswith("pool1 ") and "output_shape" in line for line in lines)
    assert lines.index("Published figures") > next(i for i, line in enumerate(lines) if line.startswith("params "))
    who = [line.split()[4:5] for line in lines if line.split()[:4] == ["depth", "22", "22", "REPRODUCES"]]
    assert len(who) > 1
    assert all(who)  # several sources print it


def test_published_figures_for_programs() -> None:
    rows = csv.DictReader(io.StringIO(run("show", "lenet5", "--published", "--format", "csv").stdout))
    c1 = next(row for row in rows if row["name"] == "C1")
    assert "params 156" in c1["published"]
    assert "connections 122304" in c1["published"]
    (network,) = json.loads(run("show", "lenet5", "--published", "--format", "json").stdout)["networks"]
    claims = {claim["id"]: claim["computed"] for claim in network["published"]}
    assert claims["lenet5.c1.params"] == 156


def test_figures_of_other_settings_stand_below_and_those_of_rows_do_not(tmp_path: Path) -> None:
    of_spec, of_other = ENTRY.format("a", "9,408", "verdict: reproduces"), ENTRY.format("b", "3136", "{}")
    set_other = of_other.format("verdict: reproduces\n    input: [1, 224, 224]")  # 7 x 7 x 1 x 64
    (tmp_path / "key.yaml").write_text(SOURCE + of_spec + set_other, encoding="utf-8")
    results = check_ledger(tmp_path).results
    assert [result.status for result in results] == ["reproduces", "reproduces"]
    assert published.cell(published.in_rows(results)["conv1"]) == "weights 9,408"
    shown = markdown(published.below("googlenet", results, ["conv1", "pool1"]))
    assert "| weights of conv1 (input=1x224x224) | 3136 | 3,136 |" in shown
    assert "9,408" not in shown
    assert "9,408" in markdown(published.below("googlenet", results, ["pool1"]))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(-2, 3), "-0.6667"),
        (Fraction(7620653, 874819), "8.711"),
        (Fraction(1, 3000), "0.0003333"),
        (Fraction(-1, 8), "-0.125"),
        ((6, Fraction(1, 2)), "[6, 0.5]"),
        (True, "true"),
        (1234567, "1,234,567"),
    ],
)
def test_values_as_people_read_them(value: Value, text: str) -> None:
    assert claim.written(value) == text


def test_lists_and_ratios_for_programs() -> None:
    whole = json.loads(run("check", "--network", "googlenet", "--format", "json").stdout)
    claims = {claim["id"]: claim["computed"] for claim in whole["claims"]}
    assert claims["googlenet.conv1.output_shape"] == [64, 112, 112]
    assert claims["googlenet.params_vs_alexnet"] == "7620653/874819"  # 60,965,224 / 6,998,552


def test_published_figures_are_of_the_network_as_it_is() -> None:
    assert "error[bad-option]" in run("show", "googlenet", "--published", "--batch", "2", code=2).stderr
    assert "≠" not in run("show", "googlenet", "--by", "stage").stdout


def test_a_network_without_figures_says_so(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("network: mine\ninput: image(3, 8, 8)\nlayers:\n  a: conv(4, 1)\n", encoding="utf-8")
    assert "The ledger has no published figure of mine." in run("show", str(path), "--published").stdout


# reports


def test_the_page_of_the_ledger(path: str) -> None:
    found = check_ledger(Path(path))
    text = markdown(ledger.page(found))
    top, _, rest = text.partition("## By verdict")
    assert "Unexplained differences: 1" in top
    assert "- a.differs: printed 2.7K, computed 9,408" in top
    by_verdict, _, by_source = rest.partition("## By source")
    assert "### Broken and stale" in by_verdict
    assert "### Differs: unexplained" in by_verdict
    assert "### Differs: erratum" not in by_verdict  # it is stale
    assert "### Not computable" in by_verdict
    read, _, recalled = by_source.partition("Recalled, not read:")
    assert "| a.reproduces | Table 1 | 9,408 | 9,408 | REPRODUCES |" in read
    assert "a.recalled" not in read
    assert "| a.recalled |" in recalled


def test_a_page_of_a_network_has_its_figures() -> None:
    figures = published.by_network(shipped().results)
    found: list[ClaimResult] = figures["lenet5"]
    text = markdown(published.section(found))
    assert "## Published figures" in text
    assert "| params of C1 | 156 | 156 | REPRODUCES | LeCun et al. 1998, " in text


def test_the_reports_hold_the_ledger() -> None:
    files = folder.reports([], shipped())
    assert files["claims.md"].startswith("# Published figures\n")
    rows = list(csv.DictReader(io.StringIO(files["claims.csv"])))
    assert len(rows) == len(shipped().results)
    assert files == folder.reports([], shipped())
