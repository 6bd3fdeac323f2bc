"""Images and labels on their way into a segmentor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mmengine.structures import BaseDataElement
from mmseg.models import SegDataPreProcessor as MMSegDataPreProcessor

from mmdepthcp.registry import MODELS


@MODELS.register_module()
class SegDataPreProcessor(MMSegDataPreProcessor):
    """mmseg's ``SegDataPreProcessor``, with depth 0, which stands for unknown, where images are padded.

    mmseg's pads ``gt_depth_map`` with the value for labels, 255: depth that nobody measured.
    """

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        """See mmseg's."""
        batch = super().forward(data, training)
        depth_unknown_where_padded(batch.get('data_samples') or ())
        return batch


def depth_unknown_where_padded(data_samples: Iterable[BaseDataElement]) -> None:
    """Set ``gt_depth_map`` of samples to 0 in place, where their images are padded."""
    for sample in data_samples:
        if 'gt_depth_map' in sample and 'padding_size' in sample.metainfo:
            _, right, _, bottom = sample.padding_size
            depth = sample.gt_depth_map.data
            depth[..., depth.shape[-2] - bottom:, :] = 0
            depth[..., depth.shape[-1] - right:] = 0
