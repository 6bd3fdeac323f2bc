"""The focal length, from whoever tells it."""

import json

import numpy as np
import pytest
from PIL import Image
from small_videos import cut_off, drive, write_folder, write_video

from mmdepthcp.utils.errors import InputError
from mmdepthcp.videos import find_intrinsics, find_sources
from mmdepthcp.videos.camera import QUICKTIME_FILM_FOCAL_LENGTH

SIZE = 64, 48
OF_26_MM = 26 / np.hypot(36, 24) * 80 / 64


def of(path, fov=None):
    source, = find_sources([path])
    return find_intrinsics(source, SIZE, fov)


@pytest.mark.parametrize('suffix', ['.mp4', '.mov'])
def test_notes_of_a_phone(tmp_path, suffix):
    path = write_video(tmp_path / f'a{suffix}', drive(3), notes={
        'com.apple.quicktime.make': 'Apple', QUICKTIME_FILM_FOCAL_LENGTH: '26'})
    matrix, place = of(path)
    assert matrix[0, 0] == pytest.approx(OF_26_MM) and matrix[1, 1] == pytest.approx(OF_26_MM * 64 / 48)
    assert matrix[:2, 2].tolist() == [0.5, 0.5] and place == 'notes in the file, 26 mm on 35 mm film'
    for share in (0.9, 0.5, 0.1):
        cut_off(path, share)
        of(path)  # no file makes it stumble


def test_numbers_in_notes(tmp_path):
    path = write_video(tmp_path / 'a.mov', drive(3), notes={QUICKTIME_FILM_FOCAL_LENGTH: '26.0'})
    content = path.read_bytes()
    place = content.index(b'26.0')
    kind = content.index(b'data', place - 12) + 4
    number = np.array(26, '>f4').tobytes()
    path.write_bytes(content[:kind] + (23).to_bytes(4, 'big') + content[kind + 4:place] + number + content[place + 4:])
    assert of(path)[0][0, 0] == pytest.approx(OF_26_MM)


def test_exif_of_the_first_frame(tmp_path):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 26
    write_folder(tmp_path / 'own', drive(3))
    Image.fromarray(drive(1)[0]).save(tmp_path / 'own/0.jpg', exif=exif)
    matrix, place = of(tmp_path / 'own')
    assert matrix[0, 0] == pytest.approx(OF_26_MM) and place == 'EXIF, 26 mm on 35 mm film'


def test_a_calibration_beside_or_above_the_frames(tmp_path):
    write_folder(tmp_path / 'own/drive/frames', drive(3))
    assert of(tmp_path / 'own') is None
    (tmp_path / 'own/intrinsics.json').write_text(json.dumps(
        dict(fx=100, fy=100, cx=70, cy=40, width=128, height=96)))
    matrix, place = of(tmp_path / 'own')
    np.testing.assert_allclose(matrix[:2], [[100 / 128, 0, 70 / 128], [0, 100 / 96, 40 / 96]])
    assert place == str(tmp_path / 'own/intrinsics.json')
    assert of(tmp_path / 'own', fov=90)[0][0, 0] == pytest.approx(0.5)
    assert of(tmp_path / 'own/drive') is None  # above the folder that was named


def test_nobody_tells(tmp_path):
    assert of(write_video(tmp_path / 'a.mkv', drive(2))) is None
    assert of(write_video(tmp_path / 'a.mp4', drive(2), notes={QUICKTIME_FILM_FOCAL_LENGTH: 'wide'})) is None
    assert of(write_video(tmp_path / 'b.mp4', drive(2), notes={QUICKTIME_FILM_FOCAL_LENGTH: '0.2'})) is None


@pytest.mark.parametrize('fov', [0, 180, 179, 2])
def test_no_camera_sees_that(tmp_path, fov):
    with pytest.raises(InputError, match=f'fov {fov}'):
        of(write_video(tmp_path / 'a.mp4', drive(2)), fov)
