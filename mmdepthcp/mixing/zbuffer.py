"""Rendering mixed views with a z-buffer.

Pasting regions in sequence, each where it is closer than what is there, shows at every pixel the candidate
with the largest disparity (Zeng et al., BMVC 2022), whatever the order. So a view is rendered once, at its
final raster:

1. For every paste, each row-wise run of source pixels becomes a rectangle of the view; there its disparity is
   compared with the largest so far. The work is that of the pixels pasted, not of boxes around them.
2. Every pixel fetches its colour once, from the layer (background or paste) that won.
3. Where the winner changes, colours are blended: soft edges.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mmdepthcp.geometry import affine
from mmdepthcp.mixing.layers import averaging_boxes, blur_samples, fixed_point
from mmdepthcp.mixing.pastes import Pastes, paste_maps
from mmdepthcp.mixing.rasteriser import TOTAL_WEIGHT, rasterise
from mmdepthcp.mixing.regions import RegionPool
from mmdepthcp.views.colour import Colours, chain_colour_matrices, colour_matrices

BLUR_SIZE = 5
EDGE_SIGMA = 1.0


@dataclass(frozen=True)
class Copies:
    """Where each copy of each region is. Copy c of region k has the label k·C + c, the index into these
    arrays.

    Attributes:
        per_region: C = number of rounds + sum of ``cp_times``.
        view: (K·C,) int32 view it lies in, −1 if it was not pasted.
        to_view: (K·C, 3, 3) map from its source image to that view.
        from_view: (K·C, 3, 3) inverse maps.
    """

    per_region: int
    view: np.ndarray
    to_view: np.ndarray
    from_view: np.ndarray


@dataclass(frozen=True)
class MixedViews:
    """V mixed views.

    Attributes:
        images: (V, H, W, 3) uint8, BGR (a transposed view of contiguous (V, 3, H, W) memory).
        labels: (V, H, W) int32, the copy that a pixel shows, ``NO_COPY`` for none.
        disparity: (V, H, W) float32, that of the pixel's copy times its closeness.
        copies: The table of copies.
    """

    images: np.ndarray
    labels: np.ndarray
    disparity: np.ndarray
    copies: Copies


def place_copies(pool: RegionPool, pastes: Pastes, crops: np.ndarray, copies_per_region: int) -> Copies:
    """Table of all copies: the regions' own places in every round, and the pastes.

    Args:
        pool: K regions of M images.
        pastes: P pastes.
        crops: (V, 3, 3) maps from mixed image to view, V = rounds·M.
        copies_per_region: C.
    """
    count = pool.num_regions * copies_per_region
    view = np.full(count, -1, np.int32)
    to_view = np.tile(np.eye(3), (count, 1, 1))
    for number in range(len(crops) // pool.num_images):
        own = np.arange(pool.num_regions) * copies_per_region + number
        view[own] = number * pool.num_images + pool.image
        to_view[own] = crops[view[own]]
    label = pastes.region * copies_per_region + pastes.copy
    view[label] = pastes.view
    to_view[label] = affine.compose(paste_maps(pool, pastes), crops[pastes.view])
    return Copies(copies_per_region, view, to_view, affine.invert(to_view))


def render_views(
    pool: RegionPool,
    pastes: Pastes,
    crops: np.ndarray,
    view_size: tuple[int, int],
    view_colours: Colours,
    copies_per_region: int,
) -> MixedViews:
    """Render all mixed views.

    View r·M + m starts as image m; a paste shows where its source disparity (bilinear) times its closeness is
    larger than all earlier ones there; of equally close ones the earliest stays, before all pastes the image.
    Colours are interpolated where a layer is magnified and are means over the pixel's area where it is shrunk, along
    either axis. Contrast is taken about the mean grey of the region, for a view about
    that of its background image. Colours are clipped once, after the paste's and the view's changes.

    Args:
        pool: The K regions of M images.
        pastes: The pastes, in the order of views.
        crops: (V, 3, 3) maps from mixed image to view, V = rounds·M.
        view_size: (H, W) of the views.
        view_colours: Colour changes of the V views.
        copies_per_region: C.

    Example:
        >>> from mmdepthcp.mixing import pool_regions
        >>> from mmdepthcp.views.colour import NO_COLOUR_CHANGE, sample_colours
        >>> regions, disparity = np.array([[0, 1, 1, 2]]), np.array([[0.5, 0.25, 0.25, 0.75]])
        >>> pool = pool_regions([np.zeros((1, 4, 3), np.uint8)], [regions], [disparity])
        >>> plain = sample_colours(np.random.default_rng(0), 1, NO_COLOUR_CHANGE)
        >>> pastes = Pastes(
        ...     *np.array([[0, 0], [1, 2], [0, 0], [1, 1], [1, 1], [0, 0], [2, 3], [0, 0]]), plain[[0, 0]])
        >>> mixed = render_views(pool, pastes, np.eye(3)[None], (1, 4), plain, 3)
        >>> mixed.labels.tolist()  # region 0 hides what is farther, not what is closer
        [[[0, 3, 1, 6]]]
    """
    num_views = len(crops)
    background = np.arange(num_views) % pool.num_images
    copies = place_copies(pool, pastes, crops, copies_per_region)
    label = pastes.region * copies_per_region + pastes.copy

    from_view = np.concatenate([affine.invert(crops), copies.from_view[label]])
    inverses = affine.axis_parameters(from_view)
    steps, shifts = inverses[:, 0::2], inverses[:, 1::2]
    # the border adds one pixel, and the centre of a source pixel is taken as its whole position
    positions = fixed_point(np.stack([0.5 * steps + shifts + 0.5, steps], axis=2)).reshape(-1, 4)

    view_matrices = colour_matrices(view_colours, pool.image_grey[background])
    paste_matrices = chain_colour_matrices(
        colour_matrices(pastes.colour, pool.mean_grey[pastes.region]), view_matrices[pastes.view])
    matrices = np.concatenate([view_matrices, paste_matrices]).astype(np.float32)
    matrices[..., :3] /= TOTAL_WEIGHT

    kernel = cv2.getGaussianKernel(3, EDGE_SIGMA, cv2.CV_32F)
    height, width = view_size
    images = np.empty((num_views, 3, height, width), np.uint8)
    labels = np.empty((num_views, height, width), np.int32)
    nearest = np.empty((num_views, height, width), np.float32)
    rasterise(
        pool.packed.ravel(), pool.disparity.ravel(), pool.region_maps.ravel(), pool.size, pool.first_region,
        copies_per_region, pool.run_start, pool.runs, inverses, positions,
        averaging_boxes(np.abs(steps)),
        blur_samples(np.concatenate([np.zeros(num_views), pastes.colour.sigma]), np.abs(steps)), matrices,
        np.concatenate([background, pool.image[pastes.region]]),
        np.concatenate([-1 - np.arange(num_views) // pool.num_images, label]),
        np.concatenate([np.full(num_views, -1), pastes.region]),
        np.concatenate([np.ones(num_views), pastes.closeness]).astype(np.float32),
        num_views + np.searchsorted(pastes.view, np.arange(num_views + 1)),
        kernel @ kernel.T, images, labels, nearest)
    for view in np.flatnonzero(view_colours.sigma):
        for plane in images[view]:
            cv2.GaussianBlur(plane, (BLUR_SIZE, BLUR_SIZE), view_colours.sigma[view], dst=plane)
    return MixedViews(images.transpose(0, 2, 3, 1), labels, nearest, copies)
