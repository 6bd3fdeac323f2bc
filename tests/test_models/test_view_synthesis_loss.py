import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import multiprocessing as mp

from mmdepthcp.models.losses import (
    ReprojectionError,
    automask,
    feature_distance,
    over_sources,
    photometric_error,
    scale_loss,
    smoothness_loss,
    window_moments,
)
from mmdepthcp.models.losses.view_synthesis import box_mean


def plain_photometric_error(a, b, weight=.85):
    """Window by window, in float64."""
    padded = [np.pad(x, ((0, 0), (1, 1), (1, 1)), mode='reflect') for x in (a, b)]
    error = np.zeros(a.shape)
    for c, v, u in np.ndindex(a.shape):
        x, y = (p[c, v:v + 3, u:u + 3].ravel() for p in padded)
        covariance = (x * y).mean() - x.mean() * y.mean()
        ssim = ((2 * x.mean() * y.mean() + 1e-4) * (2 * covariance + 9e-4)
                / ((x.mean() ** 2 + y.mean() ** 2 + 1e-4) * (x.var() + y.var() + 9e-4)))
        error[c, v, u] = weight * np.clip((1 - ssim) / 2, 0, 1) + (1 - weight) * abs(a[c, v, u] - b[c, v, u])
    return error.mean(0)


def error_of_constants(a, b, weight=.85):
    return photometric_error(torch.full((1, 3, 4, 5), a), torch.full((1, 3, 4, 5), b), weight)


def test_identical_images_have_no_error():
    image = torch.rand(2, 3, 6, 7)
    assert photometric_error(image, image.clone()).abs().max() < 1e-6
    assert (error_of_constants(.5, .5) == 0).all()


def test_error_of_constant_images():
    for a, b, weight, expected in (
            (.5, .6, .85, .0219661), (.5, .6, 1., .0081954), (0., 1., .85, .5749575), (0., 1., 1., .49995),
            (.5, .6, 0., .1)):
        error = error_of_constants(a, b, weight)
        torch.testing.assert_close(error, torch.full((1, 4, 5), expected), atol=1e-4, rtol=0)


def test_error_of_stripes():
    stripes = torch.tensor([0., 1, 0, 1]).expand(1, 3, 3, 4)
    torch.testing.assert_close(photometric_error(stripes, 1 - stripes), torch.full((1, 3, 4), .913641))
    torch.testing.assert_close(photometric_error(stripes, 1 - stripes, 1.), torch.full((1, 3, 4), .898401))


@pytest.mark.parametrize('weight', [.85, 0., 1.])
def test_photometric_error_agrees_with_the_plain_version(weight):
    rng = np.random.default_rng(1)
    images, target = rng.random((2, 3, 5, 6)), rng.random((3, 5, 6))
    got = photometric_error(torch.tensor(images), torch.tensor(target), weight)
    expected = [plain_photometric_error(image, target, weight) for image in images]
    np.testing.assert_allclose(got, expected, atol=1e-12)


def test_photometric_gradient_is_exact():
    torch.manual_seed(0)
    image = torch.rand(2, 1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    target = torch.rand(1, 3, 4, 5, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: photometric_error(x, target), image)


def test_box_mean_is_average_pooling_of_reflected_windows():
    x = torch.rand(2, 3, 4, 7, dtype=torch.float64, requires_grad=True)
    pooled = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode='reflect'), 3, 1)
    torch.testing.assert_close(box_mean(x.detach()), pooled.detach())
    weight = torch.rand_like(pooled)
    gradient, = torch.autograd.grad((pooled * weight).sum(), x)
    torch.testing.assert_close(box_mean(weight, adjoint=True), gradient)


def test_moments_of_the_target_may_be_shared():
    image, target = torch.rand(2, 4, 3, 5, 6), torch.rand(4, 3, 5, 6)
    shared = photometric_error(image, target, target_moments=window_moments(target))
    assert torch.equal(shared, photometric_error(image, target))


