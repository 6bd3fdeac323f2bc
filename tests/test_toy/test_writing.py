from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmdepthcp.toy import ToySettings, toy_camera, write_toy_streets, writing
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import write_json
from mmdepthcp.utils.trees import WorkerKilled

SETTINGS = ToySettings(num_frames=3, labels_per_sequence=1, width=64, height=32, seed=4)
TOOL = Path(__file__).parents[2] / 'tools/dataset_converters/toy_streets.py'


def _digests(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob('*')
        if path.is_file()
    }


@pytest.fixture(scope='module')
def streets(tmp_path_factory):
    out = tmp_path_factory.mktemp('streets')
    write_toy_streets(out, {'train': 2, 'val': 1}, SETTINGS)
    return out


def test_layout_is_that_of_cityscapes(streets):
    names = sorted(str(path.relative_to(streets)) for path in streets.rglob('*val/*') if path.is_dir())
    assert names == [
        f'{kind}/val/toystadt'
        for kind in ('camera', 'depth', 'gtFine', 'leftImg8bit', 'leftImg8bit_sequence', 'poses')
    ]
    frames = [f'toyburg_000000_{k:06d}' for k in range(3)]

    def files(kind):
        return sorted(path.name for path in (streets / kind / 'train/toyburg').iterdir())

    assert files('leftImg8bit_sequence') == [f'{frame}_leftImg8bit.png' for frame in frames]
    assert files('depth') == [f'{frame}_depth.png' for frame in frames]
    assert files('camera') == [f'{frame}_camera.json' for frame in frames]
    assert files('leftImg8bit') == ['toyburg_000000_000001_leftImg8bit.png']
    assert files('gtFine') == [
        f'toyburg_000000_000001_gtFine_{kind}.png' for kind in ('instanceIds', 'labelIds', 'labelTrainIds')
    ]
    assert files('poses') == ['toyburg_000000_poses.json']
    assert (streets / 'leftImg8bit/train/toyfeld/toyfeld_000001_000001_leftImg8bit.png').exists()


def test_files_hold_what_they_should(streets):
    stem = 'train/toyburg/toyburg_000000_000001'
    labelled, frame = (
        cv2.imread(str(streets / kind / f'{stem}_leftImg8bit.png'))
        for kind in ('leftImg8bit', 'leftImg8bit_sequence')
    )
    assert labelled.shape == (32, 64, 3)
    np.testing.assert_array_equal(labelled, frame)
    depth = cv2.imread(str(streets / f'depth/{stem}_depth.png'), cv2.IMREAD_UNCHANGED)
    labels, train_ids, instances = (
        cv2.imread(str(streets / f'gtFine/{stem}_gtFine_{kind}.png'), cv2.IMREAD_UNCHANGED)
        for kind in ('labelIds', 'labelTrainIds', 'instanceIds')
    )
    assert depth.dtype == instances.dtype == np.uint16 and labels.dtype == train_ids.dtype == np.uint8
    np.testing.assert_array_equal(depth == 0, train_ids == 10)
    np.testing.assert_array_equal(np.where(instances >= 1000, instances // 1000, instances), labels)

    camera = json.loads((streets / f'camera/{stem}_camera.json').read_text())
    expected = toy_camera('toyburg', 64, 32)
    assert camera['intrinsic'] == {'fx': expected.fx, 'fy': expected.fy, 'u0': expected.cx, 'v0': expected.cy}
    poses = json.loads((streets / 'poses/train/toyburg/toyburg_000000_poses.json').read_text())['poses']
    assert sorted(poses) == [f'toyburg_000000_{k:06d}' for k in range(3)]
    pose = np.array(poses['toyburg_000000_000001'])
    assert pose.shape == (4, 4) and pose[2, 3] == camera['extrinsic']['z']


def test_workers_change_nothing(streets, tmp_path):
    command = [
        sys.executable,
        str(TOOL),
        str(tmp_path),
        '--train',
        '2',
        '--val',
        '1',
        '--frames',
        '3',
        '--size',
        '64',
        '32',
        '--seed',
        '4',
        '--workers',
        '2',
    ]
    subprocess.run(command, check=True, capture_output=True, cwd=TOOL.parents[2])
    assert _digests(tmp_path) == _digests(streets)


def test_interrupted_work_is_finished_and_finished_work_kept(tmp_path):
    write_toy_streets(tmp_path, {'train': 1}, SETTINGS)
    before = _digests(tmp_path)
    kept = tmp_path / 'depth/train/toyburg/toyburg_000000_000000_depth.png'
    stamp = kept.stat().st_mtime_ns
    write_toy_streets(tmp_path, {'train': 1}, SETTINGS)
    assert kept.stat().st_mtime_ns == stamp
    (tmp_path / 'poses/train/toyburg/toyburg_000000_poses.json').unlink()
    kept.unlink()
    write_toy_streets(tmp_path, {'train': 1}, SETTINGS)
    assert _digests(tmp_path) == before


def kill_worker(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_process_ends_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, 'write_sequence', kill_worker)
    with pytest.raises(WorkerKilled, match='a worker process was killed'):
        write_toy_streets(tmp_path, {'train': 3}, SETTINGS, workers=2)


def test_a_sequence_that_fails_is_named(tmp_path, monkeypatch):
    def fail(out, split, index, settings):
        if index == 1:
            raise OSError('disk full')

    monkeypatch.setattr(writing, 'write_sequence', fail)
    failures, tried = write_toy_streets(tmp_path, {'train': 3}, SETTINGS)
    assert tried == 3 and failures == [('train, sequence 1', 'OSError: disk full')]


def test_other_settings_are_refused(tmp_path):
    write_toy_streets(tmp_path, {'val': 1}, SETTINGS)
    with pytest.raises(InputError, match='other settings'):
        write_toy_streets(tmp_path, {'val': 0}, ToySettings(seed=5))


def test_settings_with_which_nothing_was_written_bind_nobody(tmp_path, monkeypatch):
    out = tmp_path / 'out'
    assert write_toy_streets(out, {'val': 0}, ToySettings(seed=5)) == ([], 0) and not out.exists()
    with monkeypatch.context() as patch:
        patch.setattr(writing, 'write_png', lambda *_: 1 / 0)
        failures, tried = write_toy_streets(out, {'val': 1}, ToySettings(seed=5))
    assert len(failures) == tried == 1 and not out.exists()
    write_json(out / 'toy_streets.json', {})  # as a run that was killed leaves it
    assert write_toy_streets(out, {'val': 1}, SETTINGS) == ([], 1)


@pytest.mark.parametrize(
    'bad', [dict(num_frames=0), dict(labels_per_sequence=21), dict(labels_per_sequence=0), dict(width=4)]
)
def test_impossible_settings_are_refused(bad):
    with pytest.raises(InputError):
        ToySettings(**bad)


def test_unknown_split_is_refused(tmp_path):
    with pytest.raises(InputError, match='test'):
        write_toy_streets(tmp_path, {'test': 1}, SETTINGS)


def test_labelled_frames_are_spread():
    assert ToySettings(num_frames=30).labelled_frames == [15]
    assert ToySettings(num_frames=20, labels_per_sequence=4).labelled_frames == [2, 7, 12, 17]
    assert ToySettings(num_frames=3, labels_per_sequence=3).labelled_frames == [0, 1, 2]
