"""Random colours as one 3×4 matrix each.

Brightness, contrast, saturation and grey are affine in BGR; a turn of the hue is taken as a rotation of the
chroma plane of YIQ, which is linear too and keeps the luma. So any chain of them is one matrix, and chains of
a paste and of the view it lies in multiply to one matrix per paste, applied to every pixel once.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

LUMA_BGR = np.array([0.114, 0.587, 0.299])
_YIQ_FROM_RGB = np.array([[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])
_YIQ_FROM_BGR = _YIQ_FROM_RGB[:, ::-1]
_BGR_FROM_YIQ = np.linalg.inv(_YIQ_FROM_BGR)


@dataclass(frozen=True)
class ColourSettings:
    """How strongly and how often colours change (defaults: Zeng et al., BMVC 2022).

    Args:
        brightness, contrast, saturation: The factor is uniform in 1 ± this.
        hue: The turn is uniform in ± this, 1 being the full circle, from red to yellow to green.
        jitter_prob: Probability of these four, together.
        blur_prob: Probability of a 5×5 Gaussian blur.
        blur_sigma: Range of its sigma, in pixels of the view.
        grey_prob: Probability of losing all colour.
    """

    brightness: float = 0.5
    contrast: float = 0.5
    saturation: float = 0.5
    hue: float = 0.2
    jitter_prob: float = 0.8
    blur_prob: float = 0.2
    blur_sigma: tuple[float, float] = (0.1, 2.0)
    grey_prob: float = 0.1


NO_COLOUR_CHANGE = ColourSettings(jitter_prob=0, blur_prob=0, grey_prob=0)


@dataclass(frozen=True)
class Colours:
    """Drawn colour changes of n things, arrays of shape (n,).

    ``brightness``, ``contrast`` (about the mean grey of the thing), ``saturation``: factors; ``hue``: turn, 1
    is the full circle; ``grey``: bool; ``sigma``: of the 5×5 Gaussian blur in view pixels, 0 for none. They
    act in this order, the blur last.
    """

    brightness: np.ndarray
    contrast: np.ndarray
    saturation: np.ndarray
    hue: np.ndarray
    grey: np.ndarray
    sigma: np.ndarray

    def __getitem__(self, index: np.ndarray) -> Colours:
        return Colours(**{name: values[index] for name, values in vars(self).items()})


def sample_colours(rng: np.random.Generator, count: int, settings: ColourSettings) -> Colours:
    """Draw the colour changes of ``count`` things."""
    jittered = rng.random(count) < settings.jitter_prob

    def factor(spread: float, neutral: float) -> np.ndarray:
        return np.where(jittered, neutral + rng.uniform(-spread, spread, count), neutral)

    brightness = factor(settings.brightness, 1)
    contrast = factor(settings.contrast, 1)
    saturation = factor(settings.saturation, 1)
    hue = factor(settings.hue, 0)
    grey = rng.random(count) < settings.grey_prob
    blurred = rng.random(count) < settings.blur_prob
    sigma = np.where(blurred, rng.uniform(*settings.blur_sigma, count), 0)
    return Colours(brightness, contrast, saturation, hue, grey, sigma)


def colour_matrices(colours: Colours, mean_grey: np.ndarray) -> np.ndarray:
    """The (n, 3, 4) matrices that change (B, G, R, 1), values 0..255, as drawn; clip the result to 0..255.

    Args:
        colours: n colour changes.
        mean_grey: (n,) mean grey value of each thing in 0..255, the pivot of the contrast.
    """
    identity, grey = np.eye(3), np.tile(LUMA_BGR, (3, 1))

    def weight(values: np.ndarray) -> np.ndarray:
        return values[:, None, None]

    saturation = weight(colours.saturation) * identity + weight(1 - colours.saturation) * grey
    angle = -2 * np.pi * colours.hue  # I and Q go from red over magenta to blue
    turn = np.zeros((len(angle), 3, 3))
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = np.cos(angle)
    turn[:, 2, 1] = np.sin(angle)
    turn[:, 1, 2] = -turn[:, 2, 1]
    linear = _BGR_FROM_YIQ @ turn @ _YIQ_FROM_BGR @ saturation
    linear = np.where(weight(colours.grey), grey @ linear, linear)
    pivot = (1 - colours.contrast) * colours.brightness * mean_grey
    # the pivot is a grey, which saturation, hue and grey leave as it is
    offset = np.repeat(pivot[:, None, None], 3, axis=1)
    return np.concatenate([weight(colours.contrast * colours.brightness) * linear, offset], axis=2)


def chain_colour_matrices(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The (n, 3, 4) matrices that do ``first`` and then ``second`` (both (n, 3, 4), broadcasting)."""
    chained = second[..., :3] @ first
    chained[..., 3] += second[..., 3]
    return chained


def recolour(image: np.ndarray, colours: Colours) -> np.ndarray:
    """An image (H, W, 3) uint8 BGR with one drawn colour change, blurred by a Gaussian of full width."""
    mean_grey = image.reshape(-1, 3).mean(0) @ LUMA_BGR
    changed = cv2.transform(image, colour_matrices(colours, np.array([mean_grey]))[0])
    sigma = float(colours.sigma[0])
    return cv2.GaussianBlur(changed, (0, 0), sigma) if sigma else changed
