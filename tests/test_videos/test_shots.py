"""Stillness, cuts and black frames, on made-up and on real frames."""

import cv2
import numpy as np
import pytest
from small_videos import drive

from mmdepthcp.utils.images import read_image
from mmdepthcp.videos import ShotSplitter, apparent_motion, is_blank, likeness, to_small_grey
from mmdepthcp.videos.shots import SAME_SCENE, STILL, Fate


def grey(frames):
    return [to_small_grey(frame) for frame in frames]


def fates(frames, interval=0.1, times=None):
    return fates_of(grey(frames), interval, times)


def fates_of(small, interval=0.1, times=None):
    splitter = ShotSplitter(interval)
    times = interval * np.arange(len(small)) if times is None else times
    return [splitter(time, frame) for time, frame in zip(times, small, strict=True)]


def flicker(frames, seed=0):
    """Frames whose exposure changes from one to the next, with noise."""
    rng = np.random.default_rng(seed)
    return [np.clip(frame * rng.uniform(0.8, 1.05) + rng.uniform(-5, 5) + rng.normal(0, 0.2, frame.shape), 0, 255)
            .astype(np.uint8) for frame in frames]


def test_motion_in_pixels():
    wide = cv2.GaussianBlur(np.random.default_rng(0).normal(size=(90, 400)), (0, 0), 6)
    wide = 110 + 40 * wide / wide.std()
    still, moved = wide[:, :160], cv2.warpAffine(wide, np.float32([[1, 0, -0.2], [0, 1, 0]]), (400, 90))[:, :160]
    found = apparent_motion(still.astype(np.uint8), np.rint(moved).astype(np.uint8))
    assert 0.1 < found < 0.2  # of 0.2 to the side, the part across edges of all directions
    assert apparent_motion(still.astype(np.uint8), still.astype(np.uint8)) == 0
    assert apparent_motion(np.full((90, 160), 7, np.uint8), np.full((90, 160), 9, np.uint8)) == 0


def test_exposure_is_neither_motion_nor_a_cut():
    first, second = grey(flicker(drive(1) * 2))
    assert apparent_motion(first, second) < STILL and likeness(first, second) > 0.95


def test_blank():
    rng = np.random.default_rng(0)
    assert is_blank(rng.integers(0, 12, (90, 160)).astype(np.uint8)) and is_blank(np.full((90, 160), 200, np.uint8))
    night = np.zeros((90, 160), np.uint8)
    night[40:48, 20:60] = 180
    assert not is_blank(night) and not is_blank(grey(drive(1))[0])


def test_a_cut_begins_a_shot():
    found = fates(flicker(drive(10) + drive(10, seed=1)))
    assert [index for index, fate in enumerate(found) if fate is Fate.NEW_SHOT] == [0, 10]
    assert found.count(Fate.KEPT) == 18
    assert fates(drive(10) + drive(10, seed=1), interval=0.5).count(Fate.NEW_SHOT) == 1


def test_a_gap_in_time_and_black_begin_shots():
    times = [*np.arange(10) / 10, *(1.4 + np.arange(10) / 10)]
    found = fates(drive(20), times=times)
    assert [index for index, fate in enumerate(found) if fate is Fate.NEW_SHOT] == [0, 10]
    frames = drive(20)
    frames[9:11] = [np.full_like(frames[0], 3)] * 2
    assert fates(frames) == [Fate.NEW_SHOT, *[Fate.KEPT] * 8, *[Fate.BLACK] * 2, Fate.NEW_SHOT, *[Fate.KEPT] * 8]


@pytest.mark.parametrize(('waits', 'shots'), [(3, 1), (9, 2)])
def test_frames_that_stand_still(waits, shots):
    frames = drive(20)
    found = fates(flicker(frames[:10] + [frames[9]] * waits + frames[10:]))
    assert found.count(Fate.STILL) == waits and found.count(Fate.NEW_SHOT) == shots
    assert found[10:10 + waits] == [Fate.STILL] * waits


def test_what_creeps_is_kept_now_and_then():
    wall = cv2.resize(np.hstack(drive(12, speed=64)), None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    frames = [wall[:, start:start + 512] for start in range(40)]  # an eighth of a pixel of 64 each
    found = fates(flicker(frames))
    assert 5 < found.count(Fate.KEPT) and found.count(Fate.NEW_SHOT) == 1


def test_street_video(data_root):
    clips = [sorted(path.glob('*.jpg'))[:60] for path in sorted((data_root / 'street_video').glob('kitti*/frames'))]
    small = [grey(map(read_image, clip)) for clip in clips]
    for clip in small:
        assert fates_of(clip) == [Fate.NEW_SHOT] + [Fate.KEPT] * (len(clip) - 1)
    joined = [cv2.resize(frame, small[0][0].shape[::-1]) for clip in small for frame in clip[:20]]
    assert [index for index, fate in enumerate(fates_of(joined)) if fate is Fate.NEW_SHOT] == [0, 20, 40]
    assert likeness(small[0][0], cv2.resize(small[1][0], small[0][0].shape[::-1])) < SAME_SCENE


def test_a_car_that_stops_in_traffic(data_root):
    folder = data_root / 'kitti_sample/raw_drive/2011_09_26/image_02/data'
    found = fates_of(grey(map(read_image, sorted(folder.glob('*.jpg')))))
    assert Fate.STILL not in found[:35] and found[62:].count(Fate.STILL) >= 15
