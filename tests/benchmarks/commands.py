"""Whole commands and the engine beside other tools, in one run, into reports/performance.md.

    python tests/benchmarks/commands.py [--runs 5] [--ptflops PYTHON] [--torchlens PYTHON] [--output FILE]

Each command is a child process; wall time and peak memory are the kernel's. Commands that are compared run in turn, so
that whatever else the machine does falls on all of them. `--ptflops` and `--torchlens` name a Python that has these
beside torch; transformers is that of the Python which runs this.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PEERS = HERE / "peers"
LENGTHS = (1_000, 10_000, 100_000)
MIB = 1 << 20
COMPUTED = ("env", "ARCHCALC_CACHE=off")  # before a command: nothing from an earlier one
_BY_WIDTH = ("resolution=64:4063", "width=1/64:125:1/64")
GRIDS = {  # axes of sweeps; where no width multiplies the channels, the classes of the last layer
    "resnet50@torchvision": _BY_WIDTH,
    "resnet152": _BY_WIDTH,
    "vgg16": _BY_WIDTH,
    "googlenet": ("resolution=224:4223", "classes=1:8000"),
    "inception_v3": ("resolution=299:4298", "classes=1:8000"),
    "mobile": ("resolution=64:4063", "width=0.25:8.249:0.001"),
}
SWEEP_TARGETS = {"resnet50@torchvision": ">= 60 M, >= 15 M; >= 5,000", "mobile": ">= 5 M on a grid"}


class Run(NamedTuple):
    """One child process."""

    seconds: float
    memory: int  # largest resident set [bytes]
    output: str


class Runs(NamedTuple):
    """The same child several times; the least is what the work takes, the median what it took here."""

    least: float
    median: float
    memory: float  # median [bytes]


def run(command: Sequence[str]) -> Run:
    """Run a command to its end from the root of the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "PYTHONWARNINGS": "ignore"}
    environment.pop(
        "PYTHONDONTWRITEBYTECODE", None
    )  # an installed package is compiled, so is this one when it is timed
    start = time.perf_counter()
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        assert child.stdout is not None
        output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    taken = time.perf_counter() - start
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    return Run(taken, usage.ru_maxrss * 1024, output)


def in_turn(commands: Mapping[str, Sequence[str]], runs: int) -> dict[str, list[Run]]:
    """Each command so many times, one after the other; once before that for the disk's sake."""
    found: dict[str, list[Run]] = {name: [] for name in commands}
    for name, command in commands.items():
        tell(f"{name}: {run(command).seconds:.2f} s")
    for number in range(runs):
        tell(f"run {number + 1} of {runs}")
        for name, command in commands.items():
            found[name].append(run(command))
    return found


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def summary(runs: list[Run]) -> Runs:
    seconds = [each.seconds for each in runs]
    return Runs(min(seconds), median(seconds), median(each.memory for each in runs))


