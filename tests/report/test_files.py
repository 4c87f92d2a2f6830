from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from archcalc.report.media import files
from archcalc.report.media.data import csv_text, json_lines


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


def test_csv() -> None:
    rows = [{"name": "a,b", "out_shape": [64, 7], "at_least": True, "head": None, "macs": 10**20}]
    assert csv_text(rows) == 'name,out_shape,at_least,head,macs\n"a,b",64x7,true,,100000000000000000000\n'


def test_json_has_an_object_a_line() -> None:
    text = json_lines({"a": 1, "rows": [{"x": [1, 2]}, {"x": None}], "none": []})
    assert text == '{\n  "a": 1,\n  "rows": [\n    {"x": [1, 2]},\n    {"x": null}\n  ],\n  "none": []\n}\n'
