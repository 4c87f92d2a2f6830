"""Files written whole or not at all, that stay after the machine fails, by one writer at a time.

What a writer leaves that is killed in the middle, the next one to the same file takes away.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # no POSIX system: nothing is locked, and nothing that was left is taken away
    fcntl = None  # type: ignore[assignment]


def write_whole(path: Path, content: str | bytes, is_tidy: bool = False, is_lasting: bool = True) -> None:
    """Write beside the file and rename, so that a reader sees the old file or the new one.

    Args:
        path: the file.
        content: all that is in it; a text as UTF-8.
        is_tidy: that nobody who was killed has left anything is known.
        is_lasting: wait until it is on the disk; without it the machine may fail and leave it empty.

    Raises:
        OSError: the folder is missing, or may not be written.
    """
    with writing_whole(path, is_tidy, is_lasting) as made:
        made.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def writing_whole(path: Path, is_tidy: bool = False, is_lasting: bool = True) -> Iterator[Path]:
    """The path of a file to write to, which takes the place of the one meant when all is written and on the disk.

    What is no ordinary file (`/dev/stdout`, a pipe) is written to as it is.

    Raises:
        OSError: the folder is missing, or may not be written; or links lead in a circle.
    """
    if is_special(path):
        yield path
        return
    target = destination(path)
    beside = f".{target.name[:100]}."
    if not is_tidy:
        take_away(target.parent, beside)
    handle, name = tempfile.mkstemp(prefix=beside, suffix=".tmp", dir=target.parent)
    made = Path(name)
    if fcntl is None:  # where a file that is open cannot be renamed
        os.close(handle)
    try:
        if fcntl is not None:
            lock_handle(handle)
        yield made
        made.chmod(stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask())
        if is_lasting:
            put_in_place(made, target)
        else:
            made.replace(target)
    except BaseException:
        made.unlink(missing_ok=True)
        raise
    finally:
        if fcntl is not None:
            os.close(handle)


def is_special(path: Path) -> bool:
    """Whether a path is of something that is no ordinary file and is written to as it is: a device, a pipe.

    Raises:
        OSError: links lead in a circle, a name is too long.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    return not stat.S_ISREG(mode)


def destination(path: Path) -> Path:
    """Where a path leads, links followed: a link stays a link.

    Raises:
        OSError: links lead in a circle, a name is too long.
    """
    with suppress(FileNotFoundError):
        path.stat()
    return Path(os.path.realpath(path))


def put_in_place(made: Path, target: Path) -> None:
    """Rename a file that is written, when its bytes are on the disk; then the name is on the disk too."""
    with made.open("rb") as file:
        os.fsync(file.fileno())
    made.replace(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can do that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def take_away(folder: Path, beginning: str) -> None:
    """Remove files being written, of this beginning and the ending `.tmp`, whose writers are no more."""
    if fcntl is None:
        return
    for left in folder.glob("*.tmp") if folder.is_dir() else ():
        if not left.name.startswith(beginning):
            continue
        with suppress(OSError):
            handle = os.open(left, os.O_RDWR)
            try:
                if lock_handle(handle):
                    left.unlink()
            finally:
                os.close(handle)


def lock_handle(handle: int) -> bool:
    """Whether a file could be locked; it is until its handle is closed or its process ends, however it ends."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


@contextmanager
def only_writer(path: Path) -> Iterator[bool]:
    """Whether nobody else holds this lock file; while it is held it is there, and gone afterwards.

    Raises:
        OSError: the folder is missing, or may not be written.
    """
    while True:
        file = path.open("ab")
        if not lock_handle(file.fileno()):
            file.close()
            yield False
            return
        if _is_still(path, file):
            break
        file.close()  # its holder has just removed it
    with file:
        try:
            yield True
        finally:
            path.unlink(missing_ok=True)


def _is_still(path: Path, file: IO[bytes]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
