"""Synthetic groups of images with regions and disparity."""

from __future__ import annotations

import cv2
import numpy as np

from mmdepthcp.utils.images import NO_REGION


def smooth_image(rng: np.random.Generator, size: tuple[int, int], cell: int = 16) -> np.ndarray:
    """(H, W, 3) uint8 with smooth random colours that change over about ``cell`` pixels."""
    height, width = size
    coarse = rng.uniform(30, 225, (height // cell + 2, width // cell + 2, 3)).astype(np.float32)
    return np.clip(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def cell_regions(rng: np.random.Generator, size: tuple[int, int], count: int, holes: int = 0) -> np.ndarray:
    """(H, W) int32 regions around ``count`` random points; the last ``holes`` of them are no region."""
    height, width = size
    points = rng.uniform(0, 1, (count, 2)) * size
    rows, columns = np.mgrid[:height, :width] + 0.5
    nearest = np.full(size, np.inf)
    regions = np.zeros(size, np.int32)
    for index, (y, x) in enumerate(points):
        distance = (rows - y)**2 + (columns - x)**2
        regions[distance < nearest] = index if index < count - holes else NO_REGION
        nearest = np.minimum(nearest, distance)
    return regions


def smooth_disparity(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """(H, W) float32 smooth random disparity in 0.02..1, nowhere constant."""
    height, width = size
    coarse = rng.uniform(0.05, 1, (4, 6)).astype(np.float32)
    disparity = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return disparity * np.linspace(0.6, 1, height, dtype=np.float32)[:, None]


def synthetic_group(
    seed: int, num_images: int, size: tuple[int, int], regions: int, holes: int = 0,
) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Images, region maps and disparities of a group."""
    rng = np.random.default_rng(seed)
    return (
        [smooth_image(rng, size) for _ in range(num_images)],
        [cell_regions(rng, size, regions, holes) for _ in range(num_images)],
        [smooth_disparity(rng, size) for _ in range(num_images)],
    )
