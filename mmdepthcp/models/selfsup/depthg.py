"""Segmentation without labels by codes that follow the correlations of frozen features, and of depth.

STEGO: Hamilton et al., "Unsupervised Semantic Segmentation by Distilling Feature Correspondences", ICLR 2022. DepthG:
Sick et al., "Unsupervised Semantic Segmentation Through Depth-Guided Feature Correlation and Sampling", CVPR 2024.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from mmengine.logging import MessageHub
from mmpretrain.models.selfsup import BaseSelfSupervisor
from torch import Tensor, nn

from mmdepthcp.engine.schedules import decayed
from mmdepthcp.geometry.points import cell_points
from mmdepthcp.models.heads import STEGOHead
from mmdepthcp.models.losses.correlation import centre, correlation, correlation_loss
from mmdepthcp.models.losses.hidden_positive import attention_neighbours, depth_neighbours, propagate
from mmdepthcp.models.probes import ClusterProbe, LinearProbe
from mmdepthcp.models.ranks import gathered, mean_over_ranks
from mmdepthcp.models.segmentors import SegmentsByClusters
from mmdepthcp.models.segmentors.inference import InferenceSettings
from mmdepthcp.models.segmentors.unsupervised import IMAGENET, last_map
from mmdepthcp.models.selfsup.depthg_depth import CellDepth, depth_of_cells, depth_target
from mmdepthcp.models.selfsup.depthg_draws import draw_kept, draw_others, draw_points
from mmdepthcp.models.selfsup.depthg_settings import (
    DepthSettings,
    HiddenPositiveSettings,
    PointSettings,
    TermSettings,
    check_shift,
)
from mmdepthcp.registry import MODELS
from mmdepthcp.sampling import read_points
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.quantiles import quantile

TERMS = ('self', 'neighbour', 'negative')
LINEAR, NONLINEAR, SIGNAL = range(3)
"""What each image's features are used for; in each, other channels are dropped."""


class Target(NamedTuple):
    """What a term of the loss makes codes follow.

    Attributes:
        name: of the term.
        pairs: which correlations of codes follow it, one of :data:`TERMS`.
        weight: λ.
        targets: correlations (B, P, P), centred or not, one or several.
        shift: b.
    """

    name: str
    pairs: str
    weight: float
    targets: list[Tensor]
    shift: Tensor | float


