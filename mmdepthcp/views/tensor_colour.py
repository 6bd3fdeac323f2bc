"""Strong colours of a batch of images that are tensors (Hoyer et al., CVPR 2021, after Olsson et al., WACV 2021)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmdepthcp.views.colour import LUMA_BGR, Colours, ColourSettings, colour_matrices, sample_colours

STRONG = ColourSettings(
    brightness=0.25, contrast=0.25, saturation=0.25, hue=0.25, jitter_prob=0.8, blur_prob=0.5, blur_sigma=(0.15, 1.15),
    grey_prob=0.)
WIDEST = 6
"""Deviations of a Gaussian beyond which its weights are below single precision."""


def blur_side(side: int) -> int:
    """Taps of the blur along a side of so many pixels: about a tenth, the largest odd number not above ⌈side / 10⌉.

    Example:
        >>> [blur_side(side) for side in (512, 256, 192, 144, 96, 64)]
        [51, 25, 19, 15, 9, 7]
    """
    return (math.ceil(side / 10) - 1) // 2 * 2 + 1


def gaussian_blur(images: Tensor, sigma: float) -> Tensor:
    """Images (B, C, H, W) blurred by a Gaussian of ``sigma`` pixels, :func:`blur_side` taps wide, mirrored at the
    borders. Taps that add nothing are left out.
    """
    channels = images.shape[1]
    for axis, side in enumerate(images.shape[2:]):
        reach = min(blur_side(side) // 2, math.ceil(WIDEST * sigma))
        places = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
        weights = torch.exp(-places.square() / (2 * sigma**2))
        kernel = (weights / weights.sum()).reshape((-1, 1) if axis == 0 else (1, -1)).expand(channels, 1, -1, -1)
        padding = (0, 0, reach, reach) if axis == 0 else (reach, reach, 0, 0)
        images = F.conv2d(F.pad(images, padding, mode='reflect'), kernel, groups=channels)
    return images


def recolour_batch(images: Tensor, colours: Colours) -> Tensor:
    """Images (B, 3, H, W) float, BGR in 0..255, each with its colour change, without blur; cut off at 0 and 255."""
    matrices = torch.from_numpy(colour_matrices(colours, np.ones(len(images)))).to(images)
    mean_grey = images.mean((2, 3)) @ torch.from_numpy(LUMA_BGR).to(images)
    offsets = matrices[:, :, 3] * mean_grey[:, None]
    changed = torch.baddbmm(offsets[..., None], matrices[:, :, :3], images.flatten(2))
    return changed.clamp(0, 255).unflatten(2, images.shape[2:])


def strong_colours(images: Tensor, rng: np.random.Generator, settings: ColourSettings = STRONG) -> Tensor:
    """Images (B, 3, H, W) float, BGR in 0..255, with strong colours: whether they are changed, whether they are blurred
    and how far is drawn once for the batch, how colours change for each image.

    Args:
        images: of one size.
        rng: draws.
        settings: probabilities and strengths.
    """
    jittered, blurred = rng.random(2) < (settings.jitter_prob, settings.blur_prob)
    sigma = rng.uniform(*settings.blur_sigma)
    colours = sample_colours(rng, len(images), replace(settings, jitter_prob=1., blur_prob=0.))
    if jittered:
        images = recolour_batch(images, colours)
    return gaussian_blur(images, sigma) if blurred else images
