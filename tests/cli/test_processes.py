"""Whole processes: what is imported, pipes, colours, encodings, completion."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import shell

HEAVY = "numpy sympy pandas torch altair hypothesis pydantic rich matplotlib"
CHECK = f"""
import sys
from archcalc.cli import app
try:
    app(sys.argv[1:], prog_name="archcalc")
except SystemExit as ended:
    code = ended.code
print([name for name in {HEAVY!r}.split() if name in sys.modules], code, file=sys.stderr)
"""


@pytest.mark.parametrize(
    "command",
    [
        "--help",
        "compare googlenet vgg16",
        "show lenet5",
        "list",
        "show lenet5 --format json",
        "validate x.yaml",
        "check --source lecun1998gradient --format github",
        "diff resnet18 resnet34",
        "audit x.csv",
        "solve squeezenet --for resolution --max macs=1G",
        "conventions",
    ],
)
def test_nothing_heavy_is_imported(command: str) -> None:
    done = subprocess.run([sys.executable, "-c", CHECK, *command.split()], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1].startswith("[] "), done.stderr


def test_help_imports_no_engine() -> None:
    check = CHECK.replace(HEAVY, "archcalc.engine archcalc.spec archcalc.ops yaml archcalc.report")
    done = subprocess.run([sys.executable, "-c", check, "--help"], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[] 0"


def test_a_whole_process() -> None:
    found = shell("compare", "googlenet", "vgg16")
    assert (found.code, found.stderr) == (0, "")
    assert found.stdout.startswith("googlenet needs 9.8x fewer MACs")


def test_columns_are_obeyed_in_a_pipe() -> None:
    found = shell("show", "resnet50", COLUMNS="72")
    assert max(map(len, found.stdout.splitlines())) <= 72


def test_a_stream_without_unicode_gets_ascii() -> None:
    found = shell("show", "resnet50", COLUMNS="80", PYTHONIOENCODING="ascii")
    assert found.code == 0
    assert found.stdout.isascii()
    assert "---" in found.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_a_closed_pipe_is_silent() -> None:
    command = f"{sys.executable} -m archcalc show resnet1202 | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.splitlines()[0].startswith("resnet1202")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["show", "lenet5"], ["--help"], ["show", "--help"], ["--version"]])
def test_a_full_disk_is_told(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "archcalc", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert "error[cannot-write]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_closed_streams(tmp_path: Path) -> None:
    def outcome(arguments: str) -> tuple[int, str]:
        command = f"{sys.executable} -m archcalc {arguments}"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, cwd=tmp_path)
        return done.returncode, done.stderr

    for arguments in ("show lenet5", "--help", "sweep lenet5 --over classes=5,10 --format csv", "validate x.yaml"):
        code, said = outcome(f"{arguments} >&-")
        assert code == 2
        assert "error[" in said
        assert "Traceback" not in said
    assert outcome("show lenet5 -o out.csv >&-") == (0, "")  # nothing goes to stdout
    assert (tmp_path / "out.csv").read_text().startswith("name,")
    assert outcome("show lenet >/dev/null 2>&-")[0] == 2


pty = pytest.importorskip("pty")


def terminal(*arguments: str, **environment: str) -> bytes:
    """What a terminal receives."""
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "archcalc", *arguments],
        stdin=follower,
        stdout=follower,
        env={**kept, "TERM": "xterm", "COLUMNS": "80", **environment},
    ):
        os.close(follower)
        received = b""
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            received += part
    os.close(leader)
    return received


def test_a_terminal_gets_colour_unless_it_refuses() -> None:
    assert b"\x1b[" in terminal("show", "lenet5")
    assert b"\x1b[" not in terminal("show", "lenet5", NO_COLOR="1")
    assert b"\x1b[" not in terminal("show", "lenet5", TERM="dumb")


def test_colour_changes_nothing_else() -> None:
    import re

    coloured = re.sub(rb"\x1b\[[0-9;]*m", b"", terminal("show", "googlenet")).replace(b"\r\n", b"\n")
    assert coloured == terminal("show", "googlenet", NO_COLOR="1").replace(b"\r\n", b"\n")


def test_names_complete_in_the_shell() -> None:
    found = shell(_ARCHCALC_COMPLETE="complete_bash", COMP_WORDS="archcalc show resnet50", COMP_CWORD="2")
    assert found.stdout.split() == ["resnet50", "resnet50@tfslim", "resnet50@torchvision"]
    operators = shell(_ARCHCALC_COMPLETE="complete_bash", COMP_WORDS="archcalc ops max", COMP_CWORD="2")
    assert operators.stdout.split() == ["maxpool"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_is_one_line(tmp_path: Path) -> None:
    import signal
    import time

    path = tmp_path / "long.yaml"
    path.write_text("network: long\ninput: features(8)\nlayers:\n  a: linear(8) * 900000\n", encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-m", "archcalc", "show", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130
    assert errors == "interrupted\n"
