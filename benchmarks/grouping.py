"""Depth regions of an image: time, scaling over processes, quality beside the plain version."""

from __future__ import annotations

import itertools
import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.measuring import Measurement, Timing, measure_peak, time_side_by_side
from benchmarks.streets import Size, Street, image_names, read_street
from mmdepthcp.grouping import KITTI_INTRINSICS, EdgeModel, GroupingParams, RegionQuality, group_regions
from mmdepthcp.grouping.learnt import KEPT_DIMENSIONS
from mmdepthcp.utils.images import write_disparity, write_regions
from mmdepthcp.utils.trees import use_one_thread

IGNORE = 255
CHANNELS, STRIDE = 64, 4


def _read(folder: Path, num_images: int, size: Size) -> list[Street]:
    return [read_street(folder, name, size) for name in image_names(folder, num_images)]


def _grouping_call(folder: Path, size: Size, params: GroupingParams) -> Callable[[], Any]:
    street = _read(folder, 1, size)[0]
    return lambda: group_regions(street.image, street.disparity, KITTI_INTRINSICS, params)


def _file_kb(write: Callable[[Path, np.ndarray], None], maps: Sequence[np.ndarray]) -> float:
    with TemporaryDirectory() as folder:
        path, total = Path(folder, 'map.png'), 0
        for array in maps:
            write(path, array)
            total += path.stat().st_size
    return total / len(maps) / 1024


def _quality(labels: Sequence[np.ndarray], regions: Sequence[np.ndarray]) -> dict[str, float]:
    quality = RegionQuality(1 + max(int(truth[truth != IGNORE].max(initial=0)) for truth in labels))
    for truth, found in zip(labels, regions, strict=True):
        quality.add(found, truth)
    summary = quality.summary()
    return {name: summary[name] for name in ('oracle_miou', 'boundary_recall')}


def quality_at_equal_count(
        streets: Sequence[Street], plain_regions: Sequence[np.ndarray], params: GroupingParams) -> dict[str, float]:
    """Oracle mIoU and boundary recall of our regions, as many in each image as the plain version found, and its own.

    Args:
        streets: images with labels.
        plain_regions: (H, W) region map of each.
        params: settings; the largest number of regions is set here.
    """
    own = [
        group_regions(street.image, street.disparity, KITTI_INTRINSICS,
                      replace(params, max_regions=len(np.unique(regions))))
        for street, regions in zip(streets, plain_regions, strict=True)]
    labels = [street.labels for street in streets if street.labels is not None]
    results: dict[str, float] = {}
    for kind, maps in (('', own), ('plain_', plain_regions)):
        results[f'{kind}regions'] = float(np.mean([len(np.unique(regions)) for regions in maps]))
        results.update({kind + name: value for name, value in _quality(labels, maps).items()})
    return results


