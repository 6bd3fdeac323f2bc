import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmdepthcp.geometry import (
    depth_to_sigmoid,
    parallax_terms,
    pixel_intrinsics,
    pose_matrix,
    scale_disparity,
    source_coordinates,
    warp,
)
from mmdepthcp.models.losses import ReprojectionError


def intrinsics(focal, cx, cy):
    return torch.tensor([[[focal, 0, cx], [0, focal, cy], [0, 0, 1]]], dtype=torch.float32)


def translation(*t):
    return pose_matrix(torch.zeros(1, 3), torch.tensor([t], dtype=torch.float32))


def coordinates(depth, matrix, motion):
    return source_coordinates(1 / depth, *parallax_terms(matrix, motion, *depth.shape[-2:]))


def plain_coordinates(depth, matrix, motion):
    """Back-project, move, project; pixel by pixel in float64."""
    height, width = depth.shape
    result = np.zeros((2, height, width))
    for v in range(height):
        for u in range(width):
            point = depth[v, u] * np.linalg.solve(matrix, [u, v, 1])
            moved = matrix @ (motion[:3, :3] @ point + motion[:3, 3])
            result[:, v, u] = moved[:2] / (moved[2] + 1e-7)
    return result


def test_disparity_and_depth():
    sigmoid = np.array([0, .01, .1, .5, 1])
    disparity = scale_disparity(sigmoid)
    np.testing.assert_allclose(disparity, [.01, .1099, 1.009, 5.005, 10], rtol=1e-5)
    np.testing.assert_allclose(1 / disparity, [100, 9.099181, .991080, .199800, .1], rtol=1e-5)
    np.testing.assert_allclose(depth_to_sigmoid(np.array([10, 1])), [.009009, .099099], rtol=1e-4)
    np.testing.assert_allclose(depth_to_sigmoid(1 / disparity), sigmoid, atol=1e-12)
    assert torch.equal(scale_disparity(torch.tensor([0., 1.]), 1, 4), torch.tensor([.25, 1.]))


def test_intrinsics_of_the_sampling_grid():
    normalised = torch.tensor([[1.1, 0, .5], [0, 2.2, .25], [0, 0, 1]])
    expected = torch.tensor([[22, 0, 9.5], [0, 22, 2], [0, 0, 1]])
    torch.testing.assert_close(pixel_intrinsics(normalised, 10, 20), expected)
    assert pixel_intrinsics(normalised.expand(2, 4, 3, 3), 10, 20).shape == (2, 4, 3, 3)


@pytest.mark.parametrize('size', [(12, 16), (192, 640)])
def test_identity_motion_gives_the_image_back(size):
    torch.manual_seed(0)
    image = torch.rand(1, 3, *size)
    depth = torch.empty(1, 1, *size).uniform_(.1, 100)
    matrix = intrinsics(.58 * size[1], .5 * size[1], .45 * size[0])
    where = coordinates(depth, matrix, torch.eye(4)[None])
    v, u = torch.meshgrid(torch.arange(size[0]), torch.arange(size[1]), indexing='ij')
    assert (where - torch.stack([u, v])).abs().max() < 1e-3
    assert (warp(image, where) - image).abs().max() < 2e-3


def test_motion_before_a_plane():
    image = (torch.arange(16) / 15).expand(1, 1, 12, 16)
    depth = torch.full((1, 1, 12, 16), 10.)
    matrix = intrinsics(40, 8, 6)

    where = coordinates(depth, matrix, translation(.5, 0, 0))
    torch.testing.assert_close(where[0, 0, 3], torch.arange(16) + 2.)
    expected = torch.tensor([*range(2, 16), 15, 15], dtype=torch.float32)
    torch.testing.assert_close(warp(image, where)[0, 0] * 15, expected.expand(12, 16))

    where = coordinates(depth, matrix, translation(0, -.25, 0))
    torch.testing.assert_close(where[0, 1, :, 5], torch.arange(12) - 1.)

    where = coordinates(depth, matrix, translation(0, 0, -1))
    torch.testing.assert_close(where[0, 0, 0, [0, 8, 15]], torch.tensor([-.888889, 8, 15.777778]))
    torch.testing.assert_close(where[0, 1, :, 0], 6 + (torch.arange(12) - 6) * 10 / 9)


def test_coordinates_agree_with_the_plain_version():
    rng = np.random.default_rng(0)
    depth = rng.uniform(1, 50, (6, 7))
    matrix = np.array([[9, 0, 3.2], [0, 8, 2.7], [0, 0, 1.]])
    motion = pose_matrix(torch.tensor([[.1, -.2, .05]]), torch.tensor([[.3, -.1, .4]]))
    got = coordinates(torch.tensor(depth)[None, None], torch.tensor(matrix)[None], motion.double())
    expected = plain_coordinates(depth, matrix, motion[0].double().numpy())
    np.testing.assert_allclose(got[0], expected, atol=1e-6)


def test_warp_keeps_leading_dimensions_and_passes_gradients():
    image = torch.rand(2, 3, 4, 5, 6)
    where = (torch.rand(2, 3, 2, 7, 8) * 3).requires_grad_()
    warped = warp(image, where)
    assert warped.shape == (2, 3, 4, 7, 8)
    warped.sum().backward()
    assert where.grad.abs().sum() > 0


def moving_texture(shift):
    column = torch.arange(64.)[None] + shift
    row = torch.arange(64.)[:, None]
    texture = (.5 + .25 * torch.sin(2 * math.pi * column / 20 + .3) * torch.cos(2 * math.pi * row / 24)
               + .25 * torch.sin(2 * math.pi * (column + row) / 32 + 1))
    return texture.expand(1, 3, 64, 64)


def fit_plane(start):
    """Loss and median depth after fitting logits to the images of a plane at depth 10 (monodepth.md, check M12)."""
    torch.manual_seed(0)
    sources = torch.stack([moving_texture(3.2), moving_texture(-3.2)])
    motions = torch.stack([translation(-.5, 0, 0), translation(.5, 0, 0)])
    error_of = ReprojectionError(moving_texture(0), sources, intrinsics(64, 32, 32), motions)
    logits = torch.full((1, 1, 8, 8), start, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=.05)
    for _ in range(300):
        disparity = scale_disparity(
            F.interpolate(logits, (64, 64), mode='bilinear', align_corners=False).sigmoid())
        loss = error_of(disparity)[0].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item(), (1 / disparity).median().item()


@pytest.mark.parametrize('start', [-4.0, -5.2, -6.0])
def test_depth_of_a_plane_is_found_from_images_alone(start):
    loss, depth = fit_plane(start)
    assert loss < 5e-4
    assert abs(depth - 10) < .1


def test_a_start_outside_the_photometric_basin_stays_stuck():
    loss, depth = fit_plane(-3.5)
    assert loss > 5e-3
    assert depth < 7
