"""Data samples of this package."""

from __future__ import annotations

from mmengine.structures import BaseDataElement, InstanceData, PixelData
from torch import Tensor


class MixedViewsSample(BaseDataElement):
    """What is known of the V mixed views of one item.

    Attributes:
        region_matches: positions grouped by the region shown.
        pixel_matches: positions grouped by the source point shown.

    Both hold the tensors ``points`` (N, 2) float32, (x, y) in pixels of the view, centres at +0.5; ``views`` (N,) int64
    in 0..V−1; ``groups`` (N,) int64 in 0..G−1, each used.
    """

    region_matches: InstanceData
    pixel_matches: InstanceData


class FeaturePairSample(BaseDataElement):
    """What is known of an image and of one that is like it.

    Attributes:
        seed: int64, of all that a model draws for the pair.
        disparity: (2, h, w) float32 in 0..1, larger is closer; optional.
        depth_range: (2, 2) float32, least and largest depth of the photographs that the two were cut from, see
            :class:`mmdepthcp.datasets.transforms.NoteDepthRange`; optional.
        gt_sem_seg: labels (1, H, W) of the first image at the size of the network's input; optional.
    """

    seed: Tensor
    disparity: PixelData
    depth_range: Tensor
    gt_sem_seg: PixelData


class TwoViewsSample(BaseDataElement):
    """What is known of two views of an image.

    Attributes:
        boxes: (2, 4) float32, where they were taken, see :mod:`mmdepthcp.geometry.boxes`.
        cell_disparity: for each level of features (2, h, w) float32, larger is closer, NaN where unknown; perhaps none.
    """

    boxes: Tensor
    cell_disparity: list[Tensor]
