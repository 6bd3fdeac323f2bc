"""Depth checked by what it explains: a scene in two depths, seen from two places."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import BaseDataElement

from mmdepthcp.preparation.depth_check import check_depth, reprojection_errors
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError

FAR, NEAR = 0.2, 1.0
WIDTH, HEIGHT = 96, 64


@pytest.fixture
def scene():
    """Frames (1, 2, 3, H, W) of a camera that moves to the right, the lower half near; and the disparity."""
    noise = np.random.default_rng(0).random((HEIGHT // 4, WIDTH // 2, 3), np.float32)
    world = cv2.resize(noise, (2 * WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    disparity = np.full((HEIGHT, WIDTH), FAR, np.float32)
    disparity[HEIGHT // 2:] = NEAR
    shift = 10 * disparity[:, 0]
    columns = np.arange(WIDTH, dtype=np.float32)
    frames = [np.stack([[np.interp(columns + offset, np.arange(2 * WIDTH), world[row, :, channel])
                         for channel in range(3)] for row, offset in enumerate(offsets)], 1)
              for offsets in (np.full(HEIGHT, 20.), 20 + shift)]
    return torch.tensor(np.stack(frames), dtype=torch.float32)[None], torch.tensor(disparity)[None, None]


def errors(scene, disparity, constants=(FAR, NEAR)):
    frames, _ = scene
    motion = torch.eye(4)[None, None].clone()
    motion[..., 0, 3] = -10 / WIDTH  # a camera that moves to the right sees points move to the left
    intrinsics = torch.tensor([[[1.0, 0, .5], [0, 1.5, .5], [0, 0, 1]]])
    return reprojection_errors(frames, 0, motion, intrinsics, disparity, torch.tensor(constants))


def test_true_depth_beats_every_constant_and_that_beats_standing_still(scene):
    moved, flat, still = errors(scene, scene[1])
    assert moved.shape == still.shape == (1,) and flat.shape == (2, 1)
    assert moved < 0.5 * flat.min() and flat.min() < 0.95 * still


def test_constant_depth_is_as_good_as_that_constant(scene):
    moved, flat, _ = errors(scene, torch.full_like(scene[1], FAR))
    torch.testing.assert_close(moved, flat[0])


@pytest.mark.parametrize('start', [1., -1.])
def test_scores_of_a_model(start):
    torch.manual_seed(0)
    encoder = dict(type='DepthResNet', depth=18, stem_channels=8, base_channels=8)
    model = MODELS.build(dict(
        type='MonoDepth', backbone=encoder, decode_head=dict(type='DepthDecoder', in_channels=(8, 8, 16, 32, 64)),
        pose_net=dict(type='PoseNet', encoder=dict(encoder, in_channels=6), in_channels=64, forward_start=start)))
    clips = [torch.randint(0, 256, (3, 3, 64, 96), dtype=torch.uint8) for _ in range(3)]
    intrinsics = torch.tensor([[0.6, 0, .5], [0, 1.2, .5], [0, 0, 1]])
    items = [dict(inputs=dict(clean=clip, augmented=clip), data_samples=BaseDataElement(intrinsics=intrinsics))
             for clip in clips]
    scores = {score.name: score.value for score in check_depth(model, items, 'cpu', batch_size=2)}
    assert list(scores) == ['error', 'error_flat', 'error_still', 'disparity_std', 'focal_length', 'heading']
    assert scores['heading'] == pytest.approx(start, abs=1e-3) and scores['focal_length'] == pytest.approx(.6)
    assert 0 < scores['error'] < 1 and not model.training
    with pytest.raises(InputError, match='no clip'):
        check_depth(model, [], 'cpu')
