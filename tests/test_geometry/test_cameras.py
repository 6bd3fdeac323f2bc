from __future__ import annotations

import json

import numpy as np
import pytest

from mmdepthcp.fileio import InputError
from mmdepthcp.geometry.cameras import (
    crop_intrinsics,
    crop_normalised_intrinsics,
    denormalise_intrinsics,
    flip_intrinsics,
    intrinsic_matrix,
    normalise_intrinsics,
    read_cityscapes_intrinsics,
    read_intrinsics,
    read_kitti_odometry_intrinsics,
    read_kitti_raw_intrinsics,
    resize_intrinsics,
)

CITYSCAPES = intrinsic_matrix(2262.52, 2265.3017905988554, 1096.98, 513.137)
SMALL = (1024, 512)


def _entries(matrix):
    return matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2]


def test_cityscapes_numbers():
    normalised = normalise_intrinsics(CITYSCAPES, (2048, 1024))
    np.testing.assert_allclose(_entries(normalised), (1.104746, 2.212209, 0.535635, 0.501110), atol=1e-6)
    small = denormalise_intrinsics(normalised, SMALL)
    np.testing.assert_allclose(_entries(small), (1131.26, 1132.65090, 548.49, 256.5685), atol=1e-5)
    np.testing.assert_allclose(small, resize_intrinsics(CITYSCAPES, (2048, 1024), SMALL))
    flipped = flip_intrinsics(small, 1024)
    np.testing.assert_allclose(_entries(flipped), (1131.26, 1132.65090, 475.51, 256.5685), atol=1e-5)
    assert crop_intrinsics(small, 200, 0)[0, 2] == pytest.approx(348.49)
    assert crop_intrinsics(flipped, 200, 0)[0, 2] == pytest.approx(275.51)


def test_kitti_numbers():
    pixels = denormalise_intrinsics(intrinsic_matrix(.58, 1.92, .5, .5), (640, 192))
    np.testing.assert_allclose(_entries(pixels), (371.2, 368.64, 320, 96))


def test_pixels_follow_the_image():
    """A point in space moves in the image as the image operation moves its content."""
    rng = np.random.default_rng(0)
    points = rng.uniform([-2, -1, 4], [2, 1, 9], (50, 3))

    def project(matrix, at=points):
        pixels = at @ matrix.T
        return pixels[:, :2] / pixels[:, 2:]

    x, y = project(CITYSCAPES).T
    resized = project(resize_intrinsics(CITYSCAPES, (2048, 1024), (768, 200)))
    np.testing.assert_allclose(resized, np.stack([x * 768 / 2048, y * 200 / 1024], 1))
    mirrored = project(flip_intrinsics(CITYSCAPES, 2048), points * [-1, 1, 1])
    np.testing.assert_allclose(mirrored, np.stack([2048 - x, y], 1))
    np.testing.assert_allclose(project(crop_intrinsics(CITYSCAPES, 30, 70)), np.stack([x - 30, y - 70], 1))
    normalised = normalise_intrinsics(CITYSCAPES, (2048, 1024))
    window = project(crop_normalised_intrinsics(normalised, (2048, 1024), 30, 70, (500, 400)))
    np.testing.assert_allclose(window, np.stack([(x - 30) / 500, (y - 70) / 400], 1))


def test_flipping_twice_changes_nothing_and_arguments_stay():
    before = CITYSCAPES.copy()
    np.testing.assert_allclose(flip_intrinsics(flip_intrinsics(CITYSCAPES, 2048), 2048), before)
    crop_intrinsics(CITYSCAPES, 5, 5)
    np.testing.assert_array_equal(CITYSCAPES, before)


RAW = """calib_time: 09-Jan-2012 13:57:47
S_rect_02: 1.242000e+03 3.750000e+02
P_rect_02: 721.5377 0 609.5593 44.85728 0 721.5377 172.854 0.2163791 0 0 1 0.002745884
"""


def test_kitti_raw_file(tmp_path):
    file = tmp_path / 'calib_cam_to_cam.txt'
    file.write_text(RAW)
    expected = (721.5377 / 1242, 721.5377 / 375, 609.5593 / 1242, 172.854 / 375)
    np.testing.assert_allclose(_entries(read_kitti_raw_intrinsics(file)), expected)


def test_kitti_odometry_file(tmp_path):
    file = tmp_path / 'calib.txt'
    file.write_text('P0: 700 0 600 0 0 700 180 0 0 0 1 0\nP2: 350 0 300 45 0 350 90 0 0 0 1 0\n')
    read = read_kitti_odometry_intrinsics(file, (1200, 360), 2)
    np.testing.assert_allclose(_entries(read), (350 / 1200, 350 / 360, .25, .25))


def test_json_files(tmp_path):
    ours = tmp_path / 'intrinsics.json'
    ours.write_text(json.dumps(dict(fx=100, fy=110, cx=64, cy=30, width=128, height=64)))
    np.testing.assert_allclose(_entries(read_intrinsics(ours)), (100 / 128, 110 / 64, .5, 30 / 64))
    theirs = tmp_path / 'a_camera.json'
    theirs.write_text(json.dumps(dict(intrinsic=dict(fx=100, fy=110, u0=64, v0=30))))
    np.testing.assert_allclose(read_cityscapes_intrinsics(theirs, (128, 64)), read_intrinsics(ours))


@pytest.mark.parametrize(('text', 'word'), [
    (RAW.replace('P_rect_02', 'P_rect_03'), 'P_rect_02'),
    (RAW.replace('S_rect_02', 'S_02'), 'S_rect_02'),
    (RAW.replace(' 0.002745884', ''), '12 numbers'),
    (RAW.replace('721.5377', '-721.5377'), 'focal'),
    ('nothing here', 'calibration file'),
    ('', 'calibration file'),
])
def test_bad_kitti_files(tmp_path, text, word):
    file = tmp_path / 'calib_cam_to_cam.txt'
    file.write_text(text)
    with pytest.raises(InputError, match=word) as caught:
        read_kitti_raw_intrinsics(file)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(('content', 'word'), [
    ('{"fx": 1}', 'fy'), ('[1]', 'fx, fy'), ('{', 'JSON'),
    (json.dumps(dict(fx='a', fy=1, cx=1, cy=1, width=2, height=2)), 'fx must be a number'),
    (json.dumps(dict(fx=1, fy=1, cx=1, cy=1, width=0, height=2)), 'positive'),
    (json.dumps(dict(fx=1, fy=1, cx=3, cy=1, width=2, height=2)), 'outside the image'),
])
def test_bad_intrinsics_files(tmp_path, content, word):
    file = tmp_path / 'intrinsics.json'
    file.write_text(content)
    with pytest.raises(InputError, match=word) as caught:
        read_intrinsics(file)
    assert str(file) in str(caught.value)


def test_calibration_of_another_size_is_noticed(tmp_path):
    file = tmp_path / 'a_camera.json'
    file.write_text(json.dumps(dict(intrinsic=dict(fx=2262.52, fy=2265.3, u0=1096.98, v0=513.137))))
    with pytest.raises(InputError, match='calibration_size'):
        read_cityscapes_intrinsics(file, SMALL)


def test_missing_files(tmp_path):
    for read in (read_intrinsics, read_kitti_raw_intrinsics, lambda path: read_cityscapes_intrinsics(path, SMALL)):
        with pytest.raises(InputError, match='no such'):
            read(tmp_path / 'nowhere.txt')
