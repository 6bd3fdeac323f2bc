"""Local hidden positives: codes mixed from places that belong together (Seong et al., "Leveraging Hidden Positives for
Unsupervised Semantic Segmentation", CVPR 2023; by depth: Sick et al., CVPR 2024).
"""

from __future__ import annotations

import torch
from torch import Tensor

KEPT_SHARE = 0.01


def _between_rows(values: Tensor) -> Tensor:
    """Each row brought to 0..1."""
    least, most = values.aminmax(dim=-1, keepdim=True)
    return (values - least) / (most - least).clamp_min(torch.finfo(values.dtype).tiny)


def depth_neighbours(points: Tensor, share: float = KEPT_SHARE) -> Tensor:
    """How much each cell takes from each other one: 1 − distance within its row, of the nearest cells alone.

    Args:
        points: (B, N, 3) points in space.
        share: quantile of the distances of a row up to which cells take part.

    Returns:
        (B, N, N) weights in 0..1, 1 for a cell itself.

    Example:
        >>> line = torch.tensor([[[0.0], [1.0], [3.0]]])
        >>> depth_neighbours(line, 0.5)[0].round(decimals=3).tolist()[0][0]
        1.0
    """
    distance = _between_rows(torch.cdist(points, points, compute_mode='donot_use_mm_for_euclid_dist'))
    bound = distance.quantile(share, dim=-1, keepdim=True)
    return torch.where(distance <= bound, 1 - distance, 0)


def attention_neighbours(attention: Tensor, share: float = KEPT_SHARE, legacy: bool = False) -> Tensor:
    """The same by the attention of a transformer's last block, anywhere in the image, as Sick et al. have it; Seong et
    al. look at the 3×3 cells around each.

    Args:
        attention: (B, heads, N, N) among cells, without the class token.
        share: quantile of the largest attentions of a row that take part.
        legacy: leave out those and keep the others, as the code of Sick et al. does.

    Returns:
        (B, N, N) weights in 0..1.
    """
    weights = _between_rows(attention.mean(1))
    bound = weights.quantile(1 - share, dim=-1, keepdim=True)
    return torch.where(weights <= bound if legacy else weights >= bound, weights, 0)


def propagate(codes: Tensor, weights: Tensor, legacy: bool = False) -> Tensor:
    """Codes mixed from those of the cells that belong together.

    Args:
        codes: (B, N, D).
        weights: (B, N, N).
        legacy: divide by N, as the published code does, in place of the sum of each row.

    Example:
        >>> weights = torch.tensor([[[1, 2 / 3, 0], [0.5, 1, 0], [0, 1 / 3, 1]]])
        >>> codes = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]])
        >>> (100 * propagate(codes, weights)[0]).round().tolist()
        [[60.0, 40.0], [33.0, 67.0], [150.0, 175.0]]
    """
    total = weights.shape[-1] if legacy else weights.sum(-1, keepdim=True).clamp_min(torch.finfo(weights.dtype).tiny)
    return weights @ codes / total
