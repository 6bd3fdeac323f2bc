"""Region trees and their quality: restart, shards, sizes, calibrations, failures by file; the two tools."""

import json
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmdepthcp.grouping import KITTI_INTRINSICS, PRESETS, GroupingParams, group_regions
from mmdepthcp.preparation.region_grouping import (
    LabelTree,
    RegionGrouper,
    RegionReader,
    group_tree,
    measure_quality,
    parse_params,
)
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import write_json
from mmdepthcp.utils.images import read_disparity, read_image, read_labels, read_regions, write_disparity, write_png
from mmdepthcp.utils.scores import read_scores

TOOLS = Path(__file__).parents[2] / 'tools'
FEW = ('num_superpixels=300',)


@pytest.fixture
def tree(tmp_path):
    """Four images in two folders, halves at different depth, with disparity at half size, labels and calibrations."""
    rng = np.random.default_rng(0)
    for name in ('ulm/a', 'ulm/b', 'bonn/a', 'bonn/b'):
        part = (np.arange(48) >= rng.integers(16, 32)) * np.ones((24, 1), np.uint8)
        image = np.clip(part[..., None] * 120 + 60 + rng.normal(0, 3, (24, 48, 3)), 0, 255).astype(np.uint8)
        write_png(tmp_path / f'images/{name}_leftImg8bit.png', image)
        write_disparity(tmp_path / f'disparity/{name}_leftImg8bit.png', (0.1 + 0.4 * part)[::2, ::2])
        write_png(tmp_path / f'labels/{name}_ids.png', np.where(part, np.uint8(3), np.uint8(0)))
        write_json(tmp_path / f'camera/{name}_camera.json', {'intrinsic': {'fx': 48, 'fy': 48, 'u0': 24, 'v0': 12}})
    return tmp_path


KITTI = (0.58, 1.92, 0.5, 0.5)


def grouper(tree, **changes):
    changes = changes if 'camera_root' in changes else dict(intrinsics=KITTI) | changes
    return RegionGrouper(tree / 'images', tree / 'disparity', parse_params(FEW), **changes)


def written(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob('*.png'))


def test_tree_is_written_once_with_its_settings(tree):
    out = tree / 'regions'
    failures, tried = group_tree(grouper(tree), out)
    assert not failures and tried == 4
    assert written(out) == written(tree / 'images')
    name = 'ulm/a_leftImg8bit.png'
    disparity = cv2.resize(read_disparity(tree / 'disparity' / name), (48, 24), interpolation=cv2.INTER_LINEAR)
    expected = group_regions(read_image(tree / 'images' / name), disparity, KITTI_INTRINSICS, parse_params(FEW))
    assert np.array_equal(read_regions(out / name), expected)
    meta = json.loads((out / 'meta.json').read_text())
    assert meta['params']['num_superpixels'] == 300 and meta['intrinsics'] == [0.58, 1.92, 0.5, 0.5]
    (out / name).unlink()
    assert group_tree(grouper(tree), out) == ([], 1)
    with pytest.raises(InputError, match='other settings'):
        group_tree(RegionGrouper(tree / 'images', tree / 'disparity', intrinsics=KITTI), out)


def test_processes_and_shards_give_the_same(tree):
    group_tree(grouper(tree), tree / 'one')
    for index in range(2):
        group_tree(grouper(tree), tree / 'two', num_workers=2, shard=(index, 2))
    assert written(tree / 'one') == written(tree / 'two')
    for name in written(tree / 'one'):
        assert (tree / 'one' / name).read_bytes() == (tree / 'two' / name).read_bytes()


