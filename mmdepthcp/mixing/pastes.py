"""Which region goes where, at what size and colour: all random draws of copy-paste (Zeng et al., BMVC
2022)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mmdepthcp.geometry import affine
from mmdepthcp.mixing.regions import RegionPool
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import NO_REGION
from mmdepthcp.views.colour import Colours, ColourSettings, sample_colours

_CHOICES = dict(target=('group', 'own'), placement=('perspective', 'random'), order=('disparity', 'random'))


@dataclass(frozen=True)
class PasteSettings:
    """Where regions go. Lengths are in pixels; the defaults are the paper's for images of 384×768.

    Args:
        cp_times: How often each region is pasted, for each round; its length is the number of rounds.
        scale_range: Smallest and largest scale of a paste.
        position_jitter: The row moves by up to this, up or down.
        min_height, min_width, min_side: A region is not pasted if its height or width is below its minimum or
            if both are below ``min_side``,
        whole_margin: nor if height and width come within this of the whole image's.
        min_pasted: No side of a paste gets smaller than this,
        max_ratio: nor larger than this times the image's.
        flip_prob: Probability of a horizontal flip.
        colour: Colour changes of the pastes.
        target: Where regions go: 'group', into all images of the group in turn, or 'own', into the image that they
            come from.
        placement: 'perspective', what grows moves away from the horizon and keeps to its side of it; or 'random', any
            row and a uniform scale.
        order: What a paste hides: 'disparity', what is farther away, or 'random', the paste takes the mean disparity of
            a region drawn at random in place of its own.

    The last three are for experiments about what matters; the paper's are the defaults.
    """

    cp_times: tuple[int, ...] = (2, 4)
    scale_range: tuple[float, float] = (0.2, 2.0)
    position_jitter: int = 16
    min_height: int = 16
    min_width: int = 6
    min_side: int = 32
    whole_margin: int = 16
    min_pasted: int = 8
    max_ratio: float = 2.0
    flip_prob: float = 0.5
    colour: ColourSettings = field(default_factory=ColourSettings)
    target: str = 'group'
    placement: str = 'perspective'
    order: str = 'disparity'

    def __post_init__(self) -> None:
        if not self.cp_times or min(self.cp_times) < 0:
            raise InputError(f'cp_times must hold one number >= 0 for each round, got {self.cp_times}')
        if not 0 < self.scale_range[0] <= self.scale_range[1]:
            raise InputError(f'scale_range must be 0 < smallest <= largest, got {self.scale_range}')
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise InputError(f'{name} must be one of {", ".join(known)}, got {getattr(self, name)!r}')

    @property
    def num_rounds(self) -> int:
        return len(self.cp_times)

    @property
    def copies_per_region(self) -> int:
        """C: the region's own place in each round, then its pastes."""
        return self.num_rounds + sum(self.cp_times)


@dataclass(frozen=True)
class Pastes:
    """P pastes, arrays of shape (P,), in the order of views and, within a view, of pasting.

    Attributes:
        region: Index k into the pool.
        copy: Number c of the copy, num_rounds..C−1.
        view: View 0..num_rounds·M−1 that it is pasted into.
        scale: Factor of its size.
        closeness: Factor of its disparity; its scale unless the order is random.
        flip: Whether it is mirrored.
        left: Where its scaled box begins in the view before the view's own crop; whole pixels.
        top: The same from above.
        colour: Its colour changes.
    """

    region: np.ndarray
    copy: np.ndarray
    view: np.ndarray
    scale: np.ndarray
    closeness: np.ndarray
    flip: np.ndarray
    left: np.ndarray
    top: np.ndarray
    colour: Colours


def pasteable_regions(pool: RegionPool, settings: PasteSettings) -> np.ndarray:
    """Indices of the regions that are neither too small nor about the whole image."""
    width, height = pool.right - pool.left, pool.bottom - pool.top
    image_height, image_width = pool.size
    too_small = (
        (height < settings.min_height) | (width < settings.min_width)
        | ((height < settings.min_side) & (width < settings.min_side)) | (pool.area == 0))
    whole = (height > image_height - settings.whole_margin) & (width > image_width - settings.whole_margin)
    return np.flatnonzero(~too_small & ~whole)


