"""Random resizing, cropping and flipping of whole images, as maps that say where every pixel came from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mmdepthcp.geometry import affine
from mmdepthcp.views.colour import ColourSettings


@dataclass(frozen=True)
class ViewSettings:
    """How views are cropped and coloured (defaults: Zeng et al., BMVC 2022, after mixing).

    Args:
        size: (H, W) of the view. None: the size of the images.
        area_range: Area after resizing, relative to the image's; the view is a crop of it. Uniform.
        aspect_range: Change of the aspect ratio width / height by resizing. Uniform.
        flip_prob: Probability of a horizontal flip.
        colour: Colour changes.
    """

    size: tuple[int, int] | None = None
    area_range: tuple[float, float] = (1.0, 2.0)
    aspect_range: tuple[float, float] = (3 / 4, 4 / 3)
    flip_prob: float = 0.5
    colour: ColourSettings = field(default_factory=ColourSettings)


def sample_view_crops(
    rng: np.random.Generator,
    num_views: int,
    image_size: tuple[int, int],
    settings: ViewSettings,
) -> np.ndarray:
    """Draw each view's random resize, crop and flip.

    With area a and aspect r, both uniform, the image is resized to W·√(a·r) × H·√(a/r), each side at least the
    view's, and the corner of the crop is uniform in what remains.

    Args:
        rng: Source of randomness.
        num_views: V.
        image_size: (H, W) of the mixed image.
        settings: Ranges; the resized image is never smaller than the view.

    Returns:
        (V, 3, 3) affine maps from the mixed image to the view.

    Example:
        >>> settings = ViewSettings(area_range=(1.0, 1.0), aspect_range=(1.0, 1.0), flip_prob=1.0)
        >>> to_view = sample_view_crops(np.random.default_rng(0), 1, (4, 8), settings)  # nothing but the flip
        >>> affine.apply(to_view[0], [[0.0, 0.0], [8.0, 4.0]]).tolist()
        [[8.0, 0.0], [0.0, 4.0]]
    """
    height, width = image_size
    view_height, view_width = settings.size or image_size
    area = rng.uniform(*settings.area_range, num_views)
    aspect = rng.uniform(*settings.aspect_range, num_views)
    resized_width = np.maximum(np.rint(width * np.sqrt(area * aspect)), view_width).astype(np.int64)
    resized_height = np.maximum(np.rint(height * np.sqrt(area / aspect)), view_height).astype(np.int64)
    left = rng.integers(0, resized_width - view_width, endpoint=True)
    top = rng.integers(0, resized_height - view_height, endpoint=True)
    flip = rng.random(num_views) < settings.flip_prob
    return affine.compose(
        affine.resize(width, height, resized_width, resized_height),
        affine.crop(left, top),
        affine.horizontal_flip(view_width, flip))
