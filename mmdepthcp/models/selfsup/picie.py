"""Segmentation without labels by clusters that are invariant to colours and equivariant to geometry (PiCIE)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.dist import all_gather, get_world_size
from mmpretrain.models.selfsup import BaseSelfSupervisor
from torch import Tensor, nn

from mmdepthcp.geometry.boxes import cell_centres
from mmdepthcp.models.copies import as_copy
from mmdepthcp.models.losses.picie import WEIGHTS, cluster_weights, moved_centroids, nearest_centroids, picie_loss
from mmdepthcp.models.ranks import total_over_ranks
from mmdepthcp.models.segmentors.inference import InferenceSettings
from mmdepthcp.models.segmentors.unsupervised import IMAGENET, SegmentsByClusters
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError

FIRST_PIXELS = 2**16
"""Pixels that k-means begins with, over all processes."""
FIRST_ITERATIONS = 20


def like_the_first_view(maps: Tensor, boxes: Tensor) -> Tensor:
    """Maps of whole images, cropped and mirrored as the first views are.

    Args:
        maps: (B, D, h, w).
        boxes: (B, 4) of the first views, in shares of the image, see :mod:`mmdepthcp.geometry.boxes`.

    Returns:
        (B, D, h, w), bilinear.
    """
    size = maps.shape[-2:]
    places = cell_centres(boxes, size).unflatten(1, size)
    wide = torch.promote_types(maps.dtype, torch.float32)  # before torch 2.2 it takes no bfloat16 on a CPU
    moved = F.grid_sample(maps.to(wide), (2 * places - 1).to(wide), mode='bilinear', padding_mode='border',
                          align_corners=False)
    return moved.to(maps.dtype)


@MODELS.register_module()
class PiCIE(SegmentsByClusters, BaseSelfSupervisor):
    """PiCIE (Cho et al., CVPR 2021): in every epoch the pixels of the whole set are clustered, once for each of two
    views, and the network learns to find these clusters from its own view and from the other.

    Modes of ``forward``:

    - ``loss``: two views of images (B, 2, 3, H, W), the first one cropped and mirrored, and what
      :class:`mmdepthcp.models.TwoViewsDataPreprocessor` gives beside them → dict of losses.
    - ``predict``: (B, 3, H, W) → data samples with ``pred_sem_seg``, by the centroids of the first view
      (:class:`mmdepthcp.models.segmentors.SegmentsByClusters`).
    - ``tensor``: features (B, D, h, w) of length 1.

    Clusters are found by :class:`mmdepthcp.engine.hooks.PiCIEClusterHook`. What labels pixels in an epoch, the network
    as it was when the epoch began and the centroids, is part of the checkpoint.

    Args:
        backbone: returns one map per level of the decoder.
        decode_head: :class:`SummedPyramidHead`.
        num_clusters: K.
        class_weight: see :func:`mmdepthcp.models.losses.picie.cluster_weights`.
        test_cfg: arguments of :class:`~mmdepthcp.models.segmentors.inference.InferenceSettings`.
        pretrained: checkpoint to start from.
        data_preprocessor: defaults to :class:`TwoViewsDataPreprocessor` with ImageNet's mean and deviation.
        init_cfg: initialisation.

    Raises:
        InputError: ``class_weight`` is unknown; in training, no clusters have been found yet.
    """

    def __init__(self, backbone: dict, decode_head: dict, num_clusters: int, class_weight: str | None = 'frequency',
                 test_cfg: dict | None = None, pretrained: str | None = None,
                 data_preprocessor: dict | nn.Module | None = None, init_cfg: dict | None = None) -> None:
        if class_weight not in WEIGHTS:
            raise InputError(f'PiCIE: class_weight {class_weight!r} must be one of {WEIGHTS}')
        if not isinstance(data_preprocessor, nn.Module):
            data_preprocessor = MODELS.build(
                data_preprocessor or dict(type='mmdepthcp.TwoViewsDataPreprocessor', **IMAGENET))
        super().__init__(backbone=MODELS.build(backbone), pretrained=pretrained, data_preprocessor=data_preprocessor,
                         init_cfg=init_cfg)
        self.decode_head = MODELS.build(decode_head)
        self.num_clusters = num_clusters
        self.class_weight = class_weight
        self.inference = InferenceSettings.of(test_cfg)
        self.labeller = as_copy(copy.deepcopy(self._encoder())).requires_grad_(False)
        self.register_buffer('centroids', torch.zeros(2, num_clusters, self.decode_head.channels))
        self.register_buffer('counts', torch.zeros(2, num_clusters))

    def _encoder(self) -> nn.Sequential:
        return nn.Sequential(self.backbone, self.decode_head)

    def forward(self, inputs: Tensor, data_samples: Any = None, mode: str = 'tensor') -> Any:
        """See the class."""
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        return super().forward(inputs, data_samples, mode)

    def extract_feat(self, inputs: Tensor) -> Tensor:
        """Features (B, D, h, w) of length 1, of images (B, 3, H, W)."""
        return F.normalize(self.decode_head(self.backbone(inputs)).float(), dim=1)

    def directions_and_clusters(self) -> tuple[Tensor, Tensor]:
        """The centroids of the first view, as long as they are: the largest product counts."""
        return self.centroids[0], torch.arange(self.num_clusters, device=self.centroids.device)

    @staticmethod
    def _features(encoder: nn.Module, inputs: Tensor, boxes: Tensor) -> Tensor:
        """(2, B, D, h, w) of length 1, both on the raster of the first view."""
        maps = [encoder(view).float() for view in inputs.unbind(1)]
        return F.normalize(torch.stack([maps[0], like_the_first_view(maps[1], boxes)]), dim=2)

    def loss(self, inputs: Tensor, data_samples: dict[str, Any]) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            inputs: (B, 2, 3, H, W) normalised views.
            data_samples: ``boxes`` (B, 2, 4) in shares of the images.

        Returns:
            ``loss_within`` and ``loss_across``, each half of its mean cross entropy; ``clusters_used``, the share of
            clusters that the first view's pixels of the batch belong to.
        """
        if not self.counts.any():
            raise InputError('PiCIE: no clusters have been found; add dict(type="mmdepthcp.PiCIEClusterHook") to '
                             'custom_hooks')
        boxes = data_samples['boxes'][:, 0]
        features = self._features(self._encoder(), inputs, boxes)
        labels = self.labels(inputs, boxes)
        weights = torch.stack([cluster_weights(counts, self.class_weight) for counts in self.counts])
        with torch.autocast(inputs.device.type, enabled=False):
            within, across = picie_loss(features, self.centroids, labels, weights)
        return dict(loss_within=within / 2, loss_across=across / 2,
                    clusters_used=features.new_tensor(labels[0].unique().numel() / self.num_clusters))

    @torch.no_grad()
    def labels(self, inputs: Tensor, boxes: Tensor) -> Tensor:
        """Clusters (2, B, h, w) of the pixels of both views, by the network as it was when the epoch began."""
        self.labeller.eval()
        features = self._features(self.labeller, inputs, boxes)
        return torch.stack([nearest_centroids(view.movedim(1, -1), centroids)
                            for view, centroids in zip(features, self.centroids, strict=True)])

    @torch.no_grad()
    def find_clusters(self, batches: Callable[[], Iterable[dict]], seed: int, first_batches: int = 20) -> None:
        """Cluster the pixels of a set: k-means on the pixels of some batches, then a step for each further batch; then
        count how many pixels each cluster has.

        Args:
            batches: gives the preprocessed batches of this process, each time the same ones.
            seed: of k-means.
            first_batches: how many batches k-means begins with.
        """
        self.train()
        first: list[Tensor] = []
        for number, batch in enumerate(batches()):
            features = self._features(self._encoder(), batch['inputs'], batch['data_samples']['boxes'][:, 0])
            pixels = features.movedim(2, -1).flatten(2, 3)
            if number < first_batches:
                images, each = pixels.shape[1] * get_world_size(), pixels.shape[2]
                first.append(_of_all_ranks(pixels[:, :, ::-(-images * each * first_batches // FIRST_PIXELS)]))
                continue
            if first:
                self._begin(first, each, seed)
                first = []
            for view in range(2):
                self.centroids[view], self.counts[view] = moved_centroids(
                    self.centroids[view], self.counts[view], pixels[view].flatten(0, 1))
        if first:
            self._begin(first, each, seed)
        self.labeller.load_state_dict(self._encoder().state_dict())
        if self.class_weight is not None:
            self._count(batches())

    def _begin(self, first: list[Tensor], each: int, seed: int) -> None:
        """K-means on some pixels (2, images, n, D) of each first batch, whose images have ``each``."""
        from sklearn.cluster import KMeans

        stands_for = each / first[0].shape[2]
        for view, chosen in enumerate(torch.cat([part.flatten(1, 2) for part in first], 1)):
            found = KMeans(self.num_clusters, n_init=1, max_iter=FIRST_ITERATIONS, random_state=seed).fit(
                chosen.cpu().numpy())
            self.centroids[view] = torch.from_numpy(found.cluster_centers_).to(self.centroids)
            counts = torch.bincount(torch.from_numpy(found.labels_), minlength=self.num_clusters)
            self.counts[view] = counts.to(self.counts) * stands_for

    def _count(self, batches: Iterable[dict]) -> None:
        counts = torch.zeros_like(self.counts)
        for batch in batches:
            labels = self.labels(batch['inputs'], batch['data_samples']['boxes'][:, 0])
            counts += torch.stack([torch.bincount(view.flatten(), minlength=self.num_clusters) for view in labels])
        self.counts.copy_(total_over_ranks(counts)[0])


def _of_all_ranks(pixels: Tensor) -> Tensor:
    """(2, R·B, N, D), the images in the order in which one process would have them, of (2, B, N, D) on each rank."""
    return torch.stack(all_gather(pixels.contiguous()), 2).flatten(1, 2)
