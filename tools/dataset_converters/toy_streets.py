"""Render toy streets in the layout of Cityscapes: drives through streets with exact depth, poses and labels.

Restartable: run again with the same settings to go on, or with more sequences to add some.
"""

from __future__ import annotations

import argparse
import os
import sys

from mmdepthcp.cli.numbers import Size, seed, whole
from mmdepthcp.cli.tools import add_quiet, errors_in_words
from mmdepthcp.utils.trees import report_failures


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument('out', help='folder of the data set')
    parser.add_argument('--train', type=whole(0), default=60, metavar='N', help='sequences for training')
    parser.add_argument('--val', type=whole(0), default=20, metavar='N', help='sequences for validation')
    parser.add_argument('--frames', type=whole(1), default=20, metavar='N', help='frames of a sequence')
    parser.add_argument(
        '--labels-per-sequence',
        type=whole(1),
        default=1,
        metavar='N',
        help='frames of a sequence with labels; they alone enter leftImg8bit and gtFine',
    )
    parser.add_argument(
        '--size',
        action=Size,
        type=whole(1),
        nargs=2,
        default=(256, 128),
        metavar=('W', 'H'),
        help='size of the images in pixels',
    )
    parser.add_argument('--seed', type=seed, default=0, help='seed of everything random')
    parser.add_argument(
        '--workers', type=whole(0), default=os.cpu_count(), metavar='N', help='processes to render with'
    )
    add_quiet(parser)
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    with errors_in_words(args.quiet):
        from mmdepthcp.toy import ToySettings, write_toy_streets

        settings = ToySettings(args.frames, args.labels_per_sequence, *args.size, args.seed)
        failures, tried = write_toy_streets(args.out, {'train': args.train, 'val': args.val}, settings, args.workers)
    return report_failures(failures, tried)


if __name__ == '__main__':
    sys.exit(main())
