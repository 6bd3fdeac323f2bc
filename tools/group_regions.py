"""Group the images of a folder and its sub-folders into depth regions.

    python tools/group_regions.py IMAGE_ROOT DISPARITY_ROOT OUT --camera-root CITYSCAPES/camera/train

DISPARITY_ROOT/<relative path of the image without suffix>.png is what tools/infer_depth.py wrote for IMAGE_ROOT.
OUT/<the same>.png holds the region ids 0..R-1, 16 bit; OUT/meta.json the settings. Images that have their file are
skipped, so an interrupted run is completed by starting it again, unless the image, its disparity or its calibration has
changed since.
"""

import argparse
import os
import sys
from pathlib import Path

from mmdepthcp.cli.grouping_options import add_grouping_options, read_grouping_options
from mmdepthcp.cli.numbers import whole
from mmdepthcp.cli.tools import add_quiet, errors_in_words
from mmdepthcp.utils.trees import default_shard, parse_shard, report_failures


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('image_root', type=Path, metavar='IMAGE_ROOT')
    parser.add_argument('disparity_root', type=Path, metavar='DISPARITY_ROOT')
    parser.add_argument('out', type=Path, metavar='OUT')
    add_grouping_options(parser)
    parser.add_argument('--params', nargs='+', default=[], metavar='WORD',
                        help='settings: a preset (default, paper, paper_plain) and/or KEY=VALUE of GroupingParams, '
                             'such as: paper num_superpixels=3000 weights=0,48,0,-4')
    parser.add_argument('--suffix', nargs='+', metavar='END', help='endings of image files; default: any image')
    parser.add_argument('--num-workers', '--workers', type=whole(0), default=os.cpu_count() or 1,
                        help='processes; default: one a core (%(default)s)')
    parser.add_argument('--shard', type=parse_shard, default=None, metavar='I/N',
                        help='do every N-th image from the I-th on (I = 0..N-1); default: by rank under torchrun '
                             'or Slurm')
    add_quiet(parser)
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    with errors_in_words(args.quiet):
        from mmdepthcp.preparation.region_grouping import RegionGrouper, group_tree, parse_params
        from mmdepthcp.utils.walks import IMAGE_SUFFIXES

        grouper = RegionGrouper(
            args.image_root, args.disparity_root, parse_params(args.params), **read_grouping_options(args))
        failures, tried = group_tree(
            grouper, args.out, args.num_workers, args.shard or default_shard(), tuple(args.suffix or IMAGE_SUFFIXES))
    return report_failures(failures, tried)


if __name__ == '__main__':
    sys.exit(main())
