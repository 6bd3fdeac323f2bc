"""Semantic segmentation near the borders of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmseg.evaluation import IoUMetric

from mmdepthcp.evaluation.functional.borders import near_borders
from mmdepthcp.registry import METRICS
from mmdepthcp.utils.errors import InputError


@METRICS.register_module()
class BorderIoUMetric(IoUMetric):
    """MMSegmentation's IoUMetric over the pixels near borders of classes: how well shapes are followed. Its scores are
    called ``border_mIoU``, ``border_aAcc``, ...

    Args:
        distance: how near, in pixels of the labels, see
            :func:`~mmdepthcp.evaluation.functional.borders.near_borders`.
        **kwargs: of IoUMetric.

    Raises:
        InputError: distance is not above 0.
    """

    def __init__(self, distance: float = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not distance > 0:
            raise InputError(f'BorderIoUMetric: distance {distance} must be above 0 pixels')
        self.distance = distance

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count the pixels near borders of each sample."""
        super().process(data_batch, [self._near_borders(sample) for sample in data_samples])

    def _near_borders(self, sample: dict) -> dict:
        labels = sample['gt_sem_seg']['data']
        near = near_borders(labels.squeeze(0).cpu().numpy(), self.distance, self.ignore_index)
        kept = torch.from_numpy(near).to(labels.device).unsqueeze(0)
        return {**sample, 'gt_sem_seg': {'data': labels.masked_fill(~kept, self.ignore_index)}}

    def compute_metrics(self, results: list) -> dict[str, float]:
        """See IoUMetric."""
        return {f'border_{name}': value for name, value in super().compute_metrics(results).items()}
