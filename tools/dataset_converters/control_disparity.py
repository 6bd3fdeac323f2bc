"""Exchange the disparity of images for that of others, or for a constant: a training that does as well on it does not
use what depth shows.

    python tools/dataset_converters/control_disparity.py DISPARITY OUT --kind others

Finished files are skipped, unless their source has changed.
"""

import argparse
import os
import sys
from pathlib import Path

from mmdepthcp.cli.numbers import seed, whole
from mmdepthcp.cli.tools import add_quiet, errors_in_words
from mmdepthcp.utils.trees import report_failures


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', type=Path, metavar='DISPARITY')
    parser.add_argument('out', type=Path)
    parser.add_argument('--kind', choices=['others', 'constant'], required=True)
    parser.add_argument('--seed', type=seed, default=0, help='which others; default %(default)s')
    parser.add_argument('--num-workers', type=whole(0), default=os.cpu_count(), help='processes; default: one per core')
    add_quiet(parser)
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    with errors_in_words(args.quiet):
        from mmdepthcp.preparation.disparity_controls import write_controls

        failures, tried = write_controls(args.root, args.out, args.kind, args.seed, args.num_workers)
    return report_failures(failures, tried)


if __name__ == '__main__':
    sys.exit(main())
