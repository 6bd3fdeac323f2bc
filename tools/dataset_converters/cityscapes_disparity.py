"""Turn the stereo disparity of Cityscapes into the disparity PNGs of this package.

    python tools/dataset_converters/cityscapes_disparity.py cityscapes/disparity/train OUT

DISPARITY_ROOT/<city>/<name>_disparity.png becomes OUT/<city>/<name>_leftImg8bit.png, ready for
data_prefix=dict(img_path='leftImg8bit/train', disparity_path=OUT). Pixels without disparity take that of the
nearest pixel with one. Finished files are skipped unless their source has changed.
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
    parser.add_argument('disparity_root', type=Path)
    parser.add_argument('out', type=Path)
    parser.add_argument('--largest', type=above(0), default=128., metavar='PIXELS',
                        help='disparity that becomes 1, the same for all files; default %(default)s')
    parser.add_argument('--num-workers', type=whole(0), default=os.cpu_count(),
                        help='processes; default: one per core')
    parser.add_argument('--shard', type=parse_shard, default=None, metavar='I/N',
                        help='do every N-th file from the I-th on (I = 0..N-1); default: by rank under '
                             'torchrun or Slurm')
    add_quiet(parser)
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    with errors_in_words(args.quiet):
        from mmdepthcp.preparation.disparity_export import DisparityFile, convert_tree, read_cityscapes_disparity

        read = functools.partial(read_cityscapes_disparity, largest=args.largest)
        work = DisparityFile(args.disparity_root, args.out, '_disparity.png', '_leftImg8bit', read)
        settings = dict(mode='raw', source='cityscapes stereo disparity', largest=args.largest)
        failures, tried = convert_tree(work, settings, args.num_workers, args.shard or default_shard())
    return report_failures(failures, tried)


if __name__ == '__main__':
    sys.exit(main())
