"""From videos to folders of frames: what is kept, what is said, what happens the second time."""

import json
import os
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from small_videos import cut_off, drive, turn, write_folder, write_video

from mmdepthcp.datasets import VideoClipDataset
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import read_image
from mmdepthcp.videos import extract_frames, extraction

TOOL = Path(__file__).parents[2] / 'tools/dataset_converters/video_frames.py'


def extract(sources, out, **settings):
    return extract_frames(sources if isinstance(sources, list) else [sources], out, quiet=True, **settings)


def only(path, out, **settings):
    """The entry of a single source, and the frames that were written."""
    entry, = extract(path, out, **settings)['sources']
    return entry, [read_image(file) for file in sorted(out.glob('frames/*/*.jpg'))]


def contents(out):
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob('*') if path.is_file()}


def test_a_good_video(tmp_path):
    frames = drive(30)
    entry, written = only(write_video(tmp_path / 'my trip.MP4', frames), tmp_path / 'out')
    assert entry['problem'] is None and entry['remark'] is None and entry['duration'] == 3 and entry['bonnet'] == 0
    assert entry['frames'] == dict(read=30, kept=30, still=0, black=0, short=0, lost=0)
    assert entry['shots'] == [dict(name='my_trip_000', frames=30, begins=0.0, ends=2.9)]
    assert [path.name for path in sorted((tmp_path / 'out/frames/my_trip_000').iterdir())] == [
        f'{index:06d}.jpg' for index in range(30)]
    assert np.abs(written[7].astype(float) - frames[7]).mean() < 8
    assert read_image(tmp_path / 'out/frames.jpg').shape[1] == 1440
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == [
        'frames', 'frames.jpg', 'frames.json', 'pictures']


def test_a_name_that_is_not_utf8(tmp_path):
    os.rename(write_video(tmp_path / 'trip.mp4', drive(30)), os.fsencode(tmp_path) + b'/trip\xff.mp4')
    entry, written = only(tmp_path / os.fsdecode(b'trip\xff.mp4'), tmp_path / 'out')
    assert entry['problem'] is None and len(written) == 30


def test_ten_odd_videos(tmp_path):
    """Each of them is done right, or named with what is wrong."""
    folder = tmp_path / 'odd'
    steady, black = drive(40), [np.zeros((48, 64, 3), np.uint8)] * 20
    cut_off(write_video(folder / 'cut_off.mp4', drive(60)))
    cut_off(write_video(folder / 'no_index.avi', drive(60), codec='mpeg4'), 0.01)
    write_video(folder / 'no_frames.mp4', [])
    (folder / 'empty.mp4').write_bytes(b'')
    turn(write_video(folder / 'portrait.mov', steady))
    write_video(folder / 'sixty.mp4', drive(120, speed=0.4), fps=60)
    write_video(folder / 'two.mp4', drive(6, speed=4), fps=2)
    write_video(folder / 'grey.mp4', steady, pixels='gray')
    write_video(folder / 'anamorphic.mp4', steady, aspect=(4, 3))
    write_video(folder / 'static.mp4', steady[:1] * 30)
    write_video(folder / 'black.mp4', black)
    write_video(folder / 'second.mp4', drive(25, speed=0.5), fps=25)
    record = extract(folder, tmp_path / 'out')
    found = {entry['name']: entry for entry in record['sources']}
    assert {name: entry['problem'] and entry['problem'].removeprefix(f'{folder}/')[:24]
            for name, entry in found.items()} == dict(
        cut_off=None, portrait=None, sixty=None, two=None, grey=None, anamorphic=None, second=None,
        no_index='no_index.avi: not a read', no_frames='no_frames.mp4: not a rea', empty='empty.mp4: the file is e',
        static='nothing moves in it; dep', black='its frames are black or ')
    kept = {name: entry['frames']['kept'] for name, entry in found.items() if not entry['problem']}
    assert 20 < kept.pop('cut_off') < 50
    assert kept == dict(portrait=40, sixty=20, two=6, grey=40, anamorphic=40, second=13)
    assert found['static']['frames'] == dict(read=30, kept=0, still=29, black=0, short=1, lost=0)
    assert found['black']['frames'] == dict(read=20, kept=0, still=0, black=20, short=0, lost=0)
    assert 'motion between them may be too large' in found['two']['remark']
    assert f'about {found["cut_off"]["frames"]["lost"]} frames are missing' in found['cut_off']['remark']
    assert 58 <= found['cut_off']['frames']['read'] + found['cut_off']['frames']['lost'] <= 62
    shapes = {name: read_image(tmp_path / f'out/frames/{name}_000/000000.jpg').shape for name in kept}
    assert shapes == {**dict.fromkeys(kept, (48, 64, 3)), 'portrait': (64, 48, 3), 'anamorphic': (48, 85, 3)}
    assert record['totals']['problems'] == 5 and record['totals']['done'] == record['totals']['sources'] == 12
    assert not list((tmp_path / 'out').rglob('.*'))


