"""Cross entropy with labels that a teacher gives, weighted by how sure it is.

Hoyer et al., "Three Ways to Improve Semantic Segmentation with Self-Supervised Depth Estimation", CVPR 2021; the weight
is that of Olsson et al., "ClassMix", WACV 2021.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mmdepthcp.utils.labels import IGNORED


def pseudo_labels(probabilities: Tensor) -> tuple[Tensor, Tensor]:
    """The likeliest class of every pixel, and its probability.

    Args:
        probabilities: (B, C, H, W); all 0 where the class is unknown.

    Returns:
        Labels (B, H, W) int64, 255 where it is unknown, and confidences (B, H, W) in 0..1, there 0.

    Example:
        >>> labels, confidence = pseudo_labels(torch.tensor([[.1, .9], [.5, .2], [0, 0]])[..., None, None])
        >>> labels.flatten().tolist(), [round(share, 2) for share in confidence.flatten().tolist()]
        ([1, 0, 255], [0.9, 0.5, 0.0])
    """
    confidence, labels = probabilities.max(1)
    return torch.where(confidence > 0, labels, IGNORED), confidence


def pseudo_label_weight(confidence: Tensor, threshold: float = 0.968, per_pixel: bool = False) -> Tensor:
    """What a pixel's loss counts.

    Args:
        confidence: (B, H, W) of pseudo-labels.
        threshold: from which on a teacher is sure.
        per_pixel: 1 where it is sure, else 0, as later work has it. False: everywhere the share of pixels of which it
            is sure, so that all pixels teach, but little as long as the teacher knows little.

    Returns:
        (B, H, W), or a single number.
    """
    sure = (confidence >= threshold).to(confidence.dtype)
    return sure if per_pixel else sure.mean()


def pseudo_label_loss(logits: Tensor, labels: Tensor, weight: Tensor) -> Tensor:
    """Σ weight · cross entropy / number of pixels. Ignored pixels add nothing, but are counted.

    Args:
        logits: (B, C, H, W).
        labels: (B, H, W) int64, 255 = ignored.
        weight: see :func:`pseudo_label_weight`.

    Example:
        >>> labels = torch.tensor([[[0, 1], [255, 2]], [[0, 1], [0, 2]]])
        >>> round(pseudo_label_loss(torch.zeros(2, 3, 2, 2), labels, torch.tensor(.5)).item(), 6)
        0.480643
    """
    losses = F.cross_entropy(logits, labels, ignore_index=IGNORED, reduction='none')
    return (weight * losses).mean()
