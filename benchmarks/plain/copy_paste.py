"""Copy-paste the plain way: every paste is warped, recoloured and blended in sequence; every match is looked
for in a loop.

The oracle of the tests, and what the benchmark compares with. It takes the same drawn parameters as the fast
version.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from mmdepthcp.mixing import Pastes
from mmdepthcp.utils.images import NO_REGION


def plain_recolour(image: np.ndarray, colours, index: int, mean_grey: float) -> np.ndarray:
    """Brightness, contrast, saturation, hue, grey of a float BGR image, one after the other, without
    clipping."""
    weights = np.array([0.114, 0.587, 0.299])
    image = image * colours.brightness[index]
    pivot = mean_grey * colours.brightness[index]
    image = pivot + (image - pivot) * colours.contrast[index]
    grey = (image @ weights)[..., None]
    image = grey + (image - grey) * colours.saturation[index]
    blue, green, red = np.moveaxis(image, -1, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    i = 0.595716 * red - 0.274453 * green - 0.321263 * blue
    q = 0.211456 * red - 0.522591 * green + 0.311135 * blue
    turned = (i + 1j * q) * np.exp(-2j * np.pi * colours.hue[index])
    i, q = turned.real, turned.imag
    blue, green = luma - 1.1070 * i + 1.7046 * q, luma - 0.2721 * i - 0.6474 * q
    image = np.stack([blue, green, luma + 0.9563 * i + 0.6210 * q], -1)
    if colours.grey[index]:
        image = np.repeat((image @ weights)[..., None], 3, axis=-1)
    return image


def mean_grey(pixels: np.ndarray) -> float:
    return float((pixels.reshape(-1, 3) @ np.array([0.114, 0.587, 0.299])).mean())


def region_table(image: np.ndarray, regions: np.ndarray) -> list[tuple]:
    """Per region of an image: mask of the image, left, top, right, bottom, mean grey."""
    table = []
    for region in range(1 + int(np.max(regions, initial=-1, where=regions != NO_REGION))):
        mask = (regions == region).astype(np.uint8)
        if not mask.any():
            table.append((mask, 0, 0, 0, 0, 0.0))
            continue
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        table.append((mask, columns[0], rows[0], columns[-1] + 1, rows[-1] + 1, mean_grey(image[mask > 0])))
    return table


def warp(array: np.ndarray, to_view: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """The box (left, top, right, bottom) of the view that ``array`` gives under the map ``to_view``,
    bilinear."""
    left, top, right, bottom = box
    to_crop = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1.0]]) @ to_view
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    centres = np.linalg.inv(half) @ to_crop @ half
    return cv2.warpAffine(array, centres[:2], (right - left, bottom - top), flags=cv2.INTER_LINEAR,
                          borderMode=cv2.BORDER_REPLICATE)


def area_average(array: np.ndarray, to_view: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """As ``warp``: means over the area of a pixel of the view, at least one pixel of ``array``, from running sums."""
    from_view = np.linalg.inv(to_view)
    for axis, (start, end) in ((0, box[1::2]), (1, box[0::2])):
        row = 1 - axis
        step, shift = from_view[row, row], from_view[row, 2]
        half = max(abs(step), 1) / 2
        centres = step * (np.arange(start, end) + 0.5) + shift
        low, high = max(int(centres.min() - half) - 1, -(10**6)), int(centres.max() + half) + 2
        lines = np.take(array, np.clip(np.arange(low, high), 0, array.shape[axis] - 1), axis)
        sums = np.concatenate([np.zeros_like(lines.take([0], axis), np.float64), lines.cumsum(axis, np.float64)], axis)

        def sum_until(position: np.ndarray, axis: int = axis, low: int = low, sums: np.ndarray = sums) -> np.ndarray:
            whole = np.floor(position).astype(int)
            part = np.expand_dims(position - whole, [other for other in range(sums.ndim) if other != axis])
            return (1 - part) * sums.take(whole - low, axis) + part * sums.take(whole + 1 - low, axis)

        array = (sum_until(centres + half) - sum_until(centres - half)) / (2 * half)
    return array.astype(np.float32)


def bilinear(array: np.ndarray, to_view: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """As ``warp`` with exact weights (OpenCV rounds positions to 1/32 pixel)."""
    left, top, right, bottom = box
    from_view = np.linalg.inv(to_view)
    height, width = array.shape[:2]
    x = np.clip(from_view[0, 0] * (np.arange(left, right) + 0.5) + from_view[0, 2] - 0.5, 0, width - 1)
    y = np.clip(from_view[1, 1] * (np.arange(top, bottom) + 0.5) + from_view[1, 2] - 0.5, 0, height - 1)
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    x1, y1 = np.minimum(x0 + 1, width - 1), np.minimum(y0 + 1, height - 1)
    fx = (x - x0)[None, :]
    fy = (y - y0)[:, None]
    return ((1 - fy) * ((1 - fx) * array[y0][:, x0] + fx * array[y0][:, x1])
            + fy * ((1 - fx) * array[y1][:, x0] + fx * array[y1][:, x1]))


def nearest(array: np.ndarray, to_view: np.ndarray, box: tuple[int, int, int, int], outside: int) -> np.ndarray:
    """As ``warp``, nearest, ``outside`` beyond the image."""
    left, top, right, bottom = box
    from_view = np.linalg.inv(to_view)
    height, width = array.shape
    x = np.floor(from_view[0, 0] * (np.arange(left, right) + 0.5) + from_view[0, 2]).astype(int)
    y = np.floor(from_view[1, 1] * (np.arange(top, bottom) + 0.5) + from_view[1, 2]).astype(int)
    inside = ((y >= 0) & (y < height))[:, None] & ((x >= 0) & (x < width))[None, :]
    return np.where(inside, array[np.clip(y, 0, height - 1)][:, np.clip(x, 0, width - 1)], outside)


def paint_views(
    images: Sequence[np.ndarray],
    region_maps: Sequence[np.ndarray],
    disparities: Sequence[np.ndarray],
    pastes: Pastes,
    crops: np.ndarray,
    view_size: tuple[int, int],
    view_colours,
    copies_per_region: int,
    order: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Views (V, H, W, 3) uint8, labels and disparity (V, H, W), pasting in the given order."""
    num_images = len(images)
    height, width = view_size
    floats = [image.astype(np.float32) for image in images]
    regions_of = [region_table(image, regions) for image, regions in zip(floats, region_maps, strict=True)]
    first = [sum(len(table) for table in regions_of[:m]) for m in range(num_images)]
    owners = [(m, region) for m, table in enumerate(regions_of) for region in table]
    views, labels, nearest_disparity = [], [], []
    whole = (0, 0, width, height)

    image_grey = [mean_grey(image) for image in floats]

    for view, crop in enumerate(crops):
        m = view % num_images
        colour = plain_recolour(warp(floats[m], crop, whole), view_colours, view, image_grey[m])
        views.append(np.clip(colour, 0, 255))
        regions = nearest(region_maps[m], crop, whole, NO_REGION)
        labels.append(np.where(
            regions == NO_REGION, -1, (first[m] + regions) * copies_per_region + view // num_images))
        nearest_disparity.append(bilinear(disparities[m], crop, whole))

    for index in range(len(pastes.region)) if order is None else order:
        view, k = pastes.view[index], pastes.region[index]
        m, (mask, region_left, region_top, region_right, region_bottom, region_grey) = owners[k]
        scale = pastes.scale[index]
        to_mixed = np.array([[scale, 0, -scale * region_left], [0, scale, -scale * region_top], [0, 0, 1]])
        if pastes.flip[index]:
            to_mixed = np.array([[-1, 0, scale * (region_right - region_left)], [0, 1, 0], [0, 0, 1]]) @ to_mixed
        to_mixed = np.array([[1, 0, pastes.left[index]], [0, 1, pastes.top[index]], [0, 0, 1]]) @ to_mixed
        to_view = crops[view] @ to_mixed

        corners = to_view @ np.array([[region_left, region_right], [region_top, region_bottom], [1, 1]])
        box = (max(int(np.floor(corners[0].min())) - 2, 0), max(int(np.floor(corners[1].min())) - 2, 0),
               min(int(np.ceil(corners[0].max())) + 2, width), min(int(np.ceil(corners[1].max())) + 2, height))
        if box[0] >= box[2] or box[1] >= box[3]:
            continue
        there = np.s_[box[1]:box[3], box[0]:box[2]]
        disparity = bilinear(disparities[m], to_view, box) * pastes.closeness[index]
        shown = nearest(mask, to_view, box, 0).astype(bool) & (disparity > nearest_disparity[view][there])

        wide_box = (box[0] - 2, box[1] - 2, box[2] + 2, box[3] + 2)
        shrinks = min(abs(to_view[0, 0]), to_view[1, 1]) < 0.98
        colour = area_average(floats[m], to_view, wide_box) if shrinks else warp(floats[m], to_view, wide_box)
        if pastes.colour.sigma[index]:
            colour = cv2.GaussianBlur(colour, (5, 5), pastes.colour.sigma[index])
        colour = colour[2:-2, 2:-2]
        colour = plain_recolour(colour, pastes.colour, index, region_grey)
        colour = plain_recolour(colour, view_colours, view, image_grey[view % num_images])
        alpha = cv2.GaussianBlur(shown.astype(np.float32), (3, 3), 1.0, borderType=cv2.BORDER_REPLICATE)[..., None]
        views[view][there] = alpha * np.clip(colour, 0, 255) + (1 - alpha) * views[view][there]
        nearest_disparity[view][there][shown] = disparity[shown]
        labels[view][there][shown] = k * copies_per_region + pastes.copy[index]

    finished = []
    for view, image in enumerate(views):
        image = np.clip(np.rint(image), 0, 255).astype(np.uint8)
        sigma = view_colours.sigma[view]
        finished.append(cv2.GaussianBlur(image, (5, 5), sigma) if sigma else image)
    return np.stack(finished), np.stack(labels), np.stack(nearest_disparity)


def find_pixel_matches(
    points: np.ndarray,
    views: np.ndarray,
    labels: np.ndarray,
    copies_per_region: int,
    copy_view: np.ndarray,
    to_view: np.ndarray,
) -> list[list[tuple[int, float, float]]]:
    """For every point of a view: all (view, x, y) that show its source point, if they are in two views or
    more."""
    groups = []
    _, height, width = labels.shape
    for (x, y), view in zip(points, views, strict=True):
        origin = labels[view, int(y), int(x)]
        if origin < 0:
            continue
        source = np.linalg.inv(to_view[origin]) @ [x, y, 1]
        region = origin // copies_per_region
        seen = []
        for c in range(copies_per_region):
            copy = region * copies_per_region + c
            if copy_view[copy] < 0:
                continue
            px, py, _ = (x, y, 1) if copy == origin else to_view[copy] @ source
            if 0 <= px < width and 0 <= py < height and labels[copy_view[copy], int(py), int(px)] == copy:
                seen.append((int(copy_view[copy]), px, py))
        if len({view for view, _, _ in seen}) > 1:
            groups.append(seen)
    return groups