def test_shots(tmp_path):
    black = [np.zeros((48, 64, 3), np.uint8)] * 2
    walls = [drive(10, seed) for seed in range(4)]
    frames = walls[0] + walls[1][:2] + walls[2] + black + walls[3] + walls[3][-1:] * 10 + drive(25, 3)[15:]
    entry, _ = only(write_video(tmp_path / 'a.mp4', frames), tmp_path / 'out')
    assert entry['frames'] == dict(read=54, kept=40, still=10, black=2, short=2, lost=0)
    assert entry['shots'] == [dict(name=f'a_00{number}', frames=10, begins=begins, ends=round(begins + .9, 3))
                              for number, begins in enumerate([0., 1.2, 2.4, 4.4])]
    assert [len(list(folder.iterdir())) for folder in sorted((tmp_path / 'out/frames').iterdir())] == [10] * 4


def test_a_bonnet_is_cut_off_and_the_camera_follows(tmp_path):
    sharp = np.random.default_rng(0).integers(0, 255, (96, 800, 3)).astype(np.uint8)
    sharp = cv2.resize(sharp, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    frames = [sharp[:, 6 * index:6 * index + 320].copy() for index in range(60)]
    for frame in frames:
        frame[144:] = (60, 70, 90)
    write_folder(tmp_path / 'own', frames)
    entry, written = only(tmp_path / 'own', tmp_path / 'out', fov=90)
    assert 0.25 <= entry['bonnet'] < 0.3
    height, _, _ = written[0].shape
    assert {image.shape for image in written} == {(height, 320, 3)} and height == round(192 * (1 - entry['bonnet']))
    camera = json.loads((tmp_path / 'out/frames/own_000/intrinsics.json').read_text())
    assert camera == pytest.approx(dict(fx=160, fy=160, cx=160, cy=96, width=320, height=height))
    assert entry['intrinsics']['source'] == 'fov'
    red = (read_image(tmp_path / 'out/frames.jpg').astype(int) @ [-1, -1, 1] > 20).sum(axis=1)
    assert abs(int(red.argmax()) - 18 - 144 * (1 - entry['bonnet'])) <= 2


@pytest.mark.parametrize('fov', [70, None])
def test_a_training_reads_what_was_written(tmp_path, fov):
    extract([write_video(tmp_path / 'a.mp4', drive(9) + drive(6, 1)), write_folder(tmp_path / 'b', drive(5))],
            tmp_path / 'out', fov=fov)
    dataset = VideoClipDataset('folder', str(tmp_path / 'out/frames'), intrinsics='calibration' if fov else None)
    assert len(dataset) == 7 + 4 + 3
    assert ('intrinsics' in dataset[0]) is (fov is not None)


def test_good_videos_beside_a_broken_one(tmp_path, caplog):
    videos = [write_video(tmp_path / f'{name}.mp4', drive(8)) for name in 'abc']
    videos[1].write_bytes(b'broken' * 100)
    record = extract(videos, tmp_path / 'out')
    assert [entry['problem'] is None for entry in record['sources']] == [True, False, True]
    assert record == json.loads((tmp_path / 'out/frames.json').read_text())
    assert record['totals']['frames']['kept'] == 16 and record['totals']['shots'] == 2


@pytest.mark.parametrize(('frames', 'words'), [
    (drive(2), 'it has 2 frames, a shot takes 3'),
    ([frame for seed in range(9) for frame in drive(2, seed)], 'no 3 successive frames of it show one scene')])
def test_why_a_video_gives_nothing(tmp_path, frames, words):
    entry, _ = only(write_folder(tmp_path / 'a', frames), tmp_path / 'out')
    assert words in entry['problem'] and entry['frames']['short'] == len(frames) and not entry['shots']
    assert not (tmp_path / 'out/frames.jpg').exists()
    (tmp_path / 'a/000000.png').write_bytes(b'')
    if len(frames) == 2:
        (tmp_path / 'a/000001.png').write_bytes(b'')
        assert 'no frame of it can be decoded' in only(tmp_path / 'a', tmp_path / 'out')[0]['problem']


def test_equal_names(tmp_path):
    for place, seed in (('one', 0), ('two', 1)):
        write_video(tmp_path / place / 'trip.mp4', drive(5, seed))
        write_folder(tmp_path / place / 'trip', drive(4, seed))
    record = extract(tmp_path, tmp_path / 'out')
    names = [entry['name'] for entry in record['sources']]
    assert len(set(names)) == 4 and record['totals']['frames']['kept'] == 18
    assert len(list((tmp_path / 'out/frames').iterdir())) == 4


@pytest.mark.parametrize('place', [2, 9, 'moving', 'record'])
def test_interrupted_as_if_it_had_not_been(tmp_path, monkeypatch, place):
    videos = [write_video(tmp_path / f'{name}.mp4', drive(6, seed) + drive(6, seed + 5)) for seed, name in
              enumerate('abc')]
    extract(videos, tmp_path / 'whole')
    written = []
    with monkeypatch.context() as patch:
        if place == 'moving':
            replace = os.replace

            def move(one, two):
                if Path(two).name == 'b_001':
                    raise KeyboardInterrupt
                replace(one, two)

            patch.setattr(os, 'replace', move)
        elif place == 'record':
            run = extraction._Extraction.run

            def run_and_end(self):
                entry = run(self)
                if self.source.name == 'b':
                    raise KeyboardInterrupt
                return entry

            patch.setattr(extraction._Extraction, 'run', run_and_end)
        else:
            write = extraction._Extraction._write_frame

            def count(self, time, image):
                written.append(self.source.name)
                if written.count('b') == place:
                    raise KeyboardInterrupt
                write(self, time, image)

            patch.setattr(extraction._Extraction, '_write_frame', count)
        with pytest.raises(KeyboardInterrupt):
            extract(videos, tmp_path / 'out')
    state = json.loads((tmp_path / 'out/frames.json').read_text())
    assert [entry['name'] for entry in state['sources']] == ['a']
    before = (tmp_path / 'out/frames/a_000/000000.jpg').stat().st_mtime_ns
    extract(videos, tmp_path / 'out')
    assert contents(tmp_path / 'out') == contents(tmp_path / 'whole')
    assert (tmp_path / 'out/frames/a_000/000000.jpg').stat().st_mtime_ns == before


def test_what_changed_is_done_anew(tmp_path, monkeypatch):
    videos = [write_video(tmp_path / f'{name}.mp4', drive(8, seed)) for seed, name in enumerate('ab')]
    extract(videos, tmp_path / 'out')
    said = []
    monkeypatch.setattr(extraction, 'notice', said.append)
    first = contents(tmp_path / 'out')
    extract(videos, tmp_path / 'out')
    assert contents(tmp_path / 'out') == first and not said
    write_video(videos[1], drive(5, 7))
    record = extract(videos, tmp_path / 'out')
    assert [entry['frames']['kept'] for entry in record['sources']] == [8, 5]
    assert len(list((tmp_path / 'out/frames/b_000').iterdir())) == 5 and 'the videos have changed: b' in said.pop()
    record = extract(videos, tmp_path / 'out', fps=5)
    assert [entry['frames']['kept'] for entry in record['sources']] == [4, 3]
    assert 'fps was 10.0, is 5' in said.pop() and len(list((tmp_path / 'out/frames/a_000').iterdir())) == 4
    extract(videos[1:], tmp_path / 'out', fps=5)
    assert [path.name for path in (tmp_path / 'out/frames').iterdir()] == ['b_000']
    assert 'not named any more are removed: a' in said.pop() and not said


def test_what_is_refused(tmp_path):
    video = write_video(tmp_path / 'a.mp4', drive(4))
    for settings, words in ((dict(fps=0), 'fps 0'), (dict(fov=180), 'fov 180'), (dict(max_side=5), 'max_side 5'),
                            (dict(folder_fps=-1), 'folder_fps -1')):
        with pytest.raises(InputError, match=words):
            extract(video, tmp_path / 'out', **settings)
    write_folder(tmp_path / 'mine/frames/drive', drive(2))
    with pytest.raises(InputError, match='holds files, but there is no'):
        extract(video, tmp_path / 'mine')
    assert len(list((tmp_path / 'mine/frames/drive').iterdir())) == 2 and not (tmp_path / 'out').exists()


def run_tool(*args):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', [TOOL.name, *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(TOOL), run_name='__main__')
    return ended.value.code


def test_the_tool(tmp_path, capsys):
    write_video(tmp_path / 'in/a.mp4', drive(12))
    assert run_tool(tmp_path / 'in', tmp_path / 'out', '--fov', 70, '--fps', 5) == 0
    said = capsys.readouterr().out
    assert 'video 1 of 1' in said and 'ETA' in said
    assert '6 frames in 1 shots of 1 videos' in said and 'focal length known for 1 videos' in said
    (tmp_path / 'in/b.mp4').write_bytes(b'')
    assert run_tool(tmp_path / 'in', tmp_path / 'out', '--fov', 70, '--fps', 5, '--quiet') == 1
    assert 'video ' not in capsys.readouterr().out
    assert 'no such file' in run_tool(tmp_path / 'nowhere', tmp_path / 'out')


def test_a_real_video(data_root, tmp_path):
    entry, written = only(data_root / 'videos/highway_25fps.mp4', tmp_path / 'out', fps=5, max_side=320)
    assert entry['fps'] == 25 and entry['frames']['kept'] == 45 == len(written) and len(entry['shots']) == 1
    assert entry['bonnet'] == 0 and entry['intrinsics'] is None and written[0].shape == (180, 320, 3)
