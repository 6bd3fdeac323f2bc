from __future__ import annotations

import numpy as np
import torch

from mmdepthcp.utils.images import NO_REGION
from mmdepthcp.visualization.maps import colorize_disparity, draw_regions, id_borders, id_colours
from mmdepthcp.visualization.mixed_views import draw_mixed_views


def test_mosaic_shows_views_and_joins_matching_points():
    views = np.full((3, 3, 40, 60), 50, np.uint8)
    matches = {
        'points': torch.tensor([[10.5, 5.5], [30.5, 20.5]]), 'views': torch.tensor([0, 2]),
        'groups': torch.tensor([0, 0])}
    mosaic = draw_mixed_views(torch.from_numpy(views), matches, 5, np.random.default_rng(0), columns=2)
    assert mosaic.shape == (80, 120, 3)
    colour = id_colours(np.array(0))
    np.testing.assert_array_equal(mosaic[5, 10], colour)
    np.testing.assert_array_equal(mosaic[60, 30], colour)
    assert (mosaic[30, 15:25] != 50).any()  # the line between them
    assert not mosaic[40:, 60:].any()  # no fourth view
    empty = {name: values[:0] for name, values in matches.items()}
    plain = draw_mixed_views(views.transpose(0, 2, 3, 1), empty, 5, np.random.default_rng(0))
    assert (plain[:40] == 50).all()


def test_label_borders_are_drawn():
    labels = np.zeros((1, 10, 10), int)
    labels[0, :, 5:] = 1
    none = {'points': np.zeros((0, 2)), 'views': np.zeros(0, int), 'groups': np.zeros(0, int)}
    mosaic = draw_mixed_views(np.zeros((1, 10, 10, 3), np.uint8), none, 0, np.random.default_rng(0), labels, columns=1)
    assert (mosaic[:, 4] == 255).all() and not mosaic[:, 5].any()


def test_close_things_are_bright_and_unknown_ones_black():
    picture = colorize_disparity(np.array([[0.0, 0.1, 0.5, 1.0, np.nan]]), largest=1)
    assert not picture[0, [0, 4]].any()
    assert (np.diff(picture[0, 1:4].sum(-1).astype(int)) > 0).all()
    assert not colorize_disparity(np.zeros((2, 2))).any()


def test_regions_are_tinted_but_not_where_there_is_none():
    image = np.full((6, 8, 3), 100, np.uint8)
    regions = np.full((6, 8), NO_REGION)
    regions[:, 4:] = 3
    picture = draw_regions(image, regions)
    assert (picture[:, :3] == 100).all() and (picture[:, 3] == 255).all() and (picture[:, 5] != 100).any()
    assert id_borders(regions).sum() == 6
