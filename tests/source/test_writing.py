from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from archcalc.source import writing as files


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    files.write_whole(path, "één\n")
    assert path.read_bytes() == "één\n".encode()
    files.write_whole(path, "two\n")
    assert path.read_bytes() == b"two\n"
    assert [found.name for found in tmp_path.iterdir()] == ["a.txt"]


def test_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        files.write_whole(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes and links")
def test_modes_and_links_stay(tmp_path: Path) -> None:
    path, link = tmp_path / "a.txt", tmp_path / "link"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o640)
    link.symlink_to(path)
    files.write_whole(link, "new")
    assert link.is_symlink()
    assert path.read_text(encoding="utf-8") == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    mask = os.umask(0o027)
    try:
        files.write_whole(tmp_path / "b.txt", "")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "b.txt").stat().st_mode) == 0o640


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs /dev/null")
def test_a_device_is_written_to() -> None:
    files.write_whole(Path("/dev/null"), "x")
    assert not Path("/dev/null").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="links")
def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(OSError, match="symbolic links"):
        files.write_whole(loop, "x")
    assert loop.is_symlink()


@pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
def test_what_a_killed_writer_left_is_taken_away(tmp_path: Path) -> None:
    """And what is being written is not: of this file by another writer, or of another file."""
    path = tmp_path / "a.txt"
    left, other = tmp_path / ".a.txt.x1y2.tmp", tmp_path / ".b.txt.x1y2.tmp"
    left.write_text("half")
    other.write_text("half")
    with files.writing_whole(path) as first:
        assert not left.exists()
        files.write_whole(path, "second")
        assert first.exists()
        first.write_text("first")
    assert path.read_text() == "first"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [other.name, "a.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
def test_one_writer_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with files.only_writer(lock) as is_first:
        with files.only_writer(lock) as is_second:
            assert (is_first, is_second) == (True, False)
        assert lock.exists()
    assert not lock.exists()
    with files.only_writer(lock) as is_alone:
        assert is_alone
