"""What changed between two networks: by name, by shape where names differ, and against a git revision."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from archcalc.engine.difference import MOST_PAIRS, difference
from archcalc.engine.network import analyze
from archcalc.results.difference import Difference
from tests.cli.running import run, shell, spec
from tests.guards.repository import MACS, PARAMS, change, git, needs_git, repository

HEAD = "network: n\ninput: image(1, 8, 8)\ndefaults: {conv: {padding: half}}\nlayers:\n"


def changed(folder: Path, old: str, new: str) -> Difference:
    """The difference of two lists of layers."""
    before, after = (
        analyze(spec(folder, HEAD + layers, f"{name}.yaml")) for name, layers in (("old", old), ("new", new))
    )
    return difference(before, after)


def statuses(found: Difference) -> list[str]:
    """`changed b`, `renamed a c`: the status, then the names before and after."""
    rows = []
    for status, old, new in found.layers:
        names = dict.fromkeys(layer.name for layer in (old, new) if layer)
        rows.append(" ".join([status, *names]))
    return rows


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("  a: conv(4, 3)\n  b: conv(4, 3)\n", "  a: conv(4, 3)\n  b: conv(4, 3)\n", ["same a", "same b"]),
        ("  a: conv(4, 3)\n  b: conv(4, 3)\n", "  a: conv(4, 5)\n  b: conv(4, 3)\n", ["changed a", "same b"]),
        ("  a: conv(4, 3)\n  b: conv(4, 3)\n", "  a: conv(4, 3)\n  c: conv(4, 3)\n", ["same a", "renamed b c"]),
        # A layer between the others: those that stay are found by name, not by place.
        (
            "  a: conv(4, 3)\n  b: conv(4, 3)\n",
            "  a: conv(4, 3)\n  x: relu\n  b: conv(4, 3)\n",
            ["same a", "added x", "same b"],
        ),
        (
            "  a: conv(4, 3)\n  x: relu\n  b: conv(4, 3)\n",
            "  a: conv(4, 3)\n  b: conv(4, 3)\n",
            ["same a", "removed x", "same b"],
        ),
        # Of two names that went, the one of another type is not what the new one was.
        (
            "  a: conv(4, 3)\n  x: relu\n  b: conv(4, 3)\n",
            "  a: conv(4, 3)\n  y: conv(4, 1)\n  b: conv(4, 3)\n",
            ["same a", "removed x", "added y", "same b"],
        ),
        (
            "  a: conv(4, 3)\n  x: relu\n  b: conv(4, 3)\n",
            "  n: lrn\n  c: conv(4, 3)\n  y: relu\n  d: conv(4, 3)\n",
            ["added n", "renamed a c", "renamed x y", "renamed b d"],
        ),
        # A name that stands elsewhere now is still that layer.
        (
            "  a: relu\n  b: conv(4, 3)\n  c: conv(4, 1)\n",
            "  b: conv(4, 3)\n  c: conv(4, 1)\n  a: relu\n",
            ["same b", "same c", "changed a"],
        ),
        (
            "  a: relu\n  b: conv(4, 3)\n  c: conv(4, 1)\n",
            "  b: conv(4, 3)\n  c: conv(4, 1)\n  n: lrn\n  a: relu\n",
            ["same b", "same c", "added n", "changed a"],
        ),
    ],
)
def test_layers_are_aligned(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    assert statuses(changed(tmp_path, old, new)) == expected


def spaced(text: str) -> str:
    """A text without what aligns its columns."""
    return " ".join(text.split())


def test_no_layer_is_lost_or_told_twice() -> None:
    names = ["resnet50", "resnet50@torchvision", "plain34", "resnet34", "vgg16", "googlenet", "lenet5"]
    costs = [analyze(name) for name in names]
    for old in costs:
        for new in costs:
            found = difference(old, new)
            assert sorted(change.old.name for change in found.layers if change.old) == sorted(
                layer.name for layer in old.layers
            )
            assert [change.new.name for change in found.layers if change.new] == [layer.name for layer in new.layers]
            assert all((change.status == "same") for change in found.layers) == (old is new)


def test_the_strides_of_resnet_50_are_all_that_torchvision_changed() -> None:
    found = difference(analyze("resnet50"), analyze("resnet50@torchvision"))
    assert [change.old.name for change in found.layers if change.old and change.status != "same"] == [
        f"conv{stage}.block_1.residual.{part}" for stage in (3, 4, 5) for part in ("reduce", "spatial")
    ]
    totals = {total.quantity: total for total in found.totals}
    assert (totals["params"].old, totals["params"].new) == (25_557_032, 25_557_032)
    assert totals["macs"].new - totals["macs"].old == 4_089_184_256 - 3_857_973_248


def test_a_layer_that_is_stored_otherwise_has_changed() -> None:
    # Han et al. 2015, Table 4: all eight layers with weights are pruned.
    found = difference(analyze("alexnet"), analyze("alexnet@pruned"))
    changed = [change.new.name.partition(".")[0] for change in found.layers if change.new and change.status != "same"]
    assert changed == [*(f"conv{number}" for number in range(1, 6)), "fc6", "fc7", "fc8"]


def test_where_too_many_could_have_been_renamed_none_is() -> None:
    found = changed_names(4_000)
    assert MOST_PAIRS < 4_000**2
    assert {change.status for change in found.layers} == {"added", "removed"}
    assert {change.status for change in changed_names(30).layers} == {"renamed"}


def changed_names(count: int) -> Difference:
    from archcalc.engine.network import Network
    from archcalc.source import Source
    from archcalc.spec.read import read_spec

    texts = ["".join(f"  {letter}{number}: relu\n" for number in range(count)) for letter in "ab"]
    before, after = (analyze(Network(read_spec(Source("n", HEAD + text)), "n")) for text in texts)
    return difference(before, after)


def test_diff_says_what_changed(tmp_path: Path) -> None:
    old, new = (spec(tmp_path, f"{HEAD}  a: conv({n}, 3)\n", f"{n}.yaml") for n in (4, 6))
    found = spaced(run("diff", old, new).stdout)
    # 3 x 3 weights and a bias a channel, at 8 x 8 positions.
    assert "params 40 60 +20 +50.0%" in found
    assert f"macs {4 * 9 * 64:,} {6 * 9 * 64:,} +1,152 +50.0%" in found
    assert "1 layer changed; 0 are the same" in found
    assert "a changed conv(4, 3, padding=half) -> conv(6, 3, padding=half)" in found
    assert "No layer differs." in run("diff", old, old).stdout
    assert "fails" not in found


def test_layers_can_be_told_apart_in_80_columns(tmp_path: Path) -> None:
    modules = """\
