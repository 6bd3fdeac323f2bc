"""What the command-line tools have in common: options of the house, configs, errors in words.

Nothing here imports an mm* package before a function is called, so that every tool answers ``--help`` at once.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import logging
import os
import select
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import mmdepthcp
from mmdepthcp.cfg_options import Option, add_cfg_options, parse_options
from mmdepthcp.config_checks import check_keys, fit_workers
from mmdepthcp.errors import explain
from mmdepthcp.fileio import InputError
from mmdepthcp.processes import tie_children
from mmdepthcp.resources import find_shipped

__all__ = [
    'add_cfg_options',
    'add_launcher',
    'checked_work_dir',
    'code_commit',
    'errors_in_words',
    'hide_known_noise',
    'load_config',
    'note_code_version',
    'override_settings',
    'register_modules',
    'set_launcher',
    'set_work_dir',
]

INTERRUPTED = 130
PIPE_CLOSED = 141
"""Exit codes of programs that SIGINT and SIGPIPE end."""

if TYPE_CHECKING:
    from mmengine.config import Config


def add_launcher(parser: argparse.ArgumentParser) -> None:
    """Add ``--launcher`` and ``--local-rank``; :func:`set_launcher` uses them."""
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none',
                        help='how the processes of a distributed job were started')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def set_launcher(config: Config, args: argparse.Namespace) -> None:
    """Hand ``--launcher`` and ``--local-rank`` on to MMEngine.

    MMEngine starts distributed jobs on accelerators only; where there is none, the processes of torchrun are joined
    here, through gloo, and batch normalisation over all of them (``sync_bn``) is our own.
    """
    from mmengine.device import get_device

    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    config.launcher = args.launcher
    if args.launcher == 'pytorch' and get_device() == 'cpu':
        import torch.distributed

        torch.distributed.init_process_group('gloo')
        config.setdefault('model_wrapper_cfg', dict(
            type='mmdepthcp.CPUDataParallel', sync_bn=config.pop('sync_bn', None) is not None, device_ids=None,
            broadcast_buffers=False, find_unused_parameters=config.get('find_unused_parameters', False)))


@contextlib.contextmanager
def _without_import_noise() -> Iterator[None]:
    """Leave out of the standard output that OneDL, a cloud service, is not installed."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            yield
    finally:
        print(''.join(line for line in said.getvalue().splitlines(True) if 'OneDL' not in line), end='')


def load_config(path: str | os.PathLike, options: Sequence[Option] = ()) -> Config:
    """Read a config file, one's own or one that comes with the package, and override settings in it.

    Raises:
        InputError: the file is missing or is not a config, or an option does not fit it.
    """
    from mmdepthcp.requirements import require

    require('mmengine.config')
    from mmengine.config import Config

    file = find_shipped(path)
    if not file.is_file():
        raise InputError(f'{path}: no such config file')
    try:
        with _without_import_noise():  # a config may import packages
            config = Config.fromfile(str(file))
    except Exception as error:  # a config is a program
        raise InputError(f'{path}: cannot be read as a config: {type(error).__name__}: {error}') from error
    override_settings(config, options, path)
    check_keys(config, path)
    fit_workers(config)
    return config


def override_settings(config: Config, options: Sequence[Option], path: str | os.PathLike) -> None:
    """Override settings of a config in place.

    Raises:
        InputError: an option is not KEY=VALUE, or does not fit the config, which is called ``path``.
    """
    overrides = parse_options(options, config.to_dict() if options else None)
    try:
        config.merge_from_dict(overrides)
    except (TypeError, KeyError, IndexError, AssertionError) as error:
        words = ' '.join(option if isinstance(option, str) else f'{option[0]}={option[1]}' for option in options)
        raise InputError(f'{path}: --cfg-options {words} does not fit the config: {error}') from error


def set_work_dir(config: Config, path: str | os.PathLike, work_dir: str | None) -> None:
    """Choose the work dir: command line, then config, then ``work_dirs/<name of the config file>``.

    Raises:
        InputError: see :func:`checked_work_dir`.
    """
    if work_dir is not None:
        config.work_dir = work_dir
    elif config.get('work_dir') is None:
        config.work_dir = str(Path('work_dirs', Path(path).stem))
    config.work_dir = checked_work_dir(config.work_dir)


def checked_work_dir(path: str | os.PathLike) -> str:
    """The path of a work dir, which no tool takes for an option.

    Raises:
        InputError: the name is not UTF-8, so that MMEngine could not write down in it which checkpoint is the last.
    """
    path = os.fspath(path)
    try:
        os.path.abspath(path).encode()
    except UnicodeEncodeError:
        raise InputError(f'--work-dir {path!a}: the name is not UTF-8; choose another') from None
    return os.path.abspath(path) if path.startswith('-') else path


def code_commit(digits: int = 40) -> str:
    """The git commit of the package at work, with ``-dirty`` where files differ from it; ``unknown`` outside of git.

    Args:
        digits: how many hexadecimal digits to show, or more if they are not enough.
    """
    command = ['git', '-C', str(Path(mmdepthcp.__file__).parent), 'describe', '--always', '--dirty',
               f'--abbrev={digits}', '--exclude=*']
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip() or 'unknown'
    except FileNotFoundError:
        return 'unknown'


def note_code_version(config: Config) -> None:
    """Note in the config, and with it in every checkpoint, which version and commit of the package is at work."""
    config.code = dict(version=mmdepthcp.__version__, commit=code_commit())


@contextlib.contextmanager
def errors_in_words() -> Iterator[None]:
    """End the program with one message, without a traceback, when input or environment cannot be used.

    Names of files that are not UTF-8 are printed as they are. Processes that the program starts end with it.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors='surrogateescape')
    tie_children()
    try:
        yield
        sys.stdout.flush()
    except KeyboardInterrupt:
        print('\ninterrupted; the same command goes on from here (a training: with --resume)', file=sys.stderr)
        sys.exit(INTERRUPTED)
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _output_is_closed():
            sys.exit(PIPE_CLOSED)
        words = explain(error)
        if words is None:
            raise
        sys.exit(f'error: {words}')


def _output_is_closed() -> bool:
    """Whether nobody reads the standard output any more, as after ``| head``; if so, forget what is left to write."""
    try:
        output = sys.stdout.fileno()
    except OSError:
        return False
    watch = select.poll()
    watch.register(output, select.POLLOUT)
    if not any(events & (select.POLLERR | select.POLLHUP) for _, events in watch.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    return True


def hide_known_noise() -> None:
    """Silence the warnings that the mm* packages give at import about what is not needed here."""
    warnings.filterwarnings('ignore', message='Fail to import')
    warnings.filterwarnings('ignore', message='.*pkg_resources is deprecated.*')


def register_modules() -> None:
    """Import everything that a config may name, without what the mm* packages say about ops that are not needed here.

    Raises:
        ImportError: a package is missing or does not fit; the message says which and what to do.
    """
    from mmdepthcp.requirements import require

    hide_known_noise()
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            require('mmengine', 'mmcv', 'mmseg.models', 'mmpretrain.models')
            for package in ('datasets', 'engine', 'evaluation', 'models', 'visualization'):
                importlib.import_module(f'mmdepthcp.{package}')
    finally:
        logging.disable(logging.NOTSET)
