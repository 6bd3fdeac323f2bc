"""Strong colours of tensors against the versions for one image, and what is drawn for whom."""

import cv2
import numpy as np
import pytest
import torch

from mmdepthcp.views import STRONG, ColourSettings, blur_side, gaussian_blur, recolour_batch, sample_colours
from mmdepthcp.views.colour import recolour
from mmdepthcp.views.tensor_colour import strong_colours


def images(count=3, size=(40, 64)):
    return np.random.default_rng(0).integers(0, 256, (count, *size, 3), np.uint8)


def tensors(pictures):
    return torch.from_numpy(pictures.transpose(0, 3, 1, 2).astype(np.float32))


def test_recoloured_as_single_images_are():
    settings = ColourSettings(**{**vars(STRONG), 'jitter_prob': 1., 'blur_prob': 0.})
    colours = sample_colours(np.random.default_rng(1), 3, settings)
    changed = recolour_batch(tensors(images()), colours)
    for index, image in enumerate(images()):
        plain = recolour(image, colours[np.array([index])])
        np.testing.assert_allclose(changed[index].permute(1, 2, 0), plain, atol=1)  # OpenCV works in fixed point


@pytest.mark.parametrize('sigma', [0.15, 0.6, 1.15])
@pytest.mark.parametrize('size', [(40, 64), (96, 192)])
def test_blur_is_opencvs(sigma, size):
    blurred = gaussian_blur(tensors(images(2, size)), sigma)
    kernel = blur_side(size[1]), blur_side(size[0])
    for index, image in enumerate(images(2, size)):
        plain = cv2.GaussianBlur(image.astype(np.float64), kernel, sigma, borderType=cv2.BORDER_REFLECT_101)
        np.testing.assert_allclose(blurred[index].permute(1, 2, 0), plain, atol=1e-3)


def test_kernels_are_odd_and_about_a_tenth():
    assert [blur_side(side) for side in (512, 256, 192, 144, 96, 64, 8)] == [51, 25, 19, 15, 9, 7, 1]
    assert all(blur_side(side) % 2 and abs(blur_side(side) - side / 10) <= 1 for side in range(10, 1025))


def test_coins_are_for_the_batch_and_magnitudes_for_each_image():
    same = tensors(np.repeat(images(1), 4, 0))
    seen = set()
    for seed in range(40):
        strong = strong_colours(same, np.random.default_rng(seed))
        assert torch.equal(strong, strong_colours(same, np.random.default_rng(seed)))
        alike = all(torch.equal(strong[0], other) for other in strong)
        changed = not torch.equal(strong, same)
        different = len({image.sum().item() for image in strong})
        assert different in (1, 4) and alike == (different == 1)
        seen.add((alike, changed))
    # colours changed (0.8) or not; if not, blurred (0.5) or not
    assert seen == {(False, True), (True, True), (True, False)}
    assert 0 <= strong.min() and strong.max() <= 255


def test_how_often():
    none = ColourSettings(**{**vars(STRONG), 'jitter_prob': 0., 'blur_prob': 0.})
    assert torch.equal(strong_colours(tensors(images()), np.random.default_rng(0), none), tensors(images()))
    same = tensors(np.repeat(images(1, (16, 16)), 2, 0))
    changes = [not torch.equal(*strong_colours(same, np.random.default_rng(seed))) for seed in range(400)]
    assert np.mean(changes) == pytest.approx(0.8, abs=0.06)