def test_what_other_files_would_give_is_made_anew(tree, notices):
    out = tree / 'regions'
    assert group_tree(grouper(tree, camera_root=tree / 'camera'), out) == ([], 4)
    assert ['taken is that of the images, 48x24; if these were resized, set calibration_size' in notice
            for notice in notices] == [True]
    old = {name: read_regions(out / name) for name in written(out)}
    other = tree / 'elsewhere'
    for name in written(tree / 'disparity'):
        write_disparity(other / name, np.full((12, 24), 0.3) + np.linspace(0, 0.5, 24))
    changed = RegionGrouper(tree / 'images', other, parse_params(FEW), camera_root=tree / 'camera')
    assert group_tree(changed, out) == ([], 4) and group_tree(changed, out) == ([], 0)
    for name in written(out):
        assert np.array_equal(read_regions(out / name), changed(Path(name)))
        assert not np.array_equal(read_regions(out / name), old[name])
    write_json(tree / 'camera/ulm/a_camera.json', {'intrinsic': {'fx': 30, 'fy': 30, 'u0': 24, 'v0': 12}})
    assert group_tree(changed, out) == ([], 1)
    write_png(tree / 'images/bonn/a_leftImg8bit.png', np.zeros((24, 48, 3), np.uint8))
    assert group_tree(changed, out) == ([], 1)
    with pytest.raises(InputError, match='calibration_size was None'):
        group_tree(RegionGrouper(tree / 'images', other, parse_params(FEW), camera_root=tree / 'camera',
                                 calibration_size=(96, 48)), out)


def test_a_run_that_wrote_nothing_leaves_nothing(tree):
    out = tree / 'regions'
    failures, tried = group_tree(grouper(tree, camera_root=tree / 'camera', calibration_size=(4, 4)), out)
    assert len(failures) == tried == 4 and not out.exists()
    assert group_tree(grouper(tree, camera_root=tree / 'camera'), out) == ([], 4)


def test_failures_are_named_and_the_rest_is_done(tree):
    (tree / 'disparity/bonn/a_leftImg8bit.png').unlink()
    write_disparity(tree / 'disparity/bonn/b_leftImg8bit.png', np.linspace(.1, .2, 24 * 24).reshape(24, 24))
    write_png(tree / 'disparity/ulm/a_leftImg8bit.png', np.zeros((24, 48), np.uint16))
    failures, tried = group_tree(grouper(tree), tree / 'regions')
    assert tried == 4 and written(tree / 'regions') == ['ulm/b_leftImg8bit.png']
    assert [failure.path[:-len('_leftImg8bit.png')] for failure in failures] == ['bonn/a', 'bonn/b', 'ulm/a']
    for failure, words in zip(failures, ('no such file', 'does not fit the image', 'zero everywhere'), strict=True):
        assert words in failure.message and failure.path in failure.message


def test_the_same_disparity_everywhere_is_no_depth(tree):
    write_disparity(tree / 'disparity/ulm/b_leftImg8bit.png', np.full((12, 24), 0.2))
    failures, tried = group_tree(grouper(tree), tree / 'regions')
    assert tried == 4 and [failure.path for failure in failures] == ['ulm/b_leftImg8bit.png']
    assert 'disparity/ulm/b_leftImg8bit.png: disparity is the same everywhere' in failures[0].message
    with pytest.raises(InputError, match='disparity is the same everywhere'):
        measure_quality(grouper(tree), [Path('ulm/b_leftImg8bit.png')],
                        LabelTree(tree / 'labels', '_leftImg8bit', '_ids'), 4)


def test_missing_folders_are_named(tree):
    for changes in (dict(camera_root=tree / 'none'), ):
        with pytest.raises(InputError, match='none: no such folder'):
            group_tree(grouper(tree, **changes), tree / 'regions')
    with pytest.raises(InputError, match='none: no such folder'):
        group_tree(RegionGrouper(tree / 'images', tree / 'none', intrinsics=KITTI), tree / 'regions')
    with pytest.raises(InputError, match='none: no such folder'):
        group_tree(RegionGrouper(tree / 'none', tree / 'disparity', intrinsics=KITTI), tree / 'regions')


