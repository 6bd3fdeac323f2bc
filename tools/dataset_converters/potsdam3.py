"""Lay out Potsdam for configs/depthg/*_potsdam3.py: images/<train or val>, labels/<train or val>, as PNGs.

    python tools/dataset_converters/potsdam3.py PATCHES data/potsdam3
    python tools/dataset_converters/potsdam3.py TILES data/potsdam3 --tile-labels LABELS

PATCHES are the 200x200 patches of Ji et al. (ICCV 2019), which STEGO and DepthG use: imgs/*.mat, gt/*.mat,
labelled_train.txt, labelled_test.txt. TILES are the 6000x6000 TIFFs of ISPRS (top_potsdam_2_10_RGB.tif), LABELS theirs
(top_potsdam_2_10_label.tif); they are cut into patches, and the tiles that MMSegmentation validates on become val.

Finished patches are skipped, unless their source has changed.
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
    parser.add_argument('source', type=Path, metavar='PATCHES|TILES')
    parser.add_argument('out', type=Path)
    parser.add_argument('--tile-labels', type=Path, metavar='LABELS', help='folder of the labels of tiles')
    parser.add_argument('--size', type=whole(1), default=200, help='side of the patches in pixels, for tiles; default '
                                                                   '%(default)s')
    parser.add_argument('--num-workers', type=whole(0), default=os.cpu_count(), help='processes; default: one per core')
    add_quiet(parser)
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    with errors_in_words(args.quiet):
        from mmdepthcp.preparation.potsdam import PatchWriter, find_patches, find_tiles, write_patches

        found = find_tiles(args.source, args.tile_labels) if args.tile_labels else find_patches(args.source)
        failures, tried = write_patches(found, PatchWriter(args.out, args.size), args.num_workers)
    return report_failures(failures, tried)


if __name__ == '__main__':
    sys.exit(main())