modules:
  block(width, stride=1):
    add:
      residual: conv(width, 3, stride=stride) >> conv(width, 3)
      shortcut: conv(width, 1, stride=stride)
"""
    old, new = (
        spec(tmp_path, f"{HEAD}  body: block({width}) * 2 >> block({width}, stride=2)\n{modules}", f"{width}.yaml")
        for width in (640, 960)
    )
    rows = [line for line in run("diff", old, new, columns=80).stdout.splitlines() if " changed " in line]
    assert len({row.split()[0] for row in rows}) == len(rows) == 12
    assert all(len(row) <= 80 for row in rows)


def test_diff_as_csv_and_json_has_every_layer() -> None:
    rows = list(csv.DictReader(io.StringIO(run("diff", "resnet18", "resnet34", "--format", "csv").stdout)))
    before = [row["name_before"] for row in rows if row["name_before"]]
    assert len(before) == len(analyze("resnet18").layers)
    found = json.loads(
        run("diff", "resnet18", "resnet34", "--format", "json", "--fail-if", "depth > 20", code=1).stdout
    )
    assert len(found["layers"]) == len(rows)
    assert rows[0]["out_shape_after"] == "64x112x112"
    assert found["layers"][0]["out_shape_after"] == [64, 112, 112]
    assert found["met"] == [{"condition": "depth > 20", "quantity": "depth", "old": 18, "new": 34}]


def test_markdown_folds_the_layers() -> None:
    found = run("diff", "resnet50", "resnet50@torchvision", "--format", "markdown").stdout
    assert found.startswith("### resnet50 -> resnet50@torchvision\n\n| total |")
    assert "| macs | 3,857,973,248 | 4,089,184,256 | +231,211,008 | +6.0% |" in found
    assert found.count("<details>") == found.count("</details>") == 1
    assert "<summary>6 layers changed; 82 are the same</summary>\n\n| layer |" in found
    assert found.endswith("\n</details>\n")
    assert "<details>" not in run("diff", "resnet50", "resnet50", "--format", "markdown").stdout


@pytest.mark.parametrize(
    ("condition", "code"),
    [("macs > +5.99%", 1), ("macs > +6%", 0), ("params != +0", 0), ("macs >= 4089184256", 1), ("macs < 4089184256", 0)],
)
def test_fail_if(condition: str, code: int) -> None:
    found = run("diff", "resnet50", "resnet50@torchvision", "--fail-if", condition, code=code).stdout
    assert (f"fails: {condition}" in found) is bool(code)


def test_settings_hold_for_both() -> None:
    found = run("diff", "resnet50", "resnet50@torchvision", "--set", "resolution=256", "--batch", "2").stdout
    # He et al. 2016 as torchvision has it: 83,410,944 n^2 + 2,048,000 at 32 n pixels.
    assert f"{2 * (83_410_944 * 8**2 + 2_048_000):,}" in found


@needs_git
def test_a_file_and_what_it_was_in_a_revision(tmp_path: Path) -> None:
    folder = repository(tmp_path / "repository")
    change(folder, "width: 4", "width: 8")
    git(folder, "commit", "-q", "-a", "-m", "wider")
    git(folder, "tag", "-a", "v1", "-m", "v1")
    change(folder, "width: 8", "width: 4")
    path = str(folder / "specs/my.yaml")
    wider = (80 + 730, 2 * MACS)
    assert f"macs {wider[1]:,} {MACS:,} " in spaced(run("diff", path, "--git", "v1").stdout)
    assert "No layer differs." in run("diff", path, "--git", "HEAD~1").stdout
    assert "No layer differs." in run("diff", f"{path}:my", "--git", "origin/main").stdout
    found = run("diff", path, "resnet18", "--git", "main").stdout
    assert found.startswith(f"main:{path} -> resnet18")
    assert f"{wider[0]} " in found


@needs_git
def test_git_is_asked_in_the_folder_of_the_file(tmp_path: Path) -> None:
    """From inside the repository, through a link, and where git itself has called: hooks set GIT_DIR."""
    folder = repository(tmp_path / "repository")
    (tmp_path / "link").symlink_to(folder / "specs", target_is_directory=True)
    assert shell("diff", "my.yaml", "--git", "main", folder=folder / "specs").code == 0
    assert shell("diff", "link/my.yaml", "--git", "main", folder=tmp_path).code == 0
    done = shell("diff", "specs/my.yaml", "--git", "main", folder=folder, GIT_DIR=".git", GIT_INDEX_FILE=".git/index")
    assert done.code == 0, done.stderr
    assert f"params {PARAMS} {PARAMS} same" in spaced(done.stdout)


@needs_git
def test_what_a_revision_held_is_told_with_its_place(tmp_path: Path) -> None:
    folder = repository(tmp_path / "repository")
    change(folder, "linear(10)", "lineal(10)")
    git(folder, "commit", "-q", "-a", "-m", "wrong")
    change(folder, "lineal(10)", "linear(10)")
    path = str(folder / "specs/my.yaml")
    found = run("diff", path, "--git", "HEAD", code=2).stderr
    assert f"--> HEAD:{path}:7:7" in found
    assert "error[unknown-operator]" in found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that tests do not change, with a file that is not in it."""
    found = repository(tmp_path_factory.mktemp("mistakes") / "repository")
    (found / "specs/other.yaml").write_text("network: other\n", encoding="utf-8")
    return found


