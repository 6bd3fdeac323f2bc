"""Mixed views of a group of images: time, memory, and agreement with the painter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from benchmarks.measuring import Measurement, StageClock, measure_peak, time_side_by_side
from benchmarks.streets import Group, Size, read_group
from mmdepthcp.mixing import (
    MixedViews,
    Pastes,
    PasteSettings,
    RegionPool,
    pool_regions,
    render_views,
    sample_pastes,
    sample_pixel_matches,
    sample_region_matches,
)
from mmdepthcp.views import sample_colours
from mmdepthcp.views.colour import Colours
from mmdepthcp.views.crops import ViewSettings, sample_view_crops


@dataclass(frozen=True)
class ItemSettings:
    """What an item of pretraining is made with, the paper's by default.

    Attributes:
        num_images: M.
        size: (width, height) of images and views.
        cp_times: pastes of every region, for each round.
        region_points, pixel_points: positions per view.
    """

    num_images: int = 8
    size: Size = (768, 384)
    cp_times: tuple[int, ...] = (2, 4)
    region_points: int = 7200
    pixel_points: int = 4000

    @property
    def pastes(self) -> PasteSettings:
        """Paste settings, their lengths scaled from the 768 pixels that the defaults are made for."""
        lengths = {
            name: max(1, round(getattr(PasteSettings, name) * self.size[0] / 768))
            for name in ('position_jitter', 'min_height', 'min_width', 'min_side', 'whole_margin', 'min_pasted')}
        return PasteSettings(cp_times=self.cp_times, **lengths)

    def words(self) -> dict[str, Any]:
        """For the record."""
        return dict(images=self.num_images, size=f'{self.size[0]}x{self.size[1]}', cp_times=self.cp_times,
                    region_points=self.region_points, pixel_points=self.pixel_points)


class Draw(NamedTuple):
    """All that is random about an item."""

    pastes: Pastes
    crops: np.ndarray
    colours: Colours


def draw(rng: np.random.Generator, pool: RegionPool, settings: ItemSettings) -> Draw:
    """Pastes, crops and view colours of an item."""
    views, paste_settings = ViewSettings(), settings.pastes
    num_views = paste_settings.num_rounds * pool.num_images
    pastes = sample_pastes(rng, pool, paste_settings)
    return Draw(pastes, sample_view_crops(rng, num_views, pool.size, views),
                sample_colours(rng, num_views, views.colour))


def mix(pool: RegionPool, drawn: Draw, settings: ItemSettings) -> MixedViews:
    """The views of a drawn item."""
    return render_views(pool, *drawn[:2], pool.size, drawn.colours, settings.pastes.copies_per_region)


def make_item(group: Group, settings: ItemSettings, seed: int, clock: StageClock | None = None) -> MixedViews:
    """Views and matches of an item from images in memory, as ``CopyPaste`` and ``SampleMatches`` make them."""
    clock = clock or StageClock()
    clock.new_step()
    rng = np.random.default_rng(seed)
    with clock('pool'):
        pool = pool_regions(*group)
    with clock('draw'):
        drawn = draw(rng, pool, settings)
    with clock('render'):
        mixed = mix(pool, drawn, settings)
    with clock('matches'):
        sample_region_matches(rng, mixed.labels, mixed.copies, settings.region_points)
        sample_pixel_matches(rng, mixed.labels, mixed.copies, settings.pixel_points)
    return mixed


def item_call(folder: Path, settings: ItemSettings, seed: int) -> Callable[[], Any]:
    """A call that makes the item; for :func:`measure_peak`."""
    group = read_group(folder, settings.num_images, settings.size)
    return lambda: make_item(group, settings, seed)


def pasted_megapixels(pool: RegionPool, drawn: Draw) -> float:
    """Area of all pastes in their views, before anything is cut off or hidden, in 10⁶ pixels."""
    crop = np.abs(np.linalg.det(drawn.crops[drawn.pastes.view]))
    return float((pool.area[drawn.pastes.region] * drawn.pastes.scale**2 * crop).sum() / 1e6)


def compare_views(mixed: MixedViews, images: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Differences of our views from the painter's.

    Args:
        mixed: ours.
        images: (V, H, W, 3) uint8, the painter's.
        labels: (V, H, W), the painter's.

    Returns:
        Share of the pixels with another label; mean and largest absolute difference of colour where all labels in
        5×5 pixels are alike, so away from soft edges.
    """
    kernel = np.ones((5, 5), np.uint8)

    def uniform(views: np.ndarray) -> np.ndarray:
        return np.stack([np.equal(cv2.dilate(view, kernel), cv2.erode(view, kernel)) for view in list(views)])

    inner = uniform(mixed.labels.astype(np.float32)) & uniform(labels.astype(np.float32))
    difference = np.abs(images.astype(np.int16) - mixed.images)[inner]
    return dict(other_labels=float((labels != mixed.labels).mean()),
                colour_difference=float(difference.mean()) if difference.size else 0.0,
                largest_colour_difference=int(difference.max(initial=0)))


