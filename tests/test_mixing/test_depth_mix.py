"""Masks of DepthMix and ClassMix: worked numbers, and what they never do."""

import numpy as np
import pytest
import torch

from mmdepthcp.mixing import class_masks, depth_masks, mix, normalised_disparity

NEAR = torch.tensor([[[.50, .10], [.31, .90]], [[.20, .40], [.33, .88]]])
IMAGES = torch.tensor([[[1, 2], [3, 4]], [[10, 20], [30, 40]]])


def rand(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_two_images():
    masks = depth_masks(NEAR)
    assert masks.int().tolist() == [[[1, 0], [1, 1]], [[0, 1], [1, 1]]]
    assert mix(IMAGES, masks).tolist() == [[[1, 20], [3, 4]], [[1, 20], [30, 40]]]
    masks = depth_masks(NEAR, margin=0)
    assert masks.int().tolist() == [[[1, 0], [0, 1]], [[0, 1], [1, 0]]]
    assert mix(IMAGES, masks)[0].tolist() == [[1, 20], [30, 4]]


def test_foreground_is_kept_only():
    masks = depth_masks(NEAR, foreground=.32)
    assert masks.int().tolist() == [[[1, 0], [0, 1]], [[0, 1], [1, 1]]]
    masks = depth_masks(NEAR, foreground=torch.tensor([.32, .89]))
    assert masks.int().tolist() == [[[1, 0], [0, 1]], [[0, 0], [0, 0]]]


def plain_mix(values, disparity, margin, foreground):
    """Pixel by pixel."""
    values, disparity = values.numpy(), disparity.numpy()
    mixed = np.empty_like(values)
    for one in range(len(values)):
        other = 0 if one == len(values) - 1 else one + 1
        for row, column in np.ndindex(disparity.shape[1:]):
            own, others = disparity[one, row, column], disparity[other, row, column]
            source = one if own >= others - margin and own >= foreground else other
            mixed[one, ..., row, column] = values[source, ..., row, column]
    return torch.from_numpy(mixed)


@pytest.mark.parametrize('count', [1, 2, 3, 5])
@pytest.mark.parametrize(('margin', 'foreground'), [(.03, 0), (0, .4)])
def test_batches_of_any_size_equal_a_plain_version(count, margin, foreground):
    disparity, images = rand(count, 4, 6), rand(count, 3, 4, 6)
    masks = depth_masks(disparity, margin, foreground)
    for values in (images, disparity, images[:, 0] * 10 // 1, images.softmax(1)):
        assert torch.equal(mix(values, masks), plain_mix(values, disparity, margin, foreground))


def test_no_image_loses_a_pixel_in_which_it_is_as_near_as_the_other():
    disparity, margin = rand(2, 32, 32), .2
    masks = depth_masks(disparity, margin)
    assert masks.any(0).all()
    alike = (disparity[0] - disparity[1]).abs() <= margin
    assert alike.any() and not alike.all() and masks[:, alike].all()
    assert not masks[:, ~alike].all(0).any()
    assert depth_masks(torch.full((3, 4, 5), .3)).all()


@pytest.mark.parametrize('margin', [0, .03])
def test_what_is_pasted_lies_in_front_of_what_it_covers(margin):
    disparity = rand(3, 32, 32)
    masks = depth_masks(disparity, margin)
    shown, covered = mix(disparity, masks), torch.where(masks, disparity.roll(-1, 0), disparity)
    assert (~masks).any() and (shown[~masks] > covered[~masks] + margin).all()
    if not margin:
        assert torch.equal(shown, torch.maximum(disparity, disparity.roll(-1, 0)))


def test_half_of_the_classes_is_kept():
    for count in range(1, 8):
        labels = torch.arange(count + 1).repeat(2, 3, 4)
        labels[labels == count] = 255
        rng = np.random.default_rng(0)
        masks = class_masks(labels, rng)
        kept = [set(image[mask].tolist()) for image, mask in zip(labels, masks, strict=True)]
        assert [len(classes) for classes in kept] == [[0, 1, 1, 2, 2, 3, 3][count - 1]] * 2
        for image, mask, classes in zip(labels, masks, kept, strict=True):
            assert 255 not in classes
            assert torch.equal(mask, torch.isin(image, torch.tensor(list(classes), dtype=image.dtype)))


def test_classes_are_drawn_for_each_image_by_the_generator():
    labels = torch.arange(6).repeat(16, 2, 1)
    masks = class_masks(labels, np.random.default_rng(0))
    assert len({tuple(mask.flatten().tolist()) for mask in masks}) > 4
    assert torch.equal(masks, class_masks(labels, np.random.default_rng(0)))
    assert not torch.equal(masks, class_masks(labels, np.random.default_rng(1)))
    assert not class_masks(torch.full((1, 2, 2), 255), np.random.default_rng(0)).any()


def test_disparity_is_brought_to_0_to_1():
    disparity = torch.tensor([[[.02, .05], [.10, .04]], [[.3, .3], [.3, .3]]])
    torch.testing.assert_close(
        normalised_disparity(disparity), torch.tensor([[[0, .375], [1, .25]], [[0, 0], [0, 0]]]))
    low, high = torch.tensor([.04, .3]), torch.tensor([.09, .3])
    torch.testing.assert_close(
        normalised_disparity(disparity, low, high), torch.tensor([[[0, .2], [1, 0]], [[0, 0], [0, 0]]]))


def test_masks_of_other_images_are_refused():
    with pytest.raises(ValueError, match='do not fit'):
        mix(torch.zeros(2, 3, 4, 5), torch.zeros(2, 5, 4, dtype=torch.bool))
