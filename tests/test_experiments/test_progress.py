"""What is shown of the output of stages."""

import sys

import pytest
from tiny_stages import stage, stages_of

from mmdepthcp.experiments.engine import run_stages
from mmdepthcp.experiments.progress import how_far, show_nothing, show_progress


@pytest.mark.parametrize(('line', 'words'), [
    ('11/26 21:46:13 - mmengine - INFO - Epoch(train)  [2][10/15]  lr: 4.1967e-04  eta: 0:03:53  time: 1.5159  loss: 1',
     'epoch 2, 10/15, 1.52 s an iteration, 0:03:53 left'),
    ('11/26 - mmengine - INFO - Iter(train) [ 50/200]  lr: 1e-2  eta: 1 day, 0:00:30  time: 0.2  data_time: 0.1',
     '50/200, 0.20 s an iteration, 1 day, 0:00:30 left'),
    ('[>>>>   ] 7/88, 2.1 task/s, elapsed: 3s, ETA:  3700s', '7/88, 2.1 a second, 1:01:40 left'),
    ('11/26 - mmengine - INFO - Saving checkpoint at 1 epochs', None)])
def test_lines_are_understood(line, words):
    assert how_far(line) == words


def test_one_line_is_kept_up_to_date(capsys):
    feed = show_progress('[1/2] regions')
    for part in (b'some log\n[>] 1/4, 2.0 ta', b'sk/s, elapsed: 0s, ETA:    1s\r', b'[>>] 2/4, 2.0 task/s, elapsed: 1s,'
                 b' ETA: 1s'):
        feed(part)
    feed(b'')
    shown = [line.strip() for line in capsys.readouterr().out.split('\r') if line.strip()]
    assert shown == ['[1/2] regions: 1/4, 2.0 a second, 0:00:01 left', '[1/2] regions: 2/4, 2.0 a second, 0:00:01 left']


def test_line_goes_at_the_end(capsys):
    feed = show_progress('a')
    feed(b'[>] 1/4, 2.0 task/s, elapsed: 0s, ETA:    1s')
    said = capsys.readouterr().out
    feed(b'')
    assert len(capsys.readouterr().out) == len(said) and not feed(b'')


def test_output_goes_to_the_log_alone(work, capfd):
    run_stages(work, stages_of(work, stage('a')), display=show_nothing)
    assert 'working on' not in capfd.readouterr().out
    assert 'working on a' in (work / 'pipeline/a.log').read_text()


def test_what_is_shown_names_its_stage(work):
    told = []
    run_stages(work, stages_of(work, stage('a'), stage('b')), display=lambda title: lambda chunk: told.append(title))
    assert list(dict.fromkeys(told)) == ['[1/2] a', '[2/2] b'] and sys.stdout
