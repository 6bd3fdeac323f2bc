"""Look at what the data pipeline of a config gives: clips, street images with their maps, mixed views with matches,
images with labels beside mixed ones without; and with --checkpoint what a mean teacher lets its student learn.
"""

import argparse
import contextlib
from pathlib import Path

from mmdepthcp.cli.numbers import whole
from mmdepthcp.cli.tools import add_quiet, errors_in_words, register_modules
from mmdepthcp.config.loading import load_config
from mmdepthcp.config.overrides import add_cfg_options


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='train', help='default: %(default)s')
    parser.add_argument('--number', type=whole(1), default=5,
                        help='how many samples, spread over the set; default: %(default)s')
    parser.add_argument('--epoch', type=whole(0), default=0,
                        help='the samples as this epoch sees them; default: %(default)s')
    parser.add_argument('--checkpoint', help='of a mean teacher: its labels of images without labels, where it is '
                                             'sure, and their mixture with the next image')
    parser.add_argument('--output-dir', type=Path, help='write the pictures as PNG into this folder')
    parser.add_argument('--not-show', action='store_true', help='open no windows')
    add_cfg_options(parser)
    add_quiet(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with errors_in_words(args.quiet):
        config = load_config(args.config, args.cfg_options)
        register_modules()

        import numpy as np
        from mmengine.registry import init_default_scope

        from mmdepthcp.datasets import LabelledUnlabelledDataset
        from mmdepthcp.models.segmentors.mixing import Mixer
        from mmdepthcp.registry import DATASETS
        from mmdepthcp.utils.errors import InputError
        from mmdepthcp.utils.images import write_png
        from mmdepthcp.utils.processes import claim
        from mmdepthcp.utils.trees import track
        from mmdepthcp.visualization.samples import draw_item, draw_mixture, draw_street_image

        loader = config.get(f'{args.split}_dataloader')
        if not loader:
            raise InputError(f'{args.config}: has no {args.split}_dataloader')
        if args.not_show and args.output_dir is None:
            raise InputError('with --not-show there is nothing to do but write: add --output-dir')
        init_default_scope(config.get('default_scope', 'mmdepthcp'))
        draw = ((config.get('randomness') or {}).get('seed') or 0, args.epoch)
        dataset = DATASETS.build(loader.dataset)
        teacher = load_teacher(config, args.checkpoint) if args.checkpoint else None
        mixer = Mixer.of(
            config.model.get('mixer') if isinstance(dataset, LabelledUnlabelledDataset) else None)
        chosen = np.unique(np.linspace(0, len(dataset) - 1, min(args.number, len(dataset))).astype(int)).tolist()
        with claim(args.output_dir) if args.output_dir else contextlib.nullcontext():
            for index in track(chosen):
                rng = np.random.default_rng([*draw, index])
                item = dataset[(*draw, index)]
                pictures = draw_item(item, dataset.metainfo, rng, config.get('model'))
                if teacher is not None:
                    following = dataset[(*draw, (index + 1) % len(dataset))]
                    pictures['lesson'] = draw_lesson_of(teacher, [item, following], dataset.metainfo['palette'])
                elif mixer.type == 'depth' and not mixer.is_online:
                    pair = [item['unlabelled'], dataset[(*draw, (index + 1) % len(dataset))]['unlabelled']]
                    masks = mixer.masks(rng, None, [part['data_samples'] for part in pair])
                    pictures['mixed'] = draw_mixture([part['inputs'] for part in pair], masks[0])
                if hasattr(dataset, 'loaded'):
                    pictures['group'] = np.vstack([
                        draw_street_image(loaded, dataset.metainfo.get('palette') or [])
                        for loaded in dataset.loaded(draw, index)])
                for name, picture in pictures.items():
                    if args.output_dir is not None:
                        write_png(args.output_dir / f'{args.split}_{index:06d}_{name}.png', picture)
                    if not args.not_show:
                        show(picture, f'{args.split} {index}: {name}')


def load_teacher(config, checkpoint: str):
    """The model of a config with the weights of a checkpoint, in the state of training."""
    from mmdepthcp.models.segmentors import MeanTeacherSegmentor
    from mmdepthcp.registry import MODELS
    from mmdepthcp.utils.checkpoint import load_weights
    from mmdepthcp.utils.errors import InputError

    model = MODELS.build(config.model)
    if not isinstance(model, MeanTeacherSegmentor) or model.mixer.is_online:
        raise InputError(f'{config.filename}: --checkpoint is for a MeanTeacherSegmentor that mixes by stored depth, '
                         'by classes or not at all')
    load_weights(model, checkpoint)
    return model.train()


def draw_lesson_of(teacher, items, palette):
    """A picture of the first of a batch of items."""
    import numpy as np
    from mmengine.dataset import pseudo_collate

    from mmdepthcp.visualization.samples import draw_lesson

    ready = teacher.data_preprocessor(pseudo_collate(items), True)
    images, samples = ready['inputs']['unlabelled'], ready['data_samples']['unlabelled']
    plain, mixed = teacher.taught(images, samples), teacher.lesson(images, samples)
    image, seen = (np.ascontiguousarray(teacher.in_bgr(each.images)[0].clamp(0, 255).byte().permute(1, 2, 0))
                   for each in (plain, mixed))
    truth = np.asarray(samples[0].gt_sem_seg.data[0]) if samples[0].get('labels_read') else None
    return draw_lesson(image, plain.labels[0].numpy(), plain.confidence[0].numpy() >= teacher.threshold, seen,
                       mixed.labels[0].numpy(), palette, truth)


def show(picture, title: str) -> None:
    import matplotlib.pyplot as plt

    figure = plt.figure(title, figsize=(14, 14 * picture.shape[0] / picture.shape[1]))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(picture[..., ::-1])
    axes.axis('off')
    plt.show()


if __name__ == '__main__':
    main()
