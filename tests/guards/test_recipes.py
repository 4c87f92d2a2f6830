"""The recipes do what they say: every step passes on a repository that is in order, and fails on one that is not."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import yaml

from tests.guards.repository import change, needs_git, program, repository

ROOT = Path(__file__).parent.parent.parent
RECIPES = Path(__file__).parent / "recipes"
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


def steps() -> dict[str, str]:
    """Lines of the workflow by the names of its steps."""
    workflow = yaml.safe_load((RECIPES / "github-workflow.yml").read_text(encoding="utf-8"))
    return {step["name"]: step["run"] for step in workflow["jobs"]["cost"]["steps"] if "run" in step}


def run_step(folder: Path, name: str, code: int) -> str:
    summary = folder / "summary.md"
    environment = {"GITHUB_BASE_REF": "main", "GITHUB_STEP_SUMMARY": str(summary)}
    printed = program(folder, steps()[name], code, **environment)
    return printed + (summary.read_text(encoding="utf-8") if summary.exists() else "")


def test_the_workflow_installs_this_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
    assert steps()["Install"] == f"pip install {project}"
    assert len(steps()) == 5


@needs_git
def test_every_step_passes_where_nothing_changed(tmp_path: Path) -> None:
    folder = repository(tmp_path / "repository")
    for name in steps():
        if name != "Install":
            run_step(folder, name, 0)


@needs_git
def test_every_step_that_guards_numbers_fails_where_the_network_grew(tmp_path: Path) -> None:
    folder = repository(tmp_path / "repository")
    change(folder, "width: 4", "width: 8")  # 16 params and 9 x 36 MACs a channel more, and ten times the features
    run_step(folder, "Specs are right", 0)
    over = run_step(folder, "Budgets are kept", 1)
    assert "::error file=specs/my.yaml,line=8" in over
    assert "my: params is 810, 400 (97.6%25) over 410" in over
    cost = run_step(folder, "What the change costs", 1)
    assert "| macs | 1,656 | 3,312 | +1,656 | +100.0% |" in cost
    assert "<details>\n<summary>3 layers changed; 0 are the same</summary>\n\n| layer |" in cost
    stale = run_step(folder, "The costs in the repository are those of the network", 1)
    assert "::error file=specs/my.csv,line=2" in stale
    assert "conv1, macs: was 1296, is 2592" in stale


@needs_git
def test_the_step_on_specs_fails_where_one_is_wrong(tmp_path: Path) -> None:
    folder = repository(tmp_path / "repository")
    change(folder, "linear(10)", "lineal(10)")
    assert "::error file=specs/my.yaml,line=7" in run_step(folder, "Specs are right", 1)


def hooked(folder: Path, files: list[str], code: dict[str, int]) -> None:
    """Run hooks as pre-commit does: the entry, the arguments, then the files whose names fit."""
    hooks = {hook["id"]: hook for hook in HOOKS}
    config = yaml.safe_load((RECIPES / "pre-commit-config.yaml").read_text(encoding="utf-8"))
    (wanted,) = [repo["hooks"] for repo in config["repos"]]
    assert [hook["id"] for hook in wanted] == list(code)
    for hook in (hooks[each["id"]] | each for each in wanted):
        matching = [file for file in files if re.search(hook["files"], file)]
        assert matching == ["specs/my.yaml"]
        program(folder, shlex.join([*shlex.split(hook["entry"]), *hook.get("args", []), *matching]), code[hook["id"]])


@needs_git
def test_hooks_let_a_network_pass_that_keeps_to_its_budget(tmp_path: Path) -> None:
    folder = repository(tmp_path / "repository")
    hooked(folder, ["README.md", "specs/my.yaml", "specs/my.csv"], {"archcalc-validate": 0, "archcalc-check": 0})


@needs_git
def test_hooks_stop_a_network_that_does_not(tmp_path: Path) -> None:
    folder = repository(tmp_path / "repository")
    change(folder, "width: 4", "width: 5")
    hooked(folder, ["specs/my.yaml"], {"archcalc-validate": 0, "archcalc-check": 1})
    change(folder, "linear(10)", "lineal(10)")
    hooked(folder, ["specs/my.yaml"], {"archcalc-validate": 1, "archcalc-check": 2})


def test_hooks_have_all_that_pre_commit_asks_for() -> None:
    assert len({hook["id"] for hook in HOOKS}) == len(HOOKS) == 2
    for hook in HOOKS:
        assert {"id", "name", "entry", "language"} <= hook.keys()
        assert hook["language"] == "python"
