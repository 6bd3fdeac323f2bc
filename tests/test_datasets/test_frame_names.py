from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmdepthcp.datasets import VideoClipDataset
from mmdepthcp.datasets.frame_names import clips_by_name
from mmdepthcp.utils.errors import InputError


def frame(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((16, 24, 3), 100, np.uint8))


def infos(dataset) -> list[dict]:
    return [dataset.get_data_info(index) for index in range(len(dataset))]


def centres(dataset) -> list[str]:
    return [Path(info['img_path']).stem for info in infos(dataset)]


@pytest.mark.parametrize('pattern', [
    'frame{}_rect', 'frame{:04d}_leftImg8bit', '{}', '2011_09_26 ({})', 'cam0_{}_left'])
def test_frames_follow_each_other_by_number(tmp_path, pattern):
    for number in range(1, 13):
        frame(tmp_path / f'{pattern.format(number)}.png')
    dataset = VideoClipDataset('folder', str(tmp_path), intrinsics=None)
    assert centres(dataset) == [pattern.format(number) for number in range(2, 12)]
    for number, info in zip(range(2, 12), infos(dataset), strict=True):
        assert [Path(path).stem for path in info['frame_paths']] == [pattern.format(number + k) for k in (-1, 0, 1)]


@pytest.mark.parametrize(('left', 'right'), [
    ('{:04d}_left', '{:04d}_right'), ('left{}', 'right{}'), ('{}L', '{}R'), ('cam0_{:03d}', 'cam1_{:03d}')])
def test_left_and_right_are_not_time(tmp_path, left, right):
    for number in range(4):
        for pattern in (left, right):
            frame(tmp_path / f'{pattern.format(number)}.png')
    dataset = VideoClipDataset('folder', str(tmp_path), intrinsics=None)
    kinds = [[pattern.format(number) for number in range(4)] for pattern in (left, right)]
    assert len(dataset) == 4
    for info in infos(dataset):
        assert any({Path(path).stem for path in info['frame_paths']} <= set(kind) for kind in kinds)


@pytest.mark.parametrize('pattern', ['{0:04d}_cam{1}', '{0:06d}_1{1}', '{0}_{1}'])
def test_numbers_that_may_be_cameras(tmp_path, pattern):
    for number in range(4):
        for camera in range(2):
            frame(tmp_path / f'drive/{pattern.format(number, camera)}.png')
    with pytest.raises(InputError, match=r'drive: .* a folder of its own'):
        VideoClipDataset('folder', str(tmp_path), intrinsics=None)


def test_two_files_for_one_frame(tmp_path, kitti):
    for name in ('a/1.png', 'a/01.png', 'a/2.png'):
        frame(tmp_path / name)
    with pytest.raises(InputError, match='01 and 1 are both frame 1'):
        VideoClipDataset('folder', str(tmp_path / 'a'), intrinsics=None)
    frame(tmp_path / 'raw/2011_09_26/2011_09_26_drive_0001_sync/image_02/data/0000000001.jpg')
    with pytest.raises(InputError, match=r'0000000001\.jpg and .*0000000001\.png are both frame 1'):
        VideoClipDataset(**kitti)


def test_other_images_beside_kitti_frames(kitti, tmp_path, notices):
    folder = tmp_path / 'raw/2011_09_26/2011_09_26_drive_0001_sync/image_02'
    frame(folder / 'data/0000000001 (1).png')
    frame(tmp_path / 'raw/.trash/drive/image_02/data/0.png')
    (folder / 'data/again').symlink_to(folder)
    assert len(VideoClipDataset(**kitti)) == 4
    assert any('left out 1 images whose names are no numbers, such as 0000000001 (1)' in notice for notice in notices)


NANOSECONDS = (1403636579763555584, 1403636579813555456, 1403636579863556608, 1403636579913555328)


