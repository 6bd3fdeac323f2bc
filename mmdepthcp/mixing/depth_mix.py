"""Images mixed with each other by masks: what is nearer in front (DepthMix), or some classes of one over another
(ClassMix).

Each image of a batch is mixed with the next one, the last with the first.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mmdepthcp.utils.labels import IGNORED


def normalised_disparity(disparity: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    """Disparity of images brought to 0..1.

    Args:
        disparity: (B, H, W), larger is closer.
        low, high: (B,) values that become 0 and 1, what lies beyond is cut off; None: the least and the largest of
            each map.

    Returns:
        (B, H, W); zeros where ``low`` is not below ``high``, as in a constant map.
    """
    low = disparity.amin((1, 2)) if low is None else low.to(disparity)
    high = disparity.amax((1, 2)) if high is None else high.to(disparity)
    extent = (high - low)[:, None, None]
    shares = (disparity - low[:, None, None]) / torch.where(extent > 0, extent, 1)
    return torch.where(extent > 0, shares.clamp(0, 1), 0)


def depth_masks(disparity: Tensor, margin: float = 0.03, foreground: float | Tensor = 0.) -> Tensor:
    """Where each image keeps its own pixel: what is not farther than the next image's there, less a margin.

    Hoyer et al., "Three Ways to Improve Semantic Segmentation with Self-Supervised Depth Estimation", CVPR 2021
    (DepthMix). Where two images are about equally far, each keeps itself, so that the masks of two images
    which are mixed with each other are no complements.

    Args:
        disparity: (B, H, W) in 0..1, larger is closer.
        margin: by how much the other image has to be closer to be shown.
        foreground: least disparity of what is kept, one for all images or (B,).

    Returns:
        (B, H, W) bool.
    """
    least = torch.as_tensor(foreground).to(disparity).reshape(-1, 1, 1)
    return (disparity >= disparity.roll(-1, 0) - margin) & (disparity >= least)


def class_masks(labels: Tensor, rng: np.random.Generator, ignored: int = IGNORED) -> Tensor:
    """Where each image keeps its own pixel: half of the classes in it, rounded down, drawn at random.

    Olsson et al., "ClassMix: Segmentation-Based Data Augmentation for Semi-Supervised Learning", WACV 2021.

    Args:
        labels: (B, H, W) class indices.
        rng: draws the classes.
        ignored: label that is no class; such pixels are never kept.

    Returns:
        (B, H, W) bool.
    """
    masks = []
    for image in labels:
        present = image.unique()
        present = present[present != ignored].cpu().numpy()
        chosen = rng.permutation(present)[:len(present) // 2]
        masks.append(torch.isin(image, torch.from_numpy(chosen).to(image)))
    return torch.stack(masks)


def mix(values: Tensor, masks: Tensor) -> Tensor:
    """Each image where its mask is, elsewhere the next image of the batch.

    Args:
        values: (B, H, W) or (B, C, H, W): images, probabilities, disparities, labels.
        masks: (B, H, W) bool.

    Returns:
        Of the shape of ``values``.

    Example:
        >>> disparity = torch.tensor([[[.50, .10], [.31, .90]], [[.20, .40], [.33, .88]]])
        >>> mix(torch.tensor([[[1, 2], [3, 4]], [[10, 20], [30, 40]]]), depth_masks(disparity)).tolist()
        [[[1, 20], [3, 4]], [[1, 20], [30, 40]]]
    """
    if values.shape[:1] + values.shape[-2:] != masks.shape:
        raise ValueError(f'mix: masks of shape {tuple(masks.shape)} do not fit values of shape {tuple(values.shape)}')
    return torch.where(masks if values.ndim == 3 else masks[:, None], values, values.roll(-1, 0))
