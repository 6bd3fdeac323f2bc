"""Keep the frozen features of a training set in files, so that a training on them takes minutes:

    python tools/cache_features.py CONFIG OUT
    python tools/train.py CONFIG --cfg-options train_dataloader.dataset.cache=OUT

CONFIG trains on pairs (NeighbourPairDataset), such as configs/depthg/depthg_toy.py; its backbone says where its weights
come from (init_cfg). OUT holds, for each image, features in float16, and disparity and labels where CONFIG loads them;
the size is announced before anything is written. The training checks that they are those of its backbone, view and
images. An interrupted run is completed by starting it again, and several processes (torchrun, Slurm, --shard) share the
work.
"""

import argparse
import sys

from mmdepthcp.cli.tools import errors_in_words, hide_known_noise
from mmdepthcp.cli.trunk_options import trunk_parser
from mmdepthcp.config.loading import load_config
from mmdepthcp.utils.trees import default_shard, local_device


def parse_args() -> argparse.Namespace:
    return trunk_parser(__doc__, 'OUT', 'folder of the features').parse_args()


def main() -> int:
    args = parse_args()
    hide_known_noise()
    with errors_in_words(args.quiet):
        from mmdepthcp.preparation.features import FeatureCaching, FrozenTrunk

        trunk = FrozenTrunk(load_config(args.config, args.cfg_options), device=local_device(args.device),
                            batch_size=args.batch_size, num_workers=args.num_workers)
        if FeatureCaching(trunk, args.out).run(args.shard or default_shard()):
            print(f'the features of {len(trunk.names)} images: {args.out}')
        else:
            print(f'{args.out}: parts of other shards are missing; once they have run, the features are complete')
    return 0


if __name__ == '__main__':
    sys.exit(main())
