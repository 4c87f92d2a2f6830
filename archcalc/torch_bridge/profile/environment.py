"""Where something is measured: the device, its clocks, the versions of what ran."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import torch

from archcalc import __version__
from archcalc.results.measurement import Environment
from archcalc.torch_bridge.profile.nvml import gpu_of


class OtherWork:
    """What other processes do meanwhile: processor time of the whole system, less that of this process."""

    def __init__(self) -> None:
        self._start = self._now()

    def cores(self) -> float | None:
        """Cores that others have kept busy since this was made, on average; None where the system does not tell."""
        now = self._now()
        if now is None or self._start is None:
            return None
        wall, busy = (after - before for after, before in zip(now, self._start, strict=True))
        return round(max(0.0, busy / wall), 2) if wall else None

    @staticmethod
    def _now() -> tuple[float, float] | None:
        found = re.match(r"cpu +(\d+) (\d+) (\d+) \d+ \d+ (\d+) (\d+) (\d+)", _text("/proc/stat"))
        if found is None:  # user, nice, system; idle and waiting are left out; interrupts, stolen
            return None
        own = os.times()
        busy = sum(map(int, found.groups())) / os.sysconf("SC_CLK_TCK")
        return perf_counter(), busy - own.user - own.system


def environment_of(device: torch.device, others: OtherWork, note: str) -> Environment:
    """The environment now; no name of the machine and no path of it."""
    on_gpu = device.type == "cuda"
    gpu = gpu_of(device)
    cudnn = torch.backends.cudnn.version() if on_gpu else None  # type: ignore[no-untyped-call]
    return Environment(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        device_name=torch.cuda.get_device_name(device) if on_gpu else _processor(),
        driver=(gpu.driver() if gpu else None) or "",
        cuda=(torch.version.cuda if on_gpu else None) or "",
        cudnn=str(cudnn) if cudnn else "",
        torch=str(torch.__version__),
        python=platform.python_version(),
        archcalc=__version__,
        system=f"{platform.system()} {platform.machine()}",
        cores=os.cpu_count() or 1,
        threads=torch.get_num_threads(),
        cores_busy_elsewhere=others.cores(),
        clock_mhz=gpu.clock_mhz() if gpu else _clock_mhz() if not on_gpu else None,
        memory_clock_mhz=gpu.memory_clock_mhz() if gpu else None,
        tf32=_tf32() if on_gpu else "none",
        note=note,
    )


def available_memory() -> int | None:
    """Bytes that the system can still give out; None where it does not tell."""
    found = re.search(r"^MemAvailable:\s*(\d+) kB", _text("/proc/meminfo"), re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _tf32() -> str:
    allowed = {"conv": torch.backends.cudnn.allow_tf32, "matmul": torch.backends.cuda.matmul.allow_tf32}
    return "+".join(name for name, is_allowed in allowed.items() if is_allowed) or "none"


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", _text("/proc/cpuinfo"), re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def _clock_mhz() -> float | None:
    found = re.search(r"^cpu MHz\s*:\s*([\d.]+)$", _text("/proc/cpuinfo"), re.MULTILINE)
    return float(found[1]) if found else None


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
