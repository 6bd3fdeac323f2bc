from __future__ import annotations

import numpy as np
import pytest

from mmdepthcp.evaluation.functional.crf import CRFSettings, Lattice, _simplices, dense_crf
from mmdepthcp.utils.errors import InputError


def gaussian(points):
    distances = np.square(points[:, None] - points[None]).sum(-1)
    return np.exp(-distances / 2)


def brute_force(image, log_probabilities, settings):
    """The mean field of Krähenbühl and Koltun with all pairs of pixels, written down plainly."""
    classes, height, width = log_probabilities.shape
    rows, columns = np.indices((height, width))
    places = np.stack([columns, rows], -1).reshape(-1, 2).astype(float)
    kernels = []
    for weight, points in (
            (settings.near_weight, places / settings.near_deviation),
            (settings.far_weight, np.concatenate([
                places / settings.far_deviation, image.reshape(-1, 3) / settings.colour_deviation], 1))):
        kernel = gaussian(points)
        norm = 1 / np.sqrt(kernel.sum(1))
        kernels.append(weight * norm[:, None] * kernel * norm)
    probability = np.exp(log_probabilities.reshape(classes, -1).T)
    probability = np.clip(probability / probability.sum(1, keepdims=True), 1e-5, 1)
    unary = -np.log(probability)
    found = np.exp(-unary) / np.exp(-unary).sum(1, keepdims=True)
    for _ in range(settings.iterations):
        energy = unary - sum(kernel @ found for kernel in kernels)
        found = np.exp(-energy)
        found /= found.sum(1, keepdims=True)
    return found.T.reshape(classes, height, width)


def scene(seed, size=(20, 24), classes=4):
    """Two surfaces with noise on the colours, and a noisy guess at what is where."""
    rng = np.random.default_rng(seed)
    truth = np.zeros(size, int)
    truth[6:, 8:] = 1
    truth[14:, :8] = 2
    image = np.array([[60, 80, 90], [140, 120, 100], [200, 190, 60], [0, 0, 0]])[truth] + rng.normal(0, 3, (*size, 3))
    guess = rng.normal(0, 1, (classes, *size)) + 1.2 * (np.arange(classes)[:, None, None] == truth)
    return image.clip(0, 255).astype(np.uint8), guess, truth


@pytest.mark.parametrize('dimensions', [1, 2, 3, 5])
def test_corners_of_the_lattice(dimensions):
    points = np.random.default_rng(0).normal(0, 3, (500, dimensions))
    corners, shares = _simplices(points)
    assert shares.min() > -1e-9
    np.testing.assert_allclose(shares.sum(1), 1)
    last = -corners.sum(-1, keepdims=True)  # coordinates add up to 0 and have one remainder by d + 1
    whole = np.concatenate([corners, last], -1)
    assert (whole % (dimensions + 1) == whole[..., :1] % (dimensions + 1)).all()
    scale = (dimensions + 1) * np.sqrt(2 / 3) / np.sqrt(
        np.arange(1, dimensions + 1) * np.arange(2, dimensions + 2))
    basis = np.zeros((dimensions + 1, dimensions))
    for column in range(dimensions):
        basis[:column + 1, column], basis[column + 1, column] = 1, -(column + 1)
    np.testing.assert_allclose((shares[..., None] * whole).sum(1), points * scale @ basis.T, atol=1e-9)


@pytest.mark.parametrize(('dimensions', 'error'), [(2, .1), (5, .2)])
def test_the_lattice_filters_like_a_gaussian(dimensions, error):
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 3, (900, dimensions))
    values = rng.uniform(0, 1, (900, 3)).astype(np.float32)
    lattice, kernel = Lattice(points), gaussian(points)
    found = lattice(values) / lattice(np.ones((900, 1), np.float32))
    expected = kernel @ values / kernel.sum(1, keepdims=True)
    assert np.abs(found - expected).max() < error * np.ptp(expected) + .02
    np.testing.assert_allclose(lattice(2 * values), 2 * lattice(values), rtol=1e-4)
    one, other = values[:, :1], values[:, 1:2]
    assert (one * lattice(other)).sum() == pytest.approx((other * lattice(one)).sum(), rel=.02)


@pytest.mark.parametrize('settings', [
    CRFSettings(), CRFSettings(far_weight=0), CRFSettings(near_weight=0, far_deviation=8, colour_deviation=20),
    CRFSettings(far_deviation=5, colour_deviation=10, iterations=3)], ids=['default', 'near', 'far', 'small'])
def test_mean_field_is_that_of_all_pairs(settings):
    for seed in range(3):
        image, guess, _ = scene(seed)
        found, expected = dense_crf(image, guess, settings), brute_force(image, guess, settings)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found.sum(0), 1, rtol=1e-5)
        if not settings.far_weight:
            np.testing.assert_allclose(found, expected, atol=1e-3)
        assert np.mean(found.argmax(0) == expected.argmax(0)) > .97
        assert np.abs(found - expected).mean() < .03


def test_noise_goes_and_edges_stay():
    for seed in range(3):
        image, guess, truth = scene(seed)
        assert np.mean(dense_crf(image, guess).argmax(0) == truth) > .95 > np.mean(guess.argmax(0) == truth) + .1


def test_without_neighbours_nothing_changes():
    image, guess, _ = scene(0)
    for settings in (CRFSettings(near_weight=0, far_weight=0), CRFSettings(iterations=0)):
        found = dense_crf(image, guess, settings)
        assert np.array_equal(found.argmax(0), guess.argmax(0))
        np.testing.assert_allclose(found, np.exp(guess) / np.exp(guess).sum(0), atol=1e-4)


def test_order_of_channels_and_a_constant_do_not_count():
    image, guess, _ = scene(1)
    one = dense_crf(image, guess)
    np.testing.assert_allclose(dense_crf(image, guess + 7), one, atol=1e-4)
    assert np.mean(dense_crf(image[..., ::-1], guess).argmax(0) == one.argmax(0)) > .98


def test_bad_input():
    image, guess, _ = scene(0)
    with pytest.raises(InputError, match=r'image is of size \(19, 24\), the probabilities of \(20, 24\)'):
        dense_crf(image[1:], guess)
    with pytest.raises(InputError, match='deviations are positive'):
        CRFSettings(colour_deviation=0)