@MODELS.register_module()
class DepthG(SegmentsByClusters, BaseSelfSupervisor):
    """STEGO and DepthG: frozen features → head → codes, and two probes that read the codes without changing them.

    Modes of ``forward``:

    - ``loss``: pairs of images (B, 2, 3, H, W) and what :class:`mmdepthcp.models.DepthGDataPreprocessor` gives beside
      them → dict of losses and of figures to watch.
    - ``predict``: (B, 3, H, W) → data samples with ``pred_sem_seg``, the cluster of every pixel, and
      ``pred_linear_seg``, the class by the linear probe (:class:`mmdepthcp.models.segmentors.SegmentsByClusters`).
    - ``tensor``: codes (B, d, h, w).

    All that is random is drawn from the seeds of the pairs (:mod:`mmdepthcp.models.selfsup.depthg_draws`).

    Args:
        backbone: what gives the features: a module that returns (B, C, h, w), alone or last in a tuple, such as
            :class:`mmdepthcp.models.FrozenFeatures`, mmpretrain's ``VisionTransformer``. It stays as it is.
        in_channels: C.
        code_channels: d.
        num_clusters: of the cluster probe.
        num_classes: of the linear probe, which learns where the items have labels; 0: there is none.
        self_term, neighbour_term, negative_term: arguments of :class:`TermSettings`: an image with itself, with one of
            its neighbours, with any other of the batch.
        depth: arguments of :class:`DepthSettings`.
        points: arguments of :class:`PointSettings`.
        hidden_positives: arguments of :class:`HiddenPositiveSettings`.
        centre: see :func:`mmdepthcp.models.losses.correlation.centre`.
        standardise: bring every channel of the features to mean 0 and deviation 1 first
            (:class:`mmdepthcp.engine.hooks.CalibrationHook`).
        dropout: share of the channels of the features that are dropped.
        flip: average the codes of an image with those of its mirror image, when it is tested.
        test_cfg: arguments of :class:`~mmdepthcp.models.segmentors.inference.InferenceSettings`.
        pretrained: checkpoint to start from.
        data_preprocessor: defaults to :class:`DepthGDataPreprocessor` with ImageNet's mean and deviation.
        init_cfg: initialisation.

    Raises:
        InputError: a setting is unknown or out of range; on ``loss``, disparity or calibration is missing.
    """

    def __init__(
        self,
        backbone: dict,
        in_channels: int,
        code_channels: int,
        num_clusters: int,
        num_classes: int = 0,
        self_term: dict | None = None,
        neighbour_term: dict | None = None,
        negative_term: dict | None = None,
        depth: dict | None = None,
        points: dict | None = None,
        hidden_positives: dict | None = None,
        centre: bool = True,
        standardise: bool = True,
        dropout: float = 0.1,
        flip: bool = True,
        test_cfg: dict | None = None,
        pretrained: str | None = None,
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        if not isinstance(data_preprocessor, nn.Module):
            data_preprocessor = MODELS.build(
                data_preprocessor or dict(type='mmdepthcp.DepthGDataPreprocessor', **IMAGENET))
        super().__init__(backbone=MODELS.build(backbone), pretrained=pretrained, data_preprocessor=data_preprocessor,
                         init_cfg=init_cfg)
        self.backbone.requires_grad_(False)
        self.decode_head = STEGOHead(in_channels, code_channels)
        self.cluster_probe = ClusterProbe(code_channels, num_clusters)
        self.linear_probe = LinearProbe(code_channels, num_classes) if num_classes else None
        self.terms = dict(zip(TERMS, (
            TermSettings(**{'weight': 0.67, **(self_term or {})}),
            TermSettings(**{'weight': 0.25, **(neighbour_term or {})}),
            TermSettings(**{'weight': 0.63, 'quantile': 0.9, 'draws': 5, **(negative_term or {})})), strict=True))
        for name, term in self.terms.items():
            check_shift(f'{name}_term.shift', term.shift, 'auto')
        if not 0 <= dropout < 1:
            raise InputError(f'DepthG: dropout {dropout}: must be at least 0 and below 1')
        self.depth = DepthSettings(**(depth or {}))
        self.points = PointSettings(**(points or {}))
        self.hidden_positives = HiddenPositiveSettings(**(hidden_positives or {}))
        self.projection = nn.Sequential(
            nn.Conv2d(code_channels, code_channels, 1), nn.ReLU(), nn.Conv2d(code_channels, code_channels, 1),
        ).requires_grad_(not self.hidden_positives.legacy) if self.hidden_positives.weight else None
        if self.projection is not None and self.hidden_positives.by == 'attention' and not hasattr(
                self.backbone, 'maps_and_attention'):
            raise InputError(f"DepthG: hidden_positives.by='attention' needs a transformer, such as DINOViT, as its "
                             f'backbone; {type(self.backbone).__name__} has no attention')
        self.centre, self.standardise, self.dropout, self.flip = centre, standardise, dropout, flip
        self.inference = InferenceSettings.of(test_cfg)
        self.register_buffer('feature_mean', torch.zeros(in_channels))
        self.register_buffer('feature_deviation', torch.ones(in_channels))
        self.register_buffer('shifts', torch.tensor([
            torch.nan if term.shift == 'auto' else float(term.shift) for term in self.terms.values()]))
        self.register_buffer('calibrated', torch.tensor(
            not standardise and not self.shifts.isnan().any().item()))

    @property
    def num_clusters(self) -> int:  # type: ignore[override]
        """How many clusters there are."""
        return self.cluster_probe.num_clusters

    def train(self, mode: bool = True) -> DepthG:
        """The backbone stays in evaluation mode."""
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, inputs: Tensor, data_samples: Any = None, mode: str = 'tensor') -> Any:
        """See the class."""
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        return super().forward(inputs, data_samples, mode)

    def extract_feat(self, inputs: Tensor) -> Tensor:
        """Codes (B, d, h, w) of images (B, 3, H, W)."""
        codes = self.decode_head(self.features(inputs))
        if self.quick or not self.flip:
            return codes
        return (codes + self.decode_head(self.features(inputs.flip(-1))).flip(-1)) / 2

    def directions_and_clusters(self) -> tuple[Tensor, Tensor]:
        """The centres of the cluster probe."""
        return self.cluster_probe.directions_and_clusters()

    def linear_classifier(self) -> tuple[Tensor, Tensor] | None:
        """That of the linear probe."""
        if self.linear_probe is None:
            return None
        layer = self.linear_probe.classifier
        return layer.weight[:, :, 0, 0].float(), layer.bias.float()

    @torch.no_grad()
    def raw_features(self, inputs: Tensor) -> Tensor:
        """Features (B, C, h, w) of images (B, 3, H, W) as the backbone gives them."""
        return last_map(self.backbone(inputs)).float()

    def features(self, inputs: Tensor) -> Tensor:
        """The same, standardised."""
        return self._standardised(self.raw_features(inputs))

    @torch.no_grad()
    def raw_pairs(self, inputs: Tensor, known: Mapping[str, Any]) -> Tensor:
        """Features (B, 2, C, h, w) of pairs of images as the backbone gives them, or as they come."""
        if known.get('are_features'):
            return inputs
        return self.raw_features(inputs.flatten(0, 1)).unflatten(0, (-1, 2))

    @torch.no_grad()
    def _maps(self, inputs: Tensor, known: Mapping[str, Any]) -> tuple[Tensor, Tensor | None]:
        """Features (B, 2, C, h, w) of pairs, standardised, and the attention in the first images if it is needed."""
        if self.projection is None or self.hidden_positives.by == 'depth':
            return self._standardised(self.raw_pairs(inputs, known)), None
        if known.get('are_features'):
            raise InputError("DepthG: hidden_positives.by='attention' needs the images, kept features do not do; leave "
                             'train_dataloader.dataset.cache out')
        maps, attention = self.backbone.maps_and_attention(inputs[:, 0])
        both = torch.stack([last_map(maps).float(), self.raw_features(inputs[:, 1])], 1)
        return self._standardised(both), attention

    def _standardised(self, maps: Tensor) -> Tensor:
        return (maps - self.feature_mean[:, None, None]) / self.feature_deviation[:, None, None]

    def loss(self, inputs: Tensor, data_samples: Mapping[str, Any]) -> dict[str, Tensor]:
        """Losses of pairs of images.

        Args:
            inputs: (B, 2, 3, H, W), normalised: an image and one of its neighbours; or their features (B, 2, C, h, w).
            data_samples: ``seeds``, ``disparity``, ``depth_range``, ``labels``, ``are_features``, see
                :class:`DepthGDataPreprocessor`.

        Returns:
            ``loss_self``, ``loss_neighbour``, ``loss_negative``, ``loss_depth``, ``loss_hidden`` (weighted),
            ``loss_cluster``, ``loss_linear``, ``cluster_usage``, and the mean correlation of features of each term,
            ``self_correlation``, ...
        """
        if not self.calibrated:
            raise InputError("DepthG: features are to be standardised or shifts to be found ('auto') first: add "
                             "dict(type='mmdepthcp.CalibrationHook') to custom_hooks")
        iteration = MessageHub.get_current_instance().get_info('iter') or 0
        maps, attention = self._maps(inputs, data_samples)
        depth = self._cell_depth(data_samples, maps)
        seeds = data_samples['seeds']
        points = draw_points(seeds, self.points, depth.placed, iteration).to(maps)
        kept = draw_kept(seeds, len((LINEAR, NONLINEAR, SIGNAL)), maps.shape[2], self.dropout).to(maps)
        others = draw_others(seeds, self.terms['negative'].draws)
        dropped = maps[:, :, None] * kept[..., None, None]
        codes = self.decode_head(
            *(dropped[:, :, use].flatten(0, 1) for use in (LINEAR, NONLINEAR))).unflatten(0, (-1, 2))
        features = self._correlations(dropped[:, :, SIGNAL], points, others)
        terms = self._feature_terms(features)
        weight = decayed(self.depth.weight, self.depth.decay, self.depth.decay_interval, iteration)
        if weight:
            terms.append(self._depth_term(weight, depth.followed, data_samples, points, iteration))
        losses = self._losses(terms, self._correlations(codes, points, others))
        if self.projection is not None:
            hidden = self._losses(terms, self._correlations(
                self._hidden_codes(codes, depth.placed, attention), points, others))
            losses['loss_hidden'] = self.hidden_positives.weight * torch.stack(list(hidden.values())).sum()
        losses.update({f'{name}_correlation': torch.stack(found).mean() for name, found in features.items()})
        losses.update(self.cluster_probe.loss(codes[:, 0]))
        if self.linear_probe is not None and data_samples['labels'] is not None:
            losses.update(self.linear_probe.loss(codes[:, 0], data_samples['labels']))
        return losses

    def _correlations(self, maps: Tensor, points: Tensor, others: Sequence[Tensor]) -> dict[str, list[Tensor]]:
        """Correlations (B, P, P) of images with what each term compares them with.

        Args:
            maps: (B, 2, C, h, w), features or codes of images and their neighbours.
            points: (B, 2, P, 2).
            others: see :func:`~mmdepthcp.models.selfsup.depthg_draws.draw_others`.
        """
        first, second = (read_points(maps[:, number], points[:, number]) for number in range(2))
        if self.points.legacy:  # other images are read where the neighbour of an image is
            everyone = gathered(maps[:, 0].contiguous())
            negative = [read_points(everyone[chosen], points[:, 1]) for chosen in others]
        else:
            everyone = gathered(first)
            negative = [everyone[chosen] for chosen in others]
        partners = dict(zip(TERMS, ([first], [second], negative), strict=True))
        return {name: [correlation(first, partner) for partner in found] for name, found in partners.items()}

    def _feature_terms(self, features: Mapping[str, Sequence[Tensor]]) -> list[Target]:
        centred = {name: [centre(each) if self.centre else each for each in found] for name, found in features.items()}
        return [Target(name, name, term.weight, centred[name], shift)
                for (name, term), shift in zip(self.terms.items(), self.shifts, strict=True)]

    def _depth_term(
            self, weight: float, depth: Tensor, known: Mapping[str, Any], points: Tensor, iteration: int) -> Target:
        settings, depth_range = self.depth, known.get('depth_range')
        target = depth_target(depth[:, 0], known['disparity'][:, 0], points[:, 0], settings, self.points,
                              None if depth_range is None else depth_range[:, 0])
        if settings.centre:
            target = centre(target)
        shift = mean_over_ranks(target) if settings.shift == 'mean' else decayed(
            float(settings.shift), settings.decay if settings.shift_decays else 1., settings.decay_interval, iteration)
        return Target('depth', 'self', weight, [target], shift)

    @staticmethod
    def _losses(terms: Iterable[Target], codes: Mapping[str, Sequence[Tensor]]) -> dict[str, Tensor]:
        """``loss_<name>`` of every term, weighted, for correlations of codes."""
        return {
            f'loss_{term.name}': term.weight * torch.stack([
                correlation_loss(target, similarity, term.shift)
                for target, similarity in zip(term.targets, codes[term.pairs], strict=True)]).mean()
            for term in terms}

    def _cell_depth(self, known: Mapping[str, Any], maps: Tensor) -> CellDepth:
        """Depth of the cells of the maps; empty if nothing needs it."""
        by_depth = self.projection is not None and self.hidden_positives.by == 'depth'
        if not (self.points.kind == 'farthest' or self.depth.weight or by_depth):
            return CellDepth(maps.new_empty(0), maps.new_empty(0))
        if known['disparity'] is None:
            raise InputError('DepthG: the items have no disparity, which depth.weight, farthest points and hidden '
                             'positives need; load it with LoadDisparity (data_prefix.disparity_path)')
        return depth_of_cells(known['disparity'], (maps.shape[-2], maps.shape[-1]), self.points, self.depth,
                              known.get('depth_range'))

    def _hidden_codes(self, codes: Tensor, depth: Tensor, attention: Tensor | None) -> Tensor:
        """Codes (B, 2, d, h, w), those of the first images mixed from places that belong together, all projected."""
        assert self.projection is not None
        settings = self.hidden_positives
        if attention is None:
            cells = cell_points(depth[:, 0], self.points.field_of_view, self.points.legacy)
            weights = depth_neighbours(cells, settings.share)
        else:
            weights = attention_neighbours(attention, settings.share, settings.legacy)
        mixed = propagate(codes[:, 0].flatten(2).mT, weights, settings.legacy).mT
        both = torch.stack([mixed.unflatten(2, codes.shape[-2:]), codes[:, 1]], 1)
        return self.projection(both.flatten(0, 1)).unflatten(0, (-1, 2))

    @torch.no_grad()
    def calibrate(self, batches: Iterable[tuple[Tensor, Mapping[str, Any]]]) -> None:
        """Find the mean and deviation of the features, and shifts that are 'auto' as quantiles of their correlations.

        Args:
            batches: inputs and data samples as :meth:`loss` takes them, the same on all ranks.
        """
        pairs, known = self._joined(batches)
        if self.standardise:
            pixels = pairs.flatten(0, 1).transpose(0, 1).flatten(1).double()
            self.feature_mean.copy_(pixels.mean(1))
            self.feature_deviation.copy_(pixels.std(1).clamp_min(torch.finfo(torch.float32).eps))
        features = self._sampled(self._standardised(pairs), known)
        for place, (name, found) in enumerate(features.items()):
            if self.terms[name].shift == 'auto':
                self.shifts[place] = quantile(centre(found) if self.centre else found, self.terms[name].quantile)
        self.calibrated.fill_(True)

    @torch.no_grad()
    def similarities(self, batches: Iterable[tuple[Tensor, Mapping[str, Any]]]) -> dict[str, tuple[Tensor, Tensor]]:
        """For each term of the loss, correlations of features, centred if the loss takes them so, and of codes.

        Args:
            batches: see :meth:`calibrate`.
        """
        pairs, known = self._joined(batches)
        pairs = self._standardised(pairs)
        codes = self.decode_head(pairs.flatten(0, 1)).unflatten(0, (-1, 2))
        features, of_codes = self._sampled(pairs, known), self._sampled(codes, known)
        return {name: (centre(found) if self.centre else found, of_codes[name]) for name, found in features.items()}

    def _joined(self, batches: Iterable[tuple[Tensor, Mapping[str, Any]]]) -> tuple[Tensor, dict[str, Any]]:
        """Features (N, 2, C, h, w) of all batches, not standardised, with seeds and disparity."""
        collected = [(self.raw_pairs(inputs, known), known) for inputs, known in batches]
        everything = {key: [known.get(key) for _, known in collected]
                      for key in ('seeds', 'disparity', 'depth_range')}
        return torch.cat([maps for maps, _ in collected]), {
            key: None if values[0] is None else torch.cat(values) for key, values in everything.items()}

    def _sampled(self, pairs: Tensor, known: Mapping[str, Any]) -> dict[str, Tensor]:
        """Correlations of pairs of maps as at the first iteration, each image with the one before it as another."""
        depth = self._cell_depth(known, pairs)
        points = draw_points(known['seeds'], self.points, depth.placed, 0).to(pairs)
        before = torch.arange(len(pairs)).roll(1)
        return {name: found for name, (found, *_) in self._correlations(pairs, points, [before]).items()}
