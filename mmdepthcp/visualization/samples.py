"""Pictures of whatever a data pipeline of this package gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from mmdepthcp.structures import FeaturePairSample, MixedViewsSample, TwoViewsSample
from mmdepthcp.views.pairs import DepthFilter
from mmdepthcp.visualization.maps import colorize_disparity, draw_regions
from mmdepthcp.visualization.mixed_views import draw_mixed_views
from mmdepthcp.visualization.two_views import draw_two_views

NUM_LINES = 24
LABEL_OPACITY = 0.5


def draw_labels(image: np.ndarray, labels: np.ndarray, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """The image (H, W, 3) tinted by class; pixels without a class keep their colour.

    Args:
        image: uint8, BGR; resized to the labels if its size differs.
        labels: (H, W) class ids; ids beyond the palette have no class.
        palette: RGB colour of each class.
    """
    if image.shape[:2] != labels.shape:
        image = cv2.resize(image, labels.shape[::-1], interpolation=cv2.INTER_AREA)
    colours = np.asarray(palette, np.uint8).reshape(-1, 3)[:, ::-1]
    known = labels < len(colours)
    tinted = (1 - LABEL_OPACITY) * image + LABEL_OPACITY * colours[np.where(known, labels, 0)]
    return np.where(known[..., None], tinted, image).astype(np.uint8)


def draw_street_image(results: Mapping[str, Any], palette: Sequence[Sequence[int]] = ()) -> np.ndarray:
    """Image, disparity, regions and labels of a loaded street image side by side, as far as they are there.

    Args:
        results: the dict of a pipeline before packing: ``img`` and perhaps ``disparity``, ``regions``, ``gt_seg_map``.
        palette: RGB colours of the classes.
    """
    image = results['img']
    tiles = [image]
    if 'disparity' in results:
        tiles.append(colorize_disparity(results['disparity']))
    if 'regions' in results:
        tiles.append(draw_regions(image, results['regions']))
    if 'gt_seg_map' in results:
        labels = results['gt_seg_map']
        tiles.append(cv2.resize(draw_labels(image, labels, palette), image.shape[1::-1], interpolation=cv2.INTER_AREA))
    return np.hstack(tiles)


def _picture(tensor: Any) -> np.ndarray:
    return np.ascontiguousarray(np.asarray(tensor).transpose(1, 2, 0))


def draw_clip(inputs: Mapping[str, Any], data_sample: Any) -> np.ndarray:
    """The frames of a packed clip in order, below them the augmented ones and, where it is known, the true depth."""
    rows = [
        np.hstack([_picture(frame) for frame in inputs[name]]) for name in ('clean', 'augmented') if name in inputs]
    if 'gt_depth_map' in data_sample:
        depth = np.asarray(data_sample.gt_depth_map.data).squeeze()
        disparity = np.divide(1, depth, out=np.zeros_like(depth), where=depth > 0)
        height, width = rows[0].shape[0], _picture(inputs['clean'][0]).shape[1]
        tile = np.zeros_like(rows[0])
        tile[:, :width] = cv2.resize(colorize_disparity(disparity), (width, height), interpolation=cv2.INTER_NEAREST)
        rows.append(tile)
    return np.vstack(rows)


def _draw_levels(views: Any, sample: TwoViewsSample, model: Mapping[str, Any], rng: np.random.Generator
                 ) -> dict[str, np.ndarray]:
    settings = model.get('depth_filter')
    depth_filter = None if settings is None else DepthFilter(**settings)
    levels = [(cells, tuple(cells.shape[1:])) for cells in sample.cell_disparity]
    if not levels:  # of a network with stride 16
        levels = [(None, (views.shape[2] // 16, views.shape[3] // 16))]
    return {f'pairs_{number}': draw_two_views(
        np.asarray(views), sample.boxes, cells, size, model.get('distance_thrs', (0.7,)), depth_filter, NUM_LINES, rng)
        for number, (cells, size) in enumerate(levels)}


def draw_mixture(images: Sequence[Any], mask: Any) -> np.ndarray:
    """Two images (3, H, W), where the first one is shown of them (white), and their mixture, side by side.

    Args:
        images: uint8, BGR; tensors or arrays.
        mask: (H, W) bool.
    """
    one, other = (_picture(image) for image in images)
    shown = np.asarray(mask)[..., None]
    return np.hstack([one, other, np.where(shown, np.full_like(one, 255), 0), np.where(shown, one, other)])


def draw_lesson(image: np.ndarray, labels: np.ndarray, sure: np.ndarray, mixed: np.ndarray, mixed_labels: np.ndarray,
                palette: Sequence[Sequence[int]], truth: np.ndarray | None = None) -> np.ndarray:
    """What a student is to learn from an image without labels: the image, its pseudo-labels, where the teacher is sure
    (white), the truth if it is known, and what the student sees, with its labels, side by side.

    Args:
        image, mixed: (H, W, 3) uint8, BGR.
        labels, mixed_labels, truth: (H, W) class ids; ids beyond the palette have no class.
        sure: (H, W) bool.
        palette: RGB colour of each class.
    """
    known = [] if truth is None else [draw_labels(image, truth, palette)]
    return np.hstack([
        image, draw_labels(image, labels, palette), np.where(sure[..., None], np.full_like(image, 255), 0), *known,
        mixed, draw_labels(mixed, mixed_labels, palette)])


def _draw_packed(image: np.ndarray, sample: Any, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """An image, its labels and disparity, those that are there, side by side."""
    tiles = [image]
    if 'gt_sem_seg' in sample:
        labels = np.asarray(sample.gt_sem_seg.data).squeeze()
        tiles.append(cv2.resize(
            draw_labels(image, labels, palette), image.shape[1::-1], interpolation=cv2.INTER_AREA))
    if 'gt_depth_map' in sample:
        tiles.append(colorize_disparity(np.asarray(sample.gt_depth_map.data)[0]))
    return np.hstack(tiles)


def draw_item(item: Mapping[str, Any], metainfo: Mapping[str, Any], rng: np.random.Generator,
              model: Mapping[str, Any] | None = None) -> dict[str, np.ndarray]:
    """Pictures of one item of a data set, by name.

    Mixed views give one picture with region matches and one with pixel matches, two views one with pairs of cells for
    each level; an image with labels and one without give one of each; pairs of images, clips, packed and unpacked
    images give one each.

    Args:
        item: what the data set's pipeline gives.
        metainfo: of the data set; ``palette`` colours the labels.
        rng: chooses the matches that are drawn.
        model: settings of the model; ``distance_thrs`` and ``depth_filter`` decide which cells of two views match.

    Returns:
        (H, W, 3) uint8 pictures, BGR.

    Raises:
        TypeError: the item is of none of these kinds.
    """
    palette = metainfo.get('palette') or []
    if 'img' in item:
        return {'image': draw_street_image(item, palette)}
    if 'unlabelled' in item:
        return {branch: _draw_packed(_picture(part['inputs']), part['data_samples'], palette)
                for branch, part in item.items()}
    inputs: Any = item.get('inputs')
    sample: Any = item.get('data_samples')
    if isinstance(sample, MixedViewsSample):
        return {
            'region_matches': draw_mixed_views(inputs, sample.region_matches, NUM_LINES, rng),
            'pixel_matches': draw_mixed_views(inputs, sample.pixel_matches, NUM_LINES, rng)}
    if isinstance(sample, FeaturePairSample) and inputs.shape[1] == 3:
        return {'pair': np.hstack([_picture(image) for image in inputs])}
    if isinstance(sample, TwoViewsSample):
        return _draw_levels(inputs, sample, model or {}, rng)
    if isinstance(inputs, Mapping) and 'clean' in inputs:
        return {'clip': draw_clip(inputs, sample)}
    if getattr(inputs, 'ndim', 0) == 3:
        return {'image': _draw_packed(_picture(inputs), sample, palette)}
    raise TypeError(f'an item with {", ".join(map(str, item))} is no sample that can be drawn')
