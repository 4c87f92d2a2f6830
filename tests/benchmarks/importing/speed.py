"""How long reading takes beside `torch.export` of the same models, in one process, in CPU seconds.

    python -m tests.benchmarks.importing.speed [--models 60]

Writes reports/importing_speed.csv, and its part of reports/importing.md. Both make no weights: `torch.export` is given
a module and an input on the meta device. `import` is everything that `archcalc import torchvision:NAME` does but for
the import of torch and torchvision: it makes the model, reads it, reads it once more at a larger size, writes the spec
and proves it at both. `making` is the first part of that, and for the most part torch's own constructors; `reading` is
the part that `torch.export` does: a module that is there, once, at one size, as operations; ours are those of archcalc
by then.
"""

from __future__ import annotations

import argparse
import csv
import platform
import time
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[3]
TABLE = ROOT / "reports" / "importing_speed.csv"
FIELDS = ["source", "import", "making", "reading", "text_and_proof", "export"]


def taken(work: Callable[[], Any], runs: int = 1) -> float:
    """The least CPU seconds of so many runs."""
    found = []
    for _ in range(runs):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def measured(name: str) -> list[Any]:
    """A row: seconds of importing, of making the model, of one reading, of text and proof, and of exporting."""
    import torch
    from torchvision.models._api import get_model

    from archcalc.importing import sources
    from archcalc.torch_bridge.trace.read import read_module
    from archcalc.torch_bridge.trace.shells import made
    from tests.benchmarks.importing.models import on_meta

    source, size = f"torchvision:{name}", 299 if name == "inception_v3" else 224
    writing: list[float] = []
    written = sources.written

    def timed(*given: Any) -> Any:
        start = time.process_time()
        found = written(*given)
        writing.append(time.process_time() - start)
        return found

    def read() -> None:
        sources._found.clear()
        if not sources.imported(source).text:
            raise SystemExit(f"{source} is not proven")

    sources.written = timed  # type: ignore[assignment]
    try:
        ours = taken(read, 2)
    finally:
        sources.written = written
    more = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    model = on_meta(lambda: get_model(name, weights=None, **more)).eval()
    example = torch.empty(1, 3, size, size, device="meta")
    making = taken(lambda: made(lambda: get_model(name, weights=None, **more), is_own=True), 2)
    reading = taken(lambda: read_module(model, (3, size, size), is_own=True), 2)
    with torch.no_grad():
        export = taken(lambda: torch.export.export(model, (example,)))
    return [source, *[round(seconds, 4) for seconds in (ours, making, reading, min(writing), export)]]


def section() -> list[str]:
    """The part of the page; empty where nothing was measured."""
    if not TABLE.is_file():
        return []
    with TABLE.open(encoding="utf-8", newline="") as file:
        about = file.readline().removeprefix("# ").strip()
        rows: list[tuple[Any, ...]] = [
            (row["source"], *(float(row[name]) for name in FIELDS[1:])) for row in csv.DictReader(file)
        ]
    resnet = next(row for row in rows if row[0] == "torchvision:resnet50")
    whole, reading = ([row[-1] / row[column] for row in rows] for column in (1, 3))
    text = [row[4] / row[-1] for row in rows]
    middle = [median(row[column] for row in rows) for column in range(1, len(FIELDS))]
    of_models = f"{len(rows)} models of torchvision"
    return [
        "",
        "## Speed",
        "",
        f"Written by `python -m tests.benchmarks.importing.speed`; {about}. CPU seconds beside `torch.export` of the "
        "same model on the meta device, in one process. *Import* makes the model, reads it at two sizes, writes the "
        "spec and proves it; *one reading* is what `torch.export` does of that: a module that is there, once. At the "
        "second size the model runs anew, too: where it runs the same operations with the same arguments, all its "
        "tensors are held against what the rules of the operators give there, and else it is read as at first.",
        "",
        "| models | import | of it making the model | one reading | text and proof | torch.export |",
        "| :-- | --: | --: | --: | --: | --: |",
        f"| resnet50 | {' | '.join(f'{value:.3f} s' for value in resnet[1:])} |",
        f"| {of_models}, median | {' | '.join(f'{value:.3f} s' for value in middle)} |",
        "",
        "| torch.export takes so many times as long as | least | median | largest | target |",
        "| :-- | --: | --: | --: | :-- |",
        f"| import of resnet50 | | {resnet[-1] / resnet[1]:.2g} | | >= 5, import <= 0.3 s |",
        f"| import, {of_models} | {min(whole):.2g} | {median(whole):.2g} | {max(whole):.2g} | >= 15 |",
        f"| one reading, {of_models} | {min(reading):.2g} | {median(reading):.2g} | {max(reading):.2g} | >= 15 |",
        f"| text and proof, as a part of torch.export | {min(text):.2g} | {median(text):.2g} | {max(text):.2g} "
        "| <= 0.33 |",
    ]


def write(rows: Sequence[Sequence[Any]]) -> None:
    """The rows, and in a line before them what they were measured with."""
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "torchvision"))
        file.write(f"# {datetime.now(UTC):%Y-%m-%d}; {versions}, Python {platform.python_version()}; one thread\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FIELDS)
        writer.writerows(rows)


def main() -> None:
    """Measure, and write the page anew."""
    import torch
    from torchvision import models
    from torchvision.models._api import list_models

    import archcalc.python.models  # noqa: F401 - says who reads models of torch
    from tests.benchmarks.importing.__main__ import REPORTS, read_rows
    from tests.benchmarks.importing.page import page

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=60)
    given = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    names = [*dict.fromkeys(["resnet50", *list_models(module=models)])][: given.models]
    measured("alexnet")  # what both do for the first time
    rows = []
    for name in names:
        rows.append(measured(name))
        print(*rows[-1], flush=True)
        write(rows)  # what was measured stands, should somebody stop it
    (REPORTS / "importing.md").write_text(page(read_rows(REPORTS / "importing.csv")), encoding="utf-8")


if __name__ == "__main__":
    main()
