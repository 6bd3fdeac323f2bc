"""Views and pairs of images on their way into a pretraining."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmdepthcp.models.data_preprocessors.segmentation import SegDataPreProcessor
from mmdepthcp.models.selfsup.matches import join_matches
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError


class _ViewsPreProcessor(SegDataPreProcessor):
    """What joins the images of several items in training."""

    def __init__(self, bgr_to_rgb: bool = False, rgb_to_bgr: bool = False, **kwargs: Any) -> None:
        super().__init__(bgr_to_rgb=bgr_to_rgb, rgb_to_bgr=rgb_to_bgr, **kwargs)
        self.swaps_channels = bgr_to_rgb or rgb_to_bgr

    def normalised(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) uint8 as float32, in channels-last memory format."""
        if self.swaps_channels:
            images = images.flip(1)
        images = images.to(torch.float32, memory_format=torch.channels_last)
        return (images - self.mean) / self.std if self._enable_normalize else images

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        """See the class."""
        if not training:
            return super().forward(data, training)
        self.check_sizes(data['inputs'])
        return self.join(data['inputs'], data['data_samples'])

    def join(self, views: Sequence[Tensor], samples: Sequence[Any]) -> dict[str, Any]:
        """A batch for training.

        Args:
            views: of each item.
            samples: of each item.
        """
        raise NotImplementedError

    @staticmethod
    def check_sizes(items: Sequence[Tensor]) -> None:
        """Raise an InputError where the images of a batch (N, 3, H, W) differ in size."""
        sizes = sorted({tuple(item.shape[-2:]) for item in items})
        if len(sizes) > 1:
            raise InputError(f'the views of a batch differ in size (height, width): {sizes}; give all one')


@MODELS.register_module()
class DepthCPDataPreprocessor(_ViewsPreProcessor):
    """Training: join items of mixed views and their matches. Testing: :class:`SegDataPreProcessor`.

    In training it takes ``inputs``, per item a (V, 3, H, W) uint8 tensor, and ``data_samples``, per item a
    :class:`mmdepthcp.structures.MixedViewsSample`; it gives ``inputs``, the normalised (B·V, 3, H, W)
    float32 views in channels-last memory format, and ``data_samples``, a dict of ``pixel`` and ``region``
    (:class:`mmdepthcp.models.selfsup.BatchMatches` of the batch) and ``num_items`` (B).

    Args:
        kwargs: arguments of ``SegDataPreProcessor`` (``mean``, ``std``, ``bgr_to_rgb``, ``test_cfg``, ...).

    Raises:
        InputError: the views of the batch differ in size.
    """

    def join(self, views: Sequence[Tensor], samples: Sequence[Any]) -> dict[str, Any]:
        """See the class."""
        counts = [len(item) for item in views]
        joined = self.cast_data(dict(
            inputs=torch.cat(list(views)),
            pixel=join_matches([sample.pixel_matches for sample in samples], counts),
            region=join_matches([sample.region_matches for sample in samples], counts)))
        return dict(
            inputs=self.normalised(joined['inputs']),
            data_samples=dict(pixel=joined['pixel'], region=joined['region'], num_items=len(samples)))


@MODELS.register_module()
class DepthGDataPreprocessor(_ViewsPreProcessor):
    """Training: stack pairs of images and what is known of them. Testing: :class:`SegDataPreProcessor`.

    In training it takes ``inputs``, per item a (2, 3, H, W) uint8 tensor, or features (2, C, h, w) float16 in place of
    images, and ``data_samples``, per item a :class:`mmdepthcp.structures.FeaturePairSample`; it gives ``inputs``,
    (B, 2, 3, H, W) float32, normalised, or features as they are, and ``data_samples``, a dict of ``seeds`` (B,) int64
    on the CPU, ``disparity`` (B, 2, h, w), ``depth_range`` (B, 2, 2) and ``labels`` (B, H, W) int64, each None where
    the items have none, and ``are_features``.

    Args:
        kwargs: arguments of ``SegDataPreProcessor`` (``mean``, ``std``, ``bgr_to_rgb``, ``test_cfg``, ...).

    Raises:
        InputError: the images of the batch differ in size.
    """

    def join(self, views: Sequence[Tensor], samples: Sequence[Any]) -> dict[str, Any]:
        """See the class."""
        joined = self.cast_data(dict(
            inputs=torch.cat(list(views)),
            disparity=_stacked(samples, 'disparity'),
            depth_range=_stacked(samples, 'depth_range'),
            labels=_stacked(samples, 'gt_sem_seg')))
        labels, inputs = joined['labels'], joined['inputs']
        are_features = inputs.is_floating_point()
        return dict(
            inputs=(inputs.float() if are_features else self.normalised(inputs)).unflatten(0, (-1, 2)),
            data_samples=dict(
                are_features=are_features,
                seeds=torch.stack([sample.seed for sample in samples]),
                disparity=joined['disparity'],
                depth_range=joined['depth_range'],
                labels=None if labels is None else labels[:, 0].long()))


@MODELS.register_module()
class TwoViewsDataPreprocessor(_ViewsPreProcessor):
    """Training: join two views of images and what is known of them. Testing: :class:`SegDataPreProcessor`.

    In training it takes ``inputs``, per item a (2, 3, H, W) uint8 tensor, and ``data_samples``, per item a
    :class:`mmdepthcp.structures.TwoViewsSample`; it gives ``inputs``, (B, 2, 3, H, W) float32, normalised, and
    ``data_samples``, a dict of ``boxes`` (B, 2, 4) and ``disparity``, for each level (B, 2, h, w), or None.

    Args:
        kwargs: arguments of ``SegDataPreProcessor`` (``mean``, ``std``, ``bgr_to_rgb``, ...).

    Raises:
        InputError: the views of the batch differ in size.
    """

    def join(self, views: Sequence[Tensor], samples: Sequence[Any]) -> dict[str, Any]:
        """See the class."""
        levels = zip(*(sample.cell_disparity for sample in samples), strict=True)
        joined = self.cast_data(dict(
            inputs=torch.cat(list(views)),
            boxes=torch.stack([sample.boxes for sample in samples]),
            disparity=[torch.stack(level) for level in levels]))
        return dict(
            inputs=self.normalised(joined['inputs']).unflatten(0, (-1, 2)),
            data_samples=dict(boxes=joined['boxes'], disparity=joined['disparity'] or None))


def _stacked(samples: Sequence[BaseDataElement], key: str) -> Tensor | None:
    return torch.stack([sample.get(key).data for sample in samples]) if key in samples[0] else None
