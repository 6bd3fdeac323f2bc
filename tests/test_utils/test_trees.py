from __future__ import annotations

import argparse
import io
import os
import signal
from functools import partial
from itertools import chain
from pathlib import Path

import pytest

from mmdepthcp.utils import trees
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.trees import (
    default_shard,
    describe_error,
    image_key,
    parse_shard,
    process_tree,
    progress_bar,
    report_failures,
    select_files,
    track,
)


def test_shards_cover_everything_once_and_survive_a_restart(capsys):
    files = list(range(10))
    shards = [select_files(files, lambda file: False, (index, 3)) for index in range(3)]
    assert sorted(chain(*shards)) == files
    assert 'shard 1 of 3: 3 of 10 files' in capsys.readouterr().out
    assert select_files(files, lambda file: file in (1, 4), (1, 3)) == [7]


@pytest.mark.parametrize('text', ['', '1', '2/2', '-1/2', 'a/b', '0/0', '1/2/3'])
def test_no_shards(text):
    with pytest.raises(argparse.ArgumentTypeError, match='i/n'):
        parse_shard(text)


def test_shard_of_this_process(monkeypatch):
    for name in ('RANK', 'WORLD_SIZE', 'SLURM_PROCID', 'SLURM_STEP_NUM_TASKS'):
        monkeypatch.delenv(name, raising=False)
    assert parse_shard('1/4') == (1, 4) and default_shard() == (0, 1)
    monkeypatch.setenv('SLURM_PROCID', '2')
    monkeypatch.setenv('SLURM_STEP_NUM_TASKS', '8')
    assert default_shard() == (2, 8)
    monkeypatch.setenv('RANK', '1')
    monkeypatch.setenv('WORLD_SIZE', '2')
    assert default_shard() == (1, 2)


def work(out: Path, file: Path) -> None:
    if file.stem == 'bad':
        raise InputError(f'{file}: no good')
    if file.stem == 'worse':
        raise KeyError('lost')
    if file.stem == 'deadly':
        os.kill(os.getpid(), signal.SIGKILL)
    (out / file.name).touch()


@pytest.mark.parametrize('num_workers', [0, 2])
def test_failures_are_collected_and_the_rest_is_done(tmp_path, num_workers, capsys):
    files = [Path(name) for name in ('worse.png', 'a.png', 'bad.png', 'b.png')]
    failures = process_tree(files, partial(work, tmp_path), num_workers, 'working')
    assert [tuple(failure) for failure in failures] == [
        ('bad.png', 'bad.png: no good'), ('worse.png', "KeyError: 'lost'")]
    assert sorted(os.listdir(tmp_path)) == ['a.png', 'b.png']
    assert 'working: 4 files' in capsys.readouterr().out
    assert report_failures(failures, 4) == 1
    words = capsys.readouterr().err
    assert 'bad.png: no good' in words and '2 of 4' in words


def test_a_killed_process_ends_in_words(tmp_path):
    with pytest.raises(RuntimeError, match='worker process was killed'):
        process_tree([Path('deadly.png'), Path('a.png')], partial(work, tmp_path), 2)


def test_nothing_to_do(capsys):
    assert process_tree([], print) == [] and report_failures([], 0) == 0
    assert capsys.readouterr() == ('', '')


def test_names():
    assert image_key(Path('a/b.c.jpg')) == 'a/b.c'
    assert describe_error(InputError('f: wrong')) == 'f: wrong'
    assert describe_error(OSError('disk')) == 'OSError: disk'


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_on_a_terminal_is_redrawn_and_ends_its_line():
    screen = Terminal()
    assert list(track(range(1000), screen)) == list(range(1000))
    drawn = screen.getvalue()
    assert 90 <= drawn.count('\r') <= 110 and drawn.endswith('\n') and drawn.count('\n') == 1
    assert '1000/1000, ' in drawn.split('\r')[-1] and 'ETA:' in drawn


def test_where_no_terminal_is_there_are_lines_now_and_then(monkeypatch):
    log, clock = io.StringIO(), [0.]
    bar = progress_bar(100, log)
    monkeypatch.setattr(bar.timer, 'since_start', lambda: clock[0])
    for number in range(1, 101):
        clock[0] = float(number)
        bar.update()
    assert trees.LINE_EVERY == 30
    assert log.getvalue().splitlines() == [
        f'{number}/100, 1.0 task/s, elapsed: {number}s, ETA: {100 - number:5}s' for number in (30, 60, 90, 100)]
    short = io.StringIO()
    list(track('ab', short))
    assert short.getvalue().startswith('2/2, ') and short.getvalue().count('\n') == 1
