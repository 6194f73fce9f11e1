"""How busy the machine is: processor, memory and GPU."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psutil
import pynvml


@dataclass(frozen=True)
class Reading:
    """The machine at one moment.

    Attributes
    ----------
    time_s : float
        A clock that only goes forward, seconds.
    cpu, memory : float
        Share in use, percent; `cpu` since the reading before.
    memory_used_gb, memory_total_gb : float
        Main memory, GB (10⁹ bytes).
    gpu, gpu_memory : float or None
        Share in use of the busiest GPU, percent; None where there is no GPU.
    gpu_name : str or None
        Name of that GPU.
    """

    time_s: float
    cpu: float
    memory: float
    memory_used_gb: float
    memory_total_gb: float
    gpu: float | None
    gpu_memory: float | None
    gpu_name: str | None


class Monitor:
    """Reads the machine again and again.

    Processor use is measured between two readings, so the first one counts from here.
    """

    def __init__(self) -> None:
        psutil.cpu_percent(None)
        self._gpus = _open_gpus()

    def read(self) -> Reading:
        """Return how busy the machine is now; never waits."""
        memory = psutil.virtual_memory()
        gpu, gpu_memory, gpu_name = max(
            (_read_gpu(handle) for handle in self._gpus),
            key=lambda reading: -1.0 if reading[0] is None else reading[0],
            default=(None, None, None),
        )
        return Reading(
            time_s=time.monotonic(),
            cpu=psutil.cpu_percent(None),
            memory=memory.percent,
            memory_used_gb=memory.used / 1e9,
            memory_total_gb=memory.total / 1e9,
            gpu=gpu,
            gpu_memory=gpu_memory,
            gpu_name=gpu_name,
        )


def _open_gpus() -> list[object]:
    try:
        pynvml.nvmlInit()
        return [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError:
        return []


def _read_gpu(handle: object) -> tuple[float | None, float | None, str | None]:
    try:
        rates = pynvml.nvmlDeviceGetUtilizationRates(handle)
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
        name = pynvml.nvmlDeviceGetName(handle)
    except pynvml.NVMLError:
        return None, None, None
    return float(rates.gpu), 100.0 * memory.used / memory.total, name.decode() if isinstance(name, bytes) else name
