"""Does depth that was learnt from video explain how the picture changes from frame to frame? Needs no measured depth.

    python tools/check_depth.py CONFIG CHECKPOINT OUT.json

takes the clips of the config's `check_dataset` (or else of its training set, which says less), moves the neighbours of
every frame into it by the predicted depth and motion, and compares what comes out with the frame: beside the best
constant depth, and beside the neighbours as they are.
"""

import argparse

from mmdepthcp.cli.numbers import whole
from mmdepthcp.cli.tools import errors_in_words, register_modules
from mmdepthcp.config.loading import load_config
from mmdepthcp.config.overrides import add_cfg_options
from mmdepthcp.utils.trees import local_device


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', metavar='CONFIG', help='config of the depth training')
    parser.add_argument('checkpoint', metavar='CHECKPOINT')
    parser.add_argument('out', metavar='OUT.json', help='file for the scores')
    parser.add_argument('--most', type=whole(1), default=200, metavar='N',
                        help='clips to look at, evenly spaced; default %(default)s')
    parser.add_argument('--batch-size', type=whole(1), default=4)
    parser.add_argument('--device', help='default: cuda if there is one, else cpu')
    add_cfg_options(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with errors_in_words():
        config = load_config(args.config, args.cfg_options)
        register_modules()

        import numpy as np
        from mmengine.registry import init_default_scope

        from mmdepthcp.engine.resuming import forget_beginnings
        from mmdepthcp.preparation.depth_check import check_depth
        from mmdepthcp.registry import DATASETS, MODELS
        from mmdepthcp.utils.checkpoint import load_weights
        from mmdepthcp.utils.scores import write_scores

        init_default_scope(config.get('default_scope', 'mmdepthcp'))
        dataset = DATASETS.build(config.get('check_dataset') or config.train_dataloader.dataset)
        forget_beginnings(config.model)
        model = MODELS.build(config.model)
        load_weights(model, args.checkpoint)
        chosen = np.unique(np.linspace(0, len(dataset) - 1, min(args.most, len(dataset))).astype(int)).tolist()
        scores = check_depth(model, (dataset[0, 0, index] for index in chosen), local_device(args.device),
                             args.batch_size)
        write_scores(args.out, scores, dict(clips=len(chosen)))
        for score in scores:
            print(f'{score.name:<16}{score.value:.4g}')


if __name__ == '__main__':
    main()
