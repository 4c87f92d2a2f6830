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
    folder, name = Path(path).resolve().parent, Path(path).resolve().name
    if not folder.is_dir() or _git(folder, "rev-parse", "--is-inside-work-tree").strip() != b"true":
        _fail(
            "no-repository", f"`{path}` is in no git repository", "compare two files: archcalc diff old.yaml new.yaml"
        )
    # What begins with a dash would be an option.
    commit = b"" if revision.startswith("-") else _git(folder, "rev-parse", "--verify", f"{revision}^{{commit}}")
    if not commit.strip():
        _fail("no-such-revision", f"the repository of `{path}` has no revision `{revision}`", "git log --oneline --all")
    found = f"{commit.decode().strip()}:./{name}"
    if _git(folder, "cat-file", "-t", found).strip() != b"blob":
        _fail("no-such-file", f"`{path}` is not in the revision `{revision}`", f"git log --oneline -- {path}")
    return source_from_bytes(f"{revision}:{path}", _git(folder, "cat-file", "blob", found), MAX_BYTES)


def _git(folder: Path, *arguments: str) -> bytes:
    """What git prints; nothing where it fails."""
    environment = {name: value for name, value in os.environ.items() if name not in _OF_HOOKS} | {"LC_ALL": "C"}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else b""


def _fail(code: str, message: str, help: str) -> NoReturn:
    raise SpecError([Diagnostic(code, message, help=help)])