def measure_grouping(
        folder: Path, size: Size = (1024, 512), num_superpixels: int = 10000, num_images: int = 4, repeats: int = 20,
        warmup: int = 1, plain: bool = True, seed: int = 0) -> list[Measurement]:
    """Time of one image on one core, and quality at equal count, both with KITTI's camera, as in the paper.

    ``peak_mb`` is what a call adds to a process that has the image. The plain version runs once for each image.
    ``learnt_s`` is the time with ``formula='learnt'`` and features of 64 channels at stride 4, made up.

    Args:
        folder: see :mod:`benchmarks.streets`.
        size: (width, height) that images are brought to.
        num_superpixels: wanted superpixels.
        num_images: images that take turns.
        repeats: timed runs.
        warmup: runs before.
        plain: run the plain version too.
        seed: for the record; grouping is deterministic.
    """
    params = GroupingParams(num_superpixels=num_superpixels)
    streets = _read(folder, num_images, size)
    found: list[np.ndarray] = []
    turns = itertools.cycle(streets)

    def group() -> None:
        street = next(turns)
        found.append(group_regions(street.image, street.disparity, KITTI_INTRINSICS, params))

    rng = np.random.default_rng(seed)
    features = rng.normal(size=(CHANNELS, size[1] // STRIDE, size[0] // STRIDE)).astype(np.float32)
    edges = EdgeModel(0.1 * rng.normal(size=(KEPT_DIMENSIONS, CHANNELS)), 0.)

    def group_learnt() -> None:
        street = streets[0]
        group_regions(street.image, street.disparity, KITTI_INTRINSICS, replace(params, formula='learnt'), features,
                      edges)

    calls: dict[str, Callable[[], None]] = {'fast': group, 'learnt': group_learnt}
    counts = {'fast': repeats, 'learnt': repeats}
    plain_found: dict[int, np.ndarray] = {}
    if plain:
        from benchmarks.plain.grouping import plain_group_regions

        plain_turns = itertools.cycle(range(num_images))

        def plain_group() -> None:
            turn = next(plain_turns)
            street = streets[turn]
            plain_found[turn] = plain_group_regions(street.image, street.disparity, KITTI_INTRINSICS, num_superpixels)

        calls['plain'], counts['plain'] = plain_group, num_images
    timings = time_side_by_side(calls, counts, warmup)
    figures: dict[str, Any] = dict(
        learnt_s=timings['learnt'].median_s,
        disparity_kb=_file_kb(write_disparity, [street.disparity for street in streets]),
        regions_kb=_file_kb(write_regions, found[:num_images]))
    if plain and all(street.labels is not None for street in streets):
        figures.update(quality_at_equal_count(streets, [plain_found[turn] for turn in range(num_images)], params))
    settings = dict(size=f'{size[0]}x{size[1]}', superpixels=num_superpixels, images=num_images)
    peak = measure_peak(_grouping_call, folder, size, params)
    return [Measurement.of('grouping', settings, timings['fast'], timings.get('plain'), peak_mb=peak,
                           figures=figures, seed=seed)]


_streets: list[Street] = []


def _start_worker(folder: Path, num_images: int, size: Size, params: GroupingParams) -> None:
    use_one_thread()
    _streets.extend(_read(folder, num_images, size))
    _group_one(0, params)


def _group_one(index: int, params: GroupingParams) -> None:
    street = _streets[index % len(_streets)]
    group_regions(street.image, street.disparity, KITTI_INTRINSICS, params)


def measure_scaling(
        folder: Path, size: Size = (1024, 512), num_superpixels: int = 10000, num_images: int = 4,
        processes: Sequence[int] = (1, 2), tasks: int = 32, repeats: int = 5, seed: int = 0) -> list[Measurement]:
    """Time per image when processes share the images, one thread each, and the speed-up over the first number.

    The pools take turns, and each is idle while another works.
    """
    params = GroupingParams(num_superpixels=num_superpixels)
    pools = {
        count: ProcessPoolExecutor(
            count, multiprocessing.get_context('forkserver'), _start_worker, (folder, num_images, size, params))
        for count in processes}
    try:
        for count, pool in pools.items():
            list(pool.map(_group_one, range(4 * count), itertools.repeat(params)))
        seconds: dict[int, list[float]] = {count: [] for count in processes}
        for _ in range(repeats):
            for count, pool in pools.items():
                start = time.perf_counter()
                list(pool.map(_group_one, range(tasks), itertools.repeat(params)))
                seconds[count].append((time.perf_counter() - start) / tasks)
    finally:
        for pool in pools.values():
            pool.shutdown()
    timings = {count: Timing.of(values) for count, values in seconds.items()}
    return [
        Measurement.of(
            'grouping/processes',
            dict(size=f'{size[0]}x{size[1]}', superpixels=num_superpixels, processes=count, tasks=tasks), timing,
            figures=dict(images_per_s=1 / timing.median_s, speed_up=timings[processes[0]].median_s / timing.median_s),
            seed=seed)
        for count, timing in timings.items()]
