"""Frames of odd files: when, how many, which way up."""

import numpy as np
import pytest
from small_videos import cut_off, drive, turn, write_folder, write_video

from mmdepthcp.utils.errors import InputError
from mmdepthcp.videos import FrameReader, find_sources


def read(path, fps=10, max_side=1280, folder_fps=None):
    source, = find_sources([path])
    reader = FrameReader(source, fps, max_side, folder_fps)
    frames = list(reader)
    return reader, [frame.time for frame in frames], [frame.image for frame in frames]


def near(image, other, most=6.):
    return image.shape == other.shape and np.abs(image.astype(float) - other).mean() < most


@pytest.mark.parametrize(('rate', 'step'), [(60, 6), (30, 3), (25, 2), (10, 1), (2, 1)])
def test_every_nth_frame_of_a_steady_video(tmp_path, rate, step):
    frames = drive(40)
    reader, times, images = read(write_video(tmp_path / 'a.mp4', frames, rate))
    np.testing.assert_allclose(times, np.arange(0, 40, step) / rate, atol=1e-3)
    assert reader.rate == rate and reader.read == 40 and reader.lost == 0 and reader.end == pytest.approx(40 / rate)
    assert all(near(image, frame) for image, frame in zip(images, frames[::step], strict=True))
    assert abs(reader.picks - len(times)) <= 1


@pytest.mark.parametrize('suffix', ['.mp4', '.mkv'])
def test_a_variable_rate_is_read_by_time_stamps(tmp_path, suffix):
    fast, slow = np.arange(40) / 40, 1 + np.arange(20) / 10
    reader, times, _ = read(write_video(tmp_path / f'a{suffix}', drive(60), 20, [*fast, *slow]))
    steps = np.diff(times)
    assert reader.read == 60 and steps.min() > 0.7 * reader.interval and steps.max() < 2 * reader.interval
    assert times[-1] == pytest.approx(2.9)


@pytest.mark.parametrize(('name', 'codec'), [('a.AVI', 'mpeg4'), ('a.Mov', 'libx264'), ('a.mkv', 'mpeg4')])
def test_other_files_in_capitals_too(tmp_path, name, codec):
    frames = drive(12)
    write_video(tmp_path / name, frames, codec=codec)
    reader, _, images = read(tmp_path)
    assert len(images) == 12 and reader.rate == 10 and near(images[5], frames[5], 8)


def test_turned_upright(tmp_path):
    frames = drive(5)
    for frame in frames:
        frame[:12, :16] = 255  # upper left
    turn(write_video(tmp_path / 'a.mov', frames))
    reader, _, images = read(tmp_path / 'a.mov')
    assert reader.rotation == 90
    assert near(images[0], np.rot90(frames[0], -1))
    assert images[0][:16, -12:].min() > 200  # upper right


@pytest.mark.parametrize(('turned', 'size'), [(False, (85, 48)), (True, (48, 85))])
def test_square_pixels(tmp_path, turned, size):
    write_video(tmp_path / 'a.mp4', drive(4), aspect=(4, 3))
    if turned:
        turn(tmp_path / 'a.mp4')
    assert read(tmp_path / 'a.mp4')[2][0].shape[1::-1] == size
    write_video(tmp_path / 'b.mp4', drive(4), aspect=(3, 4))
    assert read(tmp_path / 'b.mp4')[2][0].shape[1::-1] == (64, 64)


def test_a_longest_side(tmp_path):
    write_video(tmp_path / 'a.mp4', drive(2))
    assert read(tmp_path / 'a.mp4', max_side=32)[2][0].shape == (24, 32, 3)


def test_grey(tmp_path):
    _, _, images = read(write_video(tmp_path / 'a.mp4', drive(3), pixels='gray'))
    assert images[0].shape == (48, 64, 3) and np.ptp(images[0].astype(int), axis=2).max() <= 2


@pytest.mark.parametrize('suffix', ['.mp4', '.mkv'])
def test_what_was_cut_off_is_counted(tmp_path, suffix):
    cut_off(write_video(tmp_path / f'a{suffix}', drive(60)))
    reader, times, _ = read(tmp_path / f'a{suffix}')
    assert 20 < len(times) < 50 and reader.read == len(times)
    assert abs(reader.read + reader.lost - 60) <= 1


@pytest.mark.parametrize(('content', 'words'), [(b'', 'the file is empty'), (b'no video' * 99, 'not a readable video')])
def test_no_video(tmp_path, content, words, capfd):
    (tmp_path / 'a.mp4').write_bytes(content)
    with pytest.raises(InputError, match=words):
        read(tmp_path / 'a.mp4')
    assert capfd.readouterr().err == ''


def test_frames_of_a_folder_in_natural_order(tmp_path):
    frames = drive(13)
    write_folder(tmp_path / 'own', frames, 'frame{}.png')
    (tmp_path / 'own/frame5.png').write_bytes(b'broken')
    write_folder(tmp_path / 'own', [np.zeros((64, 48, 3), np.uint8)], 'frame13{}.png')
    reader, times, images = read(tmp_path, fps=5, folder_fps=10)
    np.testing.assert_allclose(times, [0, .2, .4, .6, .8, 1., 1.2])
    assert all((image == frame).all() for image, frame in zip(images, frames[::2], strict=True))
    reader, times, _ = read(tmp_path)
    assert len(times) == 12 and reader.lost == 2 and 0.5 not in times


def test_sources_of_all_kinds_each_once(tmp_path):
    for name in ('a/trip.mp4', 'b/trip.MOV', 'b/Other trip.avi'):
        write_video(tmp_path / name, drive(1), codec='mpeg4')
    write_folder(tmp_path / 'b/deep/trip', drive(2))
    (tmp_path / 'b/.hidden.mp4').write_bytes(b'')
    (tmp_path / 'b/readme.txt').write_text('')
    found = find_sources([tmp_path / 'b', tmp_path / 'a/trip.mp4', tmp_path / 'b/trip.MOV'])
    assert [source.name for source in found] == ['Other_trip', 'b_trip', 'deep_trip', 'a_trip']
    assert [len(source.frames) for source in found] == [0, 0, 2, 0]
    write_video(tmp_path / 'b/trip.mkv', drive(1))
    names = [source.name for source in find_sources([tmp_path / 'b', tmp_path / 'a'])]
    assert len(names) == len(set(names)) == 5


@pytest.mark.parametrize(('path', 'words'), [
    ('nowhere.mp4', 'no such file or folder'), ('empty', 'holds neither videos'), ('full/000000.png', 'is one image')])
def test_what_is_no_source(tmp_path, path, words):
    (tmp_path / 'empty').mkdir()
    write_folder(tmp_path / 'full', drive(1))
    with pytest.raises(InputError, match=words):
        find_sources([tmp_path / path])


