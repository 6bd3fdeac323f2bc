"""How many of the pairs of cells that PixPro learns from show two classes, with and without a filter by depth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.labels import IGNORED
from mmdepthcp.views.boxes import cell_classes
from mmdepthcp.views.pairs import CellPairs, DepthFilter


class PairQuality(NamedTuple):
    """Pairs of labelled cells at each distance, (K,) each.

    Attributes:
        pairs: near ones.
        removed: share that the filter leaves out.
        mixed, mixed_kept, mixed_removed: share of pairs of two classes among all, those that stay, those left out; NaN
            where there are none.
    """

    pairs: np.ndarray
    removed: np.ndarray
    mixed: np.ndarray
    mixed_kept: np.ndarray
    mixed_removed: np.ndarray


def filters_of(settings: Mapping[str, Any], thresholds: Sequence[float] | None = None) -> list[DepthFilter]:
    """The filter of a config (``model.depth_filter``), with each of some thresholds; with its own if there are none."""
    return [DepthFilter(**{**settings, 'threshold': threshold})
            for threshold in thresholds or [settings.get('threshold', DepthFilter.threshold)]]


def with_labels(dataset: dict, folder: str) -> dict:
    """The config of a data set of two views whose items are what its pipeline knows, labels beside it.

    Args:
        dataset: config of a data set with TwoViews.
        folder: of the labels.

    Raises:
        InputError: the pipeline has no TwoViews on pixels with one grid or more.
    """
    steps = dataset.get('pipeline', ())
    names = [step['type'].rpartition('.')[2] for step in steps]
    if 'TwoViews' not in names or not (views := steps[names.index('TwoViews')]).get('grids'):
        raise InputError('train_dataloader.dataset.pipeline: has no TwoViews with grids, on which depth is compared')
    if views.get('coord_mode', 'pixel') != 'pixel':
        raise InputError("train_dataloader.dataset.pipeline: coord_mode of TwoViews must be 'pixel' here")
    prefix = {**dataset['data_prefix'], 'seg_map_path': folder}
    kept = steps[:names.index('TwoViews') + 1]
    return {**dataset, 'data_prefix': prefix, 'pipeline': [*kept, dict(type='mmdepthcp.LoadLabels')]}


def classes_of_views(results: dict[str, Any], grid: tuple[int, int]) -> Tensor:
    """(2, P) most frequent class of the cells of two views, 255 where most of a cell has no label."""
    height, width = results['img'].shape[:2]
    size = np.array([width, height] * 2)
    found = []
    for box in results['boxes']:
        left, top, right, bottom = box / size
        share = min(left, right), top, abs(right - left), bottom - top
        found.append(cell_classes(results['gt_seg_map'], share, left > right, grid).ravel())
    return torch.from_numpy(np.stack(found)).long()


def measure_pairs(items: Iterable[dict[str, Any]], distances: Sequence[float], filters: Sequence[DepthFilter],
                  level: int = 0) -> list[PairQuality]:
    """Measure filters by depth.

    Args:
        items: of a data set of :func:`with_labels`.
        distances: K of them, see :class:`CellPairs`.
        filters: to be compared.
        level: which grid of TwoViews.

    Returns:
        For every filter, over all items.

    Raises:
        InputError: there is no such grid, or no pair of labelled cells is near.
    """
    counts = torch.zeros(len(filters), len(distances), 4, dtype=torch.float64)
    for results in items:
        if level >= len(results['cell_disparity']):
            raise InputError(f'level {level}: TwoViews has {len(results["cell_disparity"])} grids, counted from 0')
        disparity = torch.from_numpy(results['cell_disparity'][level])
        grid = tuple(disparity.shape[-2:])
        one, other = classes_of_views(results, grid)
        labelled = (one[:, None] != IGNORED) & (other != IGNORED)
        mixed = labelled & (one[:, None] != other)
        boxes = torch.from_numpy(results['boxes'])[None]
        for number, depth_filter in enumerate(filters):
            pairs = CellPairs(boxes, grid, distances, disparity.flatten(1)[None], depth_filter)
            near, kept = (each[:, 0] for each in pairs.near_and_kept())
            counts[number] += torch.stack([
                (each * of).sum((1, 2), dtype=torch.float64) for each in (near, kept) for of in (labelled, mixed)], 1)
    if not counts[..., 0].any():
        raise InputError('no two cells with labels are near each other; are these the labels of the images, and their '
                         'values classes?')
    with np.errstate(divide='ignore', invalid='ignore'):
        return [PairQuality(near, 1 - kept / near, mixed / near, mixed_kept / kept,
                            (mixed - mixed_kept) / (near - kept))
                for near, mixed, kept, mixed_kept in counts.numpy().transpose(0, 2, 1)]
