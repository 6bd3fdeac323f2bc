"""The bonnet: none where there is none, the right rows where one is painted onto real frames."""

import cv2
import numpy as np
import pytest

from mmdepthcp.utils.images import read_image
from mmdepthcp.videos import BonnetSearch, to_small_grey


def paint(frames, share, curve=0., level=90, reflection=8, noise=1.5, seed=0):
    """(h, w) frames with a bonnet that takes a share of the height in the middle, less at the sides, and reflects
    light that changes and a little of the scene.
    """
    rng = np.random.default_rng(seed)
    height, width = frames[0].shape
    top = height * (1 - share) + curve * height * np.linspace(-1, 1, width) ** 2
    cover = np.clip(np.arange(height)[:, None] - top + 0.5, 0, 1)
    base = level + 6 * cv2.GaussianBlur(rng.normal(size=(height, width)), (0, 0), 2)
    painted = []
    for frame in frames:
        light = cv2.resize(rng.normal(size=(4, 7)), (width, height), interpolation=cv2.INTER_CUBIC) * reflection
        scene = 0.15 * (cv2.GaussianBlur(frame[::-1].astype(float), (0, 0), 2) - 110)
        bonnet = base + light + scene + rng.normal(size=(height, width)) * noise
        painted.append(np.clip(frame * (1 - cover) + bonnet * cover, 0, 255).astype(np.uint8))
    return painted


def found(frames):
    search = BonnetSearch()
    for frame in frames:
        search.add(frame)
    return search.fraction()


def small_clip(folder, most=120, step=1):
    return [to_small_grey(read_image(path)) for path in sorted(folder.glob('*.jpg'))[::step][:most]]


def test_made_up_frames():
    wall = cv2.GaussianBlur(np.random.default_rng(0).normal(size=(90, 1000)), (0, 0), 2)
    wall = np.clip(110 + 40 * wall / wall.std(), 0, 255).astype(np.uint8)
    frames = [wall[:, 7 * index:7 * index + 160] for index in range(60)]
    assert found(frames) == 0
    assert found(paint(frames, 0.25)) == pytest.approx(0.25, abs=0.04)
    assert found(paint(frames[:20], 0.25)) == 0  # too few to say
    assert found(frames[:1] * 60) == 0  # nothing moves


@pytest.mark.parametrize('clip', [
    'street_video/kitti_odometry_03_gray/frames', 'street_video/kitti_raw_avenue_91/frames',
    'street_video/kitti_raw_city_268/frames', 'kitti_sample/odometry_gray/seq_a/image_0',
    'kitti_sample/odometry_gray/seq_b/image_0'])
def test_kitti_with_and_without(data_root, clip):
    frames = small_clip(data_root / clip)
    assert found(frames) == 0
    assert all(found(frames[start:start + 40]) == 0 for start in range(0, len(frames) - 39, 40))
    for share, curve, level in ((0.15, 0., 60), (0.2, 0.05, 70), (0.3, 0.08, 150)):
        assert share - 0.035 < found(paint(frames, share, curve, level)) < share + 0.06


def test_a_motorway_whose_road_looks_the_same_all_the_time(data_root):
    frames = small_clip(data_root / 'street_video/udacity_highway_221/frames', step=2)
    assert found(frames) == 0 and found(frames[:40]) == 0
    for share, curve in ((0.15, 0.), (0.2, 0.05)):
        assert share - 0.02 < found(paint(frames, share, curve)) < share + 0.15
