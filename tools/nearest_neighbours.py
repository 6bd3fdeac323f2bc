"""Find the images of a training set that are most alike, by the frozen features of the model of CONFIG:

    python tools/nearest_neighbours.py CONFIG OUT.npz

CONFIG trains on pairs (NeighbourPairDataset), such as configs/depthg/depthg_toy.py; its backbone says where its weights
come from (init_cfg). OUT.npz holds the names of the images and, for each, the indices of the most alike ones, itself
first; the training checks that they are those of its images, view, backbone and weights. Memory does not grow with the
number of images. Parts that are done lie in OUT.npz.*.parts: an interrupted search is completed by starting it again,
and several processes (torchrun, Slurm, --shard) share the parts.
"""

import argparse
import sys

from mmdepthcp.cli.numbers import whole
from mmdepthcp.cli.tools import errors_in_words, hide_known_noise
from mmdepthcp.cli.trunk_options import trunk_parser
from mmdepthcp.config.loading import load_config
from mmdepthcp.utils.trees import default_shard, local_device


def parse_args() -> argparse.Namespace:
    parser = trunk_parser(__doc__, 'OUT.npz', 'the neighbour file')
    parser.add_argument('--count', type=whole(2), default=30,
                        help='neighbours of each image, itself among them; default %(default)s')
    parser.add_argument('--raw', action='store_true',
                        help='cosines of the mean features as they are, as STEGO and DepthG have them; default: the '
                             'mean over all images is taken out first; trainings take these with centred=False')
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    hide_known_noise()
    with errors_in_words(args.quiet):
        from mmdepthcp.preparation.features import FrozenTrunk
        from mmdepthcp.preparation.neighbours import NeighbourSearch

        trunk = FrozenTrunk(load_config(args.config, args.cfg_options), images_alone=True,
                            device=local_device(args.device), batch_size=args.batch_size, num_workers=args.num_workers)
        if NeighbourSearch(trunk, args.out, args.count, not args.raw).run(args.shard or default_shard()):
            print(f'the neighbours of {len(trunk.names)} images: {args.out}')
        else:
            print(f'{args.out}: parts of other shards are missing; once they have run, run this command again')
    return 0


if __name__ == '__main__':
    sys.exit(main())
