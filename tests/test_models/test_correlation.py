"""Correlations and their losses: numbers of the specification of DepthG (E1, E2, E8, E9) and its properties."""

import numpy as np
import pytest
import torch

from mmdepthcp.engine.schedules import decayed, shrunk
from mmdepthcp.models.losses.correlation import (
    centre,
    correlation,
    correlation_loss,
    depth_correlation,
    legacy_depth_correlation,
)
from mmdepthcp.models.losses.hidden_positive import attention_neighbours, depth_neighbours, propagate
from mmdepthcp.utils.errors import InputError

FEATURES = torch.tensor([[[1., 0], [1, 0], [0, 1]]])
CODES = torch.tensor([[[1., 0], [.6, .8], [-1, 0]]])
SIMILARITY = correlation(CODES, CODES)
DEPTH = torch.tensor([[.2, .4, 1.]])


@pytest.mark.parametrize(('shift', 'centred', 'plain'), [
    (0., -.451852, -.466667), (.1, -.405185, -.42), (.3, -.311852, -.326667)])
def test_correlation_loss(shift, centred, plain):
    target = correlation(FEATURES, FEATURES)
    assert correlation_loss(centre(target), SIMILARITY, shift).item() == pytest.approx(centred, abs=1e-6)
    assert correlation_loss(target, SIMILARITY, shift).item() == pytest.approx(plain, abs=1e-6)


def test_centring_over_the_batch():
    target = torch.tensor([[[1, .2], [.2, 1]], [[1, .9], [.9, 1]]])
    found = centre(target)
    np.testing.assert_allclose(found, [[[1.175, .375], [.375, 1.175]], [[.825, .725], [.725, .825]]], atol=1e-6)
    np.testing.assert_allclose(found.mean(-1), target.mean(), atol=1e-6)


def test_depth_loss():
    assert correlation_loss(depth_correlation(DEPTH), SIMILARITY, .1).item() == pytest.approx(-.393333, abs=1e-6)
    assert correlation_loss(centre(depth_correlation(DEPTH)), SIMILARITY, .1).item() == pytest.approx(
        -.385926, abs=1e-6)
    assert correlation_loss(depth_correlation(DEPTH, 'product'), SIMILARITY, .1).item() == pytest.approx(
        -.097333, abs=1e-6)


@pytest.mark.parametrize(('depth', 'expected'), [([.2, .4, 1], -.42), ([0, .4, 1], -.175556)])
def test_legacy_depth_loss(depth, expected):
    positive = (torch.tensor([depth]) > 0).float()
    assert correlation_loss(depth_correlation(positive, 'product'), SIMILARITY, .1).item() == pytest.approx(
        expected, abs=1e-6)


def test_legacy_depth_says_nothing_about_depth():
    depth = torch.rand(2, 1, 12, 18) + .1
    found = legacy_depth_correlation(depth, 3)
    assert found.shape == (2, 9, 9) and torch.equal(found, torch.ones_like(found))
    assert torch.equal(legacy_depth_correlation(7 * depth.flip(-1), 3), found)
    depth[:, :, 0, 0] = 0  # the corner is read exactly
    assert legacy_depth_correlation(depth, 3)[0, 0].tolist() == [0] * 9


@pytest.mark.parametrize('mode', ['abs', 'euclid3d', 'gauss'])
def test_depth_correlation_is_symmetric_with_ones_on_the_diagonal(mode):
    depth = torch.rand(2, 7, 3) if mode == 'euclid3d' else torch.rand(2, 7)
    found = depth_correlation(depth, mode)
    torch.testing.assert_close(found, found.mT)
    torch.testing.assert_close(found.diagonal(dim1=1, dim2=2), torch.ones(2, 7))
    assert found.min() >= 0 and found.max() <= 1
    with pytest.raises(InputError, match='must be one of abs, euclid3d, gauss, product'):
        depth_correlation(depth, 'ab')


