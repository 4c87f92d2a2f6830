"""Run commands: in this process, or as a user's shell would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from typer.testing import CliRunner

from archcalc.cli import app


class Outcome(NamedTuple):
    code: int
    stdout: str
    stderr: str


def run(*arguments: str, columns: int | None = None, code: int | None = 0) -> Outcome:
    """A command in this process; its exit code is checked."""
    environment = {"COLUMNS": str(columns) if columns else None, "NO_COLOR": None}
    result = CliRunner().invoke(app, list(arguments), env=environment, prog_name="archcalc")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert code is None or result.exit_code == code, (result.exit_code, result.stdout, result.stderr)
    return Outcome(result.exit_code, result.stdout, result.stderr)


def shell(*arguments: str, folder: Path | None = None, **environment: str) -> Outcome:
    """A command in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    done = subprocess.run(
        [sys.executable, "-m", "archcalc", *arguments],
        capture_output=True,
        encoding="utf-8",
        env={**kept, "PYTHONIOENCODING": "utf-8", **environment},
        cwd=folder,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


NET = """\
network: tiny
title: Tiny
input: image(1, size, size)
variables: {size: 8, width: 4}
variants:
  tiny@wide: {width: 16}
layers:
  conv1: conv(width, 3, activation=relu)
  pool1: maxpool(2)
  fc: linear(10)
"""

MYSTERY = """\
network: mystery
input: image(3, 8, 8)
layers:
  conv1: conv(4, 3)
  inside: opaque(4)
"""


def spec(folder: Path, text: str = NET, name: str = "tiny.yaml") -> str:
    """A spec of a user's own."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)
