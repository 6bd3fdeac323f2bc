"""Timing, clocks, memory, results files."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from benchmarks import measuring
from benchmarks.measuring import (
    Measurement,
    StageClock,
    Timing,
    as_table,
    growth_exponent,
    measure_peak,
    read_rows,
    time_side_by_side,
    write_rows,
)
from mmdepthcp.utils.errors import InputError

ROW = Measurement.of('part', dict(size='8x4', times=(2, 4)), Timing(0.5, 0.25, 1.0), Timing(2.0, 1.0, 3.0), peak_mb=3.0,
                     figures=dict(share=1 / 3), commit='abc', machine='here')


@pytest.fixture
def time_passes(monkeypatch):
    """A clock that only moves when it is told to."""
    now = [0.0]
    monkeypatch.setattr(measuring.time, 'perf_counter', lambda: now[0])

    def wait(seconds):
        now[0] += seconds
    return wait


def test_median_and_quartiles():
    assert Timing.of([4, 1, 3, 2, 5]) == (3, 2, 4)
    assert Timing.of([8]).per(4) == (2, 2, 2)


def test_functions_take_turns(time_passes):
    calls = []

    def run(name, seconds):
        calls.append(name)
        time_passes(seconds)
    timings = time_side_by_side(
        {'fast': lambda: run('fast', 1), 'slow': lambda: run('slow', 10)}, {'fast': 4, 'slow': 2}, warmup=1)
    assert timings['fast'].median_s == 1 and timings['slow'].median_s == 10
    assert calls == ['fast', 'slow', 'fast', 'slow', 'fast', 'fast', 'slow', 'fast']


def test_the_device_is_waited_for(time_passes):
    timings = time_side_by_side({'one': lambda: None}, {'one': 3}, warmup=0, synchronise=lambda: time_passes(1))
    assert timings['one'].median_s == 1


def test_inner_stages_count_for_themselves(time_passes):
    class Network:
        def forward(self, seconds):
            time_passes(seconds)
            return seconds

    clock, network = StageClock(), Network()
    clock.watch(network, 'forward', 'forward')
    for seconds in (7, 1, 3):
        clock.new_step()
        with clock('loss'):
            time_passes(2)
            assert network.forward(seconds) == seconds
            assert network.forward(seconds) == seconds
    assert clock.steps[0] == {'forward': 14, 'loss': 2}
    assert clock.medians(skip=1) == {'forward': 4, 'loss': 2}
    assert clock.total(skip=1).median_s == 6


def test_peak_memory_of_a_call():
    assert 60 < measure_peak(partial, np.ones, 8 << 20) < 80


def test_a_row():
    assert (ROW.ratio, ROW.plain_median_s, ROW.q1_s) == (4, 2, 0.25)
    assert Measurement.of('part', {}, Timing(1, 1, 1)).ratio is None
    words = as_table([ROW])
    assert 'part  [size=8x4; times=(2, 4); threads=1]' in words and 'plain 2 s, ratio 4, peak 3 MiB' in words


def test_newer_rows_replace_those_of_the_same_settings_and_machine(tmp_path):
    path = tmp_path / 'speed.csv'
    write_rows([ROW, replace(ROW, name='other')], path)
    newer = replace(ROW, median_s=0.75, commit='def')
    write_rows([newer, replace(ROW, threads=2), replace(ROW, machine='there')], path)
    rows = read_rows(path)
    assert [(row['name'], row['median_s'], row['commit'], row['threads'], row['machine']) for row in rows] == [
        ('part', '0.75', 'def', '1', 'here'), ('other', '0.5', 'abc', '1', 'here'), ('part', '0.5', 'abc', '2', 'here'),
        ('part', '0.5', 'abc', '1', 'there')]
    assert rows[0]['figures'] == 'share=0.3333' and rows[0]['settings'] == 'size=8x4; times=(2, 4)'


def test_a_file_of_other_content_is_left_alone(tmp_path):
    path = tmp_path / 'other.csv'
    path.write_text('a,b\n1,2\n')
    with pytest.raises(InputError, match=r'other\.csv: holds no results'):
        write_rows([ROW], path)
    assert path.read_text() == 'a,b\n1,2\n'
    with pytest.raises(InputError, match='no such file'):
        read_rows(tmp_path / 'none.csv')


@pytest.mark.parametrize('power', [0.5, 1, 2])
def test_growth_exponent(power):
    sizes = np.array([1, 2, 4, 8])
    assert growth_exponent(sizes, 3 * sizes**power) == pytest.approx(power)
