"""What the tests of memory stand on: a peak is of this process, and is forgotten."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.peak_memory import STATUS, forget_peak, peak_memory

pytestmark = pytest.mark.skipif(not STATUS.is_file(), reason="/proc is of Linux")
ROOT = Path(__file__).parent.parent
LARGE = 200 * 2**20


def test_a_peak_is_forgotten_and_none_of_a_child() -> None:
    """Both 200 MiB above what is held: by hand."""
    before = forget_peak()
    held = bytearray(b"1") * LARGE
    assert peak_memory() - before > 0.9 * LARGE
    child = [sys.executable, "-c", "from tests.peak_memory import peak_memory; print(peak_memory())"]
    assert int(subprocess.run(child, capture_output=True, text=True, check=True, cwd=ROOT).stdout) < LARGE / 2
    del held
    assert forget_peak() - before < 0.5 * LARGE
