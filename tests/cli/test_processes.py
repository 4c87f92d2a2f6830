"""Whole processes: what is imported, pipes, colours, encodings, completion."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import run, shell

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
    assert found.code == 0
    assert "error" not in found.stderr
    assert found.stdout.startswith("googlenet needs 9.8x fewer MACs")


@pytest.mark.parametrize(
    "typed", ["show lenet5", "compare lenet5 alexnet", "show dcgan", "compare lenet5 nonet a.yaml"]
)
def test_names_alone_are_answered_as_by_typer(typed: str) -> None:
    assert shell(*typed.split()) == shell(*typed.split(), "--units", "si")


def test_names_alone_need_no_typer() -> None:
    check = (
        "import sys\nfrom archcalc.cli import main\ntry: main()\nfinally: sys.stdout.write(str('typer' in sys.modules))"
    )
    for names in (["show", "lenet5"], ["compare", "lenet5", "alexnet"]):
        done = subprocess.run([sys.executable, "-c", check, *names], capture_output=True, text=True, check=True)
        assert done.stdout.endswith("\nFalse")


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
    assert "Broken pipe" not in done.stderr
    assert "Traceback" not in done.stderr
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
    assert outcome("show lenet5 -o out.csv >&-")[0] == 0  # nothing goes to stdout
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
    assert found.stdout.split() == ["resnet50", "resnet50@tfslim", "resnet50@torchvision", "resnet50_v2"]
    operators = shell(_ARCHCALC_COMPLETE="complete_bash", COMP_WORDS="archcalc ops maxp", COMP_CWORD="2")
    assert operators.stdout.split() == ["maxpool"]


READY = """
import sys
from archcalc.__main__ import main
{before}
sys.argv[0] = "archcalc"
main()
"""
# Where a signal meets the process: before anything is imported, or inside of the command.
EARLY = """
import builtins
right = builtins.__import__
def tell(name, *arguments, **named):
    if name == "archcalc.cli":
        print("ready", flush=True)
        while True:
            pass
    return right(name, *arguments, **named)
builtins.__import__ = tell
"""
INSIDE = """
from archcalc.engine.network import Network
def tell(*arguments, **named):
    print("ready", flush=True)
    while True:
        pass
Network.graph = tell
"""
# Python cannot raise there: what comes while an object is cleared away is told, and gone.
SWALLOWED = """
from archcalc.engine.network import Network
class Cleared:
    def __del__(self):
        print("ready", flush=True)
        while True:
            pass
def tell(*arguments, **named):
    Cleared()
    while True:
        pass
Network.graph = tell
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize("before", [EARLY, INSIDE, SWALLOWED], ids=["imports", "command", "swallowed"])
def test_ctrl_c_is_one_line(before: str) -> None:
    """Wherever it comes; a run that is told to ignore it, as in the background of a script, is made to take it."""
    import signal

    with subprocess.Popen(
        [sys.executable, "-c", READY.format(before=before), "show", "lenet5"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509  # one thread
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130
    assert errors == "interrupted\n"


LEAVING = """
import atexit, os, sys
from archcalc.__main__ import main
os._exit = lambda code: print("left with", code)
{before}
sys.argv[0] = "archcalc"
main()
"""


@pytest.mark.parametrize(
    ("before", "name", "code", "last"),
    [
        ("", "lenet5", 0, "left with 0"),
        ("", "lenet55", 2, "left with 2"),
        ("atexit.register(print, 'registered')", "lenet5", 0, "registered"),
        ("sys.setprofile(lambda *told: None)", "lenet5", 0, ""),
    ],
    ids=["fine", "finding", "registered", "profiled"],
)
def test_the_end_of_a_process(before: str, name: str, code: int, last: str) -> None:
    """Nothing is cleared away one by one, unless somebody else waits for the end."""
    command = [sys.executable, "-c", LEAVING.format(before=before), "show", name]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == code, made.stderr
    assert ("left with" in made.stdout) is last.startswith("left")
    assert made.stdout.rstrip().endswith(last)


LONG = "a" * 5000
NINES = "9" * 5000


@pytest.mark.skipif(sys.platform == "win32", reason="links")
@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "LOOP.yaml"],
        ["show", "lenet5", "-o", "LOOP.csv"],
        ["show", "lenet5", "-o", "LOOP.csv/x.csv"],
        ["diff", "--git", "HEAD", "LOOP.yaml"],
        ["validate", "LOOP.yaml"],
        ["audit", "LOOP.csv"],
        ["sweep", "resnet18", "--over", "resolution=32,64", "-o", "LOOP.csv"],
        ["show", LONG],
        ["show", f"{LONG}.yaml"],
        ["show", f"./{LONG}:variant"],
        ["show", "lenet5", "-o", f"{LONG}.csv"],
        ["diff", "--git", "HEAD", f"{LONG}.yaml"],
        ["diff", f"{LONG}.yaml", "lenet5"],
        ["validate", f"{LONG}.yaml"],
        ["audit", f"{LONG}.csv"],
        ["compare", "lenet5", LONG],
        ["sweep", "resnet18", "--over", "resolution=32,64", "-o", f"{LONG}.csv"],
        ["sweep", f"{LONG}.yaml", "--over", "resolution=32,64"],
        ["formula", f"./{LONG}:x"],
    ],
)
def test_paths_that_lead_nowhere(arguments: list[str], tmp_path: Path) -> None:
    for ending in (".yaml", ".csv"):
        (tmp_path / f"LOOP{ending}").symlink_to(tmp_path / f"LOOP{ending}")
    given = [part.replace("LOOP", str(tmp_path / "LOOP")) for part in arguments]
    found = run(*given, code=2)
    assert (found.stderr or found.stdout).count("error[") == 1
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["LOOP.csv", "LOOP.yaml"]


def test_what_the_system_refuses_elsewhere_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(24, "Too many open files", "x.yaml")

    monkeypatch.setattr("archcalc.engine.network.load", refuse)
    found = run("show", "lenet5", code=2)
    assert found.stderr == "error[system-error]: the system refused something: `x.yaml`: too many open files\n"


@pytest.mark.parametrize("name", ["COLUMNS", "LINES", "COMP_CWORD", "TERM", "NO_COLOR"])
@pytest.mark.parametrize("value", [NINES, "x"])
def test_whatever_is_in_the_environment(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = shell("show", "lenet5").stdout
    monkeypatch.setenv("COMP_CWORD", "1")
    monkeypatch.setenv("COMP_WORDS", "archcalc sh")
    monkeypatch.setenv(name, value)
    if name != "COLUMNS":  # which `shell` leaves out, and is given below
        assert shell("show", "lenet5").stdout == plain
    elif value == NINES:
        assert shell("show", "lenet5", COLUMNS=value).stdout == plain
    for arguments, more in ((["--help"], {}), ([], {"_ARCHCALC_COMPLETE": "complete_bash"})):
        columns = {"COLUMNS": value} if name == "COLUMNS" else {}
        found = shell(*arguments, folder=None, **more, **columns)
        assert "Traceback" not in found.stderr


@pytest.mark.parametrize("module", ["yaml", "archcalc.source", "archcalc.cli"])
def test_a_process_of_somebody_else_keeps_the_patterns_of_other_libraries(module: str) -> None:
    """Only the command itself compiles PyYAML's patterns later."""
    shown = "type(yaml.reader.Reader.NON_PRINTABLE) is re.Pattern, re.compile.__module__"
    line = f"import {module}, re, yaml; print({shown})"
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True)
    assert done.stdout == "True re\n"
