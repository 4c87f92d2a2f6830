"""Parts of a sweep: whole, held to a checksum, written by one process at a time, and gone in the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archcalc.engine.sweep.chunk import Runner
from archcalc.engine.sweep.parts import Store, store_beside, writing_alone
from archcalc.engine.sweep.plan import Plan, make_plan
from archcalc.engine.sweep.run import collected
from archcalc.source import SpecError
from tests.cli.running import run

OVER = ("--over", "resolution=16:64:16", "--over", "width=0.25:1:0.25")
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and locks")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.engine.sweep.plan.CHUNK", 4)


def plan_of_four() -> Plan:
    plan = make_plan("vgg11", {"resolution": "16:64:16", "width": "0.25:1:0.25"})
    assert plan.chunks == 4
    return plan


def interrupted(path: Path, monkeypatch: pytest.MonkeyPatch, at: int = 3) -> list[Path]:
    """The parts that a run leaves that is interrupted at a chunk."""

    def stops(self: Runner, number: int) -> Any:
        if number == at:
            raise KeyboardInterrupt
        return right(self, number)

    right = Runner.run
    with monkeypatch.context() as patched:
        patched.setattr(Runner, "run", stops)
        run("sweep", "vgg11", *OVER, "-o", str(path), code=130)
    return sorted(path.parent.glob(f".{path.name}.parts/*/*"))


def flipped(part: Path) -> None:
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)


def last_byte(part: Path) -> None:
    data = bytearray(part.read_bytes())
    data[-1] ^= 1
    part.write_bytes(data)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda part: part.write_bytes(b""),
    "cut": lambda part: part.write_bytes(part.read_bytes()[:-100]),
    "short": lambda part: part.write_bytes(b"PK"),
    "flipped": flipped,
    "checksum": last_byte,
    "longer": lambda part: part.write_bytes(part.read_bytes() + b"\0"),
    "other": lambda part: part.write_text("this is no part\n" * 100),
}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_part_is_made_again(
    damage: str, ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    path, other = tmp_path / f"out.{ending}", tmp_path / f"other.{ending}"
    run("sweep", "vgg11", *OVER, "-o", str(other))
    parts = interrupted(path, monkeypatch)
    assert len(parts) == 3
    DAMAGES[damage](parts[1])
    found = run("sweep", "vgg11", *OVER, "-o", str(path))
    assert "going on: 2 of 4 parts are there; 1 damaged, made again\n" in found.stderr
    assert path.read_bytes() == other.read_bytes()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([path.name, other.name])


def test_a_part_in_the_place_of_another_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, other = tmp_path / "out.csv", tmp_path / "other.csv"
    run("sweep", "vgg11", *OVER, "-o", str(other))
    first, second, _ = interrupted(path, monkeypatch)
    second.write_bytes(first.read_bytes())
    assert "2 of 4 parts are there; 1 damaged" in run("sweep", "vgg11", *OVER, "-o", str(path)).stderr
    assert path.read_bytes() == other.read_bytes()


def test_a_part_that_changes_while_it_is_needed_is_told(tmp_path: Path) -> None:
    plan = plan_of_four()
    store = store_beside(tmp_path / "out.csv", plan, False)
    found = collected(plan, store)
    flipped(store.path(2))
    with pytest.raises(SpecError, match=r"error\[damaged-part\].*changed or removed"):
        list(found.pieces())
    assert store.found(2) is None
    assert store.found(1) is not None


def test_what_is_written_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each rename stands between an fsync of the file and one of its folder."""
    done: list[str] = []
    sync, replace = os.fsync, Path.replace

    def synced(handle: int) -> None:
        done.append("folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "file")  # noqa: PTH112  # a handle
        sync(handle)

    def replaced(self: Path, target: Path) -> Path:
        done.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    run("sweep", "vgg11", *OVER, "-o", str(tmp_path / "out.csv"))
    if not Path("/proc/self/fd").is_dir():
        done = ["folder" if index % 3 == 2 else each for index, each in enumerate(done)]
    assert done == ["file", "rename", "folder"] * 5  # four parts, and the result


@POSIX
def test_a_second_writer_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    with writing_alone(path):
        for over in (OVER, ("--over", "resolution=32")):  # of many parts, and of one
            found = run("sweep", "vgg11", *over, "-o", str(path), code=2)
            assert "error[output-in-use]: another process is writing" in found.stderr
        run("sweep", "vgg11", *OVER, "-o", str(tmp_path / "other.csv"))
    assert not path.exists()
    run("sweep", "vgg11", *OVER, "-o", str(path))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["other.csv", "out.csv"]


DRIVER = """
import os, sys
from archcalc.__main__ import main
from archcalc.engine.sweep import plan
from archcalc.engine.sweep.chunk import Runner
import archcalc.source.writing as writing

plan.CHUNK = 4
right = Runner.run
def run(self, number):
    if number == 2:
        print("ready", flush=True)
        while True:
            pass
    return right(self, number)
def put(made, target):
    if "parts" not in str(target.parent):
        print("ready", flush=True)
        while True:
            pass
    right_put(made, target)
right_put = writing.put_in_place
if sys.argv.pop(1) == "chunk":
    Runner.run = run
else:
    writing.put_in_place = put
main()
"""


def heed() -> None:
    """Take signals, even where these tests run in the background of a script that ignores them."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(signal.Signals[name], signal.SIG_DFL)


def killed(number: signal.Signals, where: str, path: Path) -> tuple[int, str]:
    """A run that gets a signal while it computes a chunk, or while it writes the result."""
    arguments = [sys.executable, "-c", DRIVER, where, "sweep", "vgg11", *OVER, "-o", str(path)]
    with subprocess.Popen(
        arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed,  # noqa: PLW1509  # one thread
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        _, said = process.communicate()
    return process.returncode, said


@POSIX
@pytest.mark.parametrize("where", ["chunk", "result"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"])
def test_a_run_that_is_killed_leaves_parts_and_nothing_else(name: str, where: str, tmp_path: Path) -> None:
    number = signal.Signals[name]
    path, other = tmp_path / "out.csv", tmp_path / "other.csv"
    code, said = killed(number, where, path)
    assert not path.exists()
    left = [entry.name for entry in tmp_path.iterdir()]
    if number is not signal.SIGKILL:
        assert code == 128 + number
        assert said.splitlines()[-1] == ("interrupted" if number is signal.SIGINT else "terminated")
        assert "the same command goes on from there" in said
        assert left == [".out.csv.parts"]
        assert not list((tmp_path / ".out.csv.parts").rglob("*.tmp"))
    run("sweep", "vgg11", *OVER, "-o", str(other))
    found = run("sweep", "vgg11", *OVER, "-o", str(path))
    assert f"going on: {2 if where == 'chunk' else 4} of 4 parts are there" in found.stderr
    assert path.read_bytes() == other.read_bytes()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["other.csv", "out.csv"]


def test_a_store_holds_what_was_written(tmp_path: Path) -> None:
    plan = plan_of_four()
    store: Store = store_beside(tmp_path / "out.csv", plan, False)
    whole = collected(plan)
    assert store.found(0) is None
    assert collected(plan, store).to_frame().equals(whole.to_frame())
    assert store.tidied(plan.chunks) == (4, 0)
    store.remove()
    assert not list(tmp_path.iterdir())
