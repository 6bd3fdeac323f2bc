"""Errors of input and environment end a program with a sentence; those of the program keep their traceback."""

import errno
import logging
import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch
from mmengine.config import ConfigDict
from torch.utils.data import DataLoader, Dataset

import mmdepthcp.engine
import mmdepthcp.models  # noqa: F401
from mmdepthcp.cli.tools import errors_in_words
from mmdepthcp.config.checks import KNOWN, check_keys, distance
from mmdepthcp.config.loading import load_config
from mmdepthcp.registry import DATASETS, HOOKS, MODELS
from mmdepthcp.utils.errors import InputError, notice
from mmdepthcp.utils.fileio import write_json
from mmdepthcp.utils.trees import local_device, track

ROOT = Path(__file__).parents[2]


def said(call, *args, **settings):
    with pytest.raises(SystemExit) as ended, errors_in_words():
        call(*args, **settings)
    assert ended.value.code.startswith('error: ')
    return ended.value.code.removeprefix('error: ')


def fail(error):
    raise error


@pytest.mark.parametrize(('number', 'words'), [
    (errno.EACCES, 'a.png: may not be read or written'), (errno.EROFS, 'a.png: lies on a file system that is'),
    (errno.ENOSPC, 'a.png: the disk is full; make room'), (errno.EDQUOT, 'a.png: your quota is used up'),
    (errno.ENOENT, 'a.png: no such file'), (errno.EISDIR, 'a.png: is a folder'), (errno.ENOTDIR, 'a.png: a folder is'),
    (errno.ENAMETOOLONG, 'a.png: has too long a name'), (errno.EMFILE, 'a.png: too many files are open')])
def test_of_the_system(number, words):
    assert words in said(fail, OSError(number, os.strerror(number), 'a.png'))
    assert words.partition(': ')[2] in said(fail, OSError(number, os.strerror(number)))


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / 'file').touch()
    assert f'{tmp_path}/file: ' in said(write_json, tmp_path / 'file/a.json', {})
    assert 'too long a name' in said(write_json, tmp_path / ('a' * 300), {})
    (tmp_path / 'folder.json').mkdir()
    assert 'folder.json: is a folder' in said(write_json, tmp_path / 'folder.json', {})
    if Path('/dev/full').exists():
        assert 'the disk is full' in said(Path('/dev/full').write_bytes, b'x' * 10**5)


@pytest.mark.parametrize(('error', 'words'), [
    (FloatingPointError('the loss is not finite'), 'the loss is not finite'),
    (MemoryError(), 'there is not enough memory (RAM)'),
    (RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to "
                  'allocate 2560000000000 bytes.'), 'there is not enough memory; use smaller images, batches or grids'),
    (cv2.error('Failed to allocate 10800000000 bytes'), 'there is not enough memory (Failed to allocate'),
    (torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate 2 GiB'), 'not enough memory on the device'),
    (RuntimeError('The server socket has failed to listen on any local network address. port: 29500, useIpv6: false, '
                  'code: -98, name: EADDRINUSE, message: address already in use'), 'port 29500 is taken'),
    (RuntimeError('DataLoader worker (pid 3) is killed by signal: Killed.'), 'a process that loads data was killed'),
    (RuntimeError('Found no NVIDIA driver on your system.'), '--device cannot be used here'),
    (RuntimeError('[enforce fail] PytorchStreamWriter failed writing file data/0'), 'could not be written'),
    (RuntimeError('`self._test_loop` should not be None when calling test method.'), 'has no test_dataloader'),
    (UnicodeEncodeError('utf-8', 'Stra\udcdfe', 4, 5, 'surrogates'), r"'Stra\udcdfe': is not UTF-8"),
])
def test_of_the_machine(error, words):
    assert words in said(fail, error)


