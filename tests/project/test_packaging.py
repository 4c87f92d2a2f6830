"""What is imported, and what travels in the wheel."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest

import archcalc
from archcalc.spec.library import all_names, index, names_in, plain, specs_folder

ROOT = Path(__file__).parent.parent.parent
INCLUDED = ("archcalc", "specs", "tests", "reports", "findings")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def imported_by(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after the code."""
    code += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(ran.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("code", ["import archcalc", "import archcalc; archcalc.analyze('googlenet').totals"])
def test_counting_needs_no_heavy_library(code: str) -> None:
    assert not imported_by(code) & {"torch", "torchvision", "fvcore", "numpy", "sympy", "pandas", "hypothesis"}


def test_the_check_above_can_fail() -> None:
    assert "sympy" in imported_by("import archcalc.engine.formula.symbolic")


def test_torch_is_imported_in_one_room() -> None:
    for path in (ROOT / "archcalc").rglob("*.py"):
        if "torch_bridge" in path.parts:
            continue
        assert not re.search(r"^\s*(import|from) (torch|torchvision|fvcore)\b", path.read_text(), re.MULTILINE), path


def test_versions_agree() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version = PROJECT["project"]["version"]
    assert version == archcalc.__version__
    assert f"\nversion: {version}\n" in citation
    assert f"\n## {version}" in changelog


def test_specs_travel_in_the_wheel() -> None:
    inside = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert inside == {"specs": "archcalc/specs"}
    assert (specs_folder() / "googlenet.yaml").is_file()


def test_the_scanned_index_is_what_the_files_hold() -> None:
    families = {path.stem for path in specs_folder().glob("*.yaml")}
    scanned = {spelling for spelling, _ in index().values()}
    assert set(all_names()) <= scanned
    # Beside the networks, the index knows the names of families that are none themselves, to say so.
    assert scanned - set(all_names()) <= families
    found = [plain(name) for path in specs_folder().glob("*.yaml") for name in dict.fromkeys(names_in(path))]
    assert len(set(found)) == len(found), "a name stands in one file alone: a file is searched before the index"


@pytest.mark.slow
def test_the_source_archive_has_every_file_and_passes_its_tests(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling is not installed: it builds the archive")
    listed = subprocess.run(["git", "ls-files", *INCLUDED], cwd=ROOT, check=False, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no checkout: nothing says which files there are")
    build = [sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path)]
    subprocess.run([*build, "-t", "sdist"], cwd=ROOT, check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path, filter="data")
    folder = archive.with_name(archive.name.removesuffix(".tar.gz"))
    missing = [path for path in listed.stdout.split() if not (folder / path).is_file()]
    assert not missing
    tests = [sys.executable, "-m", "pytest", "-q", "-n", "2", "tests/project", "tests/source"]
    done = subprocess.run(tests, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
