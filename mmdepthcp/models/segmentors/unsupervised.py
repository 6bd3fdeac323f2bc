"""Segmentation without labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.model import BaseModel
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmdepthcp.evaluation.functional.clustering import (
    assign_clusters,
    class_log_probabilities,
    cluster_log_probabilities,
)
from mmdepthcp.evaluation.functional.crf import dense_crf
from mmdepthcp.models.segmentors.inference import SHARPNESS, InferenceSettings, picture_of, slide
from mmdepthcp.registry import MODELS

IMAGENET = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True)


def last_map(maps: Tensor | Sequence[Tensor]) -> Tensor:
    """The map (B, C, h, w) of a backbone that returns one, alone or last in a tuple."""
    return maps if isinstance(maps, Tensor) else maps[-1]


class KMeansReadout(NamedTuple):
    """Clusters by cosine.

    Attributes:
        mean, deviation: (D,), what features are brought to 0 and 1 by.
        centres: (K, D), of length 1.
    """

    mean: Tensor
    deviation: Tensor
    centres: Tensor


class SegmentsByClusters:
    """What models have in common that segment without labels; the inferencer asks for this, metric and
    tables for what it predicts.

    A model has :attr:`num_clusters`, gives a dense map of features (:meth:`extract_feat`), and directions with the
    cluster of each (:meth:`directions_and_clusters`); a pixel belongs to the cluster of the direction with the largest
    cosine.
    """

    num_clusters: int
    """How many clusters there are."""

    inference = InferenceSettings()
    """How it is asked, from ``test_cfg``."""

    quick = False
    """Whether what takes long is left out."""

    kmeans: KMeansReadout | None = None
    """Clusters found on the features beside the model's own (:class:`mmdepthcp.engine.hooks.KMeansHook`)."""

    data_preprocessor: nn.Module
    """What images came through."""

    def extract_feat(self, inputs: Tensor) -> Tensor:
        """Features (B, D, h, w) of images (B, 3, H, W)."""
        raise NotImplementedError

    def val_step(self, data: Any) -> list:
        """Validation while training goes on asks once, without mirror images and random field (Hamilton et al.)."""
        self.quick = True
        try:
            return super().val_step(data)  # type: ignore[misc]
        finally:
            self.quick = False

    def set_kmeans(self, mean: Tensor, deviation: Tensor, centres: Tensor) -> None:
        """Have other clusters beside its own, see :class:`KMeansReadout`."""
        self.kmeans = KMeansReadout(mean, deviation, centres)

    def directions_and_clusters(self) -> tuple[Tensor, Tensor]:
        """Directions (K, D), L2-normalised, and the cluster of each, (K,) int64 in 0..num_clusters−1."""
        raise NotImplementedError

    def clusters_beside(self) -> dict[str, Tensor]:
        """Other clusters (K,) of the same directions, by name, which are scored beside the first."""
        return {}

    def linear_classifier(self) -> tuple[Tensor, Tensor] | None:
        """Weights (C, D) and biases (C,) of a classifier that labels have taught on the same features, if there is one;
        what it finds is scored beside the clusters.
        """
        return None

    @torch.no_grad()
    def predict(
        self, inputs: Tensor, data_samples: Sequence[SegDataSample] | None = None,
    ) -> list[SegDataSample]:
        """The cluster of every pixel, as ``pred_sem_seg``; clusters carry no class names. Where there is a linear
        classifier, its classes as ``pred_linear_seg``; where there is k-means, its clusters as ``pred_kmeans_seg``, and
        other clusters of the same directions as ``pred_<name>_seg``, both without a random field.

        Args:
            inputs: (B, 3, H, W) normalised images, padded at the bottom and right if at all.
            data_samples: with ``ori_shape``, the size of the result; without data samples the results have the
                size of the inputs.
        """
        padded_size = tuple(inputs.shape[-2:])
        if data_samples is None:
            data_samples = [SegDataSample(metainfo=dict(ori_shape=padded_size)) for _ in inputs]
        settings = self.inference
        if settings.mode == 'slide':
            assert settings.crop_size is not None and settings.stride is not None
            maps = slide(self.extract_feat, inputs, settings.crop_size, settings.stride)
        else:
            maps = self.extract_feat(inputs)
        for image, features, sample in zip(inputs, maps.float(), data_samples, strict=True):
            _, right, _, bottom = sample.metainfo.get('img_padding_size', (0, 0, 0, 0))
            covered = (1 - bottom / padded_size[0], 1 - right / padded_size[1])
            size = tuple(sample.ori_shape[:2])
            found = self._best(features, size, covered) if self.quick or settings.crf is None else self._smoothed(
                picture_of(image, self.data_preprocessor, covered, size), features, covered)
            sample.set_data({name: PixelData(data=segmentation[None]) for name, segmentation in found.items()})
            sample.set_metainfo(dict(num_clusters=self.num_clusters))
        return list(data_samples)

    def _best(self, features: Tensor, size: tuple[int, int], covered: tuple[float, float]) -> dict[str, Tensor]:
        """What is most probable at each pixel, by name of the result."""
        directions, clusters = self.directions_and_clusters()
        numbers = torch.arange(len(directions), device=directions.device)
        best = assign_clusters(features, directions, numbers, size, covered)
        found = dict(pred_sem_seg=clusters[best])
        found.update({f'pred_{name}_seg': others[best] for name, others in self.clusters_beside().items()})
        if (linear := self.linear_classifier()) is not None:  # its bias is the weight of a feature that is always 1
            with_one = torch.cat([features, torch.ones_like(features[:1])])
            weights = torch.cat([linear[0], linear[1][:, None]], 1)
            classes = torch.arange(len(weights), device=weights.device)
            found['pred_linear_seg'] = assign_clusters(with_one, weights, classes, size, covered)
        if self.kmeans is not None:
            mean, deviation, centres = self.kmeans
            numbers = torch.arange(len(centres), device=centres.device)
            scaled = (features - mean[:, None, None]) / deviation[:, None, None]
            found['pred_kmeans_seg'] = assign_clusters(scaled, centres, numbers, size, covered)
        return found

    def _smoothed(self, image: np.ndarray, features: Tensor, covered: tuple[float, float]) -> dict[str, Tensor]:
        """The same for pixels that agree with those of like colour."""
        size = image.shape[:2]
        asked = dict(pred_sem_seg=cluster_log_probabilities(
            features, *self.directions_and_clusters(), size, covered, SHARPNESS))
        if (linear := self.linear_classifier()) is not None:
            asked['pred_linear_seg'] = class_log_probabilities(features, *linear, size, covered)
        return {name: torch.from_numpy(dense_crf(image, logs.cpu().numpy(), self.inference.crf).argmax(0))
                for name, logs in asked.items()}


