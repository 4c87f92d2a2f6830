"""`archcalc show model.onnx` beside onnx-tool, whole processes in one run; prints a table of ratios.

    python tests/benchmarks/onnx_files.py [--runs 5] [--file FILE]

Without a file, torchvision's ResNet-50 is exported first, with 102 MB of weights inline. Ours reads the file, writes it
as a spec and proves that, before it counts.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.benchmarks.commands import PEERS, RATIOS, in_turn, mebibytes, ratio, run, seconds, summary, table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--file", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.file or Path(folder) / "resnet50.onnx"
        if given.file is None:
            run([sys.executable, str(PEERS / "export_resnet50.py"), str(path)])
        children = {
            "archcalc": [sys.executable, "-m", "archcalc", "show", str(path.resolve())],
            "onnx-tool": [sys.executable, str(PEERS / "profile_onnx_tool.py"), str(path.resolve())],
        }
        ours, other = (summary(runs) for runs in in_turn(children, given.runs).values())
    rows = [
        ratio("wall time, median", ours.median, other.median, seconds, ">= 3"),
        ratio("wall time, least", ours.least, other.least, seconds, ">= 3"),
        ratio("peak memory", ours.memory, other.memory, mebibytes, ">= 3"),
    ]
    print("\n".join(table(RATIOS, rows)))


if __name__ == "__main__":
    main()