def scale_interval(pool: RegionPool, region: np.ndarray, settings: PasteSettings) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest scale of each ``region`` (n,).

    The settings' range, tightened so that the paste keeps its least and largest size and that, moved towards
    or away from the horizon row y_c = H // 2, it stays on its side of the picture: above it s ≤ y_c / (y_c −
    bottom), below it s ≤ (H − y_c − 1) / (top − y_c) (not so for random placement). Both are 1 where nothing is left.
    """
    height, width = pool.size
    top, bottom = pool.top[region], pool.bottom[region]
    region_height, region_width = bottom - top, pool.right[region] - pool.left[region]
    smallest = np.maximum(settings.scale_range[0], settings.min_pasted / np.minimum(region_height, region_width))
    largest = np.minimum(
        settings.scale_range[1],
        settings.max_ratio * np.minimum(height / region_height, width / region_width))
    if settings.placement == 'perspective':
        horizon = height // 2
        above, below = bottom < horizon, top > horizon
        largest = np.where(above, np.minimum(largest, horizon / np.where(above, horizon - bottom, 1)), largest)
        largest = np.where(
            below, np.minimum(largest, (height - horizon - 1) / np.where(below, top - horizon, 1)), largest)
    empty = smallest > largest
    return np.where(empty, 1, smallest), np.where(empty, 1, largest)


def mean_disparity(pool: RegionPool) -> np.ndarray:
    """(K,) mean disparity of the regions of a pool, 0 of those without pixels."""
    regions = np.where(pool.region_maps == NO_REGION, -1, pool.region_maps + pool.first_region[:, None, None]) + 1
    total = np.bincount(regions.ravel(), pool.disparity[:, 1:-1, 1:-1].ravel(), pool.num_regions + 1)[1:]
    return total / np.maximum(pool.area, 1)


def sample_pastes(rng: np.random.Generator, pool: RegionPool, settings: PasteSettings) -> Pastes:
    """Draw where the regions of the pool go.

    In round r every pasteable region is taken ``cp_times[r]`` times; all these are shuffled and dealt out to
    the M images in turn, image m of round r being view r·M + m. The scale is uniform in depth: 1/s is
    uniform. Settings other than the paper's: see :class:`PasteSettings`.

    Example:
        >>> from mmdepthcp.mixing import pool_regions
        >>> regions = np.pad(np.zeros((40, 40), int), ((10, 10), (20, 20)), constant_values=65535)
        >>> pool = pool_regions([np.zeros((60, 80, 3), np.uint8)], [regions], [np.ones((60, 80))])
        >>> pastes = sample_pastes(np.random.default_rng(0), pool, PasteSettings(cp_times=(2, 1)))
        >>> pastes.view.tolist(), sorted(pastes.copy.tolist())  # copies 0 and 1 are its own place in the two rounds
        ([0, 0, 1], [2, 3, 4])
    """
    candidates = pasteable_regions(pool, settings)
    regions, copies, views = [], [], []
    first_copy = settings.num_rounds
    for number, times in enumerate(settings.cp_times):
        order = rng.permutation(times * len(candidates))
        taken = np.tile(candidates, times)
        image = pool.image[taken[order]] if settings.target == 'own' else np.arange(len(order)) % pool.num_images
        by_image = np.argsort(image, kind='stable')
        dealt = order[by_image]
        regions.append(taken[dealt])
        copies.append(first_copy + np.repeat(np.arange(times), len(candidates))[dealt])
        views.append(number * pool.num_images + image[by_image])
        first_copy += times
    region, copy, view = np.concatenate(regions), np.concatenate(copies), np.concatenate(views)

    count = len(region)
    height, width = pool.size
    horizon = height // 2
    smallest, largest = scale_interval(pool, region, settings)
    if settings.placement == 'perspective':
        scale = 1 / rng.uniform(1 / largest, 1 / smallest)
        jitter = rng.integers(-settings.position_jitter, settings.position_jitter, count, endpoint=True)
        top = np.trunc((pool.top[region] - horizon) * scale + horizon).astype(np.int64) + jitter
    else:
        scale = rng.uniform(smallest, largest)
        top = rng.integers(1 - np.ceil((pool.bottom[region] - pool.top[region]) * scale).astype(np.int64), height)
    pasted_width = np.ceil((pool.right[region] - pool.left[region]) * scale).astype(np.int64)
    left = rng.integers(1 - pasted_width, width)
    flip = rng.random(count) < settings.flip_prob
    colours = sample_colours(rng, count, settings.colour)
    closeness = scale
    if settings.order == 'random' and count:
        means = mean_disparity(pool)
        own = means[region]
        closeness = np.where(own > 0, means[rng.choice(candidates, count)] / np.where(own > 0, own, 1), 0)
    return Pastes(region, copy, view, scale, closeness, flip, left, top, colours)


def paste_maps(pool: RegionPool, pastes: Pastes) -> np.ndarray:
    """The (P, 3, 3) affine maps from source image to view (before the view's own crop) of the pastes.

    Example:
        >>> from mmdepthcp.mixing import pool_regions
        >>> regions = np.array([[65535] * 4, [65535, 0, 0, 0]])
        >>> pool = pool_regions([np.zeros((2, 4, 3), np.uint8)], [regions], [np.ones((2, 4))])
        >>> doubled_and_mirrored = [[0], [1], [0], [2], [2], [True], [30], [-6]]
        >>> pastes = Pastes(*np.array(doubled_and_mirrored), colour=None)
        >>> affine.apply(paste_maps(pool, pastes), [1.5, 1.5]).tolist()
        [[35.0, -5.0]]
    """
    region = pastes.region
    return affine.compose(
        affine.crop(pool.left[region], pool.top[region]),
        affine.scaling(pastes.scale, pastes.scale),
        affine.horizontal_flip((pool.right[region] - pool.left[region]) * pastes.scale, pastes.flip),
        affine.translation(pastes.left, pastes.top))
