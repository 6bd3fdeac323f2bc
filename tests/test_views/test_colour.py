from __future__ import annotations

import colorsys
import itertools

import numpy as np
import pytest

from benchmarks.plain.copy_paste import plain_recolour
from mmdepthcp.views.colour import (
    NO_COLOUR_CHANGE,
    Colours,
    ColourSettings,
    chain_colour_matrices,
    colour_matrices,
    sample_colours,
)


def one_colour(**changes) -> Colours:
    neutral = {'brightness': 1.0, 'contrast': 1.0, 'saturation': 1.0, 'hue': 0.0, 'grey': False, 'sigma': 0.0}
    return Colours(**{name: np.array([value]) for name, value in {**neutral, **changes}.items()})


def changed(colour, mean_grey=100.0, **changes):
    matrix = colour_matrices(one_colour(**changes), np.array([mean_grey]))[0]
    return matrix @ [*colour, 1]


def test_matrices_equal_the_operations_one_after_the_other():
    rng = np.random.default_rng(0)
    colours = sample_colours(rng, 20, ColourSettings(grey_prob=0.3))
    grey = rng.uniform(0, 255, 20)
    image = rng.uniform(0, 255, (6, 7, 3))
    matrices = colour_matrices(colours, grey)
    for index, matrix in enumerate(matrices):
        np.testing.assert_allclose(
            image @ matrix[:, :3].T + matrix[:, 3], plain_recolour(image, colours, index, grey[index]), atol=0.2)


def test_worked_colours():
    np.testing.assert_allclose(changed((10, 20, 30), brightness=2), (20, 40, 60), atol=1e-9)
    np.testing.assert_allclose(changed((10, 20, 30), contrast=0.5), (55, 60, 65), atol=1e-9)
    luma = 0.114 * 10 + 0.587 * 20 + 0.299 * 30
    np.testing.assert_allclose(changed((10, 20, 30), grey=True), [luma] * 3, atol=1e-9)
    np.testing.assert_allclose(changed((10, 20, 30), saturation=0), [luma] * 3, atol=1e-9)
    np.testing.assert_allclose(changed((10, 20, 30), hue=1), (10, 20, 30), atol=1e-9)


def test_turning_the_hue_keeps_luma_and_leaves_grey_alone():
    turned = changed((200, 40, 90), hue=0.2)
    weights = np.array([0.114, 0.587, 0.299])
    assert turned @ weights == pytest.approx(np.array([200, 40, 90]) @ weights)
    assert np.abs(turned - (200, 40, 90)).max() > 20
    np.testing.assert_allclose(changed((77, 77, 77), hue=0.2), [77] * 3, atol=1e-9)


@pytest.mark.parametrize('turn', [-0.2, -0.05, 0.05, 0.2])
def test_hue_turns_as_in_hsv(turn):
    """torchvision adds the turn to the hue of HSV; turning in YIQ differs from that by less than 0.12."""
    for blue, green, red in itertools.product((20, 200), repeat=3):
        if blue == green == red:
            continue
        turned = np.clip(changed((blue, green, red), hue=turn), 0, 255)
        moved = colorsys.rgb_to_hsv(*turned[::-1])[0] - colorsys.rgb_to_hsv(red, green, blue)[0]
        assert (moved + 0.5) % 1 - 0.5 == pytest.approx(turn, abs=0.12)
        assert moved % 1 < 0.5 if turn > 0 else moved % 1 > 0.5


def test_chained_matrices_equal_one_after_the_other():
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 4, 3, 4))
    colour = np.array([10, 20, 30, 1.0])
    for chained, a, b in zip(chain_colour_matrices(first, second), first, second, strict=True):
        np.testing.assert_allclose(chained @ colour, b @ [*(a @ colour), 1])


def test_draws_keep_their_ranges_and_probabilities():
    colours = sample_colours(np.random.default_rng(2), 20_000, ColourSettings())
    jittered = colours.brightness != 1
    assert jittered.mean() == pytest.approx(0.8, abs=0.02)
    assert colours.grey.mean() == pytest.approx(0.1, abs=0.01)
    assert (colours.sigma > 0).mean() == pytest.approx(0.2, abs=0.02)
    np.testing.assert_array_equal(jittered, colours.hue != 0)
    for values in (colours.brightness, colours.contrast, colours.saturation):
        assert 0.5 <= values.min() < 0.51 and 1.49 < values.max() <= 1.5
    assert -0.2 <= colours.hue.min() < -0.19 and 0.19 < colours.hue.max() <= 0.2
    assert colours.sigma.max() <= 2


def test_no_change_is_the_identity():
    colours = sample_colours(np.random.default_rng(3), 5, NO_COLOUR_CHANGE)
    np.testing.assert_allclose(
        colour_matrices(colours, np.full(5, 90.0)), np.tile(np.eye(3, 4), (5, 1, 1)), atol=1e-12)
    assert not colours.sigma.any()
