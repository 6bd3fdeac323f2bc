"""Pictures of features."""

import cv2
import numpy as np
import pytest

from mmdepthcp.utils.errors import InputError
from mmdepthcp.visualization.embeddings import draw_points, embed_points, feature_colours, fit_colours


def test_the_first_component_is_red():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(5, 8, 10)) * 0.01
    features[2] = np.linspace(-3, 3, 80).reshape(8, 10)
    basis = fit_colours(features.reshape(5, -1).T)
    assert abs(basis.axes[2, 0]) == pytest.approx(1, abs=1e-3)
    picture = feature_colours(features, basis)
    assert picture.shape == (8, 10, 3) and picture.dtype == np.uint8
    red = picture[..., 0].ravel().astype(int)
    assert {red[0], red[-1]} == {0, 255}
    assert abs(np.corrcoef(red, np.arange(80))[0, 1]) > 0.99


def test_one_basis_gives_equal_features_equal_colours():
    features = np.random.default_rng(0).normal(size=(4, 6, 6))
    basis = fit_colours(features.reshape(4, -1).T)
    whole = feature_colours(features, basis)
    np.testing.assert_array_equal(feature_colours(features[:, :2, :3], basis), whole[:2, :3])


def test_far_groups_stay_apart():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    features = np.eye(8)[labels] + 0.05 * rng.normal(size=(60, 8))
    points = embed_points(features, perplexity=10)
    centres = np.stack([points[labels == index].mean(0) for index in (0, 1)])
    nearest = np.linalg.norm(points[:, None] - centres, axis=2).argmin(1)
    assert (nearest == labels).mean() == 1


def test_picture_shows_the_colours_of_the_classes(tmp_path):
    draw_points(tmp_path / 'a.png', np.array([[0, 0], [1, 1]]), np.array([0, 1]), 'ab', [[255, 0, 0], [0, 0, 255]])
    picture = cv2.imread(str(tmp_path / 'a.png')).reshape(-1, 3)
    colours = {tuple(colour) for colour in np.unique(picture, axis=0).tolist()}
    assert {(0, 0, 255), (255, 0, 0)} <= colours


def test_too_little_to_draw():
    with pytest.raises(InputError, match='at least three pixels and three channels'):
        fit_colours(np.zeros((10, 2)))
    with pytest.raises(InputError, match='3 labelled pixels'):
        embed_points(np.zeros((3, 8)))
