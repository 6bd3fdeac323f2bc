"""Other colours of images that stay where they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mmcv.transforms import BaseTransform

from mmdepthcp.datasets.seeded import require_rng
from mmdepthcp.registry import TRANSFORMS
from mmdepthcp.views.colour import recolour, sample_colours
from mmdepthcp.views.tensor_colour import STRONG


@TRANSFORMS.register_module()
class StrongColours(BaseTransform):
    """Recolour and blur ``img``, (H, W, 3) uint8 BGR, at random, as :func:`mmdepthcp.views.strong_colours` does a
    batch, but with all drawn for the image.

    Required keys: ``img``, ``rng``.

    Args:
        settings: of :class:`mmdepthcp.views.ColourSettings`, where they differ from :data:`mmdepthcp.views.STRONG`.
    """

    def __init__(self, **settings: Any) -> None:
        self.settings = replace(STRONG, **settings)

    def transform(self, results: dict) -> dict:
        results['img'] = recolour(results['img'], sample_colours(require_rng(results), 1, self.settings))
        return results
