"""Verification side by side with an earlier build, whose checkout is given, into reports/performance.md.

python -m tests.benchmarks.verifying EARLIER [--runs 3]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.commands import PEERS, RATIOS, ROOT, put_section, ratio, seconds, table, tell

TITLE = "## Verification"
NETWORKS = (
    "resnet50",
    "googlenet",
    "densenet121",
    "inception_v3",
    "mobilenet_v3_large",
    "efficientnet_b0",
    "shufflenet_v2_x1_0",
    "convnext_tiny",
    "resnet110",
    "vgg11",
)


def verified(build: Path) -> dict[str, Any]:
    """What a process of its own has measured of a build."""
    tell(f"verify of {len(NETWORKS)} networks")
    command = [sys.executable, str(PEERS / "verify_networks.py"), *NETWORKS]
    environment = {**os.environ, "PYTHONPATH": str(build)}
    output = subprocess.run(command, env=environment, cwd=build, capture_output=True, text=True, check=True).stdout
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def section(earlier: Path, runs: int) -> list[str]:
    """Both builds in turn."""
    name = subprocess.run(
        ["git", "-C", str(earlier), "rev-parse", "--short=7", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    both = [(verified(ROOT), verified(earlier)) for _ in range(runs)]
    ours, theirs = (min((each[at] for each in both), key=lambda found: found["seconds"]) for at in (0, 1))
    return [
        TITLE,
        "",
        f"{', '.join(NETWORKS[:-1])} and {NETWORKS[-1]} against torch and fvcore,",
        f"in process, this build and that of commit {name} in turn, the least of {runs} runs each, in seconds of the",
        f"processor without imports; {ours['checks']:,} checks, {theirs['checks']:,} then. Measured on",
        f"{datetime.now(UTC).date().isoformat()} by `python -m tests.benchmarks.verifying`.",
        "",
        *table(
            RATIOS,
            [ratio(f"verify, commit {name}", ours["seconds"], theirs["seconds"], seconds, ">= 2")],
        ),
    ]


def main() -> None:
    """Measure, and put the section in its place."""
    parser = argparse.ArgumentParser(description="Verification beside an earlier build, into reports/performance.md")
    parser.add_argument("earlier", type=Path, help="a checkout of the earlier build")
    parser.add_argument("--runs", type=int, default=3, help="of each build")
    parser.add_argument("--output", type=Path, default=ROOT / "reports" / "performance.md")
    given = parser.parse_args()
    put_section(given.output, section(given.earlier, given.runs))


if __name__ == "__main__":
    main()
