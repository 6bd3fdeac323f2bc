"""Correlations of features, of codes and of depth, and the losses that make codes follow features and depth.

STEGO: Hamilton et al., "Unsupervised Semantic Segmentation by Distilling Feature Correspondences", ICLR 2022. DepthG:
Sick et al., "Unsupervised Semantic Segmentation Through Depth-Guided Feature Correlation and Sampling", CVPR 2024.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mmdepthcp.models.ranks import mean_over_ranks
from mmdepthcp.utils.errors import InputError

DEPTH_MODES = ('abs', 'euclid3d', 'gauss', 'product')
SMALLEST_NORM = 1e-10


def correlation(one: Tensor, other: Tensor) -> Tensor:
    """Cosines of all pairs of points.

    Args:
        one: (B, P, C).
        other: (B, Q, C).

    Returns:
        (B, P, Q) in −1..1.

    Example:
        >>> correlation(torch.tensor([[[3.0, 4.0]]]), torch.tensor([[[1.0, 0.0], [-2.0, 0.0]]])).tolist()
        [[[0.6000000238418579, -0.6000000238418579]]]
    """
    return F.normalize(one, dim=-1, eps=SMALLEST_NORM) @ F.normalize(other, dim=-1, eps=SMALLEST_NORM).mT


def centre(values: Tensor) -> Tensor:
    """Take the mean over its partners out of every point's correlations, and put the mean of all of them, over all
    ranks, in its place.

    Args:
        values: (B, P, Q).
    """
    return values - values.mean(-1, keepdim=True) + mean_over_ranks(values)


def correlation_loss(target: Tensor, similarity: Tensor, shift: Tensor | float) -> Tensor:
    """−mean max(S, 0) · (F − b): codes are to be alike where the target is above the shift (Hamilton et al., Eq. 4).

    Args:
        target: F, (B, P, Q), of features or of depth, centred or not; gets no gradient.
        similarity: S, (B, P, Q), cosines of codes.
        shift: b.

    Example:
        >>> features = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
        >>> codes = torch.tensor([[[1.0, 0.0], [0.6, 0.8], [-1.0, 0.0]]])
        >>> target = centre(correlation(features, features))
        >>> round(correlation_loss(target, correlation(codes, codes), 0.1).item(), 6)
        -0.405185
    """
    return -(similarity.clamp_min(0) * (target.detach() - shift)).mean()


def depth_correlation(depth: Tensor, mode: str = 'abs', sigma: float = 0.2) -> Tensor:
    """How near to each other points are in depth, 1 for one point with itself.

    Args:
        depth: (B, P) depth or disparity in 0..1; for ``'euclid3d'`` (B, P, 3) points in space.
        mode: ``'abs'``, ``1 − |d_p − d_q|``; ``'euclid3d'``, 1 − distance / largest distance of the image; ``'gauss'``,
            exp(−(d_p − d_q)² / 2σ²); ``'product'``, d_p · d_q, which makes what is near alike and is for study.
        sigma: of ``'gauss'``.

    Returns:
        (B, P, P), symmetric.

    Raises:
        InputError: the mode is unknown.

    Example:
        >>> depth_correlation(torch.tensor([[0.25, 0.5, 1.0]]))[0, 0].tolist()
        [1.0, 0.75, 0.25]
    """
    if mode not in DEPTH_MODES:
        raise InputError(f'depth correlation {mode!r}: must be one of {", ".join(DEPTH_MODES)}')
    if mode == 'product':
        return depth[:, :, None] * depth[:, None]
    if mode == 'euclid3d':
        distance = (depth[:, :, None] - depth[:, None]).square().sum(-1).sqrt()
        return 1 - distance / distance.amax((1, 2), keepdim=True).clamp_min(torch.finfo(depth.dtype).tiny)
    apart = depth[:, :, None] - depth[:, None]
    return 1 - apart.abs() if mode == 'abs' else torch.exp(-apart.square() / (2 * sigma ** 2))


def legacy_depth_correlation(depth: Tensor, side: int) -> Tensor:
    """What the published code of Sick et al. correlates: whether depth is above zero, at cells of a grid over the whole
    map, whatever points the codes are taken at. It is 1 everywhere unless depth is 0.

    Args:
        depth: (B, 1, H, W).
        side: s of the grid.

    Returns:
        (B, s², s²).
    """
    cells = F.interpolate(depth, (side, side), mode='bilinear', align_corners=True).flatten(1)
    return depth_correlation(F.normalize(cells[:, :, None], dim=-1, eps=SMALLEST_NORM)[..., 0], 'product')