@MODELS.register_module()
class UnsupervisedSegmentor(SegmentsByClusters, BaseModel):
    """Any frozen trunk with a dense map, and a way to clusters on it, which alone learns.

    Modes of ``forward``: ``loss``, ``predict`` (see :meth:`SegmentsByClusters.predict`), ``tensor`` (the features that
    are compared).

    Args:
        backbone: what gives the map: a module that returns (B, C, h, w), alone or in a tuple of one, such as
            :class:`mmdepthcp.models.FrozenFeatures`.
        clusters: such as :class:`mmdepthcp.models.ClusterProbe`.
        test_cfg: arguments of :class:`~mmdepthcp.models.segmentors.inference.InferenceSettings`.
        data_preprocessor: defaults to ``SegDataPreProcessor`` with ImageNet's mean and deviation.
        init_cfg: initialisation.
    """

    def __init__(self, backbone: dict, clusters: dict, test_cfg: dict | None = None,
                 data_preprocessor: dict | nn.Module | None = None, init_cfg: dict | None = None) -> None:
        super().__init__(data_preprocessor or dict(type='mmdepthcp.SegDataPreProcessor', **IMAGENET), init_cfg)
        self.backbone = MODELS.build(backbone)
        self.clusters = MODELS.build(clusters)
        self.inference = InferenceSettings.of(test_cfg)

    @property
    def num_clusters(self) -> int:  # type: ignore[override]
        """How many clusters there are."""
        return self.clusters.num_clusters

    def forward(self, inputs: Tensor, data_samples: Any = None, mode: str = 'tensor') -> Any:
        """See the class."""
        if mode == 'loss':
            return self.clusters.loss(self._trunk(inputs))
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        if mode == 'tensor':
            return self.extract_feat(inputs)
        raise ValueError(f"mode must be 'loss', 'predict' or 'tensor', got {mode!r}")

    @torch.no_grad()
    def _trunk(self, inputs: Tensor) -> Tensor:
        return last_map(self.backbone(inputs))

    def extract_feat(self, inputs: Tensor) -> Tensor:
        """What is compared with the clusters, (B, D, h, w)."""
        return self.clusters(self._trunk(inputs))

    def directions_and_clusters(self) -> tuple[Tensor, Tensor]:
        """See :class:`SegmentsByClusters`."""
        return self.clusters.directions_and_clusters()
