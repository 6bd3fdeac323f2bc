"""Unsupervised segmentation: clusters matched to classes over a whole data set."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from mmengine.dist import get_rank
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from prettytable import PrettyTable

from mmdepthcp.evaluation.functional.segmentation import (
    MATCH_BY,
    MatchedScores,
    add_confusions,
    cluster_confusion,
    match_and_score,
    nearest,
    protocol_name,
    score_classes,
    score_record,
)
from mmdepthcp.registry import METRICS
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import atomic_path
from mmdepthcp.utils.images import read_image, write_png
from mmdepthcp.utils.scores import write_scores

UNMATCHED_GREY = 96
KEPT = '.clusters'
BESIDE = ('linear', 'kmeans', 'prototypes', 'features', 'areas')
"""What is scored beside the clusters where samples carry it, as ``pred_<name>_seg``."""


@METRICS.register_module()
class UnsupervisedSegMetric(BaseMetric):
    """Score clusters against classes (Zeng et al., BMVC 2022).

    One confusion matrix over the whole set, clusters matched to classes one to one by the Hungarian method.
    ``Acc`` is the matched pixels over all labelled pixels; ``mIoU`` is the mean over the classes that occur in
    the labels or have a cluster (a class without a cluster counts 0). Both in percent; the IoU of every class
    goes to the log as a table. ``linear_Acc`` and ``linear_mIoU`` are those of a linear classifier on the same
    features, for models that have one: what labels find in them; ``kmeans_Acc`` and ``kmeans_mIoU`` those of k-means
    (:class:`mmdepthcp.engine.hooks.KMeansHook`); those of other clusters of a model's prototypes have their name in
    front (``cluster_beside`` of :class:`mmdepthcp.models.DepthCP`). The names of the scores start with the data set's
    ``metainfo['protocol']``, as ``cityscapes19/mIoU``.

    Args:
        ignore_index: label of pixels that are not scored.
        score_size: width and height that labels and clusters are resized to (nearest neighbour) before they are
            compared, as Zeng et al. do with 768x384; it becomes part of the scores' name, as
            ``cityscapes19@768x384/mIoU``. Default: the size of the labels.
        match_by: 'iou' or 'count', see :func:`~mmdepthcp.evaluation.functional.match_and_score`.
        save_dir: where to save a picture per image: image, truth and prediction in the colours of the
            matched classes (black: not labelled, grey: cluster without a class); none by default.
        out_file: JSON file for the scores, unrounded, see :mod:`mmdepthcp.utils.scores`; none by default.
        collect_device: see mmengine.
        prefix: another start for the scores' names.
    """

    def __init__(
        self,
        ignore_index: int = 255,
        score_size: tuple[int, int] | None = None,
        match_by: str = 'iou',
        save_dir: str | None = None,
        out_file: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if match_by not in MATCH_BY:
            raise InputError(f'match_by={match_by!r}: must be one of {", ".join(MATCH_BY)}')
        if score_size is not None and not (len(score_size) == 2 and min(score_size) > 0):
            raise InputError(f'score_size={score_size}: must be width and height, in pixels')
        self.score_size = score_size and (int(score_size[0]), int(score_size[1]))
        self.match_by = match_by
        self.ignore_index = ignore_index
        self.save_dir = save_dir
        self.out_file = out_file
        self._prefix_from_data = prefix is None
        self._classes: tuple[str, ...] = ()

    @property
    def dataset_meta(self) -> dict | None:
        """Meta information of the data set; ``protocol`` names the scores unless a prefix was given."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict) -> None:
        self._dataset_meta = dataset_meta
        self._classes = tuple(dataset_meta.get('classes') or ())
        if self._prefix_from_data:
            self.prefix = protocol_name(dataset_meta.get('protocol'), self.score_size)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count the pixels of each sample by cluster and class."""
        if not self._classes:
            raise InputError('the data set names no classes, so there is nothing to score against: '
                             'use one with labels (CityscapesStreetDataset, ...) or set its metainfo')
        for sample in data_samples:
            image = sample.get('img_path', 'image')
            if 'gt_sem_seg' not in sample:
                raise InputError(f'{image}: no label was loaded; give the data set a seg_map_path and load labels '
                                 'in its pipeline')
            clusters = sample['pred_sem_seg']['data'].squeeze(0).cpu().numpy()
            labels = sample['gt_sem_seg']['data'].squeeze(0).cpu().numpy()
            beside = {name: sample[f'pred_{name}_seg']['data'].squeeze(0).cpu().numpy()
                      for name in BESIDE if f'pred_{name}_seg' in sample}
            if self.score_size is not None:
                clusters, labels = nearest(clusters, self.score_size), nearest(labels, self.score_size)
                beside = {name: nearest(found, self.score_size) for name, found in beside.items()}
            number = len(self._classes)
            try:
                confusion = cluster_confusion(
                    clusters, labels, number, self.ignore_index, sample.get('num_clusters', 0))
                others = {name: cluster_confusion(found, labels, number, self.ignore_index, number)
                          for name, found in beside.items()}
            except InputError as error:
                raise InputError(f'{sample.get("seg_map_path", image)}: {error}') from None
            kept = None
            if self.save_dir is not None:
                kept = Path(self.save_dir, KEPT, f'{get_rank()}_{len(self.results)}.npz')
                with atomic_path(kept) as aside:
                    np.savez_compressed(aside, clusters=clusters, labels=labels)
            self.results.append((confusion, image, kept, others))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Match clusters to classes and score them."""
        scores = match_and_score(add_confusions(confusion for confusion, *_ in results), self.match_by)
        table = PrettyTable(['Class', 'IoU', 'Clusters'])
        for index, name in enumerate(self._classes):
            matched = np.flatnonzero(scores.class_of_cluster == index)
            table.add_row([name, f'{100 * scores.class_iou[index]:.2f}', ', '.join(map(str, matched))])
        print_log(f'per class results of {self.prefix}:\n{table.get_string()}', logger='current')
        beside = {}
        for name in results[0][3]:
            confusion = add_confusions(others[name] for *_, others in results)
            beside[name] = score_classes(confusion) if name == 'linear' else match_and_score(confusion, self.match_by)
        if self.out_file is not None:
            write_scores(self.out_file, *score_record(scores, self._classes, self.prefix, len(results), beside))
        if self.save_dir is not None:
            self._save_pictures(Path(self.save_dir), results, scores)
        metrics = dict(Acc=round(100 * scores.accuracy, 2), mIoU=round(100 * scores.mean_iou, 2))
        for name, other in beside.items():
            metrics[f'{name}_Acc'] = round(100 * other.accuracy, 2)
            metrics[f'{name}_mIoU'] = round(100 * other.mean_iou, 2)
        return metrics

    def _save_pictures(self, save_dir: Path, results: list, scores: MatchedScores) -> None:
        paths = [Path(image).absolute() for _, image, *_ in results]
        common = Path(os.path.commonpath([path.parent for path in paths]))
        palette = np.asarray((self.dataset_meta or {})['palette'], np.uint8)[:, ::-1]
        of_label = np.zeros((256, 3), np.uint8)
        of_label[:len(palette)] = palette
        matched = np.flatnonzero(scores.class_of_cluster >= 0)
        for path, (_, _, kept, _) in zip(paths, results, strict=True):
            with np.load(kept) as maps:
                clusters, labels = maps['clusters'], maps['labels']
            labels = np.where(labels == self.ignore_index, 255, labels)
            image = cv2.resize(read_image(path), labels.shape[::-1], interpolation=cv2.INTER_AREA)
            num_clusters = max(clusters.max() + 1, len(scores.class_of_cluster))
            of_cluster = np.full((num_clusters, 3), UNMATCHED_GREY, np.uint8)
            of_cluster[matched] = palette[scores.class_of_cluster[matched]]
            picture = np.hstack([image, of_label[labels], of_cluster[clusters]])
            write_png(save_dir / path.relative_to(common).with_suffix('.png'), picture)
        shutil.rmtree(save_dir / KEPT)
        print_log(f'pictures (image, truth, prediction): {self.save_dir}', logger='current')
