"""What is kept from one process to the next: taken only where nothing that it depends on has changed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import archcalc
from archcalc.engine import library, listed
from archcalc.source import memo
from archcalc.source.places import cache_folder
from archcalc.spec import library as names
from tests.cli.running import NET, run


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where entries are kept: a folder of the test's own, with code of its own, as old as may be."""
    monkeypatch.delenv("ARCHCALC_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("sys.platform", "linux")
    for room in memo.ROOMS:
        (tmp_path / "code" / room).mkdir(parents=True)
    for name in ("__init__.py", "graph.py", "ops/conv.py"):
        (tmp_path / "code" / name).write_text("kernel = 3\n", encoding="utf-8")
    monkeypatch.setattr(memo, "PACKAGE", tmp_path / "code")
    monkeypatch.setattr(archcalc, "BEGAN", time.time_ns() + 10**12)
    return tmp_path / "cache" / "archcalc" / "squares.json"


class Squares:
    """Something that is computed, and how often it was."""

    def __init__(self, *paths: Path) -> None:
        self.times, self.paths = 0, paths

    def __call__(self) -> list[int]:
        self.times += 1
        return [1, 4, 2**80]

    def asked(self) -> int:
        """How often it has been computed, after it was asked for once more."""
        assert memo.remembered("squares", self.paths, self) == [1, 4, 2**80]
        return self.times


def test_what_is_known_is_computed_once(kept: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.write_text("1 2", encoding="utf-8")
    squares = Squares(given)
    assert memo.recalled("squares", [given]) is None
    assert [squares.asked(), squares.asked()] == [1, 1]
    assert memo.recalled("squares", [given]) == [1, 4, 2**80]
    given.write_text("1 2", encoding="utf-8")
    assert squares.asked() == 1, "the same content is the same"
    assert [path.name for path in kept.parent.iterdir()] == ["squares.json"]
    assert kept.parent.stat().st_mode & 0o077 == 0


def test_what_it_depends_on_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tmp_path / "given"
    given.write_text("1 2", encoding="utf-8")
    squares = Squares(given)
    squares.asked()
    os.utime(given, ns=(1, 1))
    before = given.stat()
    given.write_text("1 3", encoding="utf-8")
    os.utime(given, ns=(1, 1))
    assert given.stat().st_size == before.st_size
    assert squares.asked() == 2, "content counts, not the time"
    (tmp_path / "code" / "ops" / "conv.py").write_text("kernel = 5\n", encoding="utf-8")
    assert squares.asked() == 3
    (tmp_path / "code" / "ops" / "pool.py").write_text("", encoding="utf-8")
    assert squares.asked() == 4
    monkeypatch.setattr("sys.version", "4.0")
    assert squares.asked() == 5
    assert squares.asked() == 5


@pytest.mark.parametrize("damage", [b"", b"archcalc\n[1]", b"\xff\0"], ids=["empty", "foreign", "bytes"])
def test_a_damaged_entry_is_computed_again(kept: Path, damage: bytes) -> None:
    squares = Squares()
    squares.asked()
    kept.write_bytes(damage)
    assert [squares.asked(), squares.asked()] == [2, 2]
    whole = kept.read_bytes()
    for at in (0, len(whole) // 2, len(whole) - 1):
        kept.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert memo.recalled("squares", []) is None
    kept.write_bytes(whole[:-1])
    assert memo.recalled("squares", []) is None


def test_code_that_this_process_may_not_run_keeps_nothing(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was written after the process began: what was imported is the old one, or the new one."""
    monkeypatch.setattr(archcalc, "BEGAN", (tmp_path / "code" / "graph.py").stat().st_mtime_ns)
    squares = Squares()
    assert [squares.asked(), squares.asked()] == [1, 2]
    assert not kept.exists()


def test_a_file_that_changes_meanwhile_keeps_nothing(kept: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.write_text("1 2", encoding="utf-8")

    def computed() -> list[int]:
        given.write_text("1 3", encoding="utf-8")
        return [1, 4]

    assert memo.remembered("squares", [given], computed) == [1, 4]
    assert not kept.exists()


@pytest.mark.parametrize("way", ["off", "no folder", "no home", "a file that is missing"])
def test_without_a_place_all_is_computed(way: str, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    squares = Squares(*[tmp_path / "missing"] * (way == "a file that is missing"))
    if way == "off":
        monkeypatch.setenv("ARCHCALC_CACHE", "off")
    elif way == "no folder":
        (tmp_path / "cache").write_text("", encoding="utf-8")
    elif way == "no home":
        monkeypatch.setenv("XDG_CACHE_HOME", "relative")
        monkeypatch.delenv("HOME")
        assert cache_folder() is None
    assert [squares.asked(), squares.asked()] == [1, 2]
    assert not kept.exists()


def test_a_list_is_the_same_from_what_is_kept(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    specs = tmp_path / "specs"
    specs.mkdir()
    (specs / "tiny.yaml").write_text(NET, encoding="utf-8")
    for module in (library, listed, names):
        monkeypatch.setattr(module, "specs_folder", lambda: specs)
    formats = [["list"], ["list", "--format", "csv"], ["list", "--format", "json"], ["list", "tiny", "--sort", "macs"]]
    monkeypatch.setenv("ARCHCALC_CACHE", "off")
    computed = [run(*words).stdout for words in formats]
    monkeypatch.delenv("ARCHCALC_CACHE")
    run("list")
    assert (kept.parent / "totals.json").exists()
    monkeypatch.setattr(library, "analysed_families", None)
    assert [run(*words).stdout for words in formats] == computed


@pytest.mark.slow
@pytest.mark.parametrize("command", [["list", "--format", "json"], ["check", "--format", "json"]], ids=lambda of: of[0])
def test_of_the_whole_library(command: list[str], tmp_path: Path) -> None:
    """Computed, computed and kept, taken from what is kept: the same bytes."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "kept")}
    words = [sys.executable, "-m", "archcalc", *command]
    off = {**environment, "ARCHCALC_CACHE": "off"}
    first, second, third = (
        subprocess.run(words, env=each, capture_output=True, text=True, check=True).stdout
        for each in (off, environment, environment)
    )
    assert first == second == third
    assert len(list((tmp_path / "kept" / "archcalc").glob("*.json"))) == 1
