from __future__ import annotations

import json

import numpy as np
import pytest

from mmdepthcp.geometry.cameras import (
    check_intrinsics,
    check_size,
    crop_intrinsics,
    crop_normalised_intrinsics,
    denormalise_intrinsics,
    flip_intrinsics,
    intrinsic_matrix,
    normalise_intrinsics,
    published_size,
    read_cityscapes_intrinsics,
    read_intrinsics,
    read_kitti_odometry_intrinsics,
    read_kitti_raw_intrinsics,
    tell_assumed_size,
)
from mmdepthcp.utils.errors import InputError

CITYSCAPES = intrinsic_matrix(2262.52, 2265.3017905988554, 1096.98, 513.137)
SMALL = (1024, 512)


def _entries(matrix):
    return matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2]


def test_cityscapes_numbers():
    normalised = normalise_intrinsics(CITYSCAPES, (2048, 1024))
    np.testing.assert_allclose(_entries(normalised), (1.104746, 2.212209, 0.535635, 0.501110), atol=1e-6)
    small = denormalise_intrinsics(normalised, SMALL)
    np.testing.assert_allclose(_entries(small), (1131.26, 1132.65090, 548.49, 256.5685), atol=1e-5)
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
    resized = project(denormalise_intrinsics(normalise_intrinsics(CITYSCAPES, (2048, 1024)), (768, 200)))
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


BAD = [
    ((721.5, 721.5, 609.6, 172.9), 'pixels.*fx / width'), ((.58, 1.92, 609.6, .5), 'pixels'),
    ((0, 0, .5, .5), 'positive'), ((.58, 0, .5, .5), 'positive'), ((-.58, 1.92, .5, .5), 'positive'),
    ((float('nan'), 1, .5, .5), 'finite'),
    ((1, 1, float('inf'), .5), 'finite'), ((1, 1, float('nan'), .5), 'finite'), ((1, 1, .5), 'four numbers'),
    ((1, 1, .5, .5, 1), 'four numbers'), (None, 'four numbers'), (dict(fx=1), 'four numbers'),
    ('KITTI', 'four numbers'), (np.eye(4), 'four numbers'), (np.ones((3, 3)), 'rows'), (np.diag([1., 1, 0]), 'rows'),
    ((.58 / 1242, 1.92 / 375, .5, .5), 'twice'), ((.58, 1.92, 1.2, .5), 'outside'), ((.58, 1.92, .5, 0), 'outside')]


@pytest.mark.parametrize(('values', 'word'), BAD)
def test_what_is_no_camera_is_named(values, word):
    with pytest.raises(InputError, match=f'here: .*{word}'):
        check_intrinsics(values, 'here')


def test_cameras_pass_as_they_are():
    expected = intrinsic_matrix(.58, 1.92, .5, .5)
    numbers = (.58, 1.92, .5, .5)
    for values in (numbers, list(numbers), np.array(numbers), expected, expected.tolist()):
        np.testing.assert_array_equal(check_intrinsics(values, 'here'), expected)
    passed = check_intrinsics(expected, 'here')
    passed[:] = 0
    assert expected[0, 0] == .58
    check_intrinsics((.58, 1.92, -.4, 1.7), 'a window', inside=False)


@pytest.mark.parametrize('size', [(0, 4), (4, -1), (4,), (4, 4, 4), (1.5, 2), ('a', 2), None, (float('nan'), 1)])
def test_sizes_are_two_whole_numbers(size):
    with pytest.raises(InputError, match='here: expected width and height'):
        check_size(size, 'here')


@pytest.mark.parametrize('bad', ['0', '-1', 'nan', 'inf', '1e-3', '1e9'])
def test_every_calibration_file_is_checked(tmp_path, bad):
    raw, odometry, theirs, ours = (tmp_path / name for name in ('raw.txt', 'calib.txt', 'a_camera.json', 'i.json'))
    raw.write_text(RAW.replace('721.5377 0 609', f'{bad} 0 609'))
    odometry.write_text(f'P2: {bad} 0 300 45 0 350 90 0 0 0 1 0\n')
    number = {'nan': 'NaN', 'inf': 'Infinity'}.get(bad, bad)
    theirs.write_text(f'{{"intrinsic": {{"fx": {number}, "fy": 350, "u0": 300, "v0": 90}}}}')
    ours.write_text(f'{{"fx": {number}, "fy": 350, "cx": 300, "cy": 90, "width": 600, "height": 180}}')
    for file, key, read in ((raw, 'P_rect_02', read_kitti_raw_intrinsics), (ours, 'fx', read_intrinsics),
                            (odometry, 'P2', lambda path: read_kitti_odometry_intrinsics(path, (600, 180), 2)),
                            (theirs, 'fx|intrinsic', lambda path: read_cityscapes_intrinsics(path, (600, 180)))):
        with pytest.raises(InputError, match=rf'{file.name}: key.*({key})'):
            read(file)


@pytest.mark.parametrize('size', ['0 375', '1242 nan', '-1242 375', '1242.5 375'])
def test_sizes_of_kitti_are_checked(tmp_path, size):
    file = tmp_path / 'calib_cam_to_cam.txt'
    file.write_text(RAW.replace('1.242000e+03 3.750000e+02', size))
    with pytest.raises(InputError, match='key S_rect_02: expected width and height'):
        read_kitti_raw_intrinsics(file)