IDENTITY = torch.tensor([[[.10, .30, .02], [.20, .05, .40]], [[.12, .25, .03], [.22, .06, .35]]])
REPROJECTED = torch.tensor([[[.05, .28, .04], [.30, .05001, .10]], [[.08, .20, .05], [.18, .07, .12]]])


def test_minimum_and_automask():
    error, kept = automask(over_sources(REPROJECTED), over_sources(IDENTITY))
    torch.testing.assert_close(error, torch.tensor([[.05, .20, .02], [.18, .05, .10]]))
    assert kept.tolist() == [[True, True, False], [True, False, True]]
    assert error.mean().item() == pytest.approx(.1, abs=1e-6)
    assert over_sources(REPROJECTED).mean().item() == pytest.approx(.103335, abs=1e-6)
    assert over_sources(REPROJECTED, average=True).mean().item() == pytest.approx(.1266675, abs=1e-6)


def test_automask_leaves_out_a_static_scene():
    torch.manual_seed(0)
    image = torch.rand(1, 3, 8, 10)
    motions = torch.eye(4).expand(1, 1, 4, 4).clone()
    motions[..., 0, 3] = .5
    matrix = torch.tensor([[[20., 0, 5], [0, 20, 4], [0, 0, 1]]])
    disparity = torch.full((1, 1, 8, 10), .2, requires_grad=True)
    error, kept = ReprojectionError(image, image[None], matrix, motions)(disparity)
    assert not kept.any() and error.abs().max() < 1e-4
    error.sum().backward()
    assert (disparity.grad == 0).all()
    error, kept = ReprojectionError(image, image[None], matrix, motions, automasked=False)(disparity)
    assert kept.all() and error.mean() > .05


def test_smoothness():
    sigmoid = torch.tensor([[[[.1, .2], [.3, .4]]]])
    assert smoothness_loss(sigmoid, torch.zeros(1, 3, 2, 2)).item() == pytest.approx(1.2, abs=2e-6)
    edge = torch.tensor([0., 1]).expand(1, 3, 2, 2)
    assert smoothness_loss(sigmoid, edge).item() == pytest.approx(.4 * math.exp(-1) + .8, abs=2e-6)
    flat = torch.full((1, 1, 4, 5), .3)
    assert smoothness_loss(flat, torch.rand(1, 3, 4, 5)).item() == pytest.approx(0, abs=1e-6)


def _scale_of_rank(rank, port, folder):
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
    sigmoid = SIGMOIDS[2 * rank:2 * rank + 2].clone().requires_grad_()
    loss = scale_loss(sigmoid)
    loss.backward()
    torch.save((loss.item(), sigmoid.grad / 2), f'{folder}/{rank}.pt')
    torch.distributed.barrier()


SIGMOIDS = torch.rand(4, 1, 3, 5, generator=torch.Generator().manual_seed(0))


def test_the_scale_of_two_processes_is_that_of_one(tmp_path, unused_port):
    """The mean over the ranks of their gradients is what training takes."""
    mp.start_processes(_scale_of_rank, (unused_port, str(tmp_path)), nprocs=2, start_method='fork')
    whole = SIGMOIDS.clone().requires_grad_()
    loss = scale_loss(whole)
    loss.backward()
    ranks = [torch.load(tmp_path / f'{rank}.pt') for rank in range(2)]
    assert [found for found, _ in ranks] == [pytest.approx(loss.item())] * 2
    torch.testing.assert_close(torch.cat([gradient for _, gradient in ranks]), whole.grad)


def test_feature_distance():
    features = torch.zeros(2, 4, 3, 3, requires_grad=True)
    feature_distance(features, torch.zeros(2, 4, 3, 3)).backward()
    assert (features.grad == 0).all()
    assert feature_distance(features, torch.full_like(features, 2)).item() == pytest.approx(2 * 72 ** .5)
    assert feature_distance(features, torch.full_like(features, 2), 'mse').item() == pytest.approx(4)
