"""Gather the object masks of street images in one COCO file, for MMDetection.

Masks are 16-bit PNGs of instance ids, as in Cityscapes (label·1000 + object; below 1000: objects not told apart, a
crowd) or in KITTI (label·256 + object; object 0: a crowd).

Cityscapes:  instances_to_coco.py data/cityscapes/leftImg8bit/train data/cityscapes/gtFine/train
                 data/cityscapes/annotations/instances_train.json --suffixes _leftImg8bit.png _gtFine_instanceIds.png
KITTI:       instances_to_coco.py data/kitti/semantics/training/image_2 data/kitti/semantics/training/instance
                 data/kitti/annotations/instances.json --encoding kitti
"""

import argparse
from pathlib import Path

from mmdepthcp.cli.numbers import whole
from mmdepthcp.cli.tools import add_quiet, errors_in_words


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('images', type=Path, metavar='IMAGE_ROOT')
    parser.add_argument('instances', type=Path, metavar='INSTANCE_ROOT')
    parser.add_argument('out', type=Path, metavar='OUT.json')
    parser.add_argument('--encoding', choices=['cityscapes', 'kitti'], default='cityscapes')
    parser.add_argument('--suffixes', nargs=2, default=('.png', '.png'), metavar=('IMAGE', 'INSTANCES'),
                        help='ending of the image names that becomes that of the instance files; default .png .png')
    parser.add_argument('--classes', nargs='+', metavar='NAME',
                        help='those of the 8 Cityscapes classes with objects to keep; default: all')
    parser.add_argument('--smallest', type=whole(1), default=1, metavar='PIXELS',
                        help='smaller objects count as crowds: not learnt as objects, not scored; default 1')
    add_quiet(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with errors_in_words(args.quiet):
        from mmdepthcp.datasets.coco import CITYSCAPES_THING_IDS, CITYSCAPES_THINGS, ENCODINGS, coco_annotations
        from mmdepthcp.utils.errors import InputError
        from mmdepthcp.utils.fileio import write_json
        from mmdepthcp.utils.images import image_size, read_uint16
        from mmdepthcp.utils.requirements import require
        from mmdepthcp.utils.trees import progress_bar
        from mmdepthcp.utils.walks import find_files, in_any_letters

        require('pycocotools')
        ids = dict(zip(CITYSCAPES_THINGS, CITYSCAPES_THING_IDS, strict=True))
        if unknown := [name for name in args.classes or () if name not in ids]:
            raise InputError(f'--classes {" ".join(unknown)}: unknown; there are {", ".join(ids)}')
        categories = [dict(id=ids[name], name=name) for name in args.classes or ids]
        labels = {category['id']: category['name'] for category in categories}
        image_suffix, instance_suffix = args.suffixes
        files = find_files(args.images, [image_suffix])
        images, annotations = [], []
        bar = progress_bar(len(files))
        for number, name in enumerate(files):
            path = in_any_letters(args.instances / (name.as_posix()[:-len(image_suffix)] + instance_suffix),
                                  instance_suffix)
            values = read_uint16(path, 'instance', 'see --suffixes, or remove the image that has no labels')
            width, height = image_size(args.images / name)
            if values.shape != (height, width):
                raise InputError(f'{path}: is {values.shape[1]}x{values.shape[0]}, its image {args.images / name} '
                                 f'{width}x{height}; give images and instances of one size')
            images.append(dict(id=number, file_name=name.as_posix(), height=values.shape[0], width=values.shape[1]))
            for annotation in coco_annotations(values, ENCODINGS[args.encoding], labels, args.smallest):
                annotations.append(dict(id=len(annotations) + 1, image_id=number, **annotation))
            bar.update()
        write_json(args.out, dict(images=images, annotations=annotations, categories=categories))
        crowds = sum(annotation['iscrowd'] for annotation in annotations)
        print(f'\n{args.out}: {len(images)} images, {len(annotations) - crowds} objects, {crowds} crowds')


if __name__ == '__main__':
    main()
