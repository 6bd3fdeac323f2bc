"""Two views of an image that remember where they were taken, for losses of matching places."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmdepthcp.datasets.seeded import require_rng
from mmdepthcp.datasets.transforms.loading import resize_image
from mmdepthcp.registry import TRANSFORMS
from mmdepthcp.structures import TwoViewsSample
from mmdepthcp.utils.errors import InputError
from mmdepthcp.views.boxes import POOLINGS, oriented_box, pool_cells, sample_box
from mmdepthcp.views.colour import NO_COLOUR_CHANGE, ColourSettings, recolour, sample_colours

STRETCH = (2, 98)
"""Percentiles that become 0 and 1."""
SOLARISE_FROM = 128


@TRANSFORMS.register_module()
class TwoViews(BaseTransform):
    """Two random resized crops of an image, mirrored and recoloured at random, and the disparity of their cells.

    Required keys: ``img``, ``rng``; ``disparity`` and ``disparity_valid`` where ``grids`` are given. Added keys:
    ``views`` (2, H, W, 3) uint8, ``boxes`` (2, 4) float32 (:func:`mmdepthcp.views.boxes.oriented_box`),
    ``cell_disparity``, for each grid (2, h, w) float32, NaN where unknown. What is drawn does not depend on the
    disparity.

    Args:
        size: (H, W) of the views.
        grids: (h, w) cells of each map of features that depth is compared on; none: no disparity is needed.
        area_range: share of the image's area, see :func:`mmdepthcp.views.boxes.sample_box`.
        aspect_range: width / height of the part of the image that a view shows.
        flip_prob: probability of a mirrored view.
        colours: arguments of :class:`mmdepthcp.views.ColourSettings` for the two views, None: colours stay.
        solarise_probs: probability for each view that what is brighter than 128 is inverted.
        coord_mode: 'pixel', distances in the image as it is; 'normalized', as the published code of PixPro, see
            :func:`mmdepthcp.views.boxes.oriented_box`.
        pooling, min_valid: of disparity in a cell, see :func:`mmdepthcp.views.boxes.pool_cells`.
        smallest: what disparity is lifted to that is smaller or has no value: sky, which is beyond all, for a
            disparity whose holes are sky. None: where there is no value, it is unknown.
        stretch: bring the disparity of every image to 0..1, for disparity without a common scale.

    Raises:
        InputError: a setting is unknown; the image has no disparity.
    """

    def __init__(self, size: tuple[int, int], grids: Sequence[tuple[int, int]] = (),
                 area_range: tuple[float, float] = (0.2, 1.0), aspect_range: tuple[float, float] = (3 / 4, 4 / 3),
                 flip_prob: float = 0.5, colours: Sequence[dict | None] = (None, None),
                 solarise_probs: Sequence[float] = (0., 0.), coord_mode: str = 'pixel', pooling: str = 'median',
                 min_valid: float = 0.5, smallest: float | None = None, stretch: bool = False) -> None:
        if coord_mode not in ('pixel', 'normalized'):
            raise InputError(f"TwoViews: coord_mode {coord_mode!r} must be 'pixel' or 'normalized'")
        if pooling not in POOLINGS:
            raise InputError(f'TwoViews: pooling {pooling!r} must be one of {POOLINGS}')
        if not len(colours) == len(solarise_probs) == 2:
            raise InputError('TwoViews: colours and solarise_probs must have one value for each of the two views')
        self.size, self.grids = size, grids
        self.area_range, self.aspect_range, self.flip_prob = area_range, aspect_range, flip_prob
        self.colours = [NO_COLOUR_CHANGE if each is None else ColourSettings(**each) for each in colours]
        self.solarise_probs = solarise_probs
        self.normalised = coord_mode == 'normalized'
        self.pooling, self.min_valid, self.smallest, self.stretch = pooling, min_valid, smallest, stretch

    def transform(self, results: dict) -> dict:
        rng, image = require_rng(results), results['img']
        height, width = image.shape[:2]
        disparity = self._disparity(results) if self.grids else None
        views, boxes, cells = [], [], []
        for colours, solarise_prob in zip(self.colours, self.solarise_probs, strict=True):
            box = sample_box(rng, (height, width), self.area_range, self.aspect_range)
            flipped = bool(rng.random() < self.flip_prob)
            drawn = sample_colours(rng, 1, colours)
            solarised = rng.random() < solarise_prob
            left, top, wide, high = box
            view = resize_image(image[top:top + high, left:left + wide], (self.size[1], self.size[0]))
            view = recolour(cv2.flip(view, 1) if flipped else view, drawn)
            views.append(np.where(view < SOLARISE_FROM, view, 255 - view) if solarised else view)
            boxes.append(oriented_box(box, (height, width), flipped, self.normalised))
            share = left / width, top / height, wide / width, high / height
            cells.append([] if disparity is None else [
                pool_cells(disparity, share, flipped, grid, self.pooling, self.min_valid) for grid in self.grids])
        results.update(views=np.stack(views), boxes=np.stack(boxes),
                       cell_disparity=[np.stack(pair) for pair in zip(*cells, strict=True)])
        return results

    def _disparity(self, results: dict) -> np.ndarray:
        if 'disparity' not in results:
            raise InputError(f'{results.get("img_path")}: TwoViews needs disparity for its grids; add LoadDisparity to '
                             'the pipeline')
        disparity, valid = results['disparity'], results['disparity_valid']
        if self.stretch:
            low, high = np.percentile(disparity[valid], STRETCH) if valid.any() else (0, 0)
            if not high > low:
                raise InputError(f'{results.get("disparity_path")}: disparity is the same everywhere, so it cannot be '
                                 'stretched; make the file again, or leave the image out')
            disparity = np.clip((disparity - low) / (high - low), np.finfo(np.float32).tiny, 1).astype(np.float32)
        if self.smallest is not None:
            return np.maximum(np.where(valid, disparity, 0), np.float32(self.smallest))
        return np.where(valid, disparity, np.float32(np.nan))


@TRANSFORMS.register_module()
class EquivariantViews(BaseTransform):
    """Two views of an image for PiCIE (Cho et al., CVPR 2021): the first one recoloured, cropped and mirrored, the
    second one recoloured only; boxes in shares of the image.

    Required keys: ``img``, ``rng``. Added keys: ``views`` (2, H, W, 3) uint8; ``boxes`` (2, 4) float32
    (:mod:`mmdepthcp.geometry.boxes`); ``cell_disparity``, an empty list.

    Args:
        size: (H, W) of the views.
        side_range: of a crop's sides, in shares of the image's, both the same.
        flip_prob: probability that the first view is mirrored.
        colour: arguments of :class:`mmdepthcp.views.ColourSettings`; None: colours stay.
    """

    def __init__(self, size: tuple[int, int], side_range: tuple[float, float] = (0.5, 1.0), flip_prob: float = 0.5,
                 colour: dict | None = None) -> None:
        self.size, self.side_range, self.flip_prob = size, side_range, flip_prob
        self.colour = NO_COLOUR_CHANGE if colour is None else ColourSettings(**colour)

    def transform(self, results: dict) -> dict:
        rng, image = require_rng(results), results['img']
        height, width = image.shape[:2]
        share = rng.uniform(*self.side_range)
        high, wide = round(share * height), round(share * width)
        top, left = (int(rng.integers(0, room, endpoint=True)) for room in (height - high, width - wide))
        flipped = bool(rng.random() < self.flip_prob)
        crop = image[top:top + high, left:left + wide]
        views = [recolour(resize_image(view, (self.size[1], self.size[0])), sample_colours(rng, 1, self.colour))
                 for view in (cv2.flip(crop, 1) if flipped else crop, image)]
        size = np.array([width, height] * 2, np.float32)
        boxes = np.stack([oriented_box((left, top, wide, high), (height, width), flipped) / size,
                          np.array([0, 0, 1, 1], np.float32)])
        results.update(views=np.stack(views), boxes=boxes, cell_disparity=[])
        return results


@TRANSFORMS.register_module()
class PackTwoViews(BaseTransform):
    """Pack two views as ``inputs``, a (2, 3, H, W) uint8 tensor (BGR), and ``data_samples``, a
    :class:`mmdepthcp.structures.TwoViewsSample`.

    Required keys: ``views``, ``boxes``, ``cell_disparity``.
    """

    def transform(self, results: dict) -> dict:
        sample = TwoViewsSample(metainfo={'img_path': results.get('img_path')})
        sample.boxes = torch.from_numpy(results['boxes'])
        sample.cell_disparity = [torch.from_numpy(cells) for cells in results['cell_disparity']]
        inputs = np.ascontiguousarray(results['views'].transpose(0, 3, 1, 2))
        return {'inputs': torch.from_numpy(inputs), 'data_samples': sample}
