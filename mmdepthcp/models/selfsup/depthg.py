"""Segmentation without labels by codes that follow the correlations of frozen features, and of depth.

STEGO: Hamilton et al., "Unsupervised Semantic Segmentation by Distilling Feature Correspondences", ICLR 2022. DepthG:
Sick et al., "Unsupervised Semantic Segmentation Through Depth-Guided Feature Correlation and Sampling", CVPR 2024.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from mmengine.dist import all_gather, get_rank
from mmengine.logging import MessageHub
from mmpretrain.models.selfsup import BaseSelfSupervisor
from torch import Tensor, nn

from mmdepthcp.engine.schedules import decayed, shrunk
from mmdepthcp.geometry.points import cell_depth, cell_points
from mmdepthcp.models.heads import LinearProbe, STEGOHead
from mmdepthcp.models.losses.correlation import (
    centre,
    correlation,
    correlation_loss,
    depth_correlation,
    legacy_depth_correlation,
)
from mmdepthcp.models.losses.hidden_positive import depth_neighbours, propagate
from mmdepthcp.models.ranks import gathered, mean_over_ranks
from mmdepthcp.models.segmentors import ClusterProbe, SegmentsByClusters
from mmdepthcp.models.segmentors.unsupervised import IMAGENET
from mmdepthcp.models.selfsup.depthg_settings import (
    DepthSettings,
    HiddenPositiveSettings,
    PointSettings,
    TermSettings,
)
from mmdepthcp.registry import MODELS
from mmdepthcp.sampling import farthest_points, read_points, to_grid
from mmdepthcp.utils.errors import InputError

TERMS = ('self', 'neighbour', 'negative')
LINEAR, NONLINEAR, SIGNAL = range(3)
"""What each image's features are used for; in each, other channels are dropped."""


class Pairs(NamedTuple):
    """Images and their neighbours at points.

    Attributes:
        signal: (B, 2, P, C) features.
        codes: (B, 2, P, d).
        points: (B, 2, P, 2), see :func:`read_points`.
    """

    signal: Tensor
    codes: Tensor
    points: Tensor


