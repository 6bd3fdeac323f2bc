"""One writer for a folder; children that end with those who started them. No process here imports torch."""

import contextlib
import errno
import functools
import multiprocessing
import multiprocessing.pool
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmdepthcp.utils import processes
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.processes import claim, end_with_parent, tie_children

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform != 'linux', reason='needs Linux')

HOLD = '''
import sys, time
from mmdepthcp.utils.processes import claim
shard = tuple(map(int, sys.argv[2:])) or (0, 1)
with claim(sys.argv[1], shard):
    print('held', flush=True)
    time.sleep(60)
'''


@contextlib.contextmanager
def run(code, *args):
    """A Python process, once it has printed a line; that line."""
    with subprocess.Popen([sys.executable, '-c', code, *map(str, args)], stdout=subprocess.PIPE, text=True,
                          env={**os.environ, 'PYTHONPATH': str(ROOT)}) as process:
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def eventually(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def alive(pid):
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] not in 'ZX'
    except OSError:
        return False


def refused(folder, shard=(0, 1)):
    with pytest.raises(InputError) as caught, claim(folder, shard):
        pass
    return str(caught.value)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(processes, 'PAUSE', 0.01)


def test_a_folder_has_one_writer_and_says_which(tmp_path):
    folder = tmp_path / 'a/b'
    with run(HOLD, folder) as (process, line):
        assert line == 'held'
        words = refused(folder)
        assert words.startswith(f'{folder}: in use by process {process.pid} on ')
        assert f'-c {folder}' in words and 'stop it, or name another folder' in words
        assert refused(folder, (0, 2)).startswith(f'{folder}: in use by process {process.pid}')
        process.kill()
        process.wait()
        with claim(folder):
            (folder / 'result').touch()
    assert os.listdir(folder) == ['result']


def test_nothing_is_left_of_a_folder_in_which_nothing_was_written(tmp_path):
    with contextlib.suppress(InputError), claim(tmp_path / 'a'):
        assert (tmp_path / 'a').is_dir()
        raise InputError('bad settings')
    assert not (tmp_path / 'a').exists()
    with claim(tmp_path):
        pass
    assert tmp_path.is_dir() and os.listdir(tmp_path) == []


def test_shards_share_a_folder(tmp_path):
    with run(HOLD, tmp_path, 0, 2) as (process, _):
        with claim(tmp_path, (1, 2)):
            assert len(list(tmp_path.glob('.lock-*'))) == 2
        assert f'process {process.pid} ' in refused(tmp_path, (0, 2))
        assert f'process {process.pid} ' in refused(tmp_path)
        process.kill()
        process.wait()
        with claim(tmp_path):
            pass


def test_a_child_may_write_where_its_parent_does(tmp_path):
    code = 'import sys\nfrom mmdepthcp.utils.processes import claim\nwith claim(sys.argv[1]): print("both")'
    with claim(tmp_path), run(code, tmp_path) as (_, line):
        assert line == 'both'


def test_a_copy_of_the_lock_in_a_child_does_not_hold_it(tmp_path):
    with claim(tmp_path):
        pid = os.fork()
        if pid == 0:
            time.sleep(30)
            os._exit(0)
    try:
        assert os.waitpid(pid, os.WNOHANG) == (0, 0)
        with claim(tmp_path):
            pass
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_places_without_locks_and_places_to_read_only(tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, 'No locks available')

    monkeypatch.setattr(processes.fcntl, 'flock', no_locks)
    with claim(tmp_path):
        pass

    def read_only(*_):
        raise OSError(errno.EROFS, 'Read-only file system')

    monkeypatch.setattr(processes.os, 'open', read_only)
    assert refused(tmp_path) == (
        f'{tmp_path}: nothing can be written there (Read-only file system); make it writable or name another folder')
    monkeypatch.setattr(processes, 'fcntl', None)
    with claim(tmp_path):
        pass


PARENT = '''
import os, subprocess, sys, threading, time
from functools import partial
from mmdepthcp.utils.processes import end_with_parent, tie_children
tie_children()
kind = sys.argv[1]
if kind == 'fork':
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
elif kind == 'command':
    pid = subprocess.Popen(['sleep', '60'], preexec_fn=partial(end_with_parent, os.getpid())).pid
elif kind == 'tree':
    from pathlib import Path
    from mmdepthcp.utils.trees import process_tree
    def work(number):
        os.write(1, f'{os.getpid()}\\n'.encode())  # at once: two write here
        time.sleep(60)
    process_tree([1, 2], work, 2)
print(pid, flush=True)
time.sleep(60)
'''


@pytest.mark.parametrize('kind', ['fork', 'command', 'tree'])
def test_children_end_with_a_parent_that_is_killed(kind):
    with run(PARENT, kind) as (process, line):
        while not line.isdigit():  # of the progress bar
            line = process.stdout.readline().strip()
        assert alive(int(line))
        process.kill()
        process.wait()
        assert eventually(lambda: not alive(int(line)))


def test_an_orphan_ends_at_once():
    process = multiprocessing.get_context('fork').Process(target=functools.partial(end_with_parent, 2**30))
    process.start()
    process.join(10)
    assert process.exitcode == 1


def test_forks_of_a_thread_outlive_it(monkeypatch):
    monkeypatch.delenv('TORCHELASTIC_RUN_ID', raising=False)
    tie_children()
    with multiprocessing.pool.ThreadPool(1) as pool:
        process = multiprocessing.get_context('fork').Process(target=time.sleep, args=(0.3,))
        pool.apply(process.start)
    process.join(10)
    assert process.exitcode == 0
