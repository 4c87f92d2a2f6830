"""`python -m archcalc`, and what the command is: Ctrl-C is answered while all the rest is still being imported."""

from __future__ import annotations

import gc
import os
import signal
import sys
from types import ModuleType


def end_at_once(number: int, frame: object) -> None:
    """End with one line where nothing has begun that would have to be ended."""
    os.write(2, b"interrupted\n")
    os._exit(128 + number)


if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # nobody wants it to be ignored
    signal.signal(signal.SIGINT, end_at_once)

# What is imported and expanded stays, and is no garbage to look for every 700 objects: a tenth of what commands take.
gc.set_threshold(100_000, 20, 20)


class Later(ModuleType):
    """A module of Python's that is loaded when something of it is used: `import` alone does not."""

    def __getattr__(self, name: str) -> object:
        """What the module has of that name."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        module = __import__(self.__name__)
        vars(self).update(vars(module))
        return getattr(module, name)


# Of `dataclasses` for classes without a docstring, of which there are none here; of `urllib` for hosts in brackets; of
# PyYAML for `!!binary`: a twelfth of `show`.
for _name in ("inspect", "ipaddress", "base64"):
    sys.modules.setdefault(_name, Later(_name))


def main() -> None:
    """Entry point of a process: it ends with the command. `archcalc.cli.main` is the same for who goes on after it."""
    from archcalc.cli import main as run

    try:
        run()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            leave(end.code or 0)
        raise
    finally:
        gc.freeze()  # the end of the process looks for garbage twice, of which the system needs nothing


def leave(code: int) -> None:
    """End the process without clearing away each of its objects, as mypy does: a twelfth of what `compare` takes.

    Where something else waits for the end (what is registered for it, a thread, a debugger or profiler, an inspecting
    `python -i`, output that cannot be written), it is left to Python.
    """
    import atexit

    threads = sys.modules.get("threading")  # where nobody has asked for it there are none
    waits = atexit._ncallbacks() or (threads and threads.active_count() > 1) or sys.gettrace() or sys.getprofile()
    if waits or sys.flags.inspect or os.environ.get("PYTHONINSPECT"):
        return
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return
    os._exit(code & 0xFF)


if __name__ == "__main__":
    main()
