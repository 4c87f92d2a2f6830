"""What NVIDIA's management library tells of a GPU, where nvidia-ml-py is installed: driver, clocks, energy."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch


class Gpu:
    """A GPU as the management library knows it; what it cannot tell is None."""

    def __init__(self, library: Any, handle: Any) -> None:
        self._library, self._handle = library, handle

    def driver(self) -> str | None:
        """Version of the driver."""
        found = self._ask("nvmlSystemGetDriverVersion")
        return None if found is None else found.decode() if isinstance(found, bytes) else str(found)

    def clock_mhz(self) -> float | None:
        """Of the multiprocessors, now."""
        return self._number("nvmlDeviceGetClockInfo", self._handle, self._library.NVML_CLOCK_SM)

    def memory_clock_mhz(self) -> float | None:
        """Of the memory, now."""
        return self._number("nvmlDeviceGetClockInfo", self._handle, self._library.NVML_CLOCK_MEM)

    def energy_j(self) -> float | None:
        """Used since the driver was loaded, by all that runs on the GPU."""
        millijoules = self._number("nvmlDeviceGetTotalEnergyConsumption", self._handle)
        return None if millijoules is None else millijoules / 1000

    def _number(self, question: str, *about: Any) -> float | None:
        found = self._ask(question, *about)
        return None if found is None else float(found)

    def _ask(self, question: str, *about: Any) -> Any:
        try:
            return getattr(self._library, question)(*about)
        except self._library.NVMLError:  # this GPU or this driver does not tell
            return None


def gpu_of(device: torch.device) -> Gpu | None:
    """The GPU behind a device of torch; None where the library is missing or does not find it."""
    if device.type != "cuda" or find_spec("pynvml") is None:
        return None
    library = import_module("pynvml")
    identity = str(torch.cuda.get_device_properties(device).uuid)
    try:
        library.nvmlInit()
        return Gpu(library, library.nvmlDeviceGetHandleByUUID(f"GPU-{identity.removeprefix('GPU-')}"))
    except library.NVMLError:
        return None
