"""Measure how many of the pairs of cells that PixPro learns from show two classes, and how many depth leaves out:

    python tools/pair_quality.py CONFIG LABELS --thresholds 0.2 0.4

Nothing is trained; a threshold of the filter can be chosen so, on labelled training images. Printed and written, for
every threshold and every distance of the config: pairs of labelled cells, the share that depth removes, and the share
of pairs of two classes among all, those that stay and those that are removed (nan, and not written, where there are
none).
"""

import argparse
import math
import sys
from pathlib import Path

from mmdepthcp.cli.numbers import above, whole
from mmdepthcp.cli.tools import add_quiet, errors_in_words, register_modules
from mmdepthcp.config.loading import load_config
from mmdepthcp.config.overrides import add_cfg_options


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config of PixPro with depth_filter, such as configs/pixpro/depth_pixpro_toy.py')
    parser.add_argument('labels', metavar='LABELS', help='folder of the labels of its training images')
    parser.add_argument('--thresholds', type=above(0), nargs='+', metavar='T', help="default: the config's")
    parser.add_argument('--range', type=whole(0), nargs=2, metavar=('FIRST', 'END'), help='these images only')
    parser.add_argument('--epochs', type=whole(1), default=1,
                        help='how often each image is cropped; default %(default)s')
    parser.add_argument('--level', type=whole(0), default=0, help='which grid of TwoViews; default %(default)s')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the numbers there')
    add_cfg_options(parser)
    add_quiet(parser)
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    with errors_in_words(args.quiet):
        config = load_config(args.config, args.cfg_options)
        register_modules()

        from mmengine.registry import init_default_scope

        from mmdepthcp.preparation.pair_quality import filters_of, measure_pairs, with_labels
        from mmdepthcp.registry import DATASETS
        from mmdepthcp.utils.errors import InputError
        from mmdepthcp.utils.scores import Score, write_scores
        from mmdepthcp.utils.trees import track

        settings = config.model.get('depth_filter')
        if not settings or 'removed' in settings:
            raise InputError(f'{args.config}: model.depth_filter is missing, so no pair is chosen by depth')
        init_default_scope(config.get('default_scope', 'mmdepthcp'))
        dataset = DATASETS.build(with_labels(config.train_dataloader.dataset, args.labels))
        filters = filters_of(settings, args.thresholds)
        chosen = range(len(dataset))[slice(*args.range) if args.range else slice(None)]
        if not chosen:
            raise InputError(f'--range {args.range}: the data set has {len(dataset)} images')
        seed = (config.get('randomness') or {}).get('seed') or 0
        draws = [(seed, epoch, index) for epoch in range(args.epochs) for index in chosen]
        distances = config.model.get('distance_thrs', (0.7,))
        found = measure_pairs((dataset[draw] for draw in track(draws, sys.stderr)),
                              distances, filters, args.level)
        columns = found[0]._fields
        print(f'{len(chosen)} images\nthreshold  distance  {"  ".join(columns)}')
        scores = []
        for one, quality in zip(filters, found, strict=True):
            for number, distance in enumerate(distances):
                values = [float(each[number]) for each in quality]
                cells = [f'{values[0]:{len(columns[0])}.0f}',
                         *(f'{value:{len(name)}.3f}' for name, value in zip(columns[1:], values[1:], strict=True))]
                print(f'{one.threshold:9g}  {distance:8g}  {"  ".join(cells)}', flush=True)
                scores += [Score(name, value, protocol=f'threshold {one.threshold:g}, distance {distance:g}')
                           for name, value in zip(columns, values, strict=True) if math.isfinite(value)]
        if args.json:
            write_scores(args.json, scores, dict(images=len(chosen), epochs=args.epochs, labels=args.labels))
    return 0


if __name__ == '__main__':
    sys.exit(main())
