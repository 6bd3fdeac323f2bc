"""Score k-means on colour and position, the segmentation that needs no learning.

Each pixel of the config's test images is a point of CIELAB colour and x, y, each of the five divided by its
deviation. k-means is fitted on pixels of the test images themselves, the kindest choice for the baseline, and scored as
a model is: clusters matched to classes over the whole set.
"""

import argparse

from mmdepthcp.cli.numbers import seed, whole
from mmdepthcp.cli.tools import add_quiet, errors_in_words, hide_known_noise
from mmdepthcp.config.loading import load_config
from mmdepthcp.config.overrides import add_cfg_options


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file; its test_dataloader.dataset is scored, by match_by and score_size '
                                       'of its test_evaluator')
    parser.add_argument('--num-clusters', type=whole(1), help='default: as many as classes')
    parser.add_argument('--samples', type=whole(1), default=200_000, help='pixels of the set to fit on; default 200000')
    parser.add_argument('--seed', type=seed, default=0)
    parser.add_argument('--json', metavar='FILE', help='write the scores to this file')
    add_cfg_options(parser)
    add_quiet(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    hide_known_noise()
    with errors_in_words(args.quiet):
        config = load_config(args.config, args.cfg_options)

        import numpy as np
        from mmengine.registry import init_default_scope
        from sklearn.cluster import KMeans

        from mmdepthcp.evaluation.functional import (
            add_confusions,
            cluster_confusion,
            colour_position_features,
            match_and_score,
            nearest,
            protocol_name,
            score_record,
        )
        from mmdepthcp.registry import DATASETS
        from mmdepthcp.utils.errors import InputError
        from mmdepthcp.utils.scores import write_scores
        from mmdepthcp.utils.trees import track

        init_default_scope(config.get('default_scope', 'mmdepthcp'))
        dataset = DATASETS.build(config.test_dataloader.dataset)
        classes = dataset.metainfo['classes']
        if not classes:
            raise InputError(f'{args.config}: the test data set names no classes')

        given = config.get('test_evaluator') or {}
        evaluator = next((each for each in ([given] if isinstance(given, dict) else given)
                          if 'match_by' in each or 'score_size' in each), {})

        def features(item: dict) -> np.ndarray:
            return colour_position_features(item['inputs'].numpy().transpose(1, 2, 0))

        print('sampling pixels')
        per_image = max(1, args.samples // len(dataset))
        points = []
        for index in track(range(len(dataset))):
            pixels = features(dataset[index]).reshape(-1, 5)
            points.append(pixels[np.random.default_rng([args.seed, index]).integers(len(pixels), size=per_image)])
        sampled = np.concatenate(points)
        scale = np.maximum(sampled.std(0), np.finfo(np.float32).tiny)
        k_means = KMeans(args.num_clusters or len(classes), n_init=1, random_state=args.seed).fit(sampled / scale)

        print('scoring')
        score_size = evaluator.get('score_size')
        confusions = []
        for index in track(range(len(dataset))):
            item = dataset[index]
            if 'gt_sem_seg' not in item['data_samples']:
                raise InputError(f'{args.config}: the test data set loads no labels')
            labels = item['data_samples'].gt_sem_seg.data.squeeze(0).numpy()
            pixels = features(item)
            clusters = k_means.predict(pixels.reshape(-1, 5) / scale).reshape(pixels.shape[:2])
            labels = nearest(labels, score_size) if score_size else labels
            clusters = nearest(clusters, labels.shape[::-1])
            confusions.append(cluster_confusion(clusters, labels, len(classes), num_clusters=k_means.n_clusters))
        scores = match_and_score(add_confusions(confusions), evaluator.get('match_by', 'iou'))
        protocol = protocol_name(dataset.metainfo.get('protocol'), score_size)
        record, details = score_record(scores, classes, protocol, len(dataset))
        details.update(num_clusters=k_means.n_clusters, seed=args.seed)
        for name, iou in details['class_iou'].items():
            print(f'{name:>20} {"-" if iou is None else f"{100 * iou:5.2f}"}')
        print(f'{protocol}: Acc {100 * scores.accuracy:.2f}, mIoU {100 * scores.mean_iou:.2f} '
              f'(k-means on colour and position, {k_means.n_clusters} clusters, {len(dataset)} images)')
        if args.json:
            write_scores(args.json, record, details)


if __name__ == '__main__':
    main()
