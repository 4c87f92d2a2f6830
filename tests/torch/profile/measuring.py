"""What tests of `archcalc profile` share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.running import Outcome, run, spec

THREADS = ("--threads", "1")  # others use the machine too
NORMED = """\
network: normed
input: features(8)
layers:
  fc: linear(8, norm=batch_norm)
"""


def measured(*arguments: str, code: int = 0) -> tuple[list[dict[str, Any]], Outcome]:
    found = run("profile", *arguments, "--device", "cpu", *THREADS, "--format", "json", code=code)
    return json.loads(found.stdout)["measurements"], found


def normed(beside: str) -> str:
    return spec(Path(beside).parent, NORMED, "normed.yaml")
