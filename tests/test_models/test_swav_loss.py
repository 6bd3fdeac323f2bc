"""SwAV's loss against a plain version."""

import copy

import numpy as np
import pytest
import torch
import torch.multiprocessing as mp
import torch.nn.functional as F

from mmdepthcp.models.losses import SwAVLoss

IMAGES, CROPS, DIM = 6, 5, 8


def plain_assignment(logits, epsilon, iterations):
    mass = np.exp(logits / epsilon)
    for _ in range(iterations):
        mass = mass / mass.sum(0, keepdims=True)
        mass = mass / mass.sum(1, keepdims=True)
    return mass


def plain_loss(features, prototypes, crops, earlier, temperature, epsilon, iterations):
    """``earlier``: for each assigned crop, the features of the queue."""
    prototypes = prototypes / np.linalg.norm(prototypes, axis=1, keepdims=True)
    logits = (features @ prototypes.T).reshape(crops, len(features) // crops, -1)
    total = 0
    for crop, queue in enumerate(earlier):
        share = plain_assignment(np.concatenate([logits[crop], queue @ prototypes.T]), epsilon, iterations)
        share = share[:logits.shape[1]]
        for other in range(crops):
            if other != crop:
                scaled = logits[other] / temperature
                logarithm = scaled - np.log(np.exp(scaled).sum(1, keepdims=True))
                total -= (share * logarithm).sum(1).mean() / (crops - 1) / len(earlier)
    return total


def batches(count):
    generator = torch.Generator().manual_seed(0)
    return [F.normalize(torch.randn(CROPS * IMAGES, DIM, generator=generator), dim=1) for _ in range(count)]


def build(**settings):
    torch.manual_seed(1)
    return SwAVLoss(feat_dim=DIM, num_prototypes=7, num_crops=[2, 3], temperature=0.2, epsilon=0.1, **settings)


def test_loss_is_that_of_the_plain_version():
    loss, (features,) = build(), batches(1)
    expected = plain_loss(
        features.double().numpy(), loss.prototypes.weight.detach().double().numpy(), CROPS, [np.zeros((0, DIM))] * 2,
        0.2, 0.1, 3)
    np.testing.assert_allclose(loss(features).item(), expected, rtol=1e-5)


@pytest.mark.parametrize(('length', 'start', 'first'), [(2 * IMAGES, 0, 2), (2 * IMAGES, 3, 3), (9, 0, 2)])
def test_features_of_earlier_steps_take_part_once_there_are_enough(length, start, first):
    loss, steps = build(queue_length=length, queue_start=start), batches(5)
    prototypes = loss.prototypes.weight.detach().double().numpy()
    crops = [features.double().numpy().reshape(CROPS, IMAGES, DIM) for features in steps]
    for step, features in enumerate(steps):
        queues = [np.zeros((0, DIM))] * 2
        if step >= first:
            queues = [np.concatenate([crops[past][crop] for past in range(step - 1, -1, -1)])[:length]
                      for crop in range(2)]
        expected = plain_loss(features.double().numpy(), prototypes, CROPS, queues, 0.2, 0.1, 3)
        np.testing.assert_allclose(loss(features).item(), expected, rtol=1e-5)


def test_gradients_reach_features_and_prototypes_once_these_learn():
    loss = build(frozen_steps=2)
    for step, features in enumerate(batches(3)):
        features.requires_grad_()
        loss(features).backward()
        assert features.grad.abs().sum() > 0
        assert (loss.prototypes.weight.grad is None) == (step < 2)


def test_queue_and_steps_are_part_of_the_checkpoint():
    steps = batches(6)
    whole, broken = (build(queue_length=12, queue_start=2, frozen_steps=5) for _ in range(2))
    for features in steps[:3]:
        whole(features)
        broken(features)
    resumed = build(queue_length=12, queue_start=2, frozen_steps=5)
    resumed.load_state_dict(copy.deepcopy(broken.state_dict()))
    for features in steps[3:]:
        assert resumed(features).item() == whole(features).item()


def run_rank(rank, port, folder):
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
    loss = build(queue_length=12, queue_start=1)
    half = slice(0, IMAGES // 2) if rank == 0 else slice(IMAGES // 2, None)
    values = [loss(features.unflatten(0, (CROPS, IMAGES))[:, half].flatten(0, 1)).item() for features in batches(4)]
    torch.save((values, loss.queue, loss.usage), f'{folder}/{rank}.pt')
    torch.distributed.barrier()


def test_two_processes_are_one(tmp_path):
    import socket

    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        port = server.getsockname()[1]
    mp.start_processes(run_rank, (port, str(tmp_path)), nprocs=2, start_method='fork')
    (first, queue, usage), (second, *others) = (torch.load(tmp_path / f'{rank}.pt') for rank in range(2))
    loss = build(queue_length=12, queue_start=1)
    one = [loss(features).item() for features in batches(4)]
    np.testing.assert_allclose(np.mean([first, second], 0), one, rtol=1e-5)
    torch.testing.assert_close([queue, usage], others)
    torch.testing.assert_close(usage, loss.usage)