@pytest.mark.parametrize(('build', 'words'), [
    (lambda: MODELS.build(dict(type='DephtCP')), 'the type DephtCP, which there is not (model); near it: DepthCP'),
    (lambda: HOOKS.build(dict(type='mmdepthcp.SwAVMonitorHok')), 'near it: mmdepthcp.SwAVMonitorHook'),
    (lambda: MODELS.build(dict(depth=18)), 'a part without a type'),
    (lambda: HOOKS.build(dict(type='PretrainedCheckHook', min_shar=.5)),
     "PretrainedCheckHook got an unexpected keyword argument 'min_shar'; near it: min_share"),
    (lambda: HOOKS.build(dict(type='PretrainedCheckHook', min_share=7.)), 'must lie in 0..1'),
    (lambda: DATASETS.build(dict(type='StreetDataset', data_prefx={})), "'data_prefx'; near it: data_prefix"),
    (lambda: DATASETS.build(dict(type='VideoClipDataset', layout='folder', frame_stap=1)), 'near it: frame_step'),
    (lambda: HOOKS.build(dict(type='CheckpointHook', save_begin=-1)), 'the config cannot be used, in CheckpointHook'),
    (lambda: ConfigDict(model={}).test_evaluator, 'the config has no test_evaluator'),
])
def test_of_configs(build, words):
    assert words in said(build)


@pytest.mark.parametrize('error', [ValueError('x'), TypeError('x'), KeyError('x'), RuntimeError('x'), OSError('x'),
                                   AssertionError('x'), ZeroDivisionError('x')])
def test_of_the_program(error):
    with pytest.raises(type(error)), errors_in_words():
        fail(error)


class Broken(Dataset):
    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise self.error


@pytest.mark.parametrize(('error', 'words'), [
    (InputError('a.png: corrupt'), 'a.png: corrupt'), (FloatingPointError('b: not finite'), 'b: not finite'),
    (PermissionError(13, 'Permission denied', 'c.png'), 'c.png: may not be read')])
def test_of_processes_that_load_data(error, words):
    assert said(lambda: list(DataLoader(Broken(error), num_workers=1))).startswith(words)


def test_interruptions(capsys):
    with pytest.raises(SystemExit) as ended, errors_in_words():
        fail(KeyboardInterrupt())
    assert ended.value.code == 130 and 'interrupted; the same command goes on' in capsys.readouterr().err


def test_quiet_programs_say_warnings_and_errors_alone(capsys, notices):
    with errors_in_words(quiet=True):
        print('progress')
        list(track('ab', sys.stderr))
        notice('worth knowing', logging.INFO)
        notice('worth a warning')
    print('afterwards')
    captured = capsys.readouterr()
    assert captured.out == 'afterwards\n' and 'task/s' not in captured.err
    assert [line for line in captured.err.splitlines() if line.startswith('warning')] == ['warning: worth a warning']
    assert notices == ['worth knowing', 'worth a warning']  # a log in a file has all
    with pytest.raises(SystemExit, match=r'^error: a\.png: corrupt$'), errors_in_words(quiet=True):
        fail(InputError('a.png: corrupt'))
    notice('no longer quiet')
    assert 'warning:' not in capsys.readouterr().err


