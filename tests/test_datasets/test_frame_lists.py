from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mmdepthcp.datasets import VideoClipDataset
from mmdepthcp.utils.errors import InputError


def frame(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((16, 24, 3), 100, np.uint8))


def infos(dataset) -> list[dict]:
    return [dataset.get_data_info(index) for index in range(len(dataset))]


def centres(dataset) -> list[str]:
    return [Path(info['img_path']).stem for info in infos(dataset)]


def test_kitti_lists(kitti, tmp_path, notices):
    drive = '2011_09_26/2011_09_26_drive_0001_sync'
    (tmp_path / 'train.txt').write_text(f'{drive} 2 l\n{drive} 1 r\n')
    dataset = VideoClipDataset(ann_file='train.txt', **kitti)
    assert centres(dataset) == ['0000000002'] and any('1 of 2 lines' in notice for notice in notices)
    (tmp_path / 'train.txt').write_text(f'{drive}\n')
    assert len(VideoClipDataset(ann_file='train.txt', **kitti)) == 2
    for line in (f'{drive} 9', f'{drive} x', 'nothing'):
        (tmp_path / 'train.txt').write_text(f'{drive} 1\n\n{line}')
        with pytest.raises(InputError, match=r'train\.txt:3: names'):
            VideoClipDataset(ann_file='train.txt', **kitti)


def focal(info) -> float:
    return info['intrinsics'][0, 0] * 24


def taken(dataset) -> list[str]:
    """Drive, camera and number of the samples, and whether the neighbours are those of the same camera."""
    for info in infos(dataset):
        folders = {str(Path(path).parent) for path in info['frame_paths']}
        assert folders == {str(Path(info['img_path']).parent)}
    return [f'{Path(info["img_path"]).parts[-4][-6]} {Path(info["img_path"]).parts[-3][-1]} '
            f'{int(Path(info["img_path"]).stem)}' for info in infos(dataset)]


def test_lists_of_both_cameras(stereo, tmp_path, notices):
    one, two = (f'2011_09_26/2011_09_26_drive_000{n}_sync' for n in (1, 2))
    zhou = two.partition('/')[2]
    lines = [f'{one} 1 l', f'{one} 1 r', f'{one} 0000000002 r', f'{two} 2 3', f'{two} 1 image_02',
             f'{zhou}_02 0000000002', f'{zhou}_03 0000000001']
    (tmp_path / 'train.txt').write_text('\n'.join(lines))
    dataset = VideoClipDataset(ann_file='train.txt', **stereo)
    assert taken(dataset) == ['1 2 1', '1 3 1', '1 3 2', '2 2 1', '2 2 2', '2 3 1', '2 3 2']
    assert not any('lines' in notice for notice in notices)
    np.testing.assert_allclose([focal(info) for info in infos(dataset)], [30, 36, 36, 30, 30, 36, 36])
    (tmp_path / 'train.txt').write_text(f'{one} 1 l\n{one}/image_03/data/0000000002.jpg\n{two}\n')
    assert taken(VideoClipDataset(ann_file='train.txt', **stereo)) == ['1 2 1', '1 3 2', '2 2 1', '2 2 2']
    (tmp_path / 'val.txt').write_text(f'{one} 1 l\n{two} 1 r\n{one} 1 r')
    tested = VideoClipDataset(ann_file='val.txt', test_mode=True, **stereo)
    assert taken(tested) == ['1 3 1', '2 3 1'] and all('image_03' in info['depth_path'] for info in infos(tested))


