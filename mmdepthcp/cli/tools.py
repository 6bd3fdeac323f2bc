"""What the command-line tools have in common: work dirs, launchers, errors in words.

Nothing here imports an mm* package before a function is called, so that every tool answers ``--help`` at once.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
import io
import logging
import os
import select
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import mmdepthcp
from mmdepthcp.cli.words import explain
from mmdepthcp.utils.code_version import code_commit
from mmdepthcp.utils.errors import InputError, speech
from mmdepthcp.utils.processes import tie_children

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


def note_code_version(config: Config) -> None:
    """Note in the config, and with it in every checkpoint, which version and commit of the package is at work."""
    config.code = dict(version=mmdepthcp.__version__, commit=code_commit())


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Add ``--quiet``, for :func:`errors_in_words`."""
    parser.add_argument('-q', '--quiet', action='store_true',
                        help='print warnings and errors only, on the standard error; logs in files stay whole')


@functools.cache
def _nowhere() -> TextIO:
    """Where nobody reads; never closed, for logs that were begun with it go on."""
    return open(os.devnull, 'w', errors='surrogateescape')


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Print nothing on the standard output."""
    speech.quiet = True
    try:
        with contextlib.redirect_stdout(_nowhere()):
            yield
    finally:
        speech.quiet = False


@contextlib.contextmanager
def errors_in_words(quiet: bool = False) -> Iterator[None]:
    """End the program with one message, without a traceback, when input or environment cannot be used.

    Names of files that are not UTF-8 are printed as they are. Processes that the program starts end with it.

    Args:
        quiet: print warnings and errors only.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors='surrogateescape')
    tie_children()
    try:
        with _silence() if quiet else contextlib.nullcontext():
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
    from mmdepthcp.utils.requirements import require

    hide_known_noise()
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            require('mmengine', 'mmcv', 'mmseg.models', 'mmpretrain.models')
            for package in ('datasets', 'engine', 'evaluation', 'models', 'visualization'):
                importlib.import_module(f'mmdepthcp.{package}')
    finally:
        logging.disable(logging.NOTSET)
