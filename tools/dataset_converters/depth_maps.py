"""Turn metric depth maps into the disparity PNGs of this package: disparity = min(1, nearest / depth).

    python tools/dataset_converters/depth_maps.py toy/depth/train OUT --suffix _depth.png --image-suffix
    _leftImg8bit --holes far

DEPTH_ROOT/<name><suffix> becomes OUT/<name><image suffix>.png. Depth is a 16-bit PNG (metres x 256, 0 = none,
as in KITTI) or a .npy array in metres. Finished files are skipped,
unless their source has changed.

Inverse depth or disparity from elsewhere, where larger is closer (PNG of 8 or 16 bits, or .npy; 0 = none), is brought
to 0..1 by --inverse and the value that becomes 1:

    python tools/dataset_converters/depth_maps.py midas/train OUT --inverse 255
"""

import argparse
import functools
import os
import sys
from pathlib import Path

from mmdepthcp.cli.numbers import above, whole
from mmdepthcp.cli.tools import add_quiet, errors_in_words
from mmdepthcp.utils.trees import default_shard, parse_shard, report_failures


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('depth_root', type=Path)
    parser.add_argument('out', type=Path)
    parser.add_argument('--suffix', default='.png', help='ending of the depth files; default %(default)s')
    parser.add_argument('--image-suffix', default='',
                        help="what stands there in the images' names before .png or .jpg; default: nothing")
    parser.add_argument('--nearest', type=above(0), default=1., metavar='METRES',
                        help='depth that becomes disparity 1, the same for all files; default %(default)s')
    parser.add_argument('--inverse', type=above(0), metavar='LARGEST',
                        help='the files hold inverse depth or disparity, of which LARGEST becomes 1, the same for all '
                             'files')
    parser.add_argument('--holes', choices=['nearest', 'far'], default='nearest',
                        help='pixels without depth: like the nearest pixel with depth, or as far as can be '
                             'written (sky); default %(default)s')
    parser.add_argument('--num-workers', type=whole(0), default=os.cpu_count(),
                        help='processes; default: one per core')
    parser.add_argument('--shard', type=parse_shard, default=None, metavar='I/N',
                        help='do every N-th file from the I-th on (I = 0..N-1); default: by rank under '
                             'torchrun or Slurm')
    add_quiet(parser)
    args = parser.parse_args()
    if args.inverse is not None and args.nearest != 1:
        parser.error('--nearest is of depth in metres, --inverse of its inverse: give one of them')
    return args


def main() -> int:
    args = parse_args()
    with errors_in_words(args.quiet):
        from mmdepthcp.preparation.disparity_export import (
            FARTHEST,
            DisparityFile,
            convert_tree,
            read_depth_as_disparity,
            read_inverse_as_disparity,
        )

        if args.inverse is None:
            read = functools.partial(read_depth_as_disparity, nearest=args.nearest, holes=args.holes)
            settings = dict(mode='raw', source='metric depth', nearest=args.nearest, holes=args.holes)
        else:
            read = functools.partial(read_inverse_as_disparity, largest=args.inverse, holes=args.holes)
            settings = dict(mode='raw', source='inverse depth', largest=args.inverse, holes=args.holes)
        work = DisparityFile(args.depth_root, args.out, args.suffix, args.image_suffix, read)
        if args.holes == 'far':  # files of before have 0 there, which is read as unknown
            settings['farthest'] = FARTHEST
        failures, tried = convert_tree(work, settings, args.num_workers, args.shard or default_shard())
    return report_failures(failures, tried)


if __name__ == '__main__':
    sys.exit(main())
