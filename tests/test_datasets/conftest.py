from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest


def frame(path: Path, value: int = 100, size: tuple[int, int] = (24, 16)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((size[1], size[0], 3), value, np.uint8))


def depth(path: Path, metres: float = 5, size: tuple[int, int] = (24, 16)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((size[1], size[0]), metres * 256, np.uint16))


RAW = 'S_rect_02: 24 16\nP_rect_02: 30 0 12 0 0 30 8 0 0 0 1 0\n'


@pytest.fixture
def kitti(tmp_path):
    for drive in ('2011_09_26/2011_09_26_drive_0001_sync', '2011_09_26/2011_09_26_drive_0002_sync'):
        for number in range(4):
            frame(tmp_path / f'raw/{drive}/image_02/data/{number:010d}.png')
    (tmp_path / 'raw/2011_09_26/calib_cam_to_cam.txt').write_text(RAW)
    for drive in ('2011_09_26/2011_09_26_drive_0001_sync', '2011_09_26_drive_0002_sync'):
        depth(tmp_path / f'depth/{drive}/proj_depth/groundtruth/image_02/0000000002.png')
    return dict(layout='kitti_raw', data_root=str(tmp_path), data_prefix=dict(img_path='raw', depth_path='depth'))


@pytest.fixture
def stereo(kitti, tmp_path):
    """The drives with the right camera too, which has a calibration of its own."""
    for drive in ('2011_09_26/2011_09_26_drive_0001_sync', '2011_09_26/2011_09_26_drive_0002_sync'):
        for number in range(4):
            frame(tmp_path / f'raw/{drive}/image_03/data/{number:010d}.png')
        depth(tmp_path / f'depth/{drive}/proj_depth/velodyne_raw/image_03/0000000001.png')
    with open(tmp_path / 'raw/2011_09_26/calib_cam_to_cam.txt', 'a') as file:
        file.write(RAW.replace('_02', '_03').replace('30', '36'))
    return kitti
