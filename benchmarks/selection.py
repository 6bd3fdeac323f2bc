"""Choosing images to label: beside the whole matrix of distances, and against the number of images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks.measuring import Measurement, growth_exponent, time_side_by_side
from mmdepthcp.sampling import greedy_selection


@dataclass(frozen=True)
class SelectionSettings:
    """Sizes.

    Attributes:
        images: N.
        dims: D, of 256 channels on a grid of 4 x 8.
        chosen: how many to choose, the first one among them.
    """

    images: int = 10_000
    dims: int = 8192
    chosen: int = 100


def street_features(settings: SelectionSettings, seed: int) -> np.ndarray:
    """(N, D) float32 features like those of drives: a walk in a few dimensions, and noise in all."""
    rng = np.random.default_rng(seed)
    walk = rng.standard_normal((settings.images, 32), np.float32).cumsum(0) / 10
    features = rng.standard_normal((settings.images, settings.dims), np.float32) * np.float32(.3)
    return features + walk @ rng.standard_normal((32, settings.dims), np.float32)


def by_matrix(features: np.ndarray, count: int, bias: np.ndarray) -> list[int]:
    """The same from all distances at once, N x N of them."""
    lengths = (features ** 2).sum(1)
    squared = lengths[:, None] + lengths - 2 * features @ features.T
    distances = np.sqrt(np.maximum(squared, 0))
    chosen = [0]
    for _ in range(count):
        scores = distances[chosen].min(0) + bias
        scores[chosen] = -np.inf
        chosen.append(int(scores.argmax()))
    return chosen[1:]


def measure_selection(settings: SelectionSettings | None = None, repeats: int = 10, warmup: int = 1,
                      plain_repeats: int = 3, threads: int = 1, seed: int = 0) -> list[Measurement]:
    """The selection, features given; a quarter of the images beside the whole matrix.

    Figures: ``exponent`` of time against the number of images; ``equal``, the share of choices that the matrix makes
    too.

    Args:
        settings: sizes.
        repeats: timed runs.
        warmup: runs before.
        plain_repeats: timed runs of the plain version.
        threads: threads of the numeric libraries.
        seed: of all that is random.
    """
    settings = settings or SelectionSettings()
    features = street_features(settings, seed)
    bias = np.random.default_rng(seed).random(settings.images)
    sizes = [settings.images // part for part in (4, 2, 1)]
    count = settings.chosen - 1
    calls: dict[str, Callable[[], Any]] = {
        str(size): partial(greedy_selection, features[:size], count, [0], bias[:size]) for size in sizes}
    timings = time_side_by_side(calls, dict.fromkeys(calls, repeats), warmup)
    seconds = [timings[str(size)].median_s for size in sizes]
    rows = [Measurement.of('select/all', asdict(settings), timings[str(sizes[-1])], figures=dict(
        exponent=growth_exponent(sizes, seconds)), threads=threads, seed=seed)]
    few: dict[str, Callable[[], Any]] = dict(
        fast=calls[str(sizes[0])], plain=partial(by_matrix, features[:sizes[0]], count, bias[:sizes[0]]))
    timings = time_side_by_side(few, dict(fast=repeats, plain=plain_repeats), warmup)
    rows.append(Measurement.of(
        'select/matrix', dict(asdict(settings), images=sizes[0]), timings['fast'], timings['plain'], figures=dict(
            equal=float(np.mean(few['fast']()[0] == np.array(few['plain']())))), threads=threads, seed=seed))
    return rows
