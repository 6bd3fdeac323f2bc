"""Options of the tools that run stages: how many at once, and where."""

from __future__ import annotations

import argparse
import os
import shlex

from mmdepthcp.cli.numbers import whole
from mmdepthcp.utils.errors import InputError


def add_stage_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--jobs`` and ``--launcher``; :func:`launcher_words` uses the second."""
    parser.add_argument('-j', '--jobs', type=whole(1), default=1, metavar='N',
                        help='run N stages at once, each on a GPU of its own where there are any; their output goes to '
                             'the logs alone; default %(default)s')
    parser.add_argument('--launcher', choices=['none', 'slurm'], default='none',
                        help='slurm: give every stage to srun, with the arguments in $SRUN_ARGS')


def launcher_words(args: argparse.Namespace) -> list[str]:
    """The words in front of the command of every stage.

    Raises:
        InputError: torchrun or srun has started several of this tool, which starts its stages itself.
    """
    if int(os.environ.get('WORLD_SIZE', os.environ.get('SLURM_NTASKS', 1))) > 1:
        raise InputError('torchrun or srun started several processes of this tool, which starts its runs itself: start '
                         'it once, with --jobs N, or with --launcher slurm --jobs N')
    if args.launcher == 'none':
        return []
    return ['srun', '--ntasks=1', '--kill-on-bad-exit=1', *shlex.split(os.environ.get('SRUN_ARGS', ''))]
