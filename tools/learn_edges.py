"""Learn, without labels, which superpixels belong together: from features of a network that was pretrained before.

    python tools/learn_edges.py IMAGE_ROOT DISPARITY_ROOT FEATURES OUT.json --camera-root CITYSCAPES/camera/train

FEATURES is what tools/embed.py wrote for IMAGE_ROOT. Groupings by depth and colour with different settings agree about
most neighbouring superpixels; a measure of features that tells those that they join from those that they part is
learnt from these. tools/group_regions.py ... --params formula=learnt --features FEATURES --edges OUT.json adds what it
says to what depth and colour say.
"""

import argparse
from pathlib import Path

from mmdepthcp.cli.grouping_options import add_camera_options, read_camera_options
from mmdepthcp.cli.numbers import seed, whole
from mmdepthcp.cli.tools import add_quiet, errors_in_words


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('image_root', type=Path, metavar='IMAGE_ROOT')
    parser.add_argument('disparity_root', type=Path, metavar='DISPARITY_ROOT')
    parser.add_argument('features', type=Path, metavar='FEATURES')
    parser.add_argument('out', type=Path, metavar='OUT.json')
    add_camera_options(parser)
    parser.add_argument('--params', nargs='+', default=[], metavar='WORD',
                        help='settings that are varied, as for tools/group_regions.py')
    parser.add_argument('--limit', type=whole(4), default=200, metavar='N',
                        help='at most N images, evenly spread; default %(default)s')
    parser.add_argument('--seed', type=seed, default=0, help='of the draws of examples; default %(default)s')
    add_quiet(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with errors_in_words(args.quiet):
        import numpy as np

        from mmdepthcp.preparation.edge_learning import learn_from_tree
        from mmdepthcp.preparation.edge_models import write_edges
        from mmdepthcp.preparation.region_grouping import RegionGrouper, parse_params
        from mmdepthcp.utils.walks import find_files

        grouper = RegionGrouper(
            args.image_root, args.disparity_root, parse_params(args.params), **read_camera_options(args))
        images = find_files(args.image_root, leave_out=[args.disparity_root, args.features])
        chosen = np.unique(np.linspace(0, len(images) - 1, min(args.limit, len(images))).astype(int))
        learnt = learn_from_tree(grouper, [images[index] for index in chosen], args.features, args.seed, not args.quiet)
        about = dict(images=learnt.images, pairs=learnt.pairs, together=round(learnt.together, 4),
                     parted=round(learnt.parted, 4), seed=args.seed, grouping=grouper.description())
        write_edges(args.out, learnt.fit, about)
        print(f'{args.out}: of {learnt.pairs} pairs of superpixels in {learnt.images} images groupings join '
              f'{learnt.together:.0%} and part {learnt.parted:.0%}; features tell these apart with an AUC of '
              f'{learnt.fit.auc:.3f} on images held back (0.5: not at all)')


if __name__ == '__main__':
    main()
