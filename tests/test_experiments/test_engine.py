"""Tiny stages: order, skipping, change, failure, side by side, interruption."""

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tiny_stages import order, stage, stages_of, states

from mmdepthcp.cli.stage_options import add_stage_options, launcher_words
from mmdepthcp.experiments import running
from mmdepthcp.experiments.engine import run_stages
from mmdepthcp.experiments.records import commits_of, read_record, write_record
from mmdepthcp.experiments.running import StageError
from mmdepthcp.utils.code_version import code_commit
from mmdepthcp.utils.errors import InputError


def test_runs_in_order_and_skips_what_is_finished(work, capfd):
    stages = stages_of(work, stage('a'), stage('b'))
    assert states(work, stages) == ['waiting', 'waiting']
    run_stages(work, stages)
    assert order(work) == ['a', 'b']
    printed = capfd.readouterr().out
    assert '[1/2] a' in printed and 'working on a' in printed and '[2/2] b: done in' in printed
    stamp = json.loads((work / 'pipeline/a.json').read_text())
    assert stamp['finished'] and stamp['seconds'] > 0 and stamp['command'] == ['tools/write.py', f'{work}/a']
    assert 'working on a' in (work / 'pipeline/a.log').read_text()
    run_stages(work, stages)
    assert not (work / 'order.txt').exists()


def test_changed_command_runs_anew_with_all_that_builds_on_it(work):
    run_stages(work, stages_of(work, stage('a'), stage('b'), stage('c', needs=['a']), stage('d', needs=['c'])))
    order(work)
    changed = stages_of(work, stage('a'), stage('b', 'other'), stage('c', needs=['a']), stage('d', needs=['c']))
    assert states(work, changed) == ['finished', 'changed', 'finished', 'finished']
    run_stages(work, changed)
    assert order(work) == ['b']
    changed = stages_of(
        work, stage('a', 'other'), stage('b', 'other'), stage('c', needs=['a']), stage('d', needs=['c']))
    assert states(work, changed) == ['changed'] * 4
    run_stages(work, changed)
    assert order(work) == ['a', 'b', 'c', 'd']


def test_changed_config_runs_anew(work, root):
    config = root / 'config.py'
    declared = stage('a', '{config}'), stage('b')
    config.write_text('lr = 1\npipeline = []\n')
    run_stages(work, stages_of(work, *declared, config=str(config)))
    order(work)
    config.write_text('# only a comment and another stage list\nlr = 1\npipeline = [1]\n')
    assert states(work, stages_of(work, *declared, config=str(config))) == ['finished', 'finished']
    config.write_text('lr = 2\n')
    stages = stages_of(work, *declared, config=str(config))
    assert states(work, stages) == ['changed', 'changed']
    run_stages(work, stages)
    assert order(work) == ['a', 'b']
    assert 'clean' in (work / 'pipeline/a.log').read_text()


def test_missing_output_is_made_again(work):
    stages = stages_of(work, stage('a'), stage('b', needs=[]))
    run_stages(work, stages)
    order(work)
    (work / 'a').unlink()
    run_stages(work, stages)
    assert order(work) == ['a']


def test_only_and_from(work):
    stages = stages_of(work, stage('a'), stage('b'), stage('c'))
    run_stages(work, stages)
    order(work)
    run_stages(work, stages, only=['b'])
    assert order(work) == ['b']
    assert states(work, stages) == ['finished', 'finished', 'waiting']
    run_stages(work, stages, first='b')
    assert order(work) == ['b', 'c']
    with pytest.raises(InputError, match="no stage 'x'; the stages are a, b, c"):
        run_stages(work, stages, only=['x'])


def test_failure_stops_and_shows_the_log(work):
    stages = stages_of(work, stage('a', 'fail', tool='tools/train.py'), stage('b'))
    expected = r'stage a failed with exit code 1; its log is .*a\.log(.|\n)*broken on purpose'
    with pytest.raises(StageError, match=expected):
        run_stages(work, stages)
    assert order(work) == ['a']
    assert states(work, stages) == ['failed', 'waiting']
    (work / 'repaired').touch()
    run_stages(work, stages)
    assert order(work) == ['a', 'b']
    assert 'resumed kept' in (work / 'pipeline/a.log').read_text()


def test_unwritten_output_is_a_failure(work):
    stages = stages_of(work, stage('a', 'mute'))
    with pytest.raises(StageError, match=r'stage a ended without writing .*a'):
        run_stages(work, stages)
    assert states(work, stages) == ['failed']


