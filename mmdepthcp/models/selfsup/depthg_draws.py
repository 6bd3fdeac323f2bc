"""What STEGO and DepthG draw for pairs of images: points, dropped channels, other images.

All of it comes from the seeds of the pairs, so that it does not depend on how many processes there are.
"""

from __future__ import annotations

import math

import torch
from mmengine.dist import all_gather, get_rank
from torch import Tensor

from mmdepthcp.engine.schedules import shrunk
from mmdepthcp.geometry.points import cell_points
from mmdepthcp.models.selfsup.depthg_settings import PointSettings
from mmdepthcp.sampling import farthest_points, to_grid
from mmdepthcp.utils.errors import InputError


def draw_points(seeds: Tensor, settings: PointSettings, depth: Tensor, iteration: int) -> Tensor:
    """Where the two images of each pair are compared, (B, 2, P, 2): (x, y) in −1..1.

    Args:
        seeds: (B,) int64.
        settings: which kind, and how many.
        depth: that places cells in space, (B, 2, h, w), for farthest points, which are not random.
        iteration: for the number of points.

    Raises:
        InputError: there are fewer cells than points.
    """
    side = shrunk(settings.side, settings.decay, settings.decay_interval, iteration, settings.decay_at_start)
    if settings.kind == 'random':
        anywhere = [torch.rand(2, settings.side ** 2, 2, generator=_generator(seed, 0)) for seed in seeds.tolist()]
        return 2 * torch.stack(anywhere)[:, :, :side ** 2] - 1
    height, width = depth.shape[-2:]
    if side ** 2 > height * width:
        raise InputError(f'points.side {side}: {side ** 2} farthest points are more than the {height}x{width} cells of '
                         f'the maps; set it to {math.isqrt(height * width)} or less')
    cells = cell_points(depth.flatten(0, 1), settings.field_of_view, settings.legacy)
    grid = to_grid(farthest_points(cells, side ** 2), height, width, settings.legacy)
    return grid.unflatten(0, (-1, 2))


def draw_kept(seeds: Tensor, uses: int, channels: int, dropout: float) -> Tensor:
    """Factors (B, 2, uses, C) that drop channels, 0 or 1 / (1 − dropout), for each use of the two images."""
    kept = [torch.rand(2, uses, channels, generator=_generator(seed, 1)) >= dropout for seed in seeds.tolist()]
    return torch.stack(kept).float() / (1 - dropout)


def draw_others(seeds: Tensor, draws: int) -> list[Tensor]:
    """For each draw, which image of those of all ranks (B,) each image of this rank is compared with.

    Drawn over the images in the order of their seeds, so that it does not depend on which rank has which.

    Raises:
        InputError: there is but one image.
    """
    everyone = torch.cat(all_gather(seeds))
    if len(everyone) < 2:
        raise InputError('DepthG: a batch of one image has no other image to compare with; raise batch_size')
    order = everyone.argsort()
    generator = _generator(int(everyone[order[0]]), 2)
    own = slice(get_rank() * len(seeds), (get_rank() + 1) * len(seeds))
    found = []
    for _ in range(draws):
        partner = torch.randperm(len(order), generator=generator)
        itself = partner == torch.arange(len(order))
        partner[itself] = (partner[itself] + 1) % len(order)
        other = torch.empty_like(order)
        other[order] = order[partner]
        found.append(other[own])
    return found


def _generator(seed: int, stream: int) -> torch.Generator:
    return torch.Generator().manual_seed((seed + stream * 0x9E3779B97F4A7C15) % 2**63)
