"""Whether learnt depth explains how the picture changes from frame to frame, where nothing measured is at hand."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from mmengine.dataset import pseudo_collate
from torch import Tensor

from mmdepthcp.geometry.pose import heading
from mmdepthcp.geometry.view_synthesis import pixel_intrinsics, scale_disparity
from mmdepthcp.models.depth.mono_depth import MonoDepth
from mmdepthcp.models.depth.network import target_frame
from mmdepthcp.models.losses.view_synthesis import ReprojectionError, over_sources, photometric_error
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.quantiles import quantile
from mmdepthcp.utils.scores import Score

CONSTANTS = 16
"""How many constant depths are tried."""


def reprojection_errors(frames: Tensor, target_index: int, motions: Tensor, intrinsics: Tensor, disparity: Tensor,
                        constants: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Photometric errors of neighbours that are moved into a frame (Godard et al., ICCV 2019, section 3.2).

    Args:
        frames: (B, F, 3, H, W), RGB in 0..1.
        target_index: which of the F frames the others are moved into.
        motions: from the target to the other cameras, (F − 1, B, 4, 4).
        intrinsics: normalised, (B, 3, 3).
        disparity: of the target frame, scaled, (B, 1, H, W).
        constants: (K,) scaled disparities, each taken for the whole picture in turn.

    Returns:
        Mean error of every frame: moved by its disparity, (B,); by each constant, (K, B); and with the neighbours as
        they are, (B,). At every pixel the neighbour counts that fits best.
    """
    target = frames[:, target_index]
    sources = torch.stack([frames[:, i] for i in range(frames.shape[1]) if i != target_index])
    error_of = ReprojectionError(
        target, sources, pixel_intrinsics(intrinsics, *target.shape[-2:]), motions, automasked=False)
    moved = error_of(disparity)[0].flatten(1).mean(1)
    flat = torch.stack([error_of(constant.expand_as(disparity))[0].flatten(1).mean(1) for constant in constants])
    still = over_sources(photometric_error(sources, target)).flatten(1).mean(1)
    return moved, flat, still


@torch.no_grad()
def check_depth(model: MonoDepth, items: Iterable[Any], device: str, batch_size: int = 4) -> list[Score]:
    """Scores of a model on clips that it has not learnt from.

    ``error`` is the photometric error of neighbours moved into a frame by its predicted depth, ``error_flat`` that by
    the best of 16 constant depths for all frames, ``error_still`` that of neighbours as they are; all with the motion
    that the model predicts. ``disparity_std`` is the spread of the sigmoid disparity within a frame, ``focal_length``
    the mean focal length used, in widths of the image, ``heading`` the mean of
    :func:`mmdepthcp.geometry.pose.heading`.

    Args:
        model: the model; it is left in evaluation mode on the device.
        items: packed clips.
        device: such as ``'cuda'``.
        batch_size: clips at once.

    Raises:
        InputError: there is no clip.
    """
    model.to(device).eval()
    found = [_predicted(model, batch) for batch in _batches(items, batch_size)]
    if not found:
        raise InputError('no clip to check depth on')
    every = torch.cat([disparity.flatten() for _, _, _, disparity, _ in found])
    low, high = (quantile(every, share).item() for share in (0.01, 0.99))
    constants = torch.logspace(math.log10(low), math.log10(high), CONSTANTS)
    errors = [reprojection_errors(frames, model.target_index, motions, intrinsics, disparity, constants.to(device))
              for frames, motions, intrinsics, disparity, _ in found]
    moved, still = (torch.cat([error[place] for error in errors]).mean().item() for place in (0, 2))
    flat = torch.cat([error[1] for error in errors], 1).mean(1).min().item()
    spread = torch.cat([sigmoid.flatten(1).std(1) for *_, sigmoid in found]).mean().item()
    focal = torch.cat([intrinsics[:, 0, 0] for _, _, intrinsics, _, _ in found]).mean().item()
    ahead = torch.cat([heading(motions, model.frame_offsets).flatten() for _, motions, *_ in found]).mean().item()
    return [Score('error', moved), Score('error_flat', flat), Score('error_still', still),
            Score('disparity_std', spread), Score('focal_length', focal), Score('heading', ahead)]


def _batches(items: Iterable[Any], size: int) -> Iterable[Sequence[Any]]:
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _predicted(model: MonoDepth, batch: Sequence[Any]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Frames, motions, intrinsics, scaled and sigmoid disparity of a batch of clips."""
    data = model.data_preprocessor(pseudo_collate(list(batch)), training=True)
    inputs, samples = data['inputs'], data['data_samples']
    model.check_frames(inputs['clean'])
    sigmoid = model.decode_head(model.backbone(target_frame(inputs['network'], model.target_index)))[0]
    motions, focal = model.motions(inputs['network'])
    intrinsics, _ = model.intrinsics_of(focal, samples, sigmoid.device)
    return inputs['clean'], motions, intrinsics, scale_disparity(sigmoid, model.min_depth, model.max_depth), sigmoid
