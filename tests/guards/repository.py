"""A repository of somebody else: a network of a few weights, its budget, and what it cost when it was committed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest

from tests.cli.running import run

# By hand: conv1 has 4 x 3^2 weights and 4 biases, used at 6 x 6 positions; fc has 4 x 3 x 3 x 10 weights and 10 biases.
NET = """\
network: my
input: image(1, 8, 8)
variables: {width: 4}
layers:
  conv1: conv(width, 3, activation=relu)
  pool1: maxpool(2)
  fc: linear(10)
"""
PARAMS = (4 * 9 + 4) + (36 * 10 + 10)
MACS = 4 * 9 * 6 * 6 + 36 * 10
BUDGET = f"budget: {{params: {PARAMS}, macs: 2K}}\n"

needs_git = pytest.mark.skipif(which("git") is None, reason="git is not installed")


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def repository(folder: Path) -> Path:
    """With `specs/my.yaml` and `specs/my.csv` in one commit, which is also `origin/main`."""
    (folder / "specs").mkdir(parents=True)
    (folder / "specs/my.yaml").write_text(NET + BUDGET, encoding="utf-8")
    run("show", str(folder / "specs/my.yaml"), "-o", str(folder / "specs/my.csv"))
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    return folder


def change(folder: Path, old: str, new: str) -> None:
    """Change the network."""
    path = folder / "specs/my.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def program(folder: Path, command: str, code: int = 0, **environment: str) -> str:
    """What a line of shell prints, with `archcalc` as this interpreter runs it; its exit code is checked."""
    shims = folder / ".bin"
    if not shims.exists():
        shims.mkdir()
        shim = shims / "archcalc"
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m archcalc "$@"\n', encoding="utf-8")
        shim.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    path = f"{shims}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", command],
        cwd=folder,
        env={**kept, "PATH": path, "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == code, (command, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr
