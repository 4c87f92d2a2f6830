"""What the documents say is true: blocks run, figures are recomputed, files that are named exist."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import archcalc
from archcalc.engine.network import load
from archcalc.ops import OPERATORS
from archcalc.source import Source
from archcalc.spec.functions import FUNCTIONS
from archcalc.spec.library import all_names
from archcalc.spec.limits import DEFAULT_LIMITS
from archcalc.spec.read import KEYS, read_spec
from tests.cli.running import run
from tests.library import shipped
from tests.weights.making import safetensors_bytes

ROOT = Path(__file__).parent.parent.parent
WITH_TORCH = ("archcalc verify", "archcalc import torchvision")
PROTOTXT = """
input: "data" input_shape { dim: 1 dim: 3 dim: 8 dim: 8 }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 4 kernel_size: 3 } }
"""
MODULE = """
from torch import nn


class Net(nn.Sequential):
    def __init__(self, num_classes=2):
        super().__init__(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, num_classes))
"""
GUIDE = [ROOT / "README.md", *sorted((ROOT / "archcalc/guide").glob("*.md"))]
PAGES = [*GUIDE, ROOT / "CONTRIBUTING.md", ROOT / "specs/README.md"]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def console(page: Path) -> list[tuple[str, str]]:
    """Commands on a page, each with what the page says that it prints."""
    found: list[tuple[str, str]] = []
    for block in blocks(page, "console"):
        assert block.startswith("$ archcalc "), block
        commands = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
        found += [(command, output) for command, _, output in (text.partition("\n") for text in commands)]
    return found


def printed(page: Path, command: str, folder: Path) -> str:
    """What a command prints in a window of 80 columns, in a folder with the specs of the page under their names."""
    if command.startswith(WITH_TORCH):
        pytest.importorskip("torch")
    for text in blocks(page, "yaml"):
        (folder / f"{re.findall(r'network: (.+)', text)[0]}.yaml").write_text(text, encoding="utf-8")
    program, *arguments = shlex.split(command)
    assert program == "archcalc"
    before = Path.cwd()
    os.chdir(folder)
    try:
        done = run(*arguments, columns=80, code=None)
    finally:
        os.chdir(before)
    return done.stdout + done.stderr


def without_versions(text: str) -> str:
    """The same under other versions of what was compared with."""
    return re.sub(r"(?:torch|fvcore|torchvision|transformers|timm) [0-9][\w.]*", "", text)


COMMANDS = [(page, command, output) for page in PAGES for command, output in console(page)]
SPECS = [block for page in PAGES for block in blocks(page, "yaml")]


def test_there_are_specs_to_run() -> None:
    assert len(SPECS) >= 3
    assert all(block.startswith("network:") for block in SPECS)


@pytest.mark.parametrize("text", SPECS, ids=[re.findall(r"network: (\S+)", block)[0] for block in SPECS])
def test_specs_on_the_pages_run(text: str, tmp_path: Path) -> None:
    names = read_spec(Source("page", text)).names()
    file = tmp_path / "page.yaml"
    file.write_text(text, encoding="utf-8")
    assert names
    for name in names:
        assert archcalc.analyze(f"{file}:{name}").totals.params > 0


@pytest.mark.parametrize(("page", "command", "output"), COMMANDS, ids=[command for _, command, _ in COMMANDS])
def test_commands_on_the_pages_print_what_they_say(page: Path, command: str, output: str, tmp_path: Path) -> None:
    """`python -m tests.project.test_docs` writes what they print now."""
    assert without_versions(printed(page, command, tmp_path)) == without_versions(output)


def listed() -> list[str]:
    """Commands that README and guide list without what they print; a line that ends in a backslash goes on."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in GUIDE).replace("\\\n", "")
    lines = (line.partition(" #")[0].strip() for line in text.splitlines() if line.startswith("archcalc "))
    return list(dict.fromkeys(lines))  # a command that stands on two pages is run once


def write_models(command: str, folder: Path) -> None:
    """Models of other frameworks that a command names; without a framework the test is skipped."""
    (folder / "deploy.prototxt").write_text(PROTOTXT, encoding="utf-8")
    (folder / "my_net.py").write_text(MODULE, encoding="utf-8")
    if "my_net.py" in command or "torchvision:" in command:
        pytest.importorskip("torch")
        pytest.importorskip("torchvision")
    if ".onnx" in command:
        pytest.importorskip("onnx")
    if "model.onnx" in command:
        from tests.importing.onnx.models import model, node, weight

        made = model([node("Conv", "x w", "y", kernel_shape=[3, 3])], {"x": (1, 3, 8, 8)}, [weight("w", 4, 3, 3, 3)])
        (folder / "model.onnx").write_bytes(made.SerializeToString())


