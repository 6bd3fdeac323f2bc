"""STEGO and DepthG: their kernels beside plain versions, a training step, the random field."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.dataset import pseudo_collate

from benchmarks.measuring import Measurement, Timing, time_side_by_side
from benchmarks.plain.feature_correlation import farthest_points_plain, propagate_plain
from mmdepthcp.datasets import NeighbourPairDataset, StreetDataset
from mmdepthcp.datasets.crops import image_names
from mmdepthcp.datasets.feature_cache import ROWS, cache_file, write_cache_meta
from mmdepthcp.evaluation.functional.crf import dense_crf
from mmdepthcp.geometry.points import cell_points
from mmdepthcp.models.losses import depth_neighbours, propagate
from mmdepthcp.sampling import farthest_points, nearest_neighbours, write_neighbours
from mmdepthcp.sampling.neighbours import CHUNK_ROWS
from mmdepthcp.utils.images import write_png


@dataclass(frozen=True)
class DepthGSettings:
    """Sizes, those of the published runs by default.

    Attributes:
        maps: depth maps of a batch.
        side: cells along each side of a map.
        points: points chosen of each.
        channels: of the features of a small transformer.
        codes: d.
        images: items of the neighbour search.
        descriptor: channels of a descriptor in that search.
        crf_side: side of the image of the random field.
        classes: of the random field.
    """

    maps: int = 32
    side: int = 28
    points: int = 121
    channels: int = 384
    codes: int = 70
    images: int = 20_000
    descriptor: int = 768
    crf_side: int = 320
    classes: int = 27


def measure_depthg(settings: DepthGSettings | None = None, repeats: int = 10, warmup: int = 1, plain_repeats: int = 3,
                   threads: int = 1, seed: int = 0) -> list[Measurement]:
    """Sampling, hidden positives, neighbours, a training step on kept features, the random field.

    Figures: ``equal`` or ``difference`` to the plain version; ``of_product``, the time of the matrix product alone over
    that of the search; ``loss_and_probes``, their share of a step with the reading of its data; ``images_per_s``.

    Args:
        settings: sizes.
        repeats: timed runs.
        warmup: runs before.
        plain_repeats: timed runs of the plain versions.
        threads: threads of torch.
        seed: of all that is random.
    """
    settings = settings or DepthGSettings()
    generator = torch.Generator().manual_seed(seed)
    common: dict[str, Any] = dict(threads=threads, seed=seed)
    counts = dict(fast=repeats, plain=plain_repeats)
    rows = []

    depth = torch.rand(settings.maps, settings.side, settings.side, generator=generator) * .8 + .2
    points = cell_points(depth)
    calls = dict(fast=lambda: farthest_points(points, settings.points),
                 plain=lambda: [farthest_points_plain(each, settings.points) for each in points.numpy()])
    timings = time_side_by_side(calls, counts, warmup)
    rows.append(Measurement.of('depthg/sampling', asdict(settings), timings['fast'], timings['plain'], figures=dict(
        equal=float(np.mean(calls['fast']().numpy() == np.array(calls['plain']())))), **common))

    codes = torch.randn(1, settings.side ** 2, settings.codes, generator=generator)
    weights = depth_neighbours(points[:1])
    calls = dict(fast=lambda: propagate(codes, weights), plain=lambda: propagate_plain(codes, weights))
    timings = time_side_by_side(calls, counts, warmup)
    rows.append(Measurement.of('depthg/hidden_positives', asdict(settings), timings['fast'], timings['plain'],
                               figures=dict(difference=float((calls['fast']() - calls['plain']()).abs().max())),
                               **common))

    bank = F.normalize(torch.randn(settings.images, settings.descriptor, generator=generator), dim=1)
    queries = bank[:CHUNK_ROWS]
    calls = dict(fast=lambda: nearest_neighbours(queries, 0, bank.split(CHUNK_ROWS), min(30, settings.images)),
                 plain=lambda: [queries @ part.T for part in bank.split(CHUNK_ROWS)])
    timings = time_side_by_side(calls, dict(fast=plain_repeats, plain=plain_repeats), warmup)
    rows.append(Measurement.of('depthg/neighbours', asdict(settings), timings['fast'], figures=dict(
        of_product=timings['plain'].median_s / timings['fast'].median_s), **common))

    rows.append(_measure_step(settings, repeats, warmup, common))

    surfaces = torch.randint(30, 225, (1, 3, 10, 10), generator=generator).float()
    surfaces = F.interpolate(surfaces, (settings.crf_side,) * 2)[0]
    noise = torch.randn(surfaces.shape, generator=generator) * 3
    picture = (surfaces + noise).permute(1, 2, 0).byte().numpy()
    logs = torch.randn(settings.classes, settings.crf_side, settings.crf_side, generator=generator).numpy()
    timing = time_side_by_side(dict(fast=lambda: dense_crf(picture, logs)), dict(fast=plain_repeats), warmup)['fast']
    rows.append(Measurement.of('depthg/crf', asdict(settings), timing,
                               figures=dict(images_per_s=1 / timing.median_s), **common))
    return rows


def _measure_step(settings: DepthGSettings, repeats: int, warmup: int, common: dict) -> Measurement:
    """A training step on kept features: pairs from files just written, losses, gradients, optimiser."""
    from mmdepthcp.models import DepthG

    torch.manual_seed(0)
    term = dict(weight=1., shift=.1)
    model = DepthG(
        backbone=dict(type='mmdepthcp.DINOViT', arch=dict(
            embed_dims=8, num_layers=1, num_heads=1, feedforward_channels=8)), in_channels=settings.channels,
        code_channels=settings.codes, num_clusters=27, num_classes=27, standardise=False, depth=dict(weight=.19),
        points=dict(kind='farthest', side=round(settings.points ** .5)),
        self_term=term, neighbour_term=term, negative_term=term).train()
    optimizer = torch.optim.Adam([each for each in model.parameters() if each.requires_grad], 5e-4)
    seconds: list[float] = []
    learning: list[float] = []
    rng = np.random.default_rng(common['seed'])
    with TemporaryDirectory() as folder:
        pairs = _kept_pairs(settings, Path(folder), rng)
        for step in range(warmup + repeats):
            chosen = rng.permutation(len(pairs))[:settings.maps]
            start = time.perf_counter()
            batch = model.data_preprocessor(
                pseudo_collate([pairs[common['seed'], step, index] for index in chosen]), training=True)
            ready = time.perf_counter()
            losses = model.loss(batch['inputs'], batch['data_samples'])
            optimizer.zero_grad()
            sum(value for name, value in losses.items() if name.startswith('loss')).backward()
            optimizer.step()
            if step >= warmup:
                seconds.append(time.perf_counter() - start)
                learning.append(time.perf_counter() - ready)
    return Measurement.of('depthg/train_step', asdict(settings), Timing.of(seconds),
                          figures=dict(loss_and_probes=float(np.median(learning) / np.median(seconds))), **common)


def _kept_pairs(settings: DepthGSettings, folder: Path, rng: np.random.Generator) -> NeighbourPairDataset:
    """Pairs of images whose features, disparity and labels are random numbers in files."""
    number, side = 2 * max(4, settings.maps), 8 * settings.side
    for name in range(number):
        write_png(folder / f'images/{name:03}.png', np.zeros((1, 1, 3), np.uint8))
    images = StreetDataset(data_root=str(folder), data_prefix=dict(img_path='images'))
    names, kept = image_names(images), folder / 'kept'
    write_neighbours(folder / 'n.npz', names, (np.arange(number)[:, None] + np.arange(8)) % number)
    write_cache_meta(kept, '', names, ['inputs', 'disparity', 'labels'])
    for start in range(0, number, ROWS):
        count = min(ROWS, number - start)
        features = rng.standard_normal((count, settings.channels, settings.side, settings.side), np.float32)
        np.save(cache_file(kept, 'inputs', start), features.astype(np.float16))
        np.save(cache_file(kept, 'disparity', start), rng.uniform(.05, 1, (count, side, side)).astype(np.float32))
        np.save(cache_file(kept, 'labels', start), rng.integers(0, 27, (count, side, side), np.uint8))
    return NeighbourPairDataset(
        images, str(folder / 'n.npz'), cache=str(kept), pipeline=[dict(type='mmdepthcp.PackFeaturePairs')])
