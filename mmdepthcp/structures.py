"""Data samples of this package."""

from __future__ import annotations

from mmengine.structures import BaseDataElement, InstanceData


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