def test_images_of_another_size_than_the_calibration_states(tmp_path, notices):
    kitti, ours = tmp_path / 'calib_cam_to_cam.txt', tmp_path / 'intrinsics.json'
    kitti.write_text(RAW)
    ours.write_text(json.dumps(dict(fx=721.5377, fy=721.5377, cx=609.5593, cy=172.854, width=1242, height=375)))
    expected = read_kitti_raw_intrinsics(kitti)
    for file, read in ((kitti, lambda image: read_kitti_raw_intrinsics(kitti, 2, image)),
                       (ours, lambda image: read_intrinsics(ours, image))):
        for image, told in (((1242, 375), ''), ((640, 192), 'scaled to them'), ((1216, 352), 'if they were cut out')):
            notices.clear()
            np.testing.assert_allclose(read(image), expected)
            assert len(notices) == bool(told)
            assert not told or f'{file}: made for images of 1242x375, these are {image[0]}x{image[1]}' in notices[0]
            assert not told or told in notices[0]


THEIRS = dict(fx=2262.52, fy=2265.3, u0=1096.98, v0=513.137)
ODOMETRY = {(1241, 376): '718.856 0 607.1928 0 0 718.856 185.2157',
            (1242, 375): '721.5377 0 609.5593 0 0 721.5377 172.854',
            (1226, 370): '707.0912 0 601.8873 0 0 707.0912 183.1104'}


def unstated(tmp_path, theirs=THEIRS, odometry=ODOMETRY[1241, 376]):
    """Size and reader of a file of Cityscapes and one of KITTI's odometry."""
    files = tmp_path / 'a_camera.json', tmp_path / 'calib.txt'
    files[0].write_text(json.dumps(dict(intrinsic=theirs)))
    files[1].write_text(f'P0: {odometry} 0 0 0 1 0\n')
    return (((2048, 1024), lambda size: read_cityscapes_intrinsics(files[0], size, True)),
            ((1241, 376), lambda size: read_kitti_odometry_intrinsics(files[1], size, 0, True)))


@pytest.mark.parametrize('scale', [.5, .75, .84, 1.25, 2])
def test_files_that_do_not_say_their_size(tmp_path, scale):
    """Of cameras of one's own."""
    own = unstated(tmp_path, dict(THEIRS, fx=1900, fy=1900), '700 0 607.1928 0 0 700 185.2157')
    for size, read in own:
        assert abs(read(size)[0, 2] - .5) < .04
        with pytest.raises(InputError, match=r'key (intrinsic|P0): .*calibration_size'):
            read((round(size[0] * scale), round(size[1] * scale)))


@pytest.mark.parametrize('scale', [.2, .5, .86, .93, 1, 1.07, 1.19, 2])
def test_the_sizes_of_cityscapes_and_kitti_are_known(tmp_path, scale):
    for size, read in unstated(tmp_path):
        np.testing.assert_array_equal(read((round(size[0] * scale), round(size[1] * scale))), read(size))
    for (width, height), numbers in ODOMETRY.items():
        _, (_, read) = unstated(tmp_path, odometry=numbers)
        matrix = read((round(width * scale), round(height * scale)))
        focal, _, cx, *_, cy = map(float, numbers.split())
        np.testing.assert_allclose(
            denormalise_intrinsics(matrix, (width, height)), intrinsic_matrix(focal, focal, cx, cy))


def test_windows_and_others_are_not_taken_for_whole_images_of_cityscapes(tmp_path):
    """The bonnet cut off; other cameras of the same focal length; toy streets, which have the layout of Cityscapes."""
    pixels = intrinsic_matrix(2262.52, 2265.3, 1096.98, 513.137)
    assert published_size(pixels, (2048, 1024)) == published_size(pixels, (1000, 500)) == (2048, 1024)
    assert published_size(pixels, (2048, 820)) is None
    assert published_size(intrinsic_matrix(2262.52, 2265.3, 960, 540), (1920, 1080)) is None
    assert published_size(intrinsic_matrix(2262.52, 2265.3, 600, 300), (1200, 600)) is None
    assert published_size(intrinsic_matrix(282.8, 283.2, 128, 64), (256, 128)) is None
    assert published_size(intrinsic_matrix(718.856, 718.856, 607.1928, 185.2157), (1216, 352)) is None


def test_what_size_is_taken_is_told(notices):
    theirs, own = intrinsic_matrix(2262.52, 2265.3, 1096.98, 513.137), intrinsic_matrix(1000, 1000, 512, 256)
    for pixels, size, words in (
            (theirs, (2048, 1024), None), (own, (1024, 512), 'taken is that of the images, 1024x512'),
            (theirs, (1024, 512), 'numbers of Cityscapes, made for images of 2048x1024: scaled to these, 1024x512')):
        notices.clear()
        tell_assumed_size('camera', pixels, size)
        assert len(notices) == (words is not None)
        assert not words or words in notices[0]


def test_missing_files(tmp_path):
    for read in (read_intrinsics, read_kitti_raw_intrinsics, lambda path: read_cityscapes_intrinsics(path, SMALL)):
        with pytest.raises(InputError, match='no such'):
            read(tmp_path / 'nowhere.txt')