@pytest.mark.parametrize("command", listed())
def test_commands_that_the_guide_lists_work(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a repository of one's own with a network and a table; what torch is needed for is tested with it."""
    program, *arguments = shlex.split(command, comments=True)
    assert program == "archcalc"
    if arguments[0] in ("profile", "reconcile"):
        assert f"archcalc {arguments[0]}" in run(arguments[0], "--help").stdout
        return
    (spec,) = blocks(ROOT / "README.md", "yaml")
    (tmp_path / "my.yaml").write_text(spec, encoding="utf-8")
    write_models(command, tmp_path)
    (tmp_path / "results.csv").write_text("model,params\nvgg16,138M\n", encoding="utf-8")
    config = {"model_type": "llama", "num_hidden_layers": 2, "hidden_act": "silu"}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(safetensors_bytes({"w": ("F32", (2, 3), 24)}))
    if "reports/" in command:  # 50 MB
        shutil.copytree(ROOT / "reports", tmp_path / "reports")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    for step in (["init", "-q"], ["add", "my.yaml"], ["commit", "-q", "-m", "a network"]):
        subprocess.run([*git, *step], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    written = Path(arguments[arguments.index("-o") + 1]).read_bytes() if "-o" in arguments else b""
    assert done.stdout or written


def test_stale_output_is_found(tmp_path: Path) -> None:
    """The comparison above can fail: another number is another text."""
    assert len(COMMANDS) >= 5
    page, command, output = next(found for found in COMMANDS if "validate" in found[1])
    assert printed(page, command, tmp_path) != output.replace("2 networks", "3 networks") != output


def test_the_python_of_the_readme_runs_and_prints_what_it_says() -> None:
    (code,) = blocks(ROOT / "README.md", "python")
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = ran.stdout.splitlines()
    # torchvision's ResNet-50 has 25,557,032 parameters; 83,410,944 n^2 + 2,048,000 MACs at 32 n, here n = 8.
    assert lines[0] == f"25557032 {83_410_944 * 8**2 + 2_048_000}"
    assert f"```\n{lines[1]}\n```" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_figures_of_the_guide_are_counted_again() -> None:
    text = " ".join((ROOT / "archcalc/guide/truth.md").read_text(encoding="utf-8").split())
    ledger = shipped()
    computed = [result for result in ledger.results if result.status != "quoted"]  # accuracies are no costs
    assert "A ledger holds more than 700 figures" in text
    assert len(computed) > 700
    assert "All networks, more than 200" in text
    assert len(all_names()) > 200
    totals = {
        tool: archcalc.analyze("resnet50@torchvision", convention=tool).totals.flops
        for tool in ("macs", "fvcore", "ptflops", "thop")
    }
    assert (
        f"fvcore prints {totals['fvcore']:,}, ptflops {totals['ptflops']:,} and thop {totals['thop']:,}, "
        f"all from the same {totals['macs']:,} MACs"
    ) in text
    graph = load("resnet50@torchvision").graph()
    normalised = sum(node.y.elements for node in graph.nodes if node.operator.name == "batch_norm")
    assert f"and {normalised:,} normalised elements" in text


def test_pictures_show_what_is_counted_now() -> None:
    """The marks of a picture say their numbers to readers that cannot see them."""
    pictures = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "reports/pictures").glob("*.svg")}
    assert set(pictures) == {"networks", "googlenet", "sweep"}
    balls = re.findall(r'aria-label="MACs: (\d+); parameters: (\d+); network: ([^;"]+);', pictures["networks"])
    assert len(balls) == 12
    for macs, params, name in balls:
        totals = archcalc.analyze(name).totals
        assert (int(macs), int(params)) == (totals.macs, totals.params), name
    bars = re.findall(r'aria-label="MACs: (\d+); layer: ([^;"]+);', pictures["googlenet"])
    assert sum(int(macs) for macs, _ in bars) == archcalc.analyze("googlenet").totals.macs
    points = re.findall(r'aria-label="resolution: (\d+); MACs: (\d+); series: width ([\d.]+);', pictures["sweep"])
    assert len(points) >= 48
    for resolution, macs, width in points:
        assert int(macs) == archcalc.analyze("resnet50", set={"resolution": resolution, "width": width}).totals.macs


def test_the_docstring_of_the_package_is_true() -> None:
    assert archcalc.analyze("lenet5").totals.params == 60_000


def test_files_that_are_linked_exist() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_networks_that_are_named_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z0-9_]+@[a-z0-9-]+)`", text)) | {"resnet50", "googlenet", "vgg16", "lenet5"}
    assert {"resnet50@torchvision", "googlenet@naive"} <= named
    for name in named - {"a@b"}:
        assert load(name).name == name


def test_the_language_page_names_every_key_function_and_limit() -> None:
    text = (ROOT / "specs/README.md").read_text(encoding="utf-8")
    for word in (*KEYS, *FUNCTIONS):
        assert re.search(rf"\b{word}\b", text), word
    for limit in DEFAULT_LIMITS:
        assert f"{limit:,}" in text


def test_contributing_names_folders_that_exist() -> None:
    for name in re.findall(r"`((?:archcalc|tests|specs|reports)/[\w/.]+)`", (ROOT / "CONTRIBUTING.md").read_text()):
        if "<" not in name:
            assert (ROOT / name).exists(), name


def test_every_operator_is_in_the_manual() -> None:
    manual = (ROOT / "reports/operators.md").read_text(encoding="utf-8")
    for name in OPERATORS:
        assert re.search(rf"^#+ .*`?{name}\b", manual, re.MULTILINE), name


def write_outputs() -> None:
    """Put what commands print now in the place of what the pages say."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for command, output in console(page):
            with tempfile.TemporaryDirectory() as folder:
                text = text.replace(f"$ {command}\n{output}", f"$ {command}\n{printed(page, command, Path(folder))}")
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_outputs()
