"""SwAV's loss against a plain version."""

import numpy as np
import torch
import torch.nn.functional as F

from mmdepthcp.models.losses import SwAVLoss


def plain_assignment(logits, epsilon, iterations):
    mass = np.exp(logits / epsilon)
    for _ in range(iterations):
        mass = mass / mass.sum(0, keepdims=True)
        mass = mass / mass.sum(1, keepdims=True)
    return mass


def plain_loss(features, prototypes, images, crops, assigned, temperature, epsilon, iterations):
    prototypes = prototypes / np.linalg.norm(prototypes, axis=1, keepdims=True)
    logits = (features @ prototypes.T).reshape(crops, images, -1)
    total = 0
    for crop in assigned:
        share = plain_assignment(logits[crop], epsilon, iterations)
        for other in range(crops):
            if other != crop:
                scaled = logits[other] / temperature
                logarithm = scaled - np.log(np.exp(scaled).sum(1, keepdims=True))
                total -= (share * logarithm).sum(1).mean() / (crops - 1) / len(assigned)
    return total


def test_loss_is_that_of_the_plain_version():
    generator = torch.Generator().manual_seed(0)
    features = F.normalize(torch.randn(5 * 6, 8, generator=generator), dim=1)
    loss = SwAVLoss(feat_dim=8, num_prototypes=7, num_crops=[2, 3], temperature=0.2, epsilon=0.1)
    expected = plain_loss(features.double().numpy(), loss.prototypes.weight.detach().double().numpy(), 6, 5, [0, 1],
                          0.2, 0.1, 3)
    np.testing.assert_allclose(loss(features).item(), expected, rtol=1e-5)


def test_gradients_reach_features_and_prototypes():
    loss = SwAVLoss(feat_dim=4, num_prototypes=3, num_crops=[2])
    features = F.normalize(torch.randn(8, 4), dim=1).requires_grad_()
    loss(features).backward()
    assert features.grad.abs().sum() > 0 and loss.prototypes.weight.grad.abs().sum() > 0