def test_calibrations_and_scale_are_used(tree):
    name = Path('ulm/a_leftImg8bit.png')
    by_file = grouper(tree, camera_root=tree / 'camera', scale=(32, 16))
    assert by_file(name).shape == (16, 32)
    assert np.array_equal(by_file(name), grouper(tree, intrinsics=(1, 2, 0.5, 0.5), scale=(32, 16))(name))
    assert np.allclose(by_file._intrinsics_of(name, (48, 24)), [[1, 0, 0.5], [0, 2, 0.5], [0, 0, 1]])
    wider = grouper(tree, camera_root=tree / 'camera', calibration_size=(96, 24))
    assert np.allclose(wider._intrinsics_of(name, (48, 24))[0], [0.5, 0, 0.25])
    (tree / 'camera/ulm/a_camera.json').unlink()
    with pytest.raises(InputError, match=r'a_camera\.json'):
        by_file(name)


def test_camera_has_to_be_known(tree):
    with pytest.raises(InputError, match=r'--intrinsics FX FY CX CY.*0.58 1.92 0.5 0.5.*--camera-root'):
        grouper(tree, intrinsics=None)
    for intrinsics, word in ((0, 0, .5, .5), 'positive'), ((721, 721, 610, 173), 'pixels'), ((1, 2, .5), 'four'):
        with pytest.raises(InputError, match=f'intrinsics: .*{word}'):
            grouper(tree, intrinsics=intrinsics)
    for key in ('scale', 'calibration_size'):
        with pytest.raises(InputError, match=f'{key}: expected width and height'):
            grouper(tree, **{key: (0, 32)})


def test_calibration_of_another_size_is_refused(tree):
    """The images were halved after calibration; and to three quarters, where the principal point stays inside."""
    name = Path('ulm/a_leftImg8bit.png')
    file = tree / 'camera/ulm/a_camera.json'
    for factor in (2, 4 / 3):
        write_json(file, {'intrinsic': {'fx': 48 * factor, 'fy': 48 * factor, 'u0': 24 * factor, 'v0': 12 * factor}})
        with pytest.raises(InputError, match=r'a_camera\.json: key intrinsic: .*calibration_size'):
            grouper(tree, camera_root=tree / 'camera')(name)
        whole = grouper(tree, camera_root=tree / 'camera', calibration_size=(48 * factor, 24 * factor))
        assert np.allclose(whole._intrinsics_of(name, (48, 24)), [[1, 0, 0.5], [0, 2, 0.5], [0, 0, 1]])


def test_quality_of_perfect_regions(tree):
    group_tree(grouper(tree), tree / 'regions', 0)
    names = [Path(name) for name in written(tree / 'images')]
    labels = LabelTree(tree / 'labels', '_leftImg8bit', '_ids')
    summary = measure_quality(RegionReader(tree / 'regions'), names, labels, 19)
    assert summary['images'] == 4 and summary['oracle_miou'] > 0.95 and summary['asa'] > 0.97
    assert measure_quality(grouper(tree), names, labels, 19) == summary
    first = labels.path(names[0].with_suffix('').as_posix())
    capital = first.rename(first.with_suffix('.PNG'))
    assert measure_quality(grouper(tree), names, labels, 19) == summary
    capital.rename(first)
    small = measure_quality(grouper(tree, scale=(24, 12)), names, labels, 19)
    assert small['oracle_miou'] > 0.85
    ignoring = LabelTree(tree / 'labels', '_leftImg8bit', '_ids', (3, 255))
    assert measure_quality(grouper(tree), names, ignoring, 19)['oracle_miou'] == 1
    with pytest.raises(InputError, match=r'_ids.png: label 3 found where 3 classes'):
        measure_quality(grouper(tree), names, labels, 3)
    with pytest.raises(InputError, match='no such label file'):
        measure_quality(grouper(tree), names, LabelTree(tree / 'labels'), 19)