def test_lists_with_one_camera_chosen(stereo, tmp_path, notices):
    drive = '2011_09_26/2011_09_26_drive_0001_sync'
    (tmp_path / 'train.txt').write_text(f'{drive} 1 l\n{drive} 1 r\n{drive} 2 r\n')
    assert taken(VideoClipDataset(ann_file='train.txt', camera=3, **stereo)) == ['1 3 1', '1 3 2']
    assert any('1 of 3 lines name another camera than 3' in notice for notice in notices)
    (tmp_path / 'train.txt').write_text(f'{drive} 1 r\n{drive} 2 r\n')
    with pytest.raises(InputError, match=r'2 of 2 lines name another camera than 2.*camera=None'):
        VideoClipDataset(ann_file='train.txt', camera=2, **stereo)
    (tmp_path / 'raw' / drive / 'image_03/data/0000000002.png').unlink()
    with pytest.raises(InputError, match=r"train\.txt:2: names '.* 2 r'"):
        VideoClipDataset(ann_file='train.txt', **stereo)


@pytest.mark.parametrize(('cameras', 'lines', 'expected'), [
    ((2, 3), '0 1 l\n1 2 r\n', ['00/image_2 1', '01/image_3 2']),
    ((0, 1), '0 1 l\n0 1 r\n', ['00/image_0 1', '00/image_1 1']),
    ((2,), '00 1\n1 2\n', ['00/image_2 1', '01/image_2 2']), ((2,), '1', ['01/image_2 1', '01/image_2 2']),
    ((2, 3), '01/image_3/000001.png\n', ['01/image_3 1']), ((0, 2), '0 1 l', ['00/image_2 1'])])
def test_odometry_lists(tmp_path, cameras, lines, expected):
    for sequence in ('00', '01'):
        for camera in cameras:
            for number in range(4):
                frame(tmp_path / f'{sequence}/image_{camera}/{number:06d}.png')
    (tmp_path / 'list.txt').write_text(lines)
    dataset = VideoClipDataset('kitti_odometry', str(tmp_path), ann_file='list.txt', intrinsics=None)
    paths = [Path(info['img_path']) for info in infos(dataset)]
    assert [f'{"/".join(path.parts[-3:-1])} {int(path.stem)}' for path in paths] == expected


def test_names_in_several_clips(tmp_path):
    for clip in 'AB':
        for number in range(4):
            frame(tmp_path / f'v/{clip}/{number:05d}.png')
    kwargs = dict(layout='folder', data_root=str(tmp_path), data_prefix=dict(img_path='v'), ann_file='list.txt',
                  intrinsics=None)

    def chosen(text: str) -> list[str]:
        (tmp_path / 'list.txt').write_text(text)
        return [f'{Path(info["img_path"]).parent.name} {int(Path(info["img_path"]).stem)}'
                for info in infos(VideoClipDataset(**kwargs))]

    with pytest.raises(InputError, match=r"list\.txt:2: '00001' may be any of A/00001\.png, B/00001\.png"):
        chosen('A/00002\n00001')
    assert chosen('B/00001') == chosen('B 1') == chosen('B\\00001.PNG') == chosen('\ufeffB/00001\r\n') == ['B 1']
    assert chosen('A') == chosen('A/') == ['A 1', 'A 2']
    frame(tmp_path / 'v/B/A.png')  # no frame of the clip, for it has no number
    assert chosen('A') == ['A 1', 'A 2']
    for number in range(4):
        frame(tmp_path / f'v/00002/{number:05d}.png')
    with pytest.raises(InputError, match='the clip 00002/'):
        chosen('00002')
    assert chosen('00002/') == ['00002 1', '00002 2']


@pytest.mark.parametrize('lines', ['a 1\na/1', 'a/2\na', 'a/1.png\na/1.PNG\na/1'])
def test_frames_listed_twice(tmp_path, notices, lines):
    for number in range(4):
        frame(tmp_path / f'a/{number}.png')
    (tmp_path / 'list.txt').write_text(lines)
    dataset = VideoClipDataset('folder', str(tmp_path), ann_file='list.txt', intrinsics=None)
    assert len(dataset) == (1 if 'a/2' not in lines else 2)
    assert any('lines name what an earlier line names' in notice for notice in notices) == ('a/2' not in lines)
