"""Pretraining on copy-pasted coherent depth regions (Zeng et al., BMVC 2022)."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmengine.logging import print_log
from mmpretrain.models.selfsup import BaseSelfSupervisor
from mmseg.models.necks import FPN  # noqa: F401  registers mmseg's necks and backbones
from torch import Tensor, nn

from mmdepthcp.evaluation.functional.clustering import cluster_areas, cluster_features, cluster_prototypes
from mmdepthcp.models.losses import perplexity, swapped_prediction_loss
from mmdepthcp.models.segmentors.inference import InferenceSettings
from mmdepthcp.models.segmentors.unsupervised import IMAGENET, SegmentsByClusters
from mmdepthcp.models.selfsup.matches import BatchMatches, sample_features
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError

CLUSTER_BY = dict(prototypes=cluster_prototypes, features=cluster_features, areas=cluster_areas)
FEATURE_MOMENTUM = 0.99


@MODELS.register_module()
class DepthCP(SegmentsByClusters, BaseSelfSupervisor):
    """Learn a dense representation by swapped prediction between matching pixels and regions of mixed views.

    backbone → FPN → Semantic-FPN decoder → projector → prototypes. Modes of ``forward``:

    - ``loss``: inputs (B·V, 3, H, W) and the matches of a batch → dict of losses and of figures to watch.
    - ``predict``: inputs (B, 3, H, W) → data samples with ``pred_sem_seg``, the cluster of every pixel at
      label size (``ori_shape``); clusters are clusters of prototypes
      (:class:`mmdepthcp.models.segmentors.SegmentsByClusters`).
    - ``tensor``: projections (B, D, H/4, W/4).

    The names of the parameters under ``backbone``, ``neck`` and ``decode_head`` are those of mmseg's
    Semantic FPN.

    Args:
        backbone: a backbone that returns one map per level of the neck (``out_indices=(0, 1, 2, 3)``).
        neck: a feature pyramid, ``mmseg.FPN``.
        decode_head: :class:`SemanticFPNFeatures`.
        num_clusters: clusters of prototypes in the unsupervised segmentation, as many as the data set has
            classes.
        num_prototypes: K.
        projection_channels: D, channels of the projector and dimension of the prototypes.
        projector_norm_cfg: normalisation in the projector.
        pixel_weight: weight of the loss over matching pixels (the paper's λ).
        region_weight: weight of the loss over matching regions (the paper's 1 − λ).
        temperature: τ of the prediction.
        epsilon: ε of the assignment.
        sinkhorn_iterations: iterations of the assignment.
        cluster_by: what the unsupervised segmentation compares prototypes by: 'prototypes', the prototypes
            themselves (Zeng et al.); 'features', the running mean of the features that they were best for, seen from
            the mean of all, since in short trainings prototypes hardly leave their orthogonal start, so that their own
            distances say little; or 'areas', the same by k-means, where what is best for many pixels weighs more.
        cluster_beside: of these, what is scored beside it: ``<name>_mIoU``, ``<name>_Acc``.
        test_cfg: arguments of :class:`~mmdepthcp.models.segmentors.inference.InferenceSettings`.
        pretrained: checkpoint to start from.
        data_preprocessor: defaults to :class:`DepthCPDataPreprocessor` with ImageNet's mean and deviation.
        init_cfg: initialisation.

    Raises:
        InputError: the weights are negative or both zero, there are more clusters than prototypes,
            ``cluster_by`` is unknown, or (in forward) the backbone does not return what the neck takes.
        FloatingPointError: the loss is not finite.
    """

    def __init__(
        self,
        backbone: dict,
        neck: dict,
        decode_head: dict,
        num_clusters: int,
        num_prototypes: int = 1000,
        projection_channels: int = 128,
        projector_norm_cfg: dict | None = None,
        pixel_weight: float = 0.5,
        region_weight: float = 0.5,
        temperature: float = 0.1,
        epsilon: float = 0.05,
        sinkhorn_iterations: int = 3,
        cluster_by: str = 'prototypes',
        cluster_beside: Sequence[str] = (),
        test_cfg: dict | None = None,
        pretrained: str | None = None,
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        if min(pixel_weight, region_weight) < 0 or pixel_weight + region_weight == 0:
            raise InputError(
                f'pixel_weight {pixel_weight}, region_weight {region_weight}: may not be negative or both zero')
        for name in (cluster_by, *cluster_beside):
            if name not in CLUSTER_BY:
                raise InputError(f'cluster_by, cluster_beside: {name!r} must be one of {", ".join(CLUSTER_BY)}')
        if not isinstance(data_preprocessor, nn.Module):
            data_preprocessor = MODELS.build(
                data_preprocessor or dict(type='mmdepthcp.DepthCPDataPreprocessor', **IMAGENET))
        super().__init__(
            backbone=MODELS.build(backbone), neck=MODELS.build(neck), pretrained=pretrained,
            data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.decode_head = MODELS.build(decode_head)
        self.projector = nn.Sequential(
            nn.Conv2d(self.decode_head.channels, projection_channels, 1),
            build_norm_layer(projector_norm_cfg or dict(type='BN'), projection_channels)[1],
            nn.ReLU(inplace=True),
            nn.Conv2d(projection_channels, projection_channels, 1, bias=False))
        self.prototypes = nn.Linear(projection_channels, num_prototypes, bias=False)
        self.register_buffer('feature_sums', torch.zeros_like(self.prototypes.weight))
        self._clustered: dict[str, tuple[Tensor, Tensor]] = {}
        self.num_clusters = num_clusters
        self.inference = InferenceSettings.of(test_cfg)
        self.cluster_by, self.cluster_beside = cluster_by, tuple(cluster_beside)
        self.level_weights = {'pixel': pixel_weight, 'region': region_weight}
        self.temperature = temperature
        self.epsilon = epsilon
        self.sinkhorn_iterations = sinkhorn_iterations
        self._batches_without_matches = dict.fromkeys(self.level_weights, 0)
        self.to(memory_format=torch.channels_last)

    @property
    def num_clusters(self) -> int:  # type: ignore[override]
        """How many clusters the unsupervised segmentation has; may be changed.

        Raises:
            InputError: on change, there would be more clusters than prototypes, or none.
        """
        return self._num_clusters

    @num_clusters.setter
    def num_clusters(self, number: int) -> None:
        if not 1 <= number <= self.prototypes.out_features:
            raise InputError(f'num_clusters {number}: must lie in 1..num_prototypes ({self.prototypes.out_features})')
        self._num_clusters = number
        self._clustered.clear()

    def forward(self, inputs: Tensor, data_samples: Any = None, mode: str = 'tensor') -> Any:
        """See the class."""
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        return super().forward(inputs, data_samples, mode)

    def extract_feat(self, inputs: Tensor) -> Tensor:
        """Projections (B, D, H/4, W/4) of images (B, 3, H, W), not normalised."""
        stages = self.backbone(inputs)
        self._check_stages(stages)
        return self.projector(self.decode_head(self.neck(stages)))

    def _check_stages(self, stages: Any) -> None:
        stages = stages if isinstance(stages, (tuple, list)) else [stages]
        found = [stage.shape[1] for stage in stages]
        if found != list(self.neck.in_channels):
            raise InputError(
                f'backbone {type(self.backbone).__name__} returns {len(found)} feature map(s) with {found} '
                f'channels, the neck takes {list(self.neck.in_channels)}; choose the stages with '
                'backbone.out_indices (four stages: (0, 1, 2, 3) in most backbones) and set neck.in_channels to '
                'their channels')

    def loss(self, inputs: Tensor, data_samples: Mapping[str, Any]) -> dict[str, Tensor]:
        """Losses of a batch of mixed views.

        Args:
            inputs: (B·V, 3, H, W) normalised views.
            data_samples: ``pixel`` and ``region``: :class:`BatchMatches` of the batch; ``num_items``: B.

        Returns:
            Per level with a weight: ``loss_<level>`` (weighted), ``<level>_to_lnk`` (unweighted loss / ln
            K: 1 where nothing is learnt), ``<level>_usage`` (perplexity of the best prototypes / K: 1 where
            all are used alike, 1 / K after a collapse), ``<level>_matches`` (matching points per item).
        """
        with torch.no_grad():
            self.prototypes.weight.copy_(F.normalize(self.prototypes.weight, dim=1))
        maps = self.extract_feat(inputs)
        num_prototypes = self.prototypes.out_features
        self.feature_sums.mul_(FEATURE_MOMENTUM)
        results: dict[str, Tensor] = {}
        for level, weight in self.level_weights.items():
            if weight == 0:
                continue
            matches: BatchMatches = data_samples[level]
            if not len(matches.points):
                self._tell_no_matches(level)
            features = sample_features(maps, matches.points, matches.views, inputs.shape[-2:])
            prediction = swapped_prediction_loss(
                F.normalize(features.float(), dim=1), self.prototypes.weight, matches.groups,
                matches.num_groups, self.temperature, self.epsilon, self.sinkhorn_iterations)
            self.feature_sums.add_(prediction.feature_sums)
            results[f'loss_{level}'] = weight * prediction.loss
            results[f'{level}_to_lnk'] = prediction.loss.detach() / math.log(num_prototypes)
            results[f'{level}_usage'] = perplexity(prediction.usage) / num_prototypes
            results[f'{level}_matches'] = maps.new_tensor(
                len(matches.points) / data_samples['num_items'], dtype=torch.float32)
        losses = {name: value.item() for name, value in results.items() if name.startswith('loss_')}
        if not all(map(math.isfinite, losses.values())):
            raise FloatingPointError(
                f'the loss is not finite ({losses}). Usual causes: a learning rate too high for the batch size '
                'or no warm-up; an overflow in half precision (try bfloat16 or float32); a checkpoint or an input '
                'that holds NaN')
        return results

    def _tell_no_matches(self, level: str) -> None:
        self._batches_without_matches[level] += 1
        times = self._batches_without_matches[level]
        if math.log10(times).is_integer():
            print_log(
                f'no valid {level} match in a batch ({times} so far); it adds nothing to the {level} loss. '
                'Usual causes: regions too small to be pasted, too few pastes (cp_times), crops that show little '
                'of them, or region files without regions; tools/browse_dataset.py shows views and matches',
                logger='current', level=logging.WARNING)

    def directions_and_clusters(self) -> tuple[Tensor, Tensor]:
        """The prototypes, and the cluster of each; a prototype that was best for nothing stands for itself."""
        return F.normalize(self.prototypes.weight.float(), dim=1), self._clusters(self.cluster_by)

    def clusters_beside(self) -> dict[str, Tensor]:
        """See :class:`~mmdepthcp.models.segmentors.SegmentsByClusters`."""
        return {name: self._clusters(name) for name in self.cluster_beside}

    def _clusters(self, by: str) -> Tensor:
        compared = self.prototypes.weight.detach()
        if by != 'prototypes':
            compared = torch.where(self.feature_sums.any(1, keepdim=True), self.feature_sums, compared)
        if by not in self._clustered or not torch.equal(self._clustered[by][0], compared):
            clusters = CLUSTER_BY[by](compared.float().cpu().numpy(), self.num_clusters)
            self._clustered[by] = compared.clone(), torch.from_numpy(clusters).to(compared.device)
        return self._clustered[by][1]
