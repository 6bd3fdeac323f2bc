"""PixPro: depth of cells, pairs with their loss beside the step that they are part of, memory against size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks.measuring import Measurement, growth_exponent, measure_peak, time_side_by_side
from mmdepthcp.models.losses import pair_targets, pixpro_loss
from mmdepthcp.views import CellPairs, DepthFilter, pool_cells

THRESHOLDS = (0.7, 1.4, 2.8)


@dataclass(frozen=True)
class PixProSettings:
    """Sizes.

    Attributes:
        images: in a batch.
        view: side of a view, in pixels.
        stride: of the level that is compared: 32, the last stage of a ResNet; 8, a level of a pyramid.
        channels: D.
        disparity: (H, W) of a file.
        depth: layers of the ResNet.
    """

    images: int = 4
    view: int = 224
    stride: int = 32
    channels: int = 256
    disparity: tuple[int, int] = (512, 1024)
    depth: int = 50

    @property
    def side(self) -> int:
        """Cells along each side of a view."""
        return self.view // self.stride


def pooled_plain(disparity: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Medians of what is known in the cells of a whole image, one after the other."""
    rows, columns = (np.linspace(0, side, count + 1).astype(int)
                     for side, count in zip(disparity.shape, grid, strict=True))
    return np.array([[np.nanmedian(disparity[rows[i]:rows[i + 1], columns[j]:columns[j + 1]])
                      for j in range(grid[1])] for i in range(grid[0])])


def matching(images: int, side: int, channels: int, seed: int = 0) -> Callable[[], Any]:
    """Pairs at three distances with a filter, their loss and its gradient."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(images, 2, 2, generator=generator)
    pairs = CellPairs(
        torch.cat([corners, corners + 2], -1), (side, side), THRESHOLDS,
        .1 + torch.rand(images, 2, side**2, generator=generator), DepthFilter())
    cells = [F.normalize(torch.randn(images, 2, side**2, channels, generator=generator), dim=3) for _ in range(2)]
    queries = cells[0].requires_grad_()
    return lambda: torch.autograd.grad(pixpro_loss(queries, pair_targets(pairs, cells[1], 'skip')[0]), queries)


def training_step(settings: PixProSettings, seed: int) -> Callable[[], Any]:
    """A whole step of the model: both views through both networks, propagation, pairs, loss and gradient."""
    from mmengine.logging import MessageHub

    from mmdepthcp.models import PixPro

    torch.manual_seed(seed)
    MessageHub.get_current_instance().update_info('max_iters', 1000)
    last = {8: 1, 16: 2, 32: 3}[settings.stride]
    width = (256, 512, 1024, 2048)[last] // (1 if settings.depth >= 50 else 4)
    model = PixPro(
        backbone=dict(type='mmpretrain.ResNet', depth=settings.depth, out_indices=(last,)), in_channels=(width,),
        channels=settings.channels, distance_thrs=THRESHOLDS, depth_filter={}, empty='skip').train()
    inputs = torch.randn(settings.images, 2, 3, settings.view, settings.view)
    corners = torch.rand(settings.images, 2, 2)
    samples = dict(boxes=torch.cat([corners, corners + 2], -1),
                   disparity=[.1 + torch.rand(settings.images, 2, settings.side, settings.side)])

    def step() -> None:
        model.zero_grad()
        model.loss(inputs, samples)['loss_pix'].backward()

    return step


def measure_pixpro(settings: PixProSettings | None = None, repeats: int = 10, warmup: int = 1, plain_repeats: int = 3,
                   threads: int = 1, seed: int = 0) -> list[Measurement]:
    """Pooling, matching and loss, memory.

    Figures: ``difference`` of pooled cells from the plain version; ``of_step``, the share of matching and loss in a
    step; ``memory_exponent``, the slope of memory over the number of cells, both in logarithms, and ``largest_mb``.

    Args:
        settings: sizes.
        repeats: timed runs.
        warmup: runs before.
        plain_repeats: timed runs of the plain version and of whole steps.
        threads: threads of torch.
        seed: of all that is random.
    """
    settings = settings or PixProSettings()
    common: dict[str, Any] = dict(threads=threads, seed=seed)
    counts = dict(fast=repeats, plain=plain_repeats)
    rows = []

    grid = (settings.side, settings.side)
    disparity = np.random.default_rng(seed).uniform(.1, 1, settings.disparity).astype(np.float32)
    calls: dict[str, Callable[[], Any]] = dict(
        fast=lambda: pool_cells(disparity, (0, 0, 1, 1), False, grid), plain=lambda: pooled_plain(disparity, grid))
    timings = time_side_by_side(calls, counts, warmup)
    rows.append(Measurement.of('pixpro/pooling', asdict(settings), timings['fast'], timings['plain'], figures=dict(
        difference=float(np.abs(calls['fast']() - calls['plain']()).max())), **common))

    calls = dict(fast=matching(settings.images, settings.side, settings.channels, seed),
                 plain=training_step(settings, seed))
    timings = time_side_by_side(calls, counts, warmup)
    rows.append(Measurement.of('pixpro/matching', asdict(settings), timings['fast'], figures=dict(
        of_step=timings['fast'].median_s / timings['plain'].median_s, step_s=timings['plain'].median_s), **common))

    sides = [settings.side * factor for factor in (1, 2, 4)]
    peaks = [max(1., measure_peak(matching, settings.images, side, settings.channels, threads=threads))
             for side in sides]
    rows.append(Measurement.of('pixpro/memory', asdict(settings), timings['fast'], figures=dict(
        memory_exponent=growth_exponent([side**2 for side in sides], peaks), largest_mb=peaks[-1],
        largest_side=sides[-1]), **common))
    return rows