@pytest.mark.parametrize(('numbers', 'frame_step', 'advice'), [
    ((0, 2, 4), 1, 'is 2: set frame_step=2'), ((0, 10, 20, 23, 33, 43, 53), 3, 'is 10: set frame_step=10'),
    (NANOSECONDS, 1, 'set frame_step=None'), (NANOSECONDS, 49998720, 'set frame_step=None'),
    ((1, 2), 1, 'the longest clip has 2 frames, these offsets need 3'),
    ((1, 5), None, 'the longest clip has 2 frames')])
def test_advice_about_frame_step(tmp_path, numbers, frame_step, advice):
    for number in numbers:
        frame(tmp_path / f'{number}.png')
    with pytest.raises(InputError, match=advice):
        VideoClipDataset('folder', str(tmp_path), intrinsics=None, frame_step=frame_step)
    follows = dict(re.findall(r'set (frame_step)=(\w+)', advice))
    if follows:  # it helps
        step = None if follows['frame_step'] == 'None' else int(follows['frame_step'])
        dataset = VideoClipDataset('folder', str(tmp_path), intrinsics=None, frame_step=step)
        assert len(dataset) >= (len(numbers) - 2) / 2


def test_few_neighbours_are_reported(tmp_path, notices):
    for number in (0, 1, 2, 10, 17, 29, 31, 44, 53):
        frame(tmp_path / f'{number}.png')
    assert len(VideoClipDataset('folder', str(tmp_path), intrinsics=None)) == 1
    assert any('only 1 of 9 frames have neighbours' in notice and 'frame_step=None' in notice for notice in notices)


def order(*stems: str) -> list[list[str]]:
    """The names of each clip in the order of their numbers."""
    clips, _ = clips_by_name(stems)
    return sorted([clip.frames[number] for number in sorted(clip.frames)] for clip in clips)


def test_which_number_counts_frames():
    sequences = [f'ulm_{sequence:06d}_{number:06d}' for sequence in range(4) for number in range(3)]
    assert order(*reversed(sequences)) == [sequences[i:i + 3] for i in (0, 3, 6, 9)]
    both = [f'{number}_{1403636579763555584 + 49999 * number}' for number in range(9, 12)]
    assert order(*both) == [both] and sorted(clips_by_name(both)[0][0].frames) == [9, 10, 11]
    runs = [f'run{number // 3}_{number}_{1403636579000 + 333 * number}' for number in range(300, 1500)]
    assert order(*runs) == sorted(runs[i:i + 3] for i in range(0, 1200, 3))
    speeds = [f'{number}_{100 + number * number % 91}' for number in range(2, 30)]
    assert order(*speeds) == [speeds]
    camvid = [f'0016E5_{number:05d}' for number in (8, 10)] + [f'0006R0_f{number}' for number in (9, 10)]
    assert order(*camvid) == [camvid[2:], camvid[:2]]


def test_times_are_one_number():
    seconds = ['1305031101.9', '1305031102.175304', '1305031102.2', '1305031103.1']
    assert order(*seconds[::-1]) == [seconds]
    assert min(clips_by_name(seconds)[0][0].frames) == 1305031101_900000000
    clock = [f'center_2016_12_01_13_{minute}_{second}_{part}' for minute, second, part in (
        (29, 59, 870), (30, 48, 287), (30, 48, 404), (30, 49, 100), (31, 10, 22))]
    clock[-1] = 'center_2016_12_01_13_31_10_022'
    assert order(*clock[::-1]) == [clock]
    recordings = [f'2018-07-18-11-0{recording}-57_{number}' for recording in (1, 2) for number in range(8, 12)]
    assert order(*recordings[::-1]) == [recordings[:4], recordings[4:]]


@pytest.mark.parametrize('stems', [
    ('a3f9', '0c1d', 'ff12', '9e8a'), ('a', 'b', 'c'), ('frame1',), ('frame_1_rect', 'frame_2_raw', 'x3')])
def test_names_without_a_number_that_counts(stems):
    assert clips_by_name(stems) == ([], sorted(stems))


def test_numbers_that_contradict_each_other():
    with pytest.raises(InputError, match='cannot be told'):
        clips_by_name([f'frame{number}_{number * 7919 % 10007}' for number in range(12)])
