"""Exchange depth regions for regions that do not come from depth, about as many an image: what a pretraining on them
reaches without depth, or, with true ones, with perfect regions.

    python tools/dataset_converters/control_regions.py REGIONS OUT --kind grid
    python tools/dataset_converters/control_regions.py REGIONS OUT --kind colour --images IMAGES
    python tools/dataset_converters/control_regions.py REGIONS OUT --kind true --labels GTFINE \
        --suffixes _leftImg8bit _gtFine_instanceIds

whole: one region an image; grid: equal rectangles; colour: superpixels (SLIC) that see no depth; true: connected pieces
of equal label. Finished files are skipped, unless what they were made of has changed.
"""

import argparse
import os
import sys
from pathlib import Path

from mmdepthcp.cli.numbers import whole
from mmdepthcp.cli.tools import add_quiet, errors_in_words
from mmdepthcp.utils.trees import report_failures


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', type=Path, metavar='REGIONS', help='what tools/group_regions.py wrote')
    parser.add_argument('out', type=Path)
    parser.add_argument('--kind', choices=['whole', 'grid', 'colour', 'true'], required=True)
    source = parser.add_mutually_exclusive_group()
    source.add_argument('--images', type=Path, metavar='DIR', help='the images, for colour')
    source.add_argument('--labels', type=Path, metavar='DIR', help='instance or class ids, for true')
    parser.add_argument('--suffixes', nargs=2, default=('', ''), metavar=('REGION', 'LABEL'),
                        help="ending of a region file's name that is replaced, and by what, in that of its image or "
                             'label file')
    parser.add_argument('--num-workers', type=whole(0), default=os.cpu_count(), help='processes; default: one per core')
    add_quiet(parser)
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    with errors_in_words(args.quiet):
        from mmdepthcp.preparation.region_controls import write_region_controls

        failures, tried = write_region_controls(
            args.root, args.out, args.kind, args.images or args.labels, *args.suffixes, args.num_workers)
    return report_failures(failures, tried)


if __name__ == '__main__':
    sys.exit(main())
