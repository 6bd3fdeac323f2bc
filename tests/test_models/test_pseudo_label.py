"""Pseudo-labels, their weight and their loss."""

import math

import pytest
import torch

from mmdepthcp.mixing import depth_masks, mix
from mmdepthcp.models.losses import pseudo_label_loss, pseudo_label_weight, pseudo_labels

DISPARITY = torch.tensor([[[.50, .10], [.31, .90]], [[.20, .40], [.33, .88]]])


def probabilities():
    """Truth of one image, a pixel of which is ignored, and what a teacher says of another."""
    truth = torch.nn.functional.one_hot(torch.tensor([[0, 1], [0, 2]]), 3).float()
    truth[1, 0] = 0
    guess = torch.tensor([[[.97, .02, .01], [.02, .90, .08]], [[.50, .30, .20], [.005, .005, .99]]])
    return torch.stack([truth, guess]).permute(0, 3, 1, 2)


def test_worked_example():
    labels, confidence = pseudo_labels(mix(probabilities(), depth_masks(DISPARITY)))
    assert labels.tolist() == [[[0, 1], [255, 2]], [[0, 1], [0, 2]]]
    torch.testing.assert_close(confidence, torch.tensor([[[1, .9], [0, 1]], [[1, .9], [.5, .99]]]))
    weight = pseudo_label_weight(confidence)
    assert weight.item() == 0.5
    logits = torch.zeros(2, 3, 2, 2)
    assert pseudo_label_loss(logits, labels, weight).item() == pytest.approx(0.480643, abs=1e-6)
    sure = pseudo_label_weight(confidence, per_pixel=True)
    assert sure.int().tolist() == [[[1, 0], [0, 1]], [[1, 0], [0, 1]]]
    assert pseudo_label_loss(logits, labels, sure).item() == pytest.approx(math.log(3) / 2)


def test_labels_may_be_mixed_in_place_of_probabilities():
    masks = depth_masks(DISPARITY)
    after = pseudo_labels(mix(probabilities(), masks))
    before = [mix(values, masks) for values in pseudo_labels(probabilities())]
    for one, other in zip(before, after, strict=True):
        assert torch.equal(one, other)


def test_nothing_is_known():
    labels, confidence = pseudo_labels(torch.zeros(1, 3, 2, 2))
    logits = torch.zeros(1, 3, 2, 2, requires_grad=True)
    loss = pseudo_label_loss(logits, labels, pseudo_label_weight(confidence))
    loss.backward()
    assert loss == 0 and not logits.grad.any()
