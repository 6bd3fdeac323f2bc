"""Clips with labels and without on their way into a model that learns depth and segmentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmdepthcp.models.data_preprocessors.mono_depth import (
    MEAN,
    STD,
    MonoDepthDataPreprocessor,
    check_cameras,
    prepare_frames,
)
from mmdepthcp.models.data_preprocessors.segmentation import SegDataPreProcessor
from mmdepthcp.registry import MODELS

BRANCHES = ('labelled', 'unlabelled')


@MODELS.register_module()
class MultiTaskDataPreprocessor(SegDataPreProcessor):
    """Training: prepare clips as :class:`MonoDepthDataPreprocessor` does. Testing: :class:`SegDataPreProcessor` of
    images, normalised alike.

    In training it takes a batch of clips, or one of each kind as ``labelled`` and ``unlabelled``; of these ``inputs``
    and ``data_samples`` become dicts by the kind.

    Args:
        mean: subtracted from images in 0..1, the same for all channels.
        std: divides them then.
        kwargs: further arguments of ``SegDataPreProcessor``, such as ``test_cfg=dict(size_divisor=32)``.
    """

    def __init__(self, mean: float = MEAN, std: float = STD, **kwargs: Any) -> None:
        super().__init__(mean=[255 * mean] * 3, std=[255 * std] * 3, bgr_to_rgb=True, **kwargs)
        self.of_clips = mean, std

    @classmethod
    def normalisation(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """See :meth:`MonoDepthDataPreprocessor.normalisation`."""
        return MonoDepthDataPreprocessor.normalisation(settings)

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        """See the class."""
        if not training:
            return super().forward(data, training)
        if BRANCHES[0] in data:
            batches = {kind: self(data[kind], training) for kind in BRANCHES if kind in data}
            return {key: {kind: batch[key] for kind, batch in batches.items()} for key in ('inputs', 'data_samples')}
        check_cameras(data['data_samples'])
        data = self.cast_data(data)
        return dict(inputs=prepare_frames(data['inputs'], *self.of_clips, training), data_samples=data['data_samples'])
