"""Measure how well depth regions keep to labels.

Stored regions, of one or several folders:

    python tools/region_quality.py LABEL_ROOT --regions REGIONS [REGIONS ...]

or regions made on the way, for one or several settings (each a quoted --params of tools/group_regions.py):

    python tools/region_quality.py LABEL_ROOT --images IMAGES --disparity DISPARITY --settings default "paper sigma=0.5"

Printed and written: regions per image (mean, most), mean IoU when every region is given the class of most of its
pixels (oracle_miou), under-segmentation error, boundary recall, achievable segmentation accuracy (asa).
"""

import argparse
import sys
from pathlib import Path

from mmdepthcp.cli.grouping_options import add_grouping_options, read_grouping_options
from mmdepthcp.cli.numbers import whole
from mmdepthcp.cli.tools import add_quiet, errors_in_words

COLUMNS = ('count_mean', 'count_max', 'oracle_miou', 'under_segmentation', 'boundary_recall', 'asa')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('label_root', type=Path, metavar='LABEL_ROOT')
    parser.add_argument('--regions', type=Path, nargs='+', metavar='DIR',
                        help='folders that tools/group_regions.py wrote')
    parser.add_argument('--images', type=Path, metavar='DIR', help='images to group')
    parser.add_argument('--disparity', type=Path, metavar='DIR', help='their disparity')
    parser.add_argument('--settings', nargs='+', default=['default'], metavar='WORDS')
    add_grouping_options(parser)
    parser.add_argument('--suffixes', nargs=2, default=('', ''), metavar=('IMAGE', 'LABEL'),
                        help='ending of the image names that becomes that of the labels: '
                             '_leftImg8bit _gtFine_labelTrainIds')
    parser.add_argument('--num-classes', type=whole(1, 255), default=19, help='default %(default)s')
    parser.add_argument('--ignore', type=whole(0, 255), nargs='+', default=[255],
                        help='labels of unlabelled pixels; default 255')
    parser.add_argument('--tolerance', type=whole(0), default=2,
                        help='of boundary recall, in pixels; default %(default)s')
    parser.add_argument('--limit', type=whole(1), metavar='N', help='at most N images, evenly spread')
    parser.add_argument('--json', type=Path, metavar='FILE',
                        help='write the numbers there, as a list if there are several rows')
    add_quiet(parser)
    args = parser.parse_args()
    if bool(args.regions) == bool(args.images) or bool(args.images) != bool(args.disparity):
        parser.error('give either --regions or both --images and --disparity')
    return args


def main() -> int:
    args = parse_args()
    with errors_in_words(args.quiet):
        from mmdepthcp.preparation.region_grouping import (
            LabelTree,
            RegionGrouper,
            RegionReader,
            measure_quality,
            parse_params,
        )
        from mmdepthcp.utils.errors import InputError
        from mmdepthcp.utils.labels import look_at_labels
        from mmdepthcp.utils.scores import Score, write_scores
        from mmdepthcp.utils.trees import image_key
        from mmdepthcp.utils.walks import find_files

        labels = LabelTree(args.label_root, *args.suffixes, tuple(args.ignore))
        if args.regions:
            rows = {str(root): RegionReader(root) for root in args.regions}
            root = args.regions[0]
        else:
            options = read_grouping_options(args)
            without = {**options, 'feature_root': None, 'edges': None}
            settings = {words: parse_params(words.split()) for words in args.settings}
            rows = {words: RegionGrouper(
                args.images, args.disparity, params, **(options if params.formula == 'learnt' else without))
                for words, params in settings.items()}
            root = args.images
        names = [name for name in find_files(root) if labels.path(image_key(name)).is_file()]
        if not names:
            first = find_files(root)[0]
            raise InputError(f'{args.label_root}: no labels for the images of {root}; for {first} expected '
                             f'{labels.path(image_key(first))} (see --suffixes)')
        if args.limit and args.limit < len(names):
            names = [names[i * len(names) // args.limit] for i in range(args.limit)]
        classes = list(map(str, range(args.num_classes)))
        meant = {**{index: index for index in range(args.num_classes)}, **dict.fromkeys(args.ignore, 255)}
        look_at_labels([dict(seg_map_path=labels.path(image_key(name)), label_map=meant, reduce_zero_label=False)
                        for name in names], classes, str(args.label_root))
        width = max(len('regions'), *map(len, rows))
        print(f'{len(names)} images\n{"regions":{width}}  {"  ".join(COLUMNS)}')
        results, details = [], {}
        for row, regions in rows.items():
            numbers = measure_quality(regions, names, labels, args.num_classes, args.tolerance)
            cells = (f'{numbers[column]:{len(column)}.{1 if column.startswith("count") else 3}f}' for column in COLUMNS)
            print(f'{row:{width}}  {"  ".join(cells)}', flush=True)
            results += [Score(name, numbers.pop(name), protocol=row) for name in COLUMNS]
            details[row] = numbers
        if args.json:
            write_scores(args.json, results, details)
    return 0


if __name__ == '__main__':
    sys.exit(main())
