"""Rigid motions as 4x4 matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def rotation_matrix(axis_angle: Tensor) -> Tensor:
    """Rotation matrices from axis-angle vectors (Rodrigues' formula), with exact gradients at zero.

    Args:
        axis_angle: direction = axis, length = angle in radians, (..., 3).

    Returns:
        (..., 3, 3).

    Example:
        >>> rotation_matrix(torch.tensor([0, 0, torch.pi / 2])).round(decimals=4).abs().int().tolist()
        [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    """
    angle = torch.linalg.vector_norm(axis_angle, dim=-1)[..., None, None]
    x, y, z = axis_angle.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    identity = torch.eye(3, dtype=axis_angle.dtype, device=axis_angle.device)
    sine_over_angle = torch.sinc(angle / torch.pi)
    versine_over_angle_squared = torch.sinc(angle / (2 * torch.pi)) ** 2 / 2
    return identity + sine_over_angle * cross + versine_over_angle_squared * (cross @ cross)


def _assemble(rotation: Tensor, translation: Tensor) -> Tensor:
    last_row = rotation.new_tensor([0, 0, 0, 1]).expand(*rotation.shape[:-2], 1, 4)
    return torch.cat([torch.cat([rotation, translation], -1), last_row], -2)


def pose_matrix(axis_angle: Tensor, translation: Tensor) -> Tensor:
    """The motion that rotates, then translates.

    Args:
        axis_angle: (..., 3), radians.
        translation: (..., 3).

    Returns:
        [R | t] with the row (0, 0, 0, 1) below, (..., 4, 4).
    """
    return _assemble(rotation_matrix(axis_angle), translation.unsqueeze(-1))


def heading(motions: Tensor, offsets: Sequence[int]) -> Tensor:
    """Cosine between the direction in which a camera moves on and the way it looks: 1 straight ahead, −1 backwards, 0
    where it stands still.

    Args:
        motions: (S, ..., 4, 4), from the camera of a frame to those of its neighbours.
        offsets: S numbers, how many frames later (if positive) or earlier the neighbours are.

    Returns:
        (S, ...).
    """
    centres = inverse_pose(motions)[..., :3, 3]
    later = torch.tensor([math.copysign(1, offset) for offset in offsets], device=motions.device)
    return functional.normalize(centres, dim=-1)[..., 2] * later.view(-1, *[1] * (centres.ndim - 2))


def inverse_pose(motion: Tensor) -> Tensor:
    """The inverse [Rᵀ | −Rᵀ t] of rigid motions, (..., 4, 4)."""
    transposed = motion[..., :3, :3].transpose(-1, -2)
    return _assemble(transposed, -transposed @ motion[..., :3, 3:])