def test_a_closed_pipe_is_no_error(tmp_path):
    program = 'from mmdepthcp.cli.tools import errors_in_words\nwith errors_in_words():\n    print("a" * {})\n'
    for length in (10, 10**6):  # less and more than is kept back
        with subprocess.Popen([sys.executable, '-c', program.format(length)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env={**os.environ, 'PYTHONPATH': str(ROOT)}) as process:
            process.stdout.close()
            assert process.stderr.read() == b'' and process.wait() == 141
    with pytest.raises(BrokenPipeError), errors_in_words():  # of another pipe
        fail(BrokenPipeError(errno.EPIPE, 'Broken pipe'))


@pytest.mark.parametrize(('key', 'right'), [
    ('train_cgf', 'train_cfg'), ('train_dataloder', 'train_dataloader'), ('param_schedulers', 'param_scheduler'),
    ('defualt_hooks', 'default_hooks'), ('optimwrapper', 'optim_wrapper'), ('modle', 'model'), ('val_cgf', 'val_cfg'),
    ('workdir', 'work_dir'), ('custom_hook', 'custom_hooks'), ('loadfrom', 'load_from'), ('prepared', 'prepare'),
    ('titel', 'title'), ('taskss', 'tasks'), ('seedz', 'seeds')])
def test_misspelt_settings(tmp_path, key, right):
    (tmp_path / 'c.py').write_text(f'{key} = dict(x=1)\nmodel_ = 3\n')
    with pytest.raises(InputError, match=rf'c\.py: {key} is no setting; {right} is meant\?'):
        load_config(tmp_path / 'c.py')
    (tmp_path / 'd.py').write_text(f'_{key} = dict(x=1)\n')
    load_config(tmp_path / 'd.py')
    with pytest.raises(InputError, match=f'{key} is no setting'):
        load_config(tmp_path / 'd.py', [f'{key}.x=1'])


def test_variables_of_ones_own():
    check_keys(dict.fromkeys([
        *KNOWN, 'data', 'loader', 'crop_size', 'norm_cfg', 'conv_cfg', 'train_pipeline', 'val_pipeline', 'data_root',
        'test_dataset', 'optimizer', 'img_norm_cfg', 'classes', 'num_classes', 'vis_backends', 'mode',
        'needs', 'masks', 'seed', 'task', 'tiles']), 'c.py')
    assert [distance(*pair) for pair in (('ab', 'ba'), ('abc', 'abd'), ('', 'ab'), ('abcd', 'acd'), ('ca', 'abc'))] == [
        1, 1, 2, 1, 3]


@pytest.mark.parametrize('text', ['x = 1 / 0', 'raise RuntimeError("no")', '_base_ = "gone.py"', 'a = b', 'def',
                                  'assert False', '\0'])
def test_configs_that_cannot_be_read(tmp_path, text):
    (tmp_path / 'c.py').write_text(text)
    with pytest.raises(InputError, match=r'c\.py: cannot be read as a config'):
        load_config(tmp_path / 'c.py')


def test_loaders_without_processes():
    options = [f'{split}_dataloader.num_workers=0' for split in ('train', 'val')]
    config = load_config(ROOT / 'configs/monodepth/monodepth_toy.py', [*options, 'train_dataloader.prefetch_factor=4'])
    for split in ('train', 'val'):
        loader = dict(config[f'{split}_dataloader'], dataset=[1], batch_size=1)
        assert not loader.get('persistent_workers')
        DataLoader(**{key: value for key, value in loader.items() if key != 'sampler'})
    assert load_config(ROOT / 'configs/monodepth/monodepth_toy.py').train_dataloader.persistent_workers


def test_processes_share_the_gpus(monkeypatch):
    for name in ('LOCAL_RANK', 'SLURM_LOCALID'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert local_device() == 'cpu'
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 4)
    assert (local_device(), local_device('cpu'), local_device('cuda:2')) == ('cuda', 'cpu', 'cuda:2')
    for name in ('SLURM_LOCALID', 'LOCAL_RANK'):
        monkeypatch.setenv(name, '3')
        assert (local_device(), local_device('cuda'), local_device('cpu')) == ('cuda:3', 'cuda:3', 'cpu')
        assert local_device('cuda:2') == 'cuda:2'
        monkeypatch.setenv(name, '6')
        assert local_device() == 'cuda:2'


def test_a_taken_port(unused_port):
    import socket
    script = f'source {ROOT}/tools/dist_port.sh; echo $PORT'
    python = {**os.environ, 'PATH': f'{Path(sys.executable).parent}:{os.environ["PATH"]}'}
    with socket.socket() as server:
        server.bind(('', unused_port))
        server.listen()
        result = subprocess.run(['bash', '-c', script], capture_output=True, text=True,
                                env={**python, 'PORT': str(unused_port)})
    assert result.returncode == 1 and result.stderr.startswith(f'error: PORT={unused_port} cannot be used')
    python.pop('PORT', None)
    assert int(subprocess.run(['bash', '-c', script], capture_output=True, text=True, env=python).stdout) > 1023