@MODELS.register_module()
class DepthG(SegmentsByClusters, BaseSelfSupervisor):
    """STEGO and DepthG: frozen features → head → codes, and two probes that read the codes without changing them.

    Modes of ``forward``:

    - ``loss``: pairs of images (B, 2, 3, H, W) and what :class:`mmdepthcp.models.DepthGDataPreprocessor` gives beside
      them → dict of losses and of figures to watch.
    - ``predict``: (B, 3, H, W) → data samples with ``pred_sem_seg``, the cluster of every pixel, and
      ``pred_linear_seg``, the class by the linear probe (:class:`mmdepthcp.models.segmentors.SegmentsByClusters`).
    - ``tensor``: codes (B, d, h, w).

    All that is random is drawn from the seeds of the pairs, so that it does not depend on how many processes there are.

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
        flip: average the codes of an image with those of its mirror image, outside training.
        pretrained: checkpoint to start from.
        data_preprocessor: defaults to :class:`DepthGDataPreprocessor` with ImageNet's mean and deviation.
        init_cfg: initialisation.

    Raises:
        InputError: a setting is unknown; on ``loss``, disparity or calibration is missing.
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
        self.depth = DepthSettings(**(depth or {}))
        self.points = PointSettings(**(points or {}))
        self.hidden_positives = HiddenPositiveSettings(**(hidden_positives or {}))
        self.projection = nn.Sequential(
            nn.Conv2d(code_channels, code_channels, 1), nn.ReLU(), nn.Conv2d(code_channels, code_channels, 1),
        ) if self.hidden_positives.weight else None
        self.centre, self.standardise, self.dropout, self.flip = centre, standardise, dropout, flip
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
        return (codes + self.decode_head(self.features(inputs.flip(-1))).flip(-1)) / 2 if self.flip else codes

    def directions_and_clusters(self) -> tuple[Tensor, Tensor]:
        """The centres of the cluster probe."""
        directions = self.cluster_probe.directions()
        return directions, torch.arange(len(directions), device=directions.device)

    def linear_classifier(self) -> tuple[Tensor, Tensor] | None:
        """That of the linear probe."""
        if self.linear_probe is None:
            return None
        layer = self.linear_probe.classifier
        return layer.weight[:, :, 0, 0].float(), layer.bias.float()

    @torch.no_grad()
    def features(self, inputs: Tensor) -> Tensor:
        """Features (B, C, h, w) of images (B, 3, H, W), standardised."""
        maps = self.backbone(inputs)
        maps = (maps if isinstance(maps, Tensor) else maps[-1]).float()
        return (maps - self.feature_mean[:, None, None]) / self.feature_deviation[:, None, None]

    def loss(self, inputs: Tensor, data_samples: Mapping[str, Any]) -> dict[str, Tensor]:
        """Losses of pairs of images.

        Args:
            inputs: (B, 2, 3, H, W), normalised: an image and one of its neighbours.
            data_samples: ``seeds``, ``disparity``, ``labels``, see :class:`DepthGDataPreprocessor`.

        Returns:
            ``loss_self``, ``loss_neighbour``, ``loss_negative``, ``loss_depth``, ``loss_hidden`` (weighted),
            ``loss_cluster``, ``loss_linear``, ``cluster_usage``, and the mean correlation of features of each term,
            ``self_correlation``, ...
        """
        if not self.calibrated:
            raise InputError("DepthG: features are to be standardised or shifts to be found ('auto') first: add "
                             "dict(type='mmdepthcp.CalibrationHook') to custom_hooks")
        iteration = MessageHub.get_current_instance().get_info('iter') or 0
        maps = self.features(inputs.flatten(0, 1)).unflatten(0, (-1, 2))
        points, kept = self._drawn(data_samples['seeds'], maps, data_samples['disparity'], iteration)
        dropped = maps[:, :, None] * kept[..., None, None]
        codes = self.decode_head(*(dropped[:, :, use].flatten(0, 1) for use in (LINEAR, NONLINEAR)))
        signal = dropped[:, :, SIGNAL]
        codes = codes.unflatten(0, (-1, 2))
        losses = self._code_losses(signal, codes, points, data_samples, iteration)
        if self.projection is not None:
            mixed = self._hidden_codes(codes, data_samples['disparity'])
            again = self._code_losses(signal, mixed, points, data_samples, iteration)
            losses['loss_hidden'] = self.hidden_positives.weight * torch.stack(
                [value for name, value in again.items() if name.startswith('loss')]).sum()
        losses.update(self.cluster_probe.loss(codes[:, 0]))
        if self.linear_probe is not None and data_samples['labels'] is not None:
            losses.update(self.linear_probe.loss(codes[:, 0], data_samples['labels']))
        return losses

    def _code_losses(self, signal: Tensor, codes: Tensor, points: Tensor, data_samples: Mapping[str, Any],
                     iteration: int) -> dict[str, Tensor]:
        """All terms that move the codes, for maps of features and codes (B, 2, ·, h, w)."""
        signal_there, codes_there = (
            read_points(maps.flatten(0, 1), points.flatten(0, 1)).unflatten(0, (-1, 2)) for maps in (signal, codes))
        pairs = Pairs(signal_there, codes_there, points)
        seeds = data_samples['seeds']
        negatives = (self._legacy_negatives(seeds, signal[:, 0], codes[:, 0], points[:, 1]) if self.points.legacy
                     else self._negatives(seeds, pairs))
        losses = self._feature_losses(pairs, negatives)
        weight = decayed(self.depth.weight, self.depth.decay, self.depth.decay_interval, iteration)
        if weight:
            losses['loss_depth'] = weight * self._depth_loss(
                pairs, data_samples['disparity'], signal.shape[-2:], iteration)
        return losses

    def _hidden_codes(self, codes: Tensor, disparity: Tensor) -> Tensor:
        """Codes (B, 2, d, h, w), those of the first images mixed from neighbours in space, all projected."""
        assert self.projection is not None
        height, width = codes.shape[-2:]
        depth = cell_depth(disparity[:, 0], (height, width), self.points.max_depth)
        weights = depth_neighbours(cell_points(depth, self.points.field_of_view, self.points.legacy),
                                   self.hidden_positives.share)
        mixed = propagate(codes[:, 0].flatten(2).mT, weights, self.hidden_positives.legacy).mT
        both = torch.stack([mixed.unflatten(2, (height, width)), codes[:, 1]], 1)
        return self.projection(both.flatten(0, 1)).unflatten(0, (-1, 2))

    def _feature_losses(self, pairs: Pairs, negatives: Iterable[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
        """The terms that follow features; ``negatives`` are features and codes (B, P, ...) of other images."""
        signal, codes = pairs.signal[:, 0], pairs.codes[:, 0]
        others = dict(self=[(signal, codes)], neighbour=[(pairs.signal[:, 1], pairs.codes[:, 1])], negative=negatives)
        results = {}
        for (name, term), shift in zip(self.terms.items(), self.shifts, strict=True):
            targets = [(correlation(signal, features), correlation(codes, other)) for features, other in others[name]]
            loss = torch.stack([correlation_loss(centre(target) if self.centre else target, similarity, shift)
                                for target, similarity in targets]).mean()
            results[f'loss_{name}'] = term.weight * loss
            results[f'{name}_correlation'] = torch.stack([target.mean() for target, _ in targets]).mean()
        return results

    def _depth_loss(self, pairs: Pairs, disparity: Tensor, size: Sequence[int], iteration: int) -> Tensor:
        settings, disparity = self.depth, disparity[:, 0]
        if settings.mode == 'legacy':
            side = round(pairs.points.shape[2] ** 0.5)
            target = legacy_depth_correlation(disparity[:, None], side)
        else:
            target = depth_correlation(self._depth_at(pairs.points[:, 0], disparity, size), settings.mode,
                                       settings.sigma)
        if settings.centre:
            target = centre(target)
        shift = mean_over_ranks(target) if settings.shift == 'mean' else decayed(
            float(settings.shift), settings.decay if settings.shift_decays else 1., settings.decay_interval, iteration)
        return correlation_loss(target, correlation(pairs.codes[:, 0], pairs.codes[:, 0]), shift)

    def _depth_at(self, points: Tensor, disparity: Tensor, size: Sequence[int]) -> Tensor:
        """What :func:`depth_correlation` takes, at points (B, P, 2) of disparity maps (B, H, W)."""
        depth = cell_depth(disparity, (size[0], size[1]), self.points.max_depth)
        if self.depth.mode == 'euclid3d':
            cells = cell_points(depth, self.points.field_of_view).mT.unflatten(2, tuple(size))
            return read_points(cells, points)
        log = -depth.log()
        least, most = log.amin((1, 2), keepdim=True), log.amax((1, 2), keepdim=True)
        scaled = (log - least) / (most - least).clamp_min(torch.finfo(log.dtype).eps)
        return read_points(scaled[:, None], points)[..., 0]

    def _drawn(self, seeds: Tensor, maps: Tensor, disparity: Tensor | None,
               iteration: int) -> tuple[Tensor, Tensor]:
        """Points (B, 2, P, 2), and factors (B, 2, 3, C) that drop channels, 0 or 1 / (1 − dropout)."""
        settings, channels = self.points, maps.shape[2]
        side = shrunk(settings.side, settings.decay, settings.decay_interval, iteration, settings.decay_at_start)
        anywhere, kept = [], []
        for seed in seeds.tolist():
            generator = torch.Generator().manual_seed(seed)
            anywhere.append(2 * torch.rand(2, settings.side ** 2, 2, generator=generator) - 1)
            kept.append(torch.rand(2, 3, channels, generator=generator) >= self.dropout)
        factors = torch.stack(kept).to(maps) / (1 - self.dropout)
        if disparity is None and (settings.kind == 'farthest' or self.depth.weight or self.projection is not None):
            raise InputError('DepthG: the items have no disparity, which depth.weight, farthest points and hidden '
                             'positives need; load it with LoadDisparity (data_prefix.disparity_path)')
        if settings.kind == 'random':
            return torch.stack(anywhere)[:, :, :side ** 2].to(maps), factors
        assert disparity is not None
        size = (maps.shape[-2], maps.shape[-1])
        depth = cell_depth(disparity.flatten(0, 1), size, settings.max_depth)
        chosen = farthest_points(cell_points(depth, settings.field_of_view, settings.legacy), side ** 2)
        return to_grid(chosen, *size, settings.legacy).unflatten(0, (-1, 2)).to(maps), factors

    def _others(self, seeds: Tensor) -> list[Tensor]:
        """For each draw, which image of those of all ranks (B,) each image of this rank is compared with.

        Drawn over the images in the order of their seeds, so that it does not depend on which rank has which.
        """
        everyone = torch.cat(all_gather(seeds))
        if len(everyone) < 2:
            raise InputError('DepthG: a batch of one image has no other image to compare with; raise batch_size')
        order = everyone.argsort()
        generator = torch.Generator().manual_seed(int(everyone[order[0]]))
        own = slice(get_rank() * len(seeds), (get_rank() + 1) * len(seeds))
        draws = []
        for _ in range(self.terms['negative'].draws):
            partner = torch.randperm(len(order), generator=generator)
            itself = partner == torch.arange(len(order))
            partner[itself] = (partner[itself] + 1) % len(order)
            other = torch.empty_like(order)
            other[order] = order[partner]
            draws.append(other[own])
        return draws

    def _negatives(self, seeds: Tensor, pairs: Pairs) -> list[tuple[Tensor, Tensor]]:
        signal, codes = (gathered(values[:, 0].contiguous()) for values in (pairs.signal, pairs.codes))
        return [(signal[others], codes[others]) for others in self._others(seeds)]

    def _legacy_negatives(self, seeds: Tensor, signal: Tensor, codes: Tensor,
                          points: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Other images' maps (B, ·, h, w), read where the neighbours of an image are read."""
        maps = gathered(signal.contiguous()), gathered(codes.contiguous())
        return [(read_points(maps[0][others], points), read_points(maps[1][others], points))
                for others in self._others(seeds)]

    @torch.no_grad()
    def calibrate(self, batches: Iterable[tuple[Tensor, Mapping[str, Any]]]) -> None:
        """Find the mean and deviation of the features, and shifts that are 'auto' as quantiles of their correlations.

        Args:
            batches: inputs and data samples as :meth:`loss` takes them, the same on all ranks.
        """
        collected = [(self.features(inputs.flatten(0, 1)).cpu(), samples) for inputs, samples in batches]
        maps = torch.cat([features for features, _ in collected])
        if self.standardise:
            pixels = maps.transpose(0, 1).flatten(1).double()
            mean, deviation = pixels.mean(1), pixels.std(1).clamp_min(torch.finfo(torch.float32).eps)
            self.feature_mean.copy_(mean)
            self.feature_deviation.copy_(deviation)
            maps = ((maps - mean[:, None, None]) / deviation[:, None, None]).float()
        pairs = maps.unflatten(0, (-1, 2))
        seeds = torch.cat([samples['seeds'] for _, samples in collected])
        disparity = None if collected[0][1]['disparity'] is None else torch.cat(
            [samples['disparity'].cpu() for _, samples in collected])
        points, _ = self._drawn(seeds, pairs, disparity, 0)
        signal = read_points(maps, points.flatten(0, 1)).unflatten(0, (-1, 2))
        anchors = signal[:, 0]
        for place, (name, others) in enumerate(zip(TERMS, (anchors, signal[:, 1], anchors.roll(1, 0)), strict=True)):
            if self.terms[name].shift == 'auto':
                target = correlation(anchors, others)
                self.shifts[place] = torch.quantile(
                    (centre(target) if self.centre else target).flatten(), self.terms[name].quantile)
        self.calibrated.fill_(True)
