import math

import torch

from mmdepthcp.geometry import inverse_pose, pose_matrix, rotation_matrix
from mmdepthcp.geometry.pose import heading


def test_quarter_turn_and_its_inverse():
    motion = pose_matrix(torch.tensor([0, 0, math.pi / 2]), torch.tensor([1., 2, 3]))
    expected = torch.tensor([[0., -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]])
    torch.testing.assert_close(motion, expected, atol=1e-5, rtol=0)
    expected = torch.tensor([[0., 1, 0, -2], [-1, 0, 0, 1], [0, 0, 1, -3], [0, 0, 0, 1]])
    torch.testing.assert_close(inverse_pose(motion), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(motion @ inverse_pose(motion), torch.eye(4), atol=1e-5, rtol=0)


def test_rotation_is_the_matrix_exponential():
    torch.manual_seed(0)
    axis_angle = torch.randn(3, 5, 3, dtype=torch.float64)
    x, y, z = axis_angle.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    torch.testing.assert_close(rotation_matrix(axis_angle), torch.linalg.matrix_exp(cross))


def test_no_rotation_has_the_exact_gradient():
    axis_angle = torch.zeros(2, 3, requires_grad=True)
    rotation = rotation_matrix(axis_angle)
    assert torch.equal(rotation, torch.eye(3).expand(2, 3, 3))
    rotation[:, 2, 1].sum().backward()
    torch.testing.assert_close(axis_angle.grad, torch.tensor([[1., 0, 0]] * 2))
    axis_angle = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(rotation_matrix, axis_angle)


def test_heading_is_told_from_earlier_and_later_frames():
    ahead = pose_matrix(torch.zeros(1, 3), torch.tensor([[0., 0, -2]]))  # what was 5 in front is 3 in front
    turning = pose_matrix(torch.tensor([[0., .3, 0]]), torch.zeros(1, 3)) @ ahead
    still = pose_matrix(torch.zeros(1, 3), torch.zeros(1, 3))
    aslant = pose_matrix(torch.zeros(1, 3), torch.tensor([[3., 0, -4]]))
    later = torch.cat([ahead, turning, still, aslant, inverse_pose(ahead)])
    expected = torch.tensor([1., 1, 0, .8, -1])
    found = heading(torch.stack([inverse_pose(later[:1]).expand_as(later), later]), (-1, 2))
    torch.testing.assert_close(found, torch.stack([torch.ones(5), expected]))