@pytest.mark.parametrize('mode', ['abs', 'euclid3d', 'gauss'])
def test_constant_depth(mode):
    """Centred, with the mean as shift, it says nothing; with a fixed shift it is what the published code does."""
    codes = torch.randn(1, 5, 4, requires_grad=True)
    depth = torch.full((1, 5, 3) if mode == 'euclid3d' else (1, 5), .7)
    target = depth_correlation(depth, mode)
    loss = correlation_loss(centre(target), correlation(codes, codes), target.mean())
    loss.backward()
    assert loss.abs() < 1e-6 and codes.grad.abs().max() < 1e-6
    similarity = correlation(codes, codes).detach()
    legacy = correlation_loss(legacy_depth_correlation(torch.rand(1, 1, 9, 9) + .1, 1), similarity, .1)
    assert correlation_loss(target, similarity, .1).item() == pytest.approx(legacy.item(), abs=1e-6)
    assert legacy.item() == pytest.approx(-.9 * similarity.clamp_min(0).mean().item(), abs=1e-6)


def test_content_of_depth_matters():
    codes = torch.randn(1, 6, 4)
    depth = torch.rand(1, 6)
    losses = {correlation_loss(depth_correlation(depth[:, order]), correlation(codes, codes), .1).item()
              for order in ([0, 1, 2, 3, 4, 5], [3, 1, 5, 0, 2, 4])}
    assert len(losses) == 2


def test_gradients():
    features, codes = torch.randn(1, 4, 3, requires_grad=True), torch.randn(1, 4, 3)
    similarity = correlation(codes, codes).requires_grad_()
    target = correlation(features, features)
    correlation_loss(target, similarity, .2).backward()
    assert features.grad is None
    above = (target > .2) & (similarity > 0)
    assert (similarity.grad[above] <= 0).all() and (similarity.grad[similarity < 0] == 0).all()


def test_length_of_vectors_does_not_count():
    one, other = torch.randn(2, 5, 3), torch.randn(2, 4, 3)
    torch.testing.assert_close(correlation(3 * one, .1 * other), correlation(one, other))


def test_hidden_positives_by_depth():
    weights = depth_neighbours(torch.tensor([[[0.], [1], [3]]]), .5)
    np.testing.assert_allclose(weights[0], [[1, .666667, 0], [.5, 1, 0], [0, .333333, 1]], atol=1e-6)
    codes = torch.tensor([[[1., 0], [0, 1], [2, 2]]])
    np.testing.assert_allclose(propagate(codes, weights)[0], [[.6, .4], [.333333, .666667], [1.5, 1.75]], atol=1e-6)
    np.testing.assert_allclose(propagate(codes, weights, legacy=True)[0], [
        [.333333, .222222], [.166667, .333333], [.666667, .777778]], atol=1e-6)


def test_one_percent_of_784_cells_are_eight():
    points = torch.rand(1, 784, 3, generator=torch.Generator().manual_seed(0))
    assert ((depth_neighbours(points) > 0).sum(-1) == 8).all()
    attention = torch.rand(1, 2, 784, 784, generator=torch.Generator().manual_seed(0))
    assert ((attention_neighbours(attention) > 0).sum(-1) == 8).all()


def test_schedules():
    small = [decayed(.19, .6, 250, 250 * k + 1) for k in range(1, 10)]
    assert small == pytest.approx([
        .114, .0684, .04104, .024624, .0147744, .00886464, .00531878, .00319127, .00191476], abs=1e-8)
    assert [decayed(.09, .8, 400, 400 * k + 1) for k in range(1, 6)] == pytest.approx([
        .072, .0576, .04608, .036864, .0294912])
    base = [decayed(.16026, .64, 100, k) for k in range(2334)]
    assert len(set(base)) == 24 and base[100:102] == [.16026, .16026 * .64]
    assert base[-1] == pytest.approx(.16026 * .64**23) == pytest.approx(5.6e-6, rel=.01)
    assert decayed(.19, .6, 250, 250) == .19 and decayed(.13, 1., 0, 2000) == .13
    sides = [shrunk(11, .9, 1000, k, at_start=True) for k in (0, 1, 1000, 1001, 2000, 2001, 2333)]
    assert sides == [11, 9, 9, 8, 8, 7, 7]
    assert [shrunk(11, .9, 1000, k) for k in (0, 1000, 1001)] == [11, 11, 9]
