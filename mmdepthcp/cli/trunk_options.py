"""Options of the tools that send a training set through the frozen trunk of its model."""

from __future__ import annotations

import argparse

from mmdepthcp.cli.numbers import whole
from mmdepthcp.cli.tools import add_quiet
from mmdepthcp.config.overrides import add_cfg_options
from mmdepthcp.utils.trees import parse_shard


def trunk_parser(description: str | None, out: str, out_help: str) -> argparse.ArgumentParser:
    """A parser of CONFIG, of what is written, and of how images go through the network.

    Args:
        description: of the tool.
        out: name of what is written.
        out_help: what that is.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', metavar='CONFIG', help='config of a training on pairs')
    parser.add_argument('out', metavar=out, help=out_help)
    parser.add_argument('--batch-size', type=whole(1), default=16)
    parser.add_argument('--num-workers', type=whole(0), default=0,
                        help='processes that load images; default %(default)s')
    parser.add_argument('--device', help='default: cuda if there is one, else cpu')
    parser.add_argument('--shard', type=parse_shard, default=None, metavar='I/N',
                        help='do every N-th part from the I-th on (I = 0..N-1); default: by rank under torchrun or '
                             'Slurm')
    add_cfg_options(parser)
    add_quiet(parser)
    return parser
