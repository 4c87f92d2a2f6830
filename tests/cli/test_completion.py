"""Completion in a real bash, which cuts words at `@`, `:` and `=`; scripts for zsh and fish."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archcalc.cli.completion import complete_network, complete_task, joined
from archcalc.engine.network import load
from tests.cli.running import NET, spec

BASH = shutil.which("bash")
needs_bash = pytest.mark.skipif(BASH is None, reason="bash is not installed")

TRY = r"""
eval "$(archcalc --show-completion bash)"
COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); COMPREPLY=()
_archcalc_completion archcalc
printf '%s\n' "${COMPREPLY[@]}"
"""


def environment(folder: Path) -> dict[str, str]:
    """With a command `archcalc` of this interpreter on the path."""
    command = folder / "bin" / "archcalc"
    command.parent.mkdir(exist_ok=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m archcalc "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return {**os.environ, "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}", "PYTHONIOENCODING": "utf-8"}


def completed(folder: Path, *words: str) -> list[str]:
    """What bash is given for the pieces of a line, cut as bash cuts them."""
    assert BASH
    done = subprocess.run(
        [BASH, "--norc", "-c", TRY, "bash", *words],
        capture_output=True,
        encoding="utf-8",
        env=environment(folder),
        cwd=folder,
        check=True,
    )
    return [line for line in done.stdout.splitlines() if line]


@needs_bash
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("show resnet50 @ t", ["@tfslim", "@torchvision"]),
        ("show resnet50 @ tf", ["@tfslim"]),
        ("show resnet50 @ to", ["@torchvision"]),
        ("compare vgg16 resnet50 @ to", ["@torchvision"]),
        ("show vgg1", ["vgg11", "vgg11@bn", "vgg11@lrn", "vgg13", "vgg13@bn"]),
        ("explain lenet5 C", ["C1", "C3", "C5"]),
        ("explain googlenet inception_3a.p", ["inception_3a.pool"]),
        ("show vgg16 --scope fc", ["fc6", "fc7", "fc8"]),
        ("show resnet50 --set reso", ["resolution=224"]),
        ("show resnet50 --set block =", ["bottleneck", "basic"]),
        ("show resnet50 --set block = ba", ["basic"]),
        ("solve resnet50 --for wi", ["width"]),
        ("formula resnet50 @ torchvision --free resolution,wi", ["resolution,width"]),
        ("show vgg16 --convention ptf", ["ptflops"]),
        ("show vgg16 --dtype bf", ["bf16"]),
        ("show vgg16 --format = mark", ["markdown"]),
        ("show lenet5 --columns name,conn", ["name,connections"]),
        ("find --task CIFAR", ["CIFAR-10", "CIFAR-100"]),
        ("find --where peak", ["peak_activations", "peak_memory"]),
        ("check resnet50 --max ma", ["macs=", "macs_once=", "masked="]),
        ("ops dep", ["depthwise"]),
        ("show nothing_is_called_so", []),
        ("explain nothing_is_called_so C", []),
    ],
)
def test_bash_is_given_what_stands_after_its_last_cut(words: str, expected: list[str], tmp_path: Path) -> None:
    found = completed(tmp_path, "archcalc", *words.split())
    assert [each for each in found if each in expected] == expected
    if not words.startswith(("show vgg1", "show vgg16 --convention")):
        assert found == expected


@needs_bash
def test_networks_of_ones_own_file(tmp_path: Path) -> None:
    file = Path(spec(tmp_path, NET)).name
    assert completed(tmp_path, "archcalc", "show", f"./{file}", "--set", "wid") == ["width=4"]
    assert completed(tmp_path, "archcalc", "show", f"./{file}", ":", "tiny", "--set", "width", "=") == ["4", "16"]
    assert completed(tmp_path, "archcalc", "explain", f"./{file}", "co") == ["conv1"]


@needs_bash
def test_a_key_completes_the_word_on_the_line(tmp_path: Path) -> None:
    """On a terminal: `show resnet50@to`, the key TAB, and what bash then passes to the command."""
    assert BASH
    told = tmp_path / "told"
    child, master = pty.fork()
    if child == 0:  # pragma: no cover - another process
        os.chdir(tmp_path)
        os.execve(BASH, [BASH, "--norc", "--noprofile", "-i"], {**environment(tmp_path), "TERM": "dumb", "PS1": "$ "})
    try:
        setup = 'eval "$(archcalc --show-completion bash)"\n'
        os.write(master, setup.encode())
        os.write(master, b"complete -p archcalc > ready\n")
        until(master, lambda: (tmp_path / "ready").exists() and bool((tmp_path / "ready").read_text()))
        os.write(master, b"archcalc show resnet50@to\t")
        until(master, lambda: False, b"torchvision")
        os.write(master, b"\x01echo \x05 > told\n")
        until(master, lambda: told.exists() and bool(told.read_text()))
        assert told.read_text().split() == ["archcalc", "show", "resnet50@torchvision"]
    finally:
        os.close(master)
        os.waitpid(child, 0)


def until(master: int, is_so: object, text: bytes = b"\0") -> bytes:
    """What the terminal shows until something is so, or a text is seen; a machine may take minutes."""
    assert callable(is_so)
    seen = b""
    end = time.monotonic() + 300
    while time.monotonic() < end and not is_so() and text not in seen.replace(b"\r\n", b""):
        if select.select([master], [], [], 0.1)[0]:
            seen += os.read(master, 4096)
    return seen.replace(b"\r\n", b"")


def test_families_that_are_no_network_are_not_offered() -> None:
    for begin in ("", "resnet", "densenet", "fractal", "nin", "googlenet"):
        for name in complete_network(begin):
            assert load(name).name == name
    assert "googlenet" in complete_network("goog")  # a family that is a network itself
    assert "resnet" not in complete_network("resn")
    assert complete_task("imagen") == ["ImageNet"]


@pytest.mark.parametrize(
    ("pieces", "position", "words", "cut"),
    [
        ("archcalc show resnet50 @ t", 4, ["archcalc", "show", "resnet50@t"], "resnet50"),
        ("archcalc show resnet50 @", 3, ["archcalc", "show", "resnet50@"], "resnet50"),
        ("archcalc show resnet50", 2, ["archcalc", "show", "resnet50"], ""),
        ("archcalc show", 2, ["archcalc", "show", ""], ""),
        ("archcalc show ./a.yaml : b @ c", 6, ["archcalc", "show", "./a.yaml:b@c"], "./a.yaml:b"),
        (
            "archcalc show n --set a = 1 --set b = 2",
            10,
            ["archcalc", "show", "n", "--set", "a=1", "--set", "b=2"],
            "b=",
        ),
        ("archcalc show a @ b --set", 5, ["archcalc", "show", "a@b", "--set"], ""),
    ],
)
def test_pieces_of_words_are_put_together(pieces: str, position: int, words: list[str], cut: str) -> None:
    assert joined(pieces.replace(" ", "\n"), position) == (words, len(words) - 1, cut)


@pytest.mark.parametrize(("shell", "line"), [("zsh", "compdef _archcalc_completion archcalc"), ("fish", "complete ")])
def test_scripts_of_other_shells(shell: str, line: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "archcalc"],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "_ARCHCALC_COMPLETE": f"source_{shell}"},
        check=False,
    )
    script = done.stdout
    assert line in script
    assert "_ARCHCALC_COMPLETE=complete_" + shell in script


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_given_whole_words(shell: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "archcalc"],
        capture_output=True,
        encoding="utf-8",
        env={
            **environment(tmp_path),
            "_ARCHCALC_COMPLETE": f"complete_{shell}",
            "_TYPER_COMPLETE_ARGS": "archcalc show resnet50@to",
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
            "_TYPER_COMPLETE_WORD_TO_COMPLETE": "resnet50@to",
        },
        check=False,
    )
    assert "resnet50@torchvision" in done.stdout
