"""Batches on their way into a model."""

from __future__ import annotations

from typing import Any

import torch
from mmseg.models import SegDataPreProcessor as MMSegDataPreProcessor

from mmdepthcp.models.selfsup.matches import join_matches
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError


@MODELS.register_module()
class SegDataPreProcessor(MMSegDataPreProcessor):
    """mmseg's ``SegDataPreProcessor``, with depth 0, which stands for unknown, where images are padded.

    mmseg's pads ``gt_depth_map`` with the value for labels, 255: depth that nobody measured.
    """

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        """See mmseg's."""
        batch = super().forward(data, training)
        for sample in batch.get('data_samples') or ():
            if 'gt_depth_map' in sample and 'padding_size' in sample.metainfo:
                _, right, _, bottom = sample.padding_size
                depth = sample.gt_depth_map.data
                depth[..., depth.shape[-2] - bottom:, :] = 0
                depth[..., depth.shape[-1] - right:] = 0
        return batch


@MODELS.register_module()
class DepthCPDataPreprocessor(SegDataPreProcessor):
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

    def __init__(self, bgr_to_rgb: bool = False, rgb_to_bgr: bool = False, **kwargs: Any) -> None:
        super().__init__(bgr_to_rgb=bgr_to_rgb, rgb_to_bgr=rgb_to_bgr, **kwargs)
        self.swaps_channels = bgr_to_rgb or rgb_to_bgr

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        """See the class."""
        if not training:
            return super().forward(data, training)
        views, samples = data['inputs'], data['data_samples']
        sizes = sorted({tuple(item.shape[-2:]) for item in views})
        if len(sizes) > 1:
            raise InputError(f'the views of a batch differ in size (height, width): {sizes}; give all one')
        counts = [len(item) for item in views]
        joined = self.cast_data(dict(
            inputs=torch.cat(list(views)),
            pixel=join_matches([sample.pixel_matches for sample in samples], counts),
            region=join_matches([sample.region_matches for sample in samples], counts)))
        inputs = joined['inputs']
        if self.swaps_channels:
            inputs = inputs.flip(1)
        inputs = inputs.to(torch.float32, memory_format=torch.channels_last)
        if self._enable_normalize:
            inputs = (inputs - self.mean) / self.std
        return dict(
            inputs=inputs,
            data_samples=dict(pixel=joined['pixel'], region=joined['region'], num_items=len(samples)))