def test_renewed_part_by_part(work):
    run_stages(work, stages_of(work, stage('a'), stage('b'), stage('c')))
    order(work)
    stages = stages_of(work, stage('a', 'other'), stage('b'), stage('c'))
    run_stages(work, stages[:2])  # as a process does that shares the stages with another
    assert states(work, stages) == ['finished', 'finished', 'changed']
    run_stages(work, stages)
    assert order(work) == ['a', 'b', 'c']
    assert commits_of(work, stages) == [code_commit(7)]


def test_what_does_not_build_on_a_failure_goes_on(work):
    stages = stages_of(work, stage('a'), stage('b', 'fail', needs=[]), stage('c', needs=['b']),
                       stage('d', needs=['c']), stage('e', needs=['a']))
    failures = run_stages(work, stages, keep_going=True)
    assert order(work) == ['a', 'b', 'e']
    assert str(failures.pop('c')) == 'not started, for b failed'
    assert str(failures.pop('d')) == 'not started, for c failed'
    assert re.search(r'exit code 1; its log is .*b\.log', str(failures.pop('b'))) and not failures
    assert states(work, stages) == ['finished', 'failed', 'waiting', 'waiting', 'finished']


def test_side_by_side(work, root, capfd):
    """Two stages that wait for each other, and one that waits for both."""
    (root / 'tools/meet.py').write_text(
        'import os, pathlib, sys, time\n'
        'mine, other = map(pathlib.Path, sys.argv[1:])\n'
        'mine.write_text(os.environ["CUDA_VISIBLE_DEVICES"] + " " + os.environ["OMP_NUM_THREADS"])\n'
        'deadline = time.monotonic() + 30\n'
        'while not other.exists():\n'
        '    time.sleep(0.02)\n'
        '    assert time.monotonic() < deadline\n')
    work.mkdir()

    def meet(mine, other, **more):
        return dict(name=mine, tool='tools/meet.py', args=[f'{{work_dir}}/{mine}', f'{{work_dir}}/{other}'],
                    outputs=[f'{{work_dir}}/{mine}'], **more)

    stages = stages_of(work, meet('a', 'b', needs=[]), meet('b', 'a', needs=[]), meet('c', 'a', needs=['a', 'b']))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('CUDA_VISIBLE_DEVICES', '3,5')
        patch.delenv('OMP_NUM_THREADS', raising=False)
        assert run_stages(work, stages, jobs=2) == {}
    devices, threads = zip(*((work / name).read_text().split() for name in 'ab'), strict=True)
    assert sorted(devices) == ['3', '5'] and set(threads) == {str(max(1, len(os.sched_getaffinity(0)) // 2))}
    printed = capfd.readouterr().out
    assert printed.index('[3/3] c: tools') > max(printed.index('a: done'), printed.index('b: done'))
    run_stages(work, stages, jobs=2)
    assert capfd.readouterr().out.count('finished, left as it is') == 3


def test_failures_side_by_side(work):
    stages = stages_of(work, stage('a', 'fail', needs=[]), stage('b', needs=['a']), stage('c', needs=[]))
    failures = run_stages(work, stages, keep_going=True, jobs=3)
    assert set(failures) == {'a', 'b'} and states(work, stages) == ['failed', 'waiting', 'finished']
    with pytest.raises(StageError, match='stage a failed'):
        run_stages(work, stages, jobs=3)


def test_srun_gets_every_command(work, root, monkeypatch):
    """A stand-in for srun, which works on another computer, where the work dir's owner has another name."""
    (root / 'srun').write_text('#!/bin/sh\necho "$@" >> srun.txt\nwhile [ "$1" != "--" ]; do shift; done\nshift\n'
                               'exec env HOSTNAME=node1 "$@"\n')
    (root / 'srun').chmod(0o755)
    monkeypatch.setenv('PATH', f'{root}:{os.environ["PATH"]}')
    monkeypatch.setenv('SRUN_ARGS', '--partition "big gpus" --')
    parser = argparse.ArgumentParser()
    add_stage_options(parser)
    args = parser.parse_args(['--launcher', 'slurm', '-j', '2'])
    stages = stages_of(work, stage('a'), stage('b'))
    assert run_stages(work, stages, jobs=args.jobs, launcher=launcher_words(args)) == {}
    calls = (root / 'srun.txt').read_text().splitlines()
    assert len(calls) == 2 and calls[0].startswith('--ntasks=1 --kill-on-bad-exit=1 --partition big gpus -- ')
    monkeypatch.setenv('WORLD_SIZE', '4')
    with pytest.raises(InputError, match='start it once, with --jobs N'):
        launcher_words(args)


def test_unforeseen_errors_come_through(work, monkeypatch):
    stages = stages_of(work, stage('a'))
    (work / 'pipeline/a.log').mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        run_stages(work, stages)


@pytest.mark.parametrize('jobs', [1, 2])
def test_a_stage_ends_with_a_pipeline_that_is_killed(work, root, jobs):
    (root / 'tools/slow.py').write_text(
        'import os, pathlib, sys, time\npathlib.Path(sys.argv[1]).write_text(str(os.getpid()))\ntime.sleep(60)\n')
    work.mkdir()
    declared = dict(name='a', tool='tools/slow.py', args=['{work_dir}/pid'], outputs=['{work_dir}/pid'])
    pid = os.fork()
    if pid == 0:
        run_stages(work, stages_of(work, declared), jobs=jobs)
        os._exit(0)
    deadline = time.monotonic() + 30
    while not ((work / 'pid').exists() and (work / 'pid').read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    stat = Path('/proc', (work / 'pid').read_text(), 'stat')
    while stat.exists() and stat.read_text().rpartition(')')[2].split()[0] != 'Z' and time.monotonic() < deadline:
        time.sleep(0.02)
    assert time.monotonic() < deadline
    assert states(work, stages_of(work, declared)) == ['interrupted']


def test_the_end_waits_until_all_is_on_record(work, monkeypatch):
    def slowly(*args):
        time.sleep(0.3)
        write_record(*args)

    monkeypatch.setattr(running, 'write_record', slowly)
    commands = running.Commands()
    declared, = stages_of(work, stage('a', 'wait'))

    def run():
        with contextlib.suppress(KeyboardInterrupt):
            running.run_stage(work, declared, commands, show=lambda chunk: None)

    thread = threading.Thread(target=run)
    thread.start()
    while not (work / 'a').exists():
        time.sleep(0.02)
    commands.end()
    assert read_record(work, declared)['seconds'] > 0
    thread.join()


def test_nothing_of_an_earlier_setting_is_kept(work, root):
    (root / 'tools/tree.py').write_text(
        'import pathlib, sys\n'
        'out = pathlib.Path(sys.argv[1]) / "file"\n'
        'out.parent.mkdir(parents=True, exist_ok=True)\n'
        'if not out.exists():\n'
        '    out.write_text(sys.argv[2])\n')

    def tree(word):
        return stages_of(work, dict(name='t', tool='tools/tree.py', args=['{work_dir}/t', word],
                                    outputs=['{work_dir}/t', '{work_dir}/t/file']))

    run_stages(work, tree('one'))
    run_stages(work, tree('two'))
    assert (work / 't/file').read_text() == 'two'
    run_stages(work, stages_of(work, stage('a', tool='tools/train.py')))
    (work / 'last_checkpoint').write_text('a')
    run_stages(work, stages_of(work, stage('a', 'other', tool='tools/train.py')))
    assert not (work / 'last_checkpoint').exists()


def test_outputs_outside_the_work_dir_are_never_removed(work, root):
    kept = root / 'precious'
    kept.write_text('mine')
    declared = dict(name='a', tool='tools/write.py', args=['{work_dir}/a'], outputs=['{work_dir}/a', str(kept)])
    run_stages(work, stages_of(work, declared), only=['a'])
    assert kept.read_text() == 'mine'


@pytest.mark.parametrize(('signal_number', 'jobs'), [(signal.SIGINT, 1), (signal.SIGTERM, 1), (signal.SIGINT, 2)])
def test_interrupted_training_goes_on(work, root, signal_number, jobs):
    code = (
        'import pathlib, signal\n'
        'from mmdepthcp.experiments import building, engine\n'
        'from mmdepthcp.utils import resources\n'
        'signal.signal(signal.SIGINT, signal.default_int_handler)\n'  # a shell's background jobs ignore it
        f'resources.ROOT = pathlib.Path({str(root)!r})\n'
        f'declared = dict(pipeline={[stage("a", "wait", tool="tools/train.py"), stage("b")]!r})\n'
        f'stages = building.read_stages(declared, "c.py", {str(work)!r})\n'
        f'engine.run_stages({str(work)!r}, stages, jobs={jobs})\n')
    quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with subprocess.Popen([sys.executable, '-c', code], **quiet) as process:
        deadline = time.monotonic() + 30
        while not (work / 'a').exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.1)  # of which something shall be left in its record
        os.kill(process.pid, signal_number)
        assert process.wait(20) != 0
    stages = stages_of(work, stage('a', 'wait', tool='tools/train.py'), stage('b'), config='c.py')
    assert states(work, stages) == ['interrupted', 'waiting']
    before = json.loads((work / 'pipeline/a.json').read_text())['seconds']
    assert before > 0
    (work / 'repaired').touch()
    run_stages(work, stages)
    assert 'resumed kept' in (work / 'pipeline/a.log').read_text()
    assert json.loads((work / 'pipeline/a.json').read_text())['seconds'] > before
    assert states(work, stages) == ['finished', 'finished']
