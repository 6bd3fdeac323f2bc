"""Look at the dense features of a model.

Of one image or all images of a folder:    visualize_features.py CONFIG CHECKPOINT OUT --images PATH
of the config's labelled test images:      visualize_features.py CONFIG CHECKPOINT OUT

Written into OUT: image and features side by side, the three principal components as red, green and blue, one basis for
all images (vis_data/vis_image/); with labels also tsne.png, pixels coloured by class. What an earlier call has written
there goes.
"""

import argparse
from pathlib import Path

from mmdepthcp.cli.numbers import seed, whole
from mmdepthcp.cli.tools import add_quiet, errors_in_words, hide_known_noise
from mmdepthcp.config.loading import load_config
from mmdepthcp.config.overrides import add_cfg_options


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint', help="checkpoint file, or 'none' for the weights that the config starts from")
    parser.add_argument('out', type=Path, metavar='OUT')
    parser.add_argument('--images', type=Path, metavar='PATH', help='an image or a folder of images')
    parser.add_argument('--source', choices=['backbone', 'neck', 'decode_head'], default='backbone',
                        help='which features; default backbone, all stages together')
    parser.add_argument('--limit', type=whole(1), default=20, help='at most so many images; default 20')
    parser.add_argument('--points', type=whole(4), default=2000, help='pixels in the t-SNE picture; default 2000')
    parser.add_argument('--seed', type=seed, default=0)
    parser.add_argument('--device', help='default: cuda if there is one, else cpu')
    add_cfg_options(parser)
    add_quiet(parser)
    return parser.parse_args()


def load_model(config, checkpoint: str, device: str):
    from mmengine.runner import load_checkpoint

    from mmdepthcp.registry import MODELS
    from mmdepthcp.utils.checkpoint import check_fit, read_state_dict

    model = MODELS.build(config.model)
    if checkpoint == 'none':
        model.init_weights()
    else:
        check_fit(model, read_state_dict(checkpoint), checkpoint)
        load_checkpoint(model, checkpoint, map_location='cpu')
    return model.to(device).eval()


def items_of(config, images: Path | None, limit: int, out: Path):
    """Inputs and samples of the images that do not lie in ``out``, by the test pipeline of the config; the data set."""
    from mmengine.registry import DATASETS

    from mmdepthcp.datasets import StreetDataset
    from mmdepthcp.utils.errors import InputError
    from mmdepthcp.utils.walks import IMAGE_SUFFIXES

    test = config.test_dataloader.dataset
    if any(step['type'].rpartition('.')[2] == 'LoadClip' for step in test.get('pipeline', ())):
        raise InputError(f'{config.filename}: its test images are clips for a depth network; to see the features of '
                         "its encoder, give a config that starts from it, such as configs/depthcp_toy.py, 'none' for "
                         'the checkpoint, and --cfg-options model.backbone.init_cfg.checkpoint=CHECKPOINT')
    if images is None:
        dataset = DATASETS.build(test)
    else:
        pipeline = [step for step in test.pipeline if step['type'].rpartition('.')[2] not in (
            'LoadLabels', 'LoadAnnotations')]
        root, suffix = (images.parent, images.name) if images.is_file() else (images, IMAGE_SUFFIXES)
        dataset = StreetDataset(data_root=str(root), data_prefix=dict(img_path=''), img_suffix=suffix,
                                pipeline=pipeline)
    paths = [Path(dataset.get_data_info(index)['img_path']).resolve() for index in range(len(dataset))]
    one = images.resolve() if images is not None and images.is_file() else None
    indices = [index for index, path in enumerate(paths)
               if out.resolve() not in path.parents and one in (None, path)]
    if not indices:
        raise InputError(f'{images}: holds no images but those written by this tool')
    count = min(limit, len(indices))
    return dataset, [dataset[indices[index * len(indices) // count]] for index in range(count)]


def labelled_pixels(features, labels, count: int, seed: int):
    """``count`` labelled pixels of maps (C, h, w) and label images (H, W), drawn from all alike."""
    import cv2
    import numpy as np

    vectors, classes = [], []
    for feature, label in zip(features, labels, strict=True):
        small = cv2.resize(label, feature.shape[:0:-1], interpolation=cv2.INTER_NEAREST_EXACT)
        vectors.append(feature[:, small != 255].T)
        classes.append(small[small != 255])
    joined, known = np.concatenate(vectors), np.concatenate(classes)
    drawn = np.random.default_rng(seed).permutation(len(known))[:count]
    return joined[drawn], known[drawn]


def main() -> None:
    args = parse_args()
    hide_known_noise()
    with errors_in_words(args.quiet):
        config = load_config(args.config, args.cfg_options)

        import cv2
        import numpy as np
        from mmengine.dataset import pseudo_collate
        from mmengine.registry import init_default_scope
        from mmengine.visualization import Visualizer

        from mmdepthcp.cli.tools import register_modules
        from mmdepthcp.models.features import dense_features, without_padding
        from mmdepthcp.utils.images import read_image
        from mmdepthcp.utils.processes import claim
        from mmdepthcp.utils.trees import local_device, progress_bar
        from mmdepthcp.visualization.embeddings import draw_points, embed_points, feature_colours, fit_colours

        register_modules()
        init_default_scope(config.get('default_scope', 'mmdepthcp'))
        device = local_device(args.device)
        model = load_model(config, args.checkpoint, device)
        dataset, items = items_of(config, args.images, args.limit, args.out)
        bar = progress_bar(len(items))
        features = []
        for item in items:
            batch = model.data_preprocessor(pseudo_collate([item]))
            found = dense_features(model, batch['inputs'], args.source)[0]
            features.append(without_padding(found, item['inputs'].shape, batch['inputs'].shape).cpu().numpy())
            bar.update()
        with claim(args.out):
            basis = fit_colours(np.concatenate([feature.reshape(len(feature), -1).T for feature in features]))
            for old in (*args.out.glob('vis_data/vis_image/*_*.png'), args.out / 'tsne.png'):
                old.unlink(missing_ok=True)
            visualizer = Visualizer(vis_backends=[dict(type='mmdepthcp.LocalVisBackend')], save_dir=str(args.out))
            for number, (item, feature) in enumerate(zip(items, features, strict=True)):
                path = Path(item['data_samples'].img_path)
                image = read_image(path)[..., ::-1]
                colours = cv2.resize(
                    feature_colours(feature, basis), image.shape[1::-1], interpolation=cv2.INTER_NEAREST)
                visualizer.add_image(path.stem, np.hstack([image, colours]), step=number)
            if args.images is None and 'gt_sem_seg' in items[0]['data_samples']:
                labels = [item['data_samples'].gt_sem_seg.data.squeeze(0).numpy().astype(np.uint8) for item in items]
                vectors, classes = labelled_pixels(features, labels, args.points, args.seed)
                draw_points(
                    args.out / 'tsne.png', embed_points(vectors, args.seed), classes, dataset.metainfo['classes'],
                    dataset.metainfo['palette'], f'{args.source} of {Path(args.checkpoint).name}')
        print(f'pictures of {len(items)} images in {args.out}')


if __name__ == '__main__':
    main()
