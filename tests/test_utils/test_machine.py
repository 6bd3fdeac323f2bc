"""What the machine has, and what of it a container may use."""

import os
import subprocess
import sys
import time

import pytest

from mmdepthcp.utils import machine
from mmdepthcp.utils.machine import GIB, free_space, gpus, memory, usable_cores


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, 'PROC', tmp_path)
    monkeypatch.setattr(machine, 'CGROUP', tmp_path)
    (tmp_path / 'meminfo').write_text('MemTotal:  16777216 kB\nMemFree:  1 kB\nMemAvailable:  8388608 kB\n')
    return tmp_path


def test_memory_is_that_of_the_container(files):
    assert memory() == (16 * GIB, 8 * GIB)
    (files / 'memory.max').write_text('max\n')
    (files / 'memory.current').write_text(f'{GIB}\n')
    assert memory() == (16 * GIB, 8 * GIB)
    (files / 'memory.max').write_text(f'{4 * GIB}\n')
    assert memory() == (4 * GIB, 3 * GIB)
    (files / 'meminfo').unlink()
    assert memory() is None


def test_cores_are_those_of_the_container(files, monkeypatch):
    monkeypatch.setattr(os, 'sched_getaffinity', lambda _: set(range(8)), raising=False)
    assert usable_cores() == 8
    for quota, cores in (('max 100000', 8), ('350000 100000', 3), ('50000 100000', 1), ('9900000 100000', 8)):
        (files / 'cpu.max').write_text(quota)
        assert usable_cores() == cores


def test_this_machine():
    total, free = memory()
    assert 0 < free <= total and usable_cores() >= 1
    assert free_space('.') > 0 and free_space('/no/such/folder') is None
    assert all(0 < gpu.free <= gpu.total for gpu in gpus())


def test_how_long_a_process_has_been_there(monkeypatch, tmp_path):
    program = ('import time; from mmdepthcp.utils.machine import seconds_since_start as age; first = age(); '
               'time.sleep(.5); print(first, age())')
    begin = time.monotonic()
    found = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True, check=True).stdout.split()
    first, second = map(float, found)
    assert first >= 0 and .45 < second - first and second < time.monotonic() - begin + .1
    monkeypatch.setattr(machine, 'PROC', tmp_path)
    assert machine.seconds_since_start() is None
