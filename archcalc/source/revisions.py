"""Files as they are in a revision of their git repository."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from shutil import which
from typing import NoReturn

from archcalc.source.diagnostic import Diagnostic, SpecError
from archcalc.source.files import MAX_BYTES, source_from_bytes
from archcalc.source.text import Source

# Git sets these for its hooks; they would name another repository than that of the file.
_OF_HOOKS = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"}


def read_revision(path: str, revision: str) -> Source:
    """The text of a file in a commit, branch or tag, called `revision:path` in messages.

    Raises:
        SpecError: no-git, no-repository, no-such-revision, no-such-file, or what is wrong with the text.
    """
    if which("git") is None:
        _fail("no-git", "git is not installed, or not on the path", "install git, or compare two files")
    real = Path(os.path.realpath(path))  # unlike Path.resolve, it takes links that lead in a circle
    folder, name = real.parent, real.name
    help = "compare two files: archcalc diff old.yaml new.yaml"
    if not folder.is_dir():
        _fail("no-repository", f"`{path}` is in no git repository, for there is no such folder", help)
    inside = _git(folder, "rev-parse", "--is-inside-work-tree")
    if inside.stdout.strip() != b"true":
        _fail("no-repository", f"`{path}` is in no git repository", help, inside)
    help = "git log --oneline --all lists revisions; a branch that was not fetched is none"
    if revision.startswith("-"):  # git would take it for an option
        _fail("no-such-revision", f"`{revision}` names no revision", help)
    commit = _git(folder, "rev-parse", "--verify", f"{revision}^{{commit}}")
    if commit.returncode:
        _fail("no-such-revision", f"the repository of `{path}` has no revision `{revision}`", help, commit)
    found = f"{commit.stdout.decode().strip()}:./{name}"
    if _git(folder, "cat-file", "-t", found).stdout.strip() != b"blob":
        _fail("no-such-file", f"`{path}` is not in the revision `{revision}`", f"git log --oneline -- {path}")
    return source_from_bytes(f"{revision}:{path}", _git(folder, "cat-file", "blob", found).stdout, MAX_BYTES)


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    environment = {name: value for name, value in os.environ.items() if name not in _OF_HOOKS} | {"LC_ALL": "C"}
    return subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, check=False)


def _fail(code: str, message: str, help: str, done: subprocess.CompletedProcess[bytes] | None = None) -> NoReturn:
    """Refuse, with the first line of what git says."""
    said = done.stderr.decode("utf-8", "replace").strip().splitlines() if done else []
    notes = tuple(f"git says: {line}" for line in said[:1])
    raise SpecError([Diagnostic(code, message, help=help, notes=notes)])