def printed(runs: list[Run], which: slice) -> Runs:
    """Seconds as children print them, one a line: of the first count of each process, or of those after it."""
    seconds = [float(line) for each in runs for line in each.output.split()[which]]
    return Runs(min(seconds), median(seconds), median(each.memory for each in runs))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Markdown; figures to the right."""
    marks = [":--" if number == 0 else "--:" for number in range(len(columns))]
    return [f"| {' | '.join(cells)} |" for cells in (columns, marks, *rows)] + [""]


def seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 1 else f"{value * 1e3:.3g} ms"


def mebibytes(value: float) -> str:
    return f"{value / MIB:.4g} MiB"


Written = Callable[[float], str]


def ratio(what: str, ours: float, other: float, written: Written, target: str = "", inverse: bool = False) -> list[str]:
    """A line of a table of ratios; the ratio is of the exact figures."""
    quotient = ours / other if inverse else other / ours
    return [what, written(ours), written(other), f"{quotient:.3g}", target]


RATIOS = ("measure", "archcalc", "other", "ratio", "target")


def whole_commands(runs: int) -> list[str]:
    """`compare googlenet vgg16` as a process, and others that say the same."""
    python = sys.executable
    commands: dict[str, Sequence[str]] = {
        "archcalc compare googlenet vgg16": [python, "-m", "archcalc", "compare", "googlenet", "vgg16"],
        "fvcore": [python, str(PEERS / "compare_fvcore.py")],
        "fvcore, weights not initialised": [python, str(PEERS / "compare_fvcore.py"), "bare"],
        "FlopCounterMode on meta": [python, str(PEERS / "compare_flop_counter.py")],
        'python -c "import typer, rich.table"': [python, "-c", "import typer, rich.table"],
        'python -c ""': [python, "-c", ""],
        "archcalc check": [*COMPUTED, python, "-m", "archcalc", "check"],
    }
    found = {name: summary(each) for name, each in in_turn(commands, runs).items()}
    ours, fvcore, bare, counter, imports, *_ = found.values()
    lines = [
        "## Whole commands",
        "",
        f"{runs} runs each, in turn: wall time and largest resident memory (which Linux reports as no less than",
        "that of the process that started it, here about 17 MiB).",
        "",
    ]
    lines += table(
        ("command", "least", "median", "memory"),
        (
            (f"`{name}`", seconds(each.least), seconds(each.median), mebibytes(each.memory))
            for name, each in found.items()
        ),
    )
    return lines + table(
        RATIOS,
        [
            ratio("least wall time, fvcore", ours.least, fvcore.least, seconds, ">= 20"),
            ratio("median wall time, fvcore", ours.median, fvcore.median, seconds, ">= 20"),
            ratio("least wall time, fvcore, weights not initialised", ours.least, bare.least, seconds),
            ratio("memory, fvcore", ours.memory, fvcore.memory, mebibytes, ">= 15"),
            ratio("least wall time, FlopCounterMode", ours.least, counter.least, seconds),
            ratio("memory, FlopCounterMode", ours.memory, counter.memory, mebibytes),
            ratio("least wall time to imports alone", ours.least, imports.least, seconds, inverse=True),
            ratio("median wall time to imports alone", ours.median, imports.median, seconds, inverse=True),
        ],
    )


def start_up(runs: int) -> list[str]:
    """Commands that people wait for, beside importing what a command line and a table are made of."""
    python = sys.executable
    imports = 'python -c "import typer, rich.table"'
    commands: dict[str, Sequence[str]] = {imports: [python, "-c", "import typer, rich.table"]}
    targets = {"--help": "", "compare googlenet vgg16": "<= 1.6", "list": "0.5 s", "check": "0.5 s"}
    commands |= {f"archcalc {words}": [python, "-m", "archcalc", *words.split()] for words in targets}
    for words in ("list", "check"):
        commands[f"archcalc {words}, all computed"] = [*COMPUTED, python, "-m", "archcalc", words]
        targets[f"{words}, all computed"] = ""
    found = {name: summary(each) for name, each in in_turn(commands, runs).items()}
    base = found[imports]
    rows = [
        ratio(
            f"{name.removeprefix('archcalc ')} to imports alone", each.least, base.least, seconds, target, inverse=True
        )
        for (name, each), target in zip([*found.items()][1:], targets.values(), strict=True)
    ]
    return [
        "## Start-up",
        "",
        f"Whole processes, the least of {runs} runs each, in turn, beside `{imports}`: each command imports",
        "and builds itself alone. `list` analyses the library and `check` computes every published figure; totals and",
        "values are those of the run before, by the digest of code and specs, or all computed: `ARCHCALC_CACHE=off`.",
        "",
        *table(RATIOS, rows),
    ]


def engine_alone(runs: int, ptflops: str | None) -> list[str]:
    """ResNet-152 from its text to its totals, beside tools that count an instantiated one."""
    python = sys.executable
    commands: dict[str, Sequence[str]] = {
        "archcalc": [python, str(PEERS / "resnet152_archcalc.py")],
        "fvcore, all counts": [python, str(PEERS / "resnet152_fvcore.py"), "all"],
        "fvcore, FLOPs alone": [python, str(PEERS / "resnet152_fvcore.py")],
    }
    if ptflops:
        commands["ptflops"] = [ptflops, str(PEERS / "resnet152_ptflops.py")]
    children = in_turn(commands, runs)
    first = {name: printed(each, slice(0, 1)) for name, each in children.items()}
    again = {name: printed(each, slice(1, None)) for name, each in children.items()}
    every = [run([python, str(PEERS / "every_network.py")]).output.split() for _ in range(runs)]
    lines = [
        "## The engine alone",
        "",
        "ResNet-152 from the text of `specs/resnet.yaml` to its totals, no parsed expression and no cost remembered",
        "from before: parameters, MACs, FLOPs, connections, activations, depth, bytes. The others count a model that",
        "is already there: fvcore its FLOPs, activations and parameters, which is all that it counts, or its FLOPs",
        "alone; ptflops MACs and parameters. Imports are in none of the figures. A command counts once in its process,",
        "so the targets are for the first count of a process; the counts after it, where the code of each tool is",
        "warm, stand beside it.",
        "",
    ]
    lines += table(
        ("tool", "first, least", "first, median", "after it, least", "after it, median"),
        (
            (name, *(seconds(figure) for each in (first[name], again[name]) for figure in (each.least, each.median)))
            for name in first
        ),
    )
    rows = []
    targets = [("fvcore, all counts", ">= 100"), ("fvcore, FLOPs alone", ">= 100"), ("ptflops", ">= 30")]
    for tool, target in targets[: len(commands) - 1]:
        for what, each, wanted in (("first count", first, target), ("counts after it", again, "")):
            ours, theirs = each["archcalc"], each[tool]
            rows.append(ratio(f"{what}, {tool}, least", ours.least, theirs.least, seconds, wanted))
            rows.append(ratio(f"{what}, {tool}, median", ours.median, theirs.median, seconds, wanted))
    lines += table(RATIOS, rows)
    least = min(float(each[0]) for each in every)
    return [
        *lines,
        f"All {every[0][1]} networks of the repository, every file read once, in a fresh process: {seconds(least)} "
        "(target: below 1 s).",
        "",
    ]


def transformers_beside(runs: int, torchlens: str | None) -> list[str]:
    """Whole commands on transformers, beside scripts that build the model and count it."""
    python = sys.executable
    pairs = [("llama3_405b", python, "llama3_405b_transformers.py", ">= 50", ">= 20")]
    if torchlens:
        pairs.append(("vit_b_16", torchlens, "vit_b_16_torchlens.py", ">= 100", ""))
    rows = []
    for name, program, script, of_time, of_memory in pairs:
        commands = {"archcalc": [python, "-m", "archcalc", "show", name], script: [program, str(PEERS / script)]}
        ours, theirs = (summary(each) for each in in_turn(commands, runs).values())
        rows.append(ratio(f"`show {name}`, `{script}`, least wall time", ours.least, theirs.least, seconds, of_time))
        rows.append(ratio("the same, median wall time", ours.median, theirs.median, seconds))
        rows.append(ratio("the same, memory", ours.memory, theirs.memory, mebibytes, of_memory))
    return [
        "## Transformers",
        "",
        "Whole processes: `archcalc show` with its table beside a script of `tests/benchmarks/peers` that builds the",
        "model (on the meta device, or in memory for TorchLens) and prints its counts.",
        "",
        *table(RATIOS, rows),
    ]


def growth(runs: int) -> list[str]:
    """Chains of growing length: what a layer takes, beside what it takes in a chain of the first length."""
    lines = [
        "## Growth",
        "",
        "A chain of equal convolutions from its text to its totals: written once and repeated (`conv(...) * n`), and",
        "unrolled into a file of n lines. Memory is the peak of the process above that of a chain of one layer; in a",
        "thousand layers much of it is found in what the process has already, so it is compared with ten thousand.",
        "",
    ]
    rows = []
    for kind in ("repeated", "unrolled"):
        commands = {
            str(length): [sys.executable, str(PEERS / "growth.py"), kind, str(length)] for length in (1, *LENGTHS)
        }
        found = {
            int(length): [tuple(map(float, each.output.split())) for each in runs_of]
            for length, runs_of in in_turn(commands, runs).items()
        }
        taken = {length: min(each[0] for each in found[length]) / length for length in LENGTHS}
        base = min(each[1] for each in found[1])
        memory = {length: (min(each[1] for each in found[length]) - base) / length for length in LENGTHS}
        for length in LENGTHS:
            against = memory[length] / memory[LENGTHS[1]] if length > LENGTHS[0] else None
            rows.append(
                [
                    f"{kind}, {length:,}",
                    seconds(taken[length] * length),
                    f"{taken[length] * 1e6:.3g} us",
                    f"{taken[length] / taken[LENGTHS[0]]:.2f}",
                    f"{memory[length]:.0f} B",
                    f"{against:.2f}" if against else "",
                ]
            )
    columns = ("layers", "time", "time a layer", "to 1,000", "memory a layer", "to 10,000")
    return lines + table(columns, rows)


def sweeps(runs: int) -> list[str]:
    """Configurations a second of six networks, each measured by a child of its own."""
    children = {name: [sys.executable, str(PEERS / "sweep_rates.py"), name, *axes] for name, axes in GRIDS.items()}
    rows = []
    for name, found in in_turn(children, runs).items():
        grid, drawn, alone = (min(float(each.output.split()[at]) for each in found) for at in range(3))
        rates = [f"{1e-6 / taken:.3g} M" for taken in (grid, drawn)]
        ratios = [f"{alone / taken:,.0f}" for taken in (grid, drawn)]
        axes = " x ".join(text.partition("=")[0] for text in GRIDS[name])
        rows.append([f"{name}: {axes}", *rates, f"{1 / alone:,.0f}", *ratios, SWEEP_TARGETS.get(name, "")])
    columns = ("configurations a second", "grid", "list", "one by one", "grid to it", "list to it", "targets")
    return [
        "## Sweeps",
        "",
        "`archcalc.sweep` of params and macs, in process, on one core: seconds are the processor's, the least of all",
        "runs. A grid is every combination of 4,000 by 8,000 values, a list 8 million configurations drawn from them",
        "at random; expansion and the sixteen configurations that every run computes once more are within. One by one",
        "is `archcalc.analyze` in a loop. `mobile` is MobileNet's layers with widths through `make_divisible`.",
        "",
        *table(columns, rows),
    ]


def section_of(report: Path, title: str) -> list[str]:
    """A section as it stands in a report that is there."""
    text = report.read_text(encoding="utf-8") if report.exists() else ""
    found = re.search(rf"^{title}\n.*?(?=\n## |\Z)", text, flags=re.DOTALL | re.MULTILINE)
    return ["", *found.group().rstrip().splitlines()] if found else []


def put_section(report: Path, lines: Sequence[str]) -> None:
    """Write a section, the first line its title, at the end of a report and in place of what it was."""
    text = report.read_text(encoding="utf-8") if report.exists() else ""
    kept = re.sub(rf"\n{lines[0]}\n.*?(?=\n## |\Z)", "", text, flags=re.DOTALL).rstrip()
    report.write_text("\n".join([kept, "", *lines]).strip() + "\n", encoding="utf-8")


def machine(ptflops: str | None) -> list[str]:
    """What the figures were measured on; no names of hosts or paths."""
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    names = ("torch", "torchvision", "fvcore", "transformers", "PyYAML", "typer", "rich")
    versions = [f"{name} {found}" for name in names if (found := _version(name))]
    if ptflops:
        program = "import importlib.metadata as m; print(m.version('ptflops'))"
        versions.append(f"ptflops {run([ptflops, '-c', program]).output.strip()}")
    return [
        f"- date: {datetime.now(UTC).date().isoformat()}",
        f"- machine: {cpu}, {os.cpu_count()} cores, {platform.system()}",
        f"- {platform.python_implementation()} {platform.python_version()}, {', '.join(versions)}",
        "",
    ]


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def main() -> None:
    """Measure, and write the report in one go."""
    from tests.benchmarks import structures, verifying

    parser = argparse.ArgumentParser(description="Timings beside other tools, into reports/performance.md")
    parser.add_argument("--runs", type=int, default=5, help="of each command")
    parser.add_argument("--ptflops", help="a Python that has ptflops and torchvision")
    parser.add_argument("--torchlens", help="a Python that has torchlens and torchvision")
    parser.add_argument("--output", type=Path, default=ROOT / "reports" / "performance.md")
    given = parser.parse_args()
    lines = [
        "# Performance",
        "",
        "Written by `python tests/benchmarks/commands.py`. Ratios are of figures measured in turn in one run; a ratio",
        'above 1 says how many times less archcalc takes, but for the lines "to imports alone".',
        "",
        *machine(given.ptflops),
        *whole_commands(given.runs),
        *start_up(given.runs),
        *engine_alone(given.runs, given.ptflops),
        *transformers_beside(min(given.runs, 3), given.torchlens),
        *growth(min(given.runs, 3)),
        *sweeps(min(given.runs, 3)),
        "",
        *structures.section(1_000_000),
        *section_of(given.output, verifying.TITLE),  # it needs an earlier build
    ]
    given.output.parent.mkdir(exist_ok=True)
    given.output.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