def measure_copy_paste(
        folder: Path, settings: ItemSettings | None = None, repeats: int = 20, warmup: int = 1, plain: bool = True,
        plain_repeats: int = 3, seed: int = 0) -> list[Measurement]:
    """Time of an item on one core: as a whole, and its two costly parts beside the plain version.

    ``copy_paste`` is the whole item from images in memory to views and matches; its ``peak_mb`` is what it adds to a
    process with the images. ``copy_paste/views`` is the views alone beside the painter, both from images to views with
    the same draws; ``copy_paste/pixel_matches`` the search for matching pixels.

    Args:
        folder: see :mod:`benchmarks.streets`.
        settings: of the item.
        repeats: timed runs.
        warmup: runs before.
        plain: run the plain versions too.
        plain_repeats: timed runs of the plain versions.
        seed: of the draws.
    """
    settings = settings or ItemSettings()
    group = read_group(folder, settings.num_images, settings.size)
    pool = pool_regions(*group)
    drawn = draw(np.random.default_rng(seed), pool, settings)
    mixed = mix(pool, drawn, settings)
    clock = StageClock()

    def pixel_matches() -> None:
        sample_pixel_matches(np.random.default_rng(seed), mixed.labels, mixed.copies, settings.pixel_points)

    calls: dict[str, Callable[[], Any]] = {
        'item': lambda: make_item(group, settings, seed, clock),
        'views': lambda: mix(pool_regions(*group), drawn, settings),
        'pixel_matches': pixel_matches}
    counts = dict.fromkeys(calls, repeats)
    painted: list[np.ndarray] = []
    if plain:
        from benchmarks.plain import copy_paste as versions

        num_views, height, width = mixed.labels.shape
        points = (np.random.default_rng(seed).random((num_views * settings.pixel_points, 2)) * [width, height])
        views = np.repeat(np.arange(num_views), settings.pixel_points)

        def paint() -> None:
            painted[:] = versions.paint_views(
                *group, *drawn[:2], pool.size, drawn.colours, settings.pastes.copies_per_region)[:2]

        copies = mixed.copies
        calls['plain_views'] = paint
        calls['plain_pixel_matches'] = lambda: versions.find_pixel_matches(
            points, views, mixed.labels, copies.per_region, copies.view, copies.to_view)
        counts['plain_views'] = counts['plain_pixel_matches'] = plain_repeats
    timings = time_side_by_side(calls, counts, warmup)
    stages = clock.medians(skip=warmup)
    whole = sum(stages.values())
    peak = measure_peak(item_call, folder, settings, seed)
    words = settings.words()
    return [
        Measurement.of(
            'copy_paste', words, timings['item'], peak_mb=peak, seed=seed, figures=dict(
                views=len(mixed.labels), regions=pool.num_regions, pastes=len(drawn.pastes.region),
                pasted_megapixels=pasted_megapixels(pool, drawn),
                **{f'{stage}_share': seconds / whole for stage, seconds in stages.items()})),
        Measurement.of(
            'copy_paste/views', words, timings['views'], timings.get('plain_views'), seed=seed,
            figures=compare_views(mixed, *painted) if plain else {}),
        Measurement.of(
            'copy_paste/pixel_matches', words, timings['pixel_matches'], timings.get('plain_pixel_matches'), seed=seed),
    ]
