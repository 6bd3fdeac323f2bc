"""Farthest points: numbers of the specification (E3, E4, E5), a plain version, invariants."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmdepthcp.config.loading import load_config
from mmdepthcp.geometry.depth_maps import depth_to_disparity
from mmdepthcp.geometry.points import cell_depth, cell_points
from mmdepthcp.models.selfsup.depthg_settings import PointSettings
from mmdepthcp.sampling import farthest_points, read_points, to_grid
from mmdepthcp.sampling.farthest import _farthest_on_device
from mmdepthcp.toy import drive, make_street, render, toy_camera
from mmdepthcp.utils.errors import InputError

ROOT = Path(__file__).parents[2]


def plain_farthest(points, count):
    chosen, nearest, radii = [0], np.full(len(points), np.inf), []
    for _ in range(count):
        nearest = np.minimum(nearest, ((points - points[chosen[-1]]) ** 2).sum(1))
        left = nearest.copy()
        left[chosen] = -1
        if len(chosen) < count:
            radii.append(nearest[left.argmax()] ** .5)
            chosen.append(int(left.argmax()))
    return chosen, radii, nearest.max() ** .5


MAPS = dict(
    ones=(np.ones((4, 4)), ([0, 15, 3, 12], [0, 15, 3, 12])),
    columns=(np.tile([1, 1, 3, 3.], (4, 1)), ([0, 15, 3, 6], [0, 15, 2, 7])),
    cell=(np.where(np.arange(16).reshape(4, 4) == 6, 10., 1.), ([0, 6, 15, 3], [0, 6, 15, 3])),
    ramp=(np.tile((1 + np.arange(28) / 27)[:, None], (1, 28)),
          ([0, 783, 756, 307, 629, 476, 349, 611, 764], [0, 783, 756, 362, 452, 713, 24, 264, 610])))


RADII = dict(  # of the choices, then of what they cover
    ones=([2.12132, 1.5, 1.5, .707107], [3.436062, 2.429663, 2.429663, 1.145354]),
    columns=([4.690416, 3.905125, 2.12132, 1.581139], [11.52371, 7.683268, 3.436062, 3.436062]),
    cell=([9.727538, 2.12132, 1.5, 1.5], [45.492883, 3.436062, 2.429663, 2.429663]),
    ramp=([1.1039], [1.8623]))


@pytest.mark.parametrize('name', MAPS)
@pytest.mark.parametrize('legacy', [False, True])
@pytest.mark.parametrize('scale', [1, .25, 64])  # powers of two keep ties
def test_numbers_of_the_specification(name, legacy, scale):
    depth, expected = MAPS[name]
    points = cell_points(torch.tensor(scale * depth, dtype=torch.float32)[None], legacy=legacy)
    chosen = farthest_points(points, len(expected[legacy]))[0]
    assert chosen.tolist() == expected[legacy]
    apart = torch.cdist(points[0], points[0][chosen], compute_mode='donot_use_mm_for_euclid_dist')
    radii = [apart[cell, :place].min().item() for place, cell in enumerate(chosen) if place]
    radii.append(apart.amin(1).max().item())
    known = RADII[name][legacy]
    assert radii[-len(known):] == pytest.approx(scale * np.array(known), rel=5e-5)


def test_back_projection():
    depth = torch.tensor([[[1., 2], [2, 4]]])
    np.testing.assert_allclose(cell_points(depth, legacy=True)[0], [
        [-1.619775, -1.619775, -5], [0, -3.239550, -10], [-3.239550, 0, -10], [0, 0, -20]], atol=1e-5)


@pytest.mark.parametrize('seed', range(3))
def test_equals_the_plain_version_and_keeps_its_promises(seed):
    points = torch.from_numpy(np.random.default_rng(seed).normal(size=(2, 60, 3)).astype(np.float32))
    chosen = farthest_points(points, 20)
    assert torch.equal(_farthest_on_device(points, torch.zeros(2, 20, dtype=torch.int64)), chosen)
    for item, indices in zip(points.numpy(), chosen.tolist(), strict=True):
        expected, radii, covering = plain_farthest(item, 20)
        assert indices == expected and len(set(indices)) == 20 and indices[0] == 0
        assert (np.diff(radii) <= 1e-6).all() and radii[-1] >= covering
        assert radii[-1] == pytest.approx(torch.pdist(torch.from_numpy(item[indices])).min().item(), abs=1e-6)


def test_equal_points_still_give_different_cells():
    for value in (0., 1.):
        chosen = farthest_points(torch.full((1, 9, 3), value), 9)[0].tolist()
        assert sorted(chosen) == list(range(9)) and chosen[0] == 0
    with pytest.raises(InputError, match='10 of 9 points cannot be chosen'):
        farthest_points(torch.zeros(9, 3), 10)


def test_covering_radius_is_far_below_that_of_random_cells():
    depth = np.random.default_rng(0).uniform(.2, 1, (28, 28))
    points = cell_points(torch.tensor(depth)[None])[0]

    def radius(cells):
        return torch.cdist(points, points[cells]).amin(1).max().item()

    assert radius(farthest_points(points, 121)) == pytest.approx(0.1783, abs=1e-4)
    drawn = [radius(torch.from_numpy(np.random.default_rng(k).choice(784, 121, replace=False))) for k in range(20)]
    assert np.mean(drawn) == pytest.approx(0.4681, abs=1e-4) and min(drawn) == pytest.approx(0.3702, abs=1e-4)


@pytest.mark.parametrize('legacy', [False, True])
def test_points_of_the_corners_span_the_field_of_view(legacy):
    depth = torch.full((1, 40, 60), 2.)
    points = cell_points(depth, (60, 30), legacy)[0]
    if legacy:  # knows but one field of view
        assert torch.equal(points, cell_points(depth, legacy=True)[0])
    else:
        across, down, ahead = points[-1].tolist()
        assert across == pytest.approx(2 * np.tan(np.radians(30)) * 59 / 60)
        assert down == pytest.approx(2 * np.tan(np.radians(15)) * 39 / 40) and ahead == -2
        assert torch.equal(cell_points(depth, 50.), cell_points(depth, (50., 50.)))


def test_farthest_points_cover_rendered_streets_twice_as_well_as_random_ones():
    """Criterion G5 of the specification: 64 of the 288 cells that the toy configs have, in metres."""
    camera = toy_camera('toyburg', 96, 48)
    field = PointSettings(**load_config(ROOT / 'configs/depthg/depthg_toy.py').model.points).field_of_view
    assert field == pytest.approx([np.degrees(2 * np.arctan(.5 * size / camera.fx)) for size in (96, 48)], abs=.1)
    depths = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        scene = make_street(rng)
        depths.append(render(scene, camera, drive(rng, scene, 1)[0]).depth)
    disparity = torch.from_numpy(depth_to_disparity(np.stack(depths), 1.))
    cells = cell_points(cell_depth(disparity, (12, 24), 40.), field)

    def radii(chosen):
        return torch.stack([
            torch.cdist(each, each[those]).amin(1).max() for each, those in zip(cells, chosen, strict=True)])

    drawn = torch.stack([radii(torch.stack([torch.randperm(288, generator=torch.Generator().manual_seed(k))[:64]
                                            for _ in cells])) for k in range(5)])
    assert radii(farthest_points(cells, 64)).mean() < drawn.mean() / 2


def test_cells_are_read_where_they_are():
    image = torch.arange(12.).view(1, 1, 3, 4)
    cells = torch.tensor([0, 5, 11, 7])
    read = F.grid_sample(image, to_grid(cells, 3, 4)[None, None], align_corners=True, padding_mode='border')
    np.testing.assert_allclose(read.flatten(), cells, atol=1e-4)
    numbers = torch.arange(784.).view(1, 1, 28, 28)
    maps = torch.cat([numbers, numbers % 28, numbers // 28], 1)
    for legacy, expected, shown in ((False, (.481481, -.777778), (104, 20, 3)),
                                    (True, (-.785714, .428571), (19.285714 * 28 + 2.892857, 2.892857, 19.285714))):
        where = to_grid(torch.tensor(3 * 28 + 20), 28, 28, legacy)
        assert where.tolist() == pytest.approx(expected, abs=1e-6)
        assert read_points(maps, where[None, None]).flatten().tolist() == pytest.approx(shown, abs=1e-3)
