"""What the machine has: cores, memory, disk, GPUs; in a container, what that may use."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

GIB = 2**30
PROC, CGROUP = Path('/proc'), Path('/sys/fs/cgroup')


def usable_cores() -> int:
    """Cores that this process may use: by its affinity, and by the quota of its container."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):
        quota, period = (CGROUP / 'cpu.max').read_text().split()
        cores = min(cores, max(1, int(quota) // int(period)))
    return cores


def seconds_since_start() -> float | None:
    """How long this process has been there; None where that is not known."""
    try:
        started = int((PROC / 'self/stat').read_text().rpartition(')')[2].split()[19]) / os.sysconf('SC_CLK_TCK')
        return float((PROC / 'uptime').read_text().split()[0]) - started
    except (OSError, ValueError, IndexError):
        return None


def memory() -> tuple[int, int] | None:
    """Memory in all and what of it is free for new processes, in bytes; of a container, within its limit. None where it
    is not known.
    """
    try:
        facts = dict(line.split(':', 1) for line in (PROC / 'meminfo').read_text().splitlines())
        total, free = (1024 * int(facts[key].split()[0]) for key in ('MemTotal', 'MemAvailable'))
    except (OSError, ValueError, KeyError):
        return None
    with contextlib.suppress(OSError, ValueError):
        limit, used = (int((CGROUP / f'memory.{name}').read_text()) for name in ('max', 'current'))
        total, free = min(total, limit), min(free, max(0, limit - used))
    return total, free


def free_space(folder: str | os.PathLike) -> int | None:
    """Free bytes of the file system that a folder lies on; None where there is no such folder."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


@dataclass(frozen=True)
class Gpu:
    """A GPU that torch can use.

    Attributes:
        name: what it is called.
        total: its memory in bytes.
        free: what of it no process uses.
    """

    name: str
    total: int
    free: int

    def __str__(self) -> str:
        return f'{self.name}, {self.total / GIB:.0f} GiB, {self.free / GIB:.0f} free'


def gpus() -> list[Gpu]:
    """The GPUs that torch can use."""
    import torch

    found = []
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        free, total = torch.cuda.mem_get_info(index)
        found.append(Gpu(torch.cuda.get_device_name(index), total, free))
    return found


def nvidia_driver() -> tuple[str, str] | None:
    """Version of NVIDIA's driver and of the newest CUDA that it runs, by ``nvidia-smi``; None without one."""
    try:
        said = subprocess.run(['nvidia-smi'], capture_output=True, text=True, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = said.replace('|', ' ').split()
    found: dict[str, str] = {}
    for first, second, value in zip(words, words[1:], words[2:], strict=False):
        found.setdefault(f'{first} {second}', value)
    if 'Driver Version:' not in found:
        return None
    return found['Driver Version:'], found.get('CUDA Version:', 'unknown')