def test_labels_of_another_size_are_refused(tree):
    group_tree(grouper(tree), tree / 'regions', 0)
    group_tree(grouper(tree, scale=(24, 12)), tree / 'small', 0)
    names = [Path(name) for name in written(tree / 'images')]
    labels = LabelTree(tree / 'labels', '_leftImg8bit', '_ids')
    assert measure_quality(RegionReader(tree / 'small'), names, labels, 19)['oracle_miou'] > 0.85
    for path in (tree / 'labels').rglob('*.png'):
        write_png(path, read_labels(path, '')[::2, ::2].astype(np.uint8))
    for regions in (RegionReader(tree / 'regions'), grouper(tree)):
        with pytest.raises(InputError, match=r'_ids.png: is 24x12, .* 48x24'):
            measure_quality(regions, names, labels, 19)


def test_settings_in_words():
    assert parse_params([]) == GroupingParams()
    assert parse_params(['paper']) == PRESETS['paper']
    params = parse_params(['paper', 'weights=0,48,0,-4', 'max_regions=None', 'method=louvain', 'sigma=2'])
    assert params.weights == (0, 48, 0, -4) and params.max_regions is None and params.sigma == 2
    for words, message in ((['best'], 'no such preset'), (['sigmas=1'], 'not a setting'),
                           (['paper', 'sigma'], 'not a setting'),
                           (['method=magic'], "unknown method 'magic'"), (['weights=1'], 'weights=1'),
                           (['num_superpixels=many'], 'num_superpixels=many')):
        with pytest.raises(InputError, match=message):
            parse_params(words)


def run(monkeypatch, tool, *args):
    monkeypatch.setattr(sys, 'argv', [tool, *map(str, args)])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(TOOLS / tool), run_name='__main__')
    return end.value.code


def test_tools(tree, monkeypatch, capsys, notices):
    paths = [tree / name for name in ('images', 'disparity', 'regions')]
    (tree / 'disparity/bonn/a_leftImg8bit.png').rename(tree / 'kept.png')
    arguments = ['group_regions.py', *paths, '--camera-root', tree / 'camera', '--params', *FEW, '--workers', 0]
    assert run(monkeypatch, *arguments) == 1
    assert 'FAILED bonn/a_leftImg8bit.png' in capsys.readouterr().err
    (tree / 'kept.png').rename(tree / 'disparity/bonn/a_leftImg8bit.png')
    assert run(monkeypatch, *arguments) == 0
    assert len(written(paths[2])) == 4

    options = ['--suffixes', '_leftImg8bit', '_ids', '--num-classes', 4]
    quality = ['region_quality.py', tree / 'labels', *options, '--json', tree / 'q.json']
    assert run(monkeypatch, *quality, '--regions', paths[2]) == 0
    assert {'count_mean', 'oracle_miou', 'under_segmentation', 'boundary_recall', 'asa'} <= {
        score.name for score in read_scores(tree / 'q.json')}
    assert '4 images' in capsys.readouterr().out
    assert run(monkeypatch, *quality, '--images', paths[0], '--disparity', paths[1], '--limit', 2,
               '--settings', 'default', 'paper num_superpixels=200', '--intrinsics', *KITTI) == 0
    assert 'the camera is not known: give --intrinsics' in run(
        monkeypatch, *quality, '--images', paths[0], '--disparity', paths[1])
    assert 'the camera is not known: give --intrinsics' in run(monkeypatch, 'group_regions.py', *paths, '--workers', 0)
    assert {score.protocol for score in read_scores(tree / 'q.json')} == {'default', 'paper num_superpixels=200'}
    assert json.loads((tree / 'q.json').read_text())['about']['default']['images'] == 2
    for path in (tree / 'labels').rglob('*.png'):
        write_png(path, np.where(read_labels(path) == 3, np.uint8(255), np.uint8(0)))
    notices.clear()
    assert run(monkeypatch, *quality, '--regions', paths[2], '--num-classes', 2) == 0
    assert 'none has the class 1; ' in notices[0] and 'write the index of the class instead' in notices[0]
    message = run(monkeypatch, 'region_quality.py', tree / 'labels', '--regions', paths[2])
    assert 'no labels for the images' in message and 'bonn/a_leftImg8bit.png' in message
