"""Time and memory against image size, number of images, regions, pastes, prototypes and samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.copy_paste import ItemSettings, draw, make_item, pasted_megapixels
from benchmarks.loss import LossSettings, fast_loss, loss_call
from benchmarks.measuring import Measurement, growth_exponent, measure_peak, time_side_by_side
from benchmarks.streets import Size, image_names, read_group, read_street
from mmdepthcp.grouping import KITTI_INTRINSICS, GroupingParams, group_regions
from mmdepthcp.mixing import pool_regions
from mmdepthcp.utils.errors import InputError

MakeCall = Callable[..., Callable[[], Any]]
SERIES = ('grouping', 'copy_paste/images', 'copy_paste/pixels', 'copy_paste/regions', 'copy_paste/pastes',
          'loss/prototypes', 'loss/samples')


@dataclass(frozen=True)
class Case:
    """One size of a series: its value, all its settings, and how to make the call that is measured."""

    value: float
    settings: dict[str, Any]
    make: MakeCall
    args: tuple
    figures: dict[str, Any]


def _group(folder: Path, size: Size, params: GroupingParams) -> Callable[[], Any]:
    street = read_street(folder, image_names(folder, 1)[0], size)
    return lambda: group_regions(street.image, street.disparity, KITTI_INTRINSICS, params)


def tile_regions(size: Size, count: int) -> np.ndarray:
    """(H, W) int32 map of about ``count`` rectangles of equal size."""
    width, height = size
    columns = max(1, round((count * width / height)**0.5))
    rows = max(1, round(count / columns))
    row = np.arange(height) * rows // height
    return (row[:, None] * columns + np.arange(width) * columns // width).astype(np.int32)


def _mix(folder: Path, settings: ItemSettings, tiles: int | None, seed: int) -> Callable[[], Any]:
    images, regions, disparities = read_group(folder, settings.num_images, settings.size)
    if tiles is not None:
        regions = [tile_regions(settings.size, tiles)] * len(images)
    return lambda: make_item((images, regions, disparities), settings, seed)


def _mix_case(folder: Path, value: float, settings: ItemSettings, tiles: int | None, seed: int) -> Case:
    images, regions, disparities = read_group(folder, settings.num_images, settings.size)
    if tiles is not None:
        regions = [tile_regions(settings.size, tiles)] * len(images)
    pool = pool_regions(images, regions, disparities)
    drawn = draw(np.random.default_rng(seed), pool, settings)
    figures = dict(regions=pool.num_regions, pastes=len(drawn.pastes.region),
                   pasted_megapixels=pasted_megapixels(pool, drawn))
    return Case(value, settings.words(), _mix, (folder, settings, tiles, seed), figures)


def _measure_series(
        name: str, what: str, cases: Iterable[Case], repeats: int, threads: int, seed: int) -> list[Measurement]:
    """Rows of a series, its sizes timed in turn; each tells how time and memory grow over the whole series."""
    by_value = {case.value: case for case in cases}
    calls = {str(value): case.make(*case.args) for value, case in by_value.items()}
    timings = time_side_by_side(calls, dict.fromkeys(calls, repeats))
    del calls
    peaks = {value: measure_peak(case.make, *case.args, threads=threads) for value, case in by_value.items()}
    exponents = {}
    if len(by_value) > 1:
        sizes = list(by_value)
        exponents = dict(
            time_exponent=growth_exponent(sizes, [timings[str(value)].median_s for value in sizes]),
            memory_exponent=growth_exponent(sizes, [max(peaks[value], 1.0) for value in sizes]))
    return [
        Measurement.of(f'growth/{name}', {what: value, **case.settings}, timings[str(value)], peak_mb=peaks[value],
                       figures={**case.figures, **exponents}, threads=threads, seed=seed)
        for value, case in by_value.items()]


def measure_growth(
        folder: Path, item: ItemSettings | None = None, loss: LossSettings | None = None,
        factors: Sequence[float] = (0.25, 0.5, 1.0, 2.0), repeats: int = 5, threads: int = 1, seed: int = 0,
        series: Sequence[str] = SERIES) -> list[Measurement]:
    """Series of growing sizes, each from the standard size times ``factors``.

    ``time_exponent`` and ``memory_exponent`` are the slopes of the straight lines through logarithms of time and peak
    memory over the series; 1 is linear growth.

    - ``grouping``: pixels, superpixels in proportion (10 pixels each).
    - ``copy_paste/images``: M. ``copy_paste/pixels``: pixels of an image.
    - ``copy_paste/regions``: tiles of equal size instead of depth regions, more and smaller ones, so that the pasted
      pixels stay nearly the same. ``copy_paste/pastes``: pastes of every region, so that pasted pixels grow.
    - ``loss/prototypes``, ``loss/samples``.

    Raises:
        InputError: there is no such series.
    """
    item, loss = item or ItemSettings(), loss or LossSettings()
    width, height = item.size

    def scaled(factor: float) -> Size:
        return round(width * factor**0.5), round(height * factor**0.5)

    def pixels(factor: float) -> int:
        return scaled(factor)[0] * scaled(factor)[1]

    def grouping() -> list[Case]:
        params = GroupingParams(num_superpixels=10**9)
        return [Case(pixels(factor), dict(superpixel_area=params.superpixel_area), _group,
                     (folder, scaled(factor), params), {}) for factor in factors]

    def mixing(value: Callable[[float], float], change: Callable[[float], dict], tiled: bool = False) -> list[Case]:
        return [_mix_case(folder, value(factor), replace(item, **change(factor)),
                          round(80 * factor) if tiled else None, seed) for factor in factors]

    def swapped_prediction(**sizes: Any) -> list[Case]:
        problems = [
            replace(loss, **{name: round(size * factor) for name, size in sizes.items()}) for factor in factors]
        return [Case(getattr(problem, next(iter(sizes))), asdict(problem), loss_call, (fast_loss, problem, seed), {})
                for problem in problems]

    def images(factor: float) -> int:
        return max(1, round(item.num_images * factor))

    def pastes(factor: float) -> tuple[int, int]:
        return 1, max(1, round(6 * factor) - 1)

    makers: dict[str, tuple[str, Callable[[], list[Case]]]] = {
        'grouping': ('pixels', grouping),
        'copy_paste/images': ('images', lambda: mixing(images, lambda factor: dict(num_images=images(factor)))),
        'copy_paste/pixels': ('pixels', lambda: mixing(pixels, lambda factor: dict(size=scaled(factor)))),
        'copy_paste/regions': ('regions_per_image', lambda: mixing(
            lambda factor: round(80 * factor), lambda factor: {}, tiled=True)),
        'copy_paste/pastes': ('pastes_per_region', lambda: mixing(
            lambda factor: sum(pastes(factor)), lambda factor: dict(cp_times=pastes(factor)))),
        'loss/prototypes': ('prototypes', lambda: swapped_prediction(prototypes=loss.prototypes)),
        'loss/samples': ('region_samples', lambda: swapped_prediction(
            region_samples=loss.region_samples, pixel_samples=loss.pixel_samples)),
    }
    unknown = sorted(set(series) - set(makers))
    if unknown:
        raise InputError(f'no such series {unknown}; there are {", ".join(SERIES)}')
    return [row for name in series
            for row in _measure_series(name, makers[name][0], makers[name][1](), repeats, threads, seed)]
