"""Pretraining by consistency of pixels of two views (PixPro), chosen with depth (depth-aware PixPro)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.logging import print_log
from mmpretrain.models.selfsup import BaseSelfSupervisor
from mmpretrain.models.utils import CosineEMA
from torch import Tensor, nn

from mmdepthcp.models.losses.pixpro import pair_targets, pixcontrast_loss, pixpro_loss
from mmdepthcp.models.necks import PixelProjector, PixelPropagation
from mmdepthcp.models.segmentors.unsupervised import IMAGENET
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError
from mmdepthcp.views.pairs import CellPairs, DepthFilter, PairCounts, RandomFilter

FEWEST_REMOVED, MOST_REMOVED = 0.01, 0.9
"""Shares of pairs that depth removes; what is beyond is told."""


@MODELS.register_module()
class PixPro(BaseSelfSupervisor):
    """PixPro (Xie et al., CVPR 2021) and, with ``depth_filter`` and several ``distance_thrs`` or ``in_indices``,
    depth-aware PixPro (Ben Saad et al., WACV 2023; what is not public of it, we have chosen).

    backbone (→ neck → decoder) → a projector → pixel propagation, for two views of every image; the cells are to be
    like those that a slowly moving copy of backbone and projector makes of the other view, where both show one place.

    Modes of ``forward``:

    - ``loss``: two views of images (B, 2, 3, H, W) and what :class:`mmdepthcp.models.TwoViewsDataPreprocessor` gives
      beside them → dict of losses and of figures to watch.
    - ``tensor``: what the backbone returns.

    Args:
        backbone: any that mmpretrain builds.
        in_channels: channels of each map that is used, as many as ``in_indices``.
        in_indices: which maps of the last part are used, each with a projector of its own: levels.
        neck: a feature pyramid on the backbone; its levels are used.
        decode_head: :class:`SemanticFPNFeatures` on the neck; its one map is used.
        hidden_channels, channels: of the projectors, see :class:`PixelProjector`.
        norm_cfg: normalisation in the projectors.
        propagation: arguments of :class:`PixelPropagation`.
        distance_thrs: see :class:`CellPairs`; the loss is the mean over them.
        level_weights: of the levels; default: alike, of sum 1.
        depth_filter: arguments of :class:`DepthFilter`; None: distance alone decides. With ``removed`` those of the
            control :class:`RandomFilter`.
        empty: see :func:`mmdepthcp.models.losses.pixpro.image_weights`.
        contrast: arguments of :func:`mmdepthcp.models.losses.pixcontrast_loss` (``temperature``, ``ignore_near``), to
            learn by it, without propagation; None: :func:`pixpro_loss`.
        instance_weight: of BYOL's loss on the means of the last level's maps, in addition; 0: none.
        base_momentum: share of the online network that enters the copy in the first iteration, 1 − m; it falls to 0 in
            a half cosine.
        pretrained: checkpoint to start from.
        data_preprocessor: defaults to :class:`TwoViewsDataPreprocessor` with ImageNet's mean and deviation.
        init_cfg: initialisation.

    Raises:
        InputError: settings do not fit each other; in training, the items have no disparity, or that of another grid of
            cells.
    """

    def __init__(
        self,
        backbone: dict,
        in_channels: Sequence[int] = (2048,),
        in_indices: Sequence[int] = (-1,),
        neck: dict | None = None,
        decode_head: dict | None = None,
        hidden_channels: int = 4096,
        channels: int = 256,
        norm_cfg: dict | None = None,
        propagation: dict | None = None,
        distance_thrs: Sequence[float] = (0.7,),
        level_weights: Sequence[float] | None = None,
        depth_filter: dict | None = None,
        empty: str = 'zero',
        contrast: dict | None = None,
        instance_weight: float = 0.,
        base_momentum: float = 0.01,
        pretrained: str | None = None,
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        if not len(in_channels) == len(in_indices) == len(level_weights or in_indices) > 0:
            raise InputError(f'PixPro: in_channels {tuple(in_channels)}, in_indices {tuple(in_indices)}'
                             f'{f" and level_weights {tuple(level_weights)}" if level_weights else ""} must have one '
                             'value for each level')
        if empty not in ('zero', 'skip'):
            raise InputError(f"PixPro: empty {empty!r} must be 'zero' or 'skip'")
        if not isinstance(data_preprocessor, nn.Module):
            data_preprocessor = MODELS.build(
                data_preprocessor or dict(type='mmdepthcp.TwoViewsDataPreprocessor', **IMAGENET))
        super().__init__(
            backbone=MODELS.build(backbone), neck=None if neck is None else MODELS.build(neck), pretrained=pretrained,
            data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.decode_head = None if decode_head is None else MODELS.build(decode_head)

        def projector(size: int) -> PixelProjector:
            return PixelProjector(size, hidden_channels, channels, norm_cfg)

        self.projectors = nn.ModuleList(projector(size) for size in in_channels)
        self.propagations = nn.ModuleList(
            [] if contrast is not None else [PixelPropagation(channels, **(propagation or {})) for _ in in_channels])
        self.instance_projector = projector(in_channels[-1]) if instance_weight else None
        self.predictor = projector(channels) if instance_weight else None
        self.in_indices = tuple(in_indices)
        self.distance_thrs = tuple(distance_thrs)
        self.level_weights = tuple(level_weights or [1 / len(in_indices)] * len(in_indices))
        kind = RandomFilter if 'removed' in (depth_filter or {}) else DepthFilter
        self.depth_filter = None if depth_filter is None else kind(**depth_filter)
        self.empty, self.contrast, self.instance_weight = empty, contrast, instance_weight
        self.momentum_net = CosineEMA(self._online(), momentum=base_momentum)
        self._odd_batches = 0
        self.to(memory_format=torch.channels_last)

    def _online(self) -> nn.ModuleDict:
        """What the momentum network is a copy of."""
        names = ('backbone', 'neck', 'decode_head', 'projectors', 'instance_projector')
        return nn.ModuleDict({name: getattr(self, name) for name in names if getattr(self, name) is not None})

    def _project(self, parts: nn.ModuleDict, images: Tensor) -> tuple[list[Tensor], Tensor | None]:
        """Projections (B, D, h, w) of every level, and (B, D, h, w) for the instance loss."""
        maps = parts['backbone'](images)
        if 'neck' in parts:
            maps = parts['neck'](maps)
        if 'decode_head' in parts:
            maps = [parts['decode_head'](maps)]
        maps = maps if isinstance(maps, (tuple, list)) else [maps]
        chosen = [maps[index] for index in self.in_indices]
        return ([project(level) for project, level in zip(parts['projectors'], chosen, strict=True)],
                parts['instance_projector'](chosen[-1]) if 'instance_projector' in parts else None)

    def loss(self, inputs: Tensor, data_samples: dict[str, Any]) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            inputs: (B, 2, 3, H, W) normalised views.
            data_samples: ``boxes`` (B, 2, 4), ``disparity``, for each level (B, 2, h, w), or None.

        Returns:
            ``loss_pix``, in −4..0 for PixPro (it falls fast and may rise slowly afterwards); ``mean_cos``, −loss / 4,
            and ``cos_other_image``, the mean cosine of cells of different images, near it after a collapse;
            ``num_pos``, positive pairs of an image, and ``depth_removed``, the share of pairs that depth left out, for
            each distance. With ``instance_weight`` ``loss_instance``.
        """
        views = inputs.unbind(1)
        online, instances = zip(*(self._project(self._online(), view) for view in views), strict=True)
        with torch.no_grad():
            self.momentum_net.update_parameters(self._online())
            targets, instance_targets = zip(*(self._project(self.momentum_net.module, view) for view in views),
                                            strict=True)
        queries = [self._propagate(view) for view in online]
        with torch.autocast(inputs.device.type, enabled=False):
            results = self._pixel_losses(queries, targets, data_samples)
        if self.predictor is not None:
            predicted = [self.predictor(view) for view in instances]
            results['loss_instance'] = self.instance_weight * instance_loss(predicted, instance_targets)
        return results

    def _propagate(self, levels: list[Tensor]) -> list[Tensor]:
        if not self.propagations:
            return levels
        return [propagate(level) for propagate, level in zip(self.propagations, levels, strict=True)]

    def _pixel_losses(self, online: Sequence[list[Tensor]], targets: Sequence[list[Tensor]],
                      data_samples: dict[str, Any]) -> dict[str, Tensor]:
        total, counts, others = torch.zeros((), device=data_samples['boxes'].device), [], []
        for level, weight in enumerate(self.level_weights):
            queries = _unit_cells([view[level] for view in online])
            keys = _unit_cells([view[level] for view in targets])
            height, width = online[0][level].shape[-2:]
            pairs = self._pairs(data_samples, level, (height, width))
            if self.contrast is None:
                goals, counted = pair_targets(pairs, keys, self.empty)
                loss = pixpro_loss(queries, goals)
            else:
                loss, counted = pixcontrast_loss(pairs, queries, keys, empty=self.empty, **self.contrast)
            total = total + weight * loss
            counts.append(counted)
            others.append((queries.detach().mean(2) * keys.roll(1, 0).flip(1).mean(2)).sum(-1).mean())
        results = dict(loss_pix=total, cos_other_image=torch.stack(others).mean())
        if self.contrast is None:
            results['mean_cos'] = -total.detach() / 4
        return {**results, **self._watched(counts)}

    def _pairs(self, data_samples: dict[str, Any], level: int, size: tuple[int, int]) -> CellPairs:
        disparity = None
        if isinstance(self.depth_filter, DepthFilter):
            if data_samples['disparity'] is None:
                raise InputError('PixPro: depth_filter needs the disparity of cells; add LoadDisparity before TwoViews '
                                 'in the pipeline, and disparity_path to data_prefix')
            grids = [tuple(cells.shape[-2:]) for cells in data_samples['disparity']]
            if len(grids) <= level or grids[level] != size:
                raise InputError(f'PixPro: the map of in_indices {self.in_indices[level]} has {size} cells '
                                 f'(rows, columns), TwoViews gives disparity of {grids}; set its grids so, one for '
                                 'each level')
            disparity = data_samples['disparity'][level].flatten(2)
        return CellPairs(data_samples['boxes'], size, self.distance_thrs, disparity, self.depth_filter)

    def _watched(self, counts: Sequence[PairCounts]) -> dict[str, Tensor]:
        near, kept = (torch.stack([getattr(each, name) for each in counts]).mean(2).sum(0) for name in ('near', 'kept'))
        watched = dict(num_pos=kept.mean() / len(counts))
        if self.depth_filter is not None:
            removed = 1 - kept.sum() / near.sum().clamp(min=1e-6)
            watched['depth_removed'] = removed
            if len(self.distance_thrs) > 1:
                watched.update({f'depth_removed_{distance:g}': 1 - some / all_.clamp(min=1e-6)
                                for distance, some, all_ in zip(self.distance_thrs, kept, near, strict=True)})
            self._tell_what_depth_does(removed.item(), bool(near.sum() > 0))
        return watched

    def _tell_what_depth_does(self, removed: float, any_pairs: bool) -> None:
        if not any_pairs or FEWEST_REMOVED <= removed <= MOST_REMOVED:
            return
        self._odd_batches += 1
        if 10**(len(str(self._odd_batches)) - 1) == self._odd_batches:
            print_log(
                f'depth removes {removed:.1%} of the pairs of a batch ({self._odd_batches} such so far). Usual causes: '
                'disparity that is the same everywhere or of other images, a depth_filter.threshold that does not fit '
                'its metric; tools/browse_dataset.py shows the pairs', logger='current', level=logging.WARNING)


def instance_loss(predicted: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
    """BYOL's loss (Grill et al., NeurIPS 2020) of the means of two views' cells (B, D, h, w), in −4..4."""
    one, other = ([F.normalize(view.float().mean((2, 3)), dim=1) for view in views] for views in (predicted, targets))
    return -2 * (one[0] * other[1] + one[1] * other[0]).sum(1).mean()


def _unit_cells(views: Sequence[Tensor]) -> Tensor:
    """(B, 2, P, D) cells of length 1, of two views (B, D, h, w)."""
    return F.normalize(torch.stack(list(views), 1).float().flatten(3).mT, dim=3)
