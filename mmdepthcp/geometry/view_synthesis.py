"""View synthesis: where a pixel of the target image lies in a source image, given disparity and motion.

Pixel coordinates are those of the sampling grid: integers at pixel centres, (0, 0) is the top left pixel.
This is the one place where the pixel centres are not at +0.5; :func:`pixel_intrinsics` makes the change.

Disparity exists in two forms. The *sigmoid disparity* in 0..1 is what networks give and files hold; the
*scaled disparity* in [1 / max_depth, 1 / min_depth] is the reciprocal of depth (Godard et al., ICCV 2019,
section 3.1).
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

Array = TypeVar('Array', Tensor, np.ndarray)

MIN_DEPTH = 0.1
MAX_DEPTH = 100.0
_EPSILON = 1e-7


def scale_disparity(sigmoid: Array, min_depth: float = MIN_DEPTH, max_depth: float = MAX_DEPTH) -> Array:
    """Scaled disparity, the reciprocal of depth, from sigmoid disparity.

    Args:
        sigmoid: values in 0..1, larger is closer, any shape.
        min_depth: depth at 1, in the arbitrary unit of monocular training.
        max_depth: depth at 0.

    Example:
        >>> scale_disparity(np.array([0.0, 0.5, 1.0]), 0.1, 100).round(3).tolist()
        [0.01, 5.005, 10.0]
    """
    return 1 / max_depth + (1 / min_depth - 1 / max_depth) * sigmoid


def depth_to_sigmoid(depth: Array, min_depth: float = MIN_DEPTH, max_depth: float = MAX_DEPTH) -> Array:
    """Sigmoid disparity of a depth; the inverse of ``1 / scale_disparity(sigmoid)``.

    Example:
        >>> round(depth_to_sigmoid(np.array(2.0), 0.1, 100).item(), 6)
        0.049049
    """
    return (1 / depth - 1 / max_depth) / (1 / min_depth - 1 / max_depth)


def pixel_intrinsics(intrinsics: Tensor, height: int, width: int) -> Tensor:
    """Intrinsics in pixels of the sampling grid from normalised ones.

    Args:
        intrinsics: (..., 3, 3), rows (fx / W, 0, cx / W), (0, fy / H, cy / H), (0, 0, 1), pixel centres at
            +0.5.
        height: H of the image to sample.
        width: W of the image to sample.

    Returns:
        (..., 3, 3) for integer pixel centres: the principal point moves by −0.5.

    Example:
        >>> normalised = torch.tensor([[0.58, 0, 0.5], [0, 1.92, 0.5], [0, 0, 1]])
        >>> pixel_intrinsics(normalised, 192, 640)[:2].round().int().tolist()
        [[371, 0, 320], [0, 369, 96]]
    """
    scale = intrinsics.new_tensor([[width], [height], [1]])
    shift = intrinsics.new_tensor([[0, 0, .5], [0, 0, .5], [0, 0, 0]])
    return intrinsics * scale - shift


def parallax_terms(intrinsics: Tensor, motion: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """The two parts of a pixel's position in the source image: at infinite depth, and per unit of disparity.

    A pixel p at depth D is seen in the source image at the homogeneous position K (R D K⁻¹ p + t), that is,
    divided by D, at (K R K⁻¹) p + K t / D. Only the last factor depends on depth, so the rest is worked out
    once for all scales.

    Args:
        intrinsics: K in pixels of the sampling grid, (..., 3, 3).
        motion: rigid motion from target to source camera coordinates, (..., 4, 4).
        height: H of the images.
        width: W of the images.

    Returns:
        (K R K⁻¹) p of every pixel, (..., 3, H, W), and the epipole K t, (..., 3, 1, 1).
    """
    v, u = torch.meshgrid(
        torch.arange(height, device=motion.device, dtype=motion.dtype),
        torch.arange(width, device=motion.device, dtype=motion.dtype), indexing='ij')
    pixels = torch.stack([u, v, torch.ones_like(u)]).flatten(1)
    infinite_homography = intrinsics @ motion[..., :3, :3] @ torch.linalg.inv_ex(intrinsics).inverse
    epipole = intrinsics @ motion[..., :3, 3:]
    return (infinite_homography @ pixels).unflatten(-1, (height, width)), epipole.unsqueeze(-1)


def source_coordinates(disparity: Tensor, at_infinity: Tensor, epipole: Tensor) -> Tensor:
    """Where each target pixel is seen in the source image (Godard et al., ICCV 2019, section 3.1).

    Args:
        disparity: scaled disparity, (..., 1, H, W).
        at_infinity: from :func:`parallax_terms`, (..., 3, H, W).
        epipole: from :func:`parallax_terms`, (..., 3, 1, 1).

    Returns:
        (x, y) in pixels of the sampling grid, (..., 2, H, W). Points behind the source camera are not marked.
    """
    position = at_infinity + disparity * epipole
    return position[..., :2, :, :] / (position[..., 2:, :, :] + _EPSILON * disparity)


def warp(image: Tensor, coordinates: Tensor) -> Tensor:
    """Sample an image at given positions, bilinearly; positions outside take the nearest border pixel.

    Args:
        image: (..., C, H, W).
        coordinates: (x, y) in pixels of the sampling grid, (..., 2, H', W') with the same leading dimensions.

    Returns:
        (..., C, H', W').
    """
    height, width = image.shape[-2:]
    scale = coordinates.new_tensor([2 / (width - 1), 2 / (height - 1)]).view(2, 1, 1)
    grid = (coordinates * scale - 1).movedim(-3, -1)
    warped = F.grid_sample(
        image.flatten(0, -4), grid.flatten(0, -4), mode='bilinear', padding_mode='border', align_corners=True)
    return warped.unflatten(0, image.shape[:-3])
