"""The largest memory of this process alone.

`ru_maxrss` begins with the peak of the process that started this one, and never falls: beside a large parent, or after
a large test, a bound on it says nothing.
"""

from __future__ import annotations

import resource
import sys
from contextlib import suppress
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_memory() -> int:
    """The largest resident set of this process, since `forget_peak` where it was called [bytes]."""
    if not STATUS.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    (line,) = [line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def forget_peak() -> int:
    """Let the peak begin anew, where the system can; gives what it is then [bytes]."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak_memory()
