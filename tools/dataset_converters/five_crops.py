"""Cut the images of a tree, their labels or their disparity into five crops each, as files:

    python tools/dataset_converters/five_crops.py leftImg8bit/train OUT/images --suffix _leftImg8bit.png
    python tools/dataset_converters/five_crops.py gtFine/train OUT/labels --suffix _gtFine_labelIds.png --kind labels
    python tools/dataset_converters/five_crops.py disparity/train OUT/disparity --suffix _leftImg8bit.png \
        --kind disparity

Top left, top right, bottom left, bottom right and centre become <name>_0<suffix> to <name>_4<suffix>. FiveCropDataset
in a config cuts the same crops while it loads, without files; these are for others' code. Finished files are skipped,
unless their source has changed.
"""

import argparse
import os
import sys
from pathlib import Path

from mmdepthcp.cli.numbers import above, whole
from mmdepthcp.cli.tools import add_quiet, errors_in_words
from mmdepthcp.utils.trees import default_shard, parse_shard, report_failures


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', type=Path)
    parser.add_argument('out', type=Path)
    parser.add_argument('--suffix', default='.png', help='ending of the files; default %(default)s')
    parser.add_argument('--kind', choices=['image', 'labels', 'disparity'], default='image',
                        help='what the files hold; default %(default)s')
    parser.add_argument('--ratio', type=above(0), default=0.5,
                        help="a crop's sides in proportion to the whole; default %(default)s")
    parser.add_argument('--num-workers', type=whole(0), default=os.cpu_count(), help='processes; default: one per core')
    parser.add_argument('--shard', type=parse_shard, default=None, metavar='I/N',
                        help='do every N-th file from the I-th on (I = 0..N-1); default: by rank under torchrun or '
                             'Slurm')
    add_quiet(parser)
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    with errors_in_words(args.quiet):
        from mmdepthcp.preparation.five_crops import FiveCrops, cut_tree

        work = FiveCrops(args.root, args.out, args.suffix, args.kind, args.ratio)
        failures, tried = cut_tree(work, args.num_workers, args.shard or default_shard())
    return report_failures(failures, tried)


if __name__ == '__main__':
    sys.exit(main())