@needs_git
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["specs/my.yaml", "--git", "nope"], "no-such-revision"),
        (["specs/my.yaml", "--git", "--all"], "no-such-revision"),
        (["specs/my.yaml", "--git", ""], "no-such-revision"),
        (["specs/other.yaml", "--git", "main"], "no-such-file"),
        (["specs.yaml", "--git", "main"], "no-such-file"),
        (["nowhere/my.yaml", "--git", "main"], "no-repository"),
        (["../outside.yaml", "--git", "main"], "no-repository"),
        (["resnet18", "--git", "main"], "not-a-file"),
        (["README.md", "--git", "main"], "not-a-file"),
        (["specs/my.yaml"], "bad-count"),
        (["resnet18", "resnet34", "resnet50"], "bad-count"),
        (["resnet18", "resnet34", "--fail-if", "macs"], "bad-condition"),
        (["resnet18", "resnet35"], "unknown-network"),
    ],
)
def test_mistakes(folder: Path, arguments: list[str], code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found = run("diff", *arguments, code=2).stderr
    assert found.startswith(f"error[{code}]: ")
    assert "  = help: " in found


@needs_git
def test_what_git_says_is_passed_on(tmp_path: Path) -> None:
    """A repository of another user, for one, is refused by git, and git says what to do."""
    found = run("diff", spec(tmp_path), "--git", "main", code=2).stderr
    assert "  = note: git says: fatal: not a git repository" in found


def test_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = spec(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run("diff", path, "--git", "main", code=2).stderr.startswith("error[no-git]: ")
