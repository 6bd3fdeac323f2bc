"""Potsdam, five crops as files, and disparity that tells nothing of its image."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from mmdepthcp.datasets import FiveCropDataset, Potsdam3Dataset, StreetDataset
from mmdepthcp.preparation.disparity_controls import partners
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import read_image, read_labels, read_uint16, write_disparity, write_png

TOOLS = Path(__file__).parents[2] / 'tools/dataset_converters'


def run(tool, *args):
    sys.argv = [tool, *map(str, args)]
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(TOOLS / tool), run_name='__main__')
    return ended.value.code


@pytest.fixture
def patches(tmp_path):
    rng = np.random.default_rng(0)
    for folder in ('imgs', 'gt'):
        (tmp_path / 'patches' / folder).mkdir(parents=True)
    for number in range(3):
        savemat(tmp_path / f'patches/imgs/{number}.mat', dict(img=rng.integers(0, 255, (8, 8, 4), np.uint8)))
        savemat(tmp_path / f'patches/gt/{number}.mat', dict(gt=rng.integers(0, 6, (8, 8), np.int32)))
    (tmp_path / 'patches/labelled_train.txt').write_text('0\n1\n')
    (tmp_path / 'patches/labelled_test.txt').write_text('2\n')
    return tmp_path / 'patches'


def test_patches_of_potsdam(patches, tmp_path):
    from scipy.io import loadmat

    out = tmp_path / 'out'
    assert run('potsdam3.py', patches, out, '--num-workers', 0) == 0
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob('*.png')) == [
        'images/train/0.png', 'images/train/1.png', 'images/val/2.png',
        'labels/train/0.png', 'labels/train/1.png', 'labels/val/2.png']
    rgb = loadmat(patches / 'imgs/1.mat')['img'][..., :3]
    assert np.array_equal(read_image(out / 'images/train/1.png')[..., ::-1], rgb)
    dataset = Potsdam3Dataset(
        data_root=str(out), data_prefix=dict(img_path='images/val', seg_map_path='labels/val'),
        pipeline=[dict(type='mmdepthcp.LoadImage'), dict(type='mmdepthcp.LoadLabels')])
    stored = loadmat(patches / 'gt/2.mat')['gt']
    assert np.array_equal(dataset[0]['gt_seg_map'], np.array([0, 1, 2, 2, 0, 1])[stored])
    times = {path: path.stat().st_mtime_ns for path in out.rglob('*.png')}
    savemat(patches / 'gt/0.mat', dict(gt=np.full((8, 8), 5, np.int32)))
    assert run('potsdam3.py', patches, out, '--num-workers', 0) == 0
    assert {path.name for path, time in times.items() if path.stat().st_mtime_ns != time} == {'0.png'}
    assert read_labels(out / 'labels/train/0.png').min() == 5
    (patches / 'gt/1.mat').unlink()
    assert run('potsdam3.py', patches, out).startswith(f'error: {patches}/gt/1.mat: named in')


def test_a_broken_patch_is_named_and_the_others_are_written(patches, tmp_path, capsys):
    (patches / 'imgs/0.mat').write_bytes(b'nothing')
    assert run('potsdam3.py', patches, tmp_path / 'out', '--num-workers', 0) == 1
    assert f'FAILED {patches}/imgs/0.mat: ' in capsys.readouterr().err
    assert (tmp_path / 'out/labels/val/2.png').exists()


def test_tiles_of_potsdam(tmp_path, capsys):
    from mmdepthcp.preparation.potsdam import COLOURS

    rng = np.random.default_rng(0)
    classes = rng.integers(0, 6, (9, 14))
    colours = np.array([next(colour for colour, index in COLOURS.items() if index == number) for number in range(6)])
    for name in ('2_10', '2_13'):
        for folder, ending, picture in (('t', 'RGB', rng.integers(0, 255, (9, 14, 3), np.uint8)),
                                        ('l', 'label', np.uint8(colours[classes])[..., ::-1])):
            (tmp_path / folder).mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / folder / f'top_potsdam_{name}_{ending}.tif'), picture)
    out = tmp_path / 'out'
    assert run('potsdam3.py', tmp_path / 't', out, '--tile-labels', tmp_path / 'l', '--size', 4,
               '--num-workers', 0) == 0
    names = sorted(path.stem for path in (out / 'labels/val').iterdir())
    assert names == [f'top_potsdam_2_13_RGB_{row:05}_{column:05}' for row in (0, 4) for column in (0, 4, 8)]
    assert np.array_equal(read_labels(out / 'labels/train/top_potsdam_2_10_RGB_00004_00008.png'), classes[4:8, 8:12])
    times = {path: path.stat().st_mtime_ns for path in out.rglob('*.png')}
    cv2.imwrite(str(tmp_path / 'l/top_potsdam_2_13_label.tif'), np.full((9, 14, 3), 255, np.uint8))
    again = ('potsdam3.py', tmp_path / 't', out, '--tile-labels', tmp_path / 'l', '--num-workers', 0, '--size')
    assert run(*again, 4) == 0
    anew = {path for path, time in times.items() if path.stat().st_mtime_ns != time}
    assert anew == {path for path in times if 'val' in path.parts}
    assert not any(read_labels(path).any() for path in anew if 'labels' in path.parts)
    assert 'patches made in another way, with other settings (size was 4, is 3)' in run(*again, 3)
    assert {path: path.stat().st_mtime_ns for path in out.rglob('*.png')}.keys() == times.keys()
    again = (*again[:2], tmp_path / 'large', *again[3:])
    assert run(*again, 10) == 1 and not (tmp_path / 'large').exists()
    assert 'top_potsdam_2_10_RGB.tif: is 14x9, smaller than a patch of 10x10; set --size' in capsys.readouterr().err
    (tmp_path / 't/top_potsdam_2_13_RGB.tif').write_bytes(b'nothing')
    assert run(*again, 4) == 1 and 'top_potsdam_2_13_RGB.tif: not a readable image' in capsys.readouterr().err
    (tmp_path / 'l/top_potsdam_2_10_label.tif').unlink()
    assert 'the labels of' in run('potsdam3.py', tmp_path / 't', out, '--tile-labels', tmp_path / 'l')


def test_five_crops_as_files_are_those_of_the_data_set(tmp_path):
    rng = np.random.default_rng(0)
    for name in 'ab':
        write_png(tmp_path / f'i/x/{name}_l8.png', rng.integers(0, 255, (10, 17, 3), np.uint8))
        write_png(tmp_path / f'l/x/{name}_gt.png', rng.integers(0, 3, (10, 17), np.uint8))
        write_disparity(tmp_path / f'd/x/{name}_l8.png', rng.uniform(.1, 1, (10, 17)))
    for folder, suffix, kind in (('i', '_l8.png', 'image'), ('l', '_gt.png', 'labels'), ('d', '_l8.png', 'disparity')):
        assert run('five_crops.py', tmp_path / folder, tmp_path / 'out' / folder, '--suffix', suffix, '--kind', kind,
                   '--num-workers', 0) == 0
    settings = dict(
        data_prefix=dict(img_path='i', seg_map_path='l', disparity_path='d'), img_suffix='_l8.png',
        seg_map_suffix='_gt.png', metainfo=dict(classes=('p', 'q', 'r')), pipeline=[
            dict(type='mmdepthcp.LoadImage'), dict(type='mmdepthcp.LoadDisparity'), dict(type='mmdepthcp.LoadLabels')])
    lazy = FiveCropDataset(StreetDataset(data_root=str(tmp_path), **settings))
    stored = StreetDataset(data_root=str(tmp_path / 'out'), **settings)
    assert len(lazy) == len(stored) == 10
    for index in range(10):
        for key in ('img', 'gt_seg_map', 'disparity'):
            assert np.array_equal(lazy[index][key], stored[index][key])
    before = (tmp_path / 'out/i/x/a_0_l8.png').stat().st_mtime_ns
    assert run('five_crops.py', tmp_path / 'i', tmp_path / 'out/i', '--suffix', '_l8.png') == 0
    assert (tmp_path / 'out/i/x/a_0_l8.png').stat().st_mtime_ns == before
    assert 'in another way' in run('five_crops.py', tmp_path / 'i', tmp_path / 'out/i', '--suffix', '_l8.png',
                                   '--ratio', '.4')


def test_disparity_of_others_and_none(tmp_path):
    rng = np.random.default_rng(0)
    for name in 'abcde':
        write_disparity(tmp_path / f'd/x/{name}.png', rng.uniform(.1, 1, (4, 6)))
    whole = {path.stem: read_uint16(path, '', '') for path in (tmp_path / 'd/x').iterdir()}
    for seed in (0, 1):
        assert run('control_disparity.py', tmp_path / 'd', tmp_path / f'o{seed}', '--kind', 'others', '--seed', seed,
                   '--num-workers', 0) == 0
    shown = {seed: {name: next(other for other, values in whole.items() if np.array_equal(
        values, read_uint16(tmp_path / f'o{seed}/x/{name}.png', '', ''))) for name in whole} for seed in (0, 1)}
    for pairs in shown.values():
        assert sorted(pairs.values()) == sorted(whole) and all(name != other for name, other in pairs.items())
    assert shown[0] != shown[1]
    assert run('control_disparity.py', tmp_path / 'd', tmp_path / 'c', '--kind', 'constant') == 0
    assert np.unique([read_uint16(path, '', '') for path in (tmp_path / 'c/x').iterdir()]).tolist() == [32768]
    with pytest.raises(InputError, match='one disparity file'):
        partners([Path('a')], 0)


@pytest.mark.parametrize(('kind', 'values', 'words'), [
    ('gt', np.full((8, 8), 261, np.int32), 'gt holds other values than class indices'),
    ('gt', np.full((8, 8), -1, np.int32), 'gt holds other values than class indices'),
    ('gt', np.full((8, 8), np.nan), 'gt holds other values than class indices'),
    ('img', np.full((8, 8, 4), 60000, np.uint16), 'img is uint16 of shape (8, 8, 4)'),
    ('img', np.zeros((8, 8, 3)), 'img is float64 of shape (8, 8, 3)'),
    ('img', np.zeros((8, 8), np.uint8), 'img is uint8 of shape (8, 8)')])
def test_patches_of_other_kinds_are_not_cut_down_to_8_bits(patches, tmp_path, kind, values, words, capsys):
    folder = dict(img='imgs', gt='gt')[kind]
    savemat(patches / f'{folder}/1.mat', {kind: values})
    assert run('potsdam3.py', patches, tmp_path / 'out', '--num-workers', 0) == 1
    assert f'FAILED {patches}/imgs/1.mat: {patches}/{folder}/1.mat: {words}' in capsys.readouterr().err
    assert (tmp_path / 'out/labels/val/2.png').exists() and not (tmp_path / 'out/labels/train/1.png').exists()


def test_lists_of_patches(patches, tmp_path):
    train, val = patches / 'labelled_train.txt', patches / 'labelled_test.txt'
    train.write_bytes('\ufeff1\r\n0\r\n1\r\n'.encode('utf-16'))
    assert run('potsdam3.py', patches, tmp_path / 'out', '--num-workers', 0) == 0
    assert len(list((tmp_path / 'out').rglob('*.png'))) == 6
    val.write_text('2\n1\n')
    assert run('potsdam3.py', patches, tmp_path / 'other') == f'error: {val}:2: 1 is for training too, by {train}; ' \
        'take it out of one of them'
    val.write_text('')
    assert run('potsdam3.py', patches, tmp_path / 'other') == f'error: {val}: the list is empty'
    assert not (tmp_path / 'other').exists()


def test_images_too_small_for_crops(tmp_path, capsys):
    for name, shape in (('a', (1, 1, 3)), ('b', (10, 17, 3))):
        write_png(tmp_path / f'i/{name}.png', np.zeros(shape, np.uint8))
    assert run('five_crops.py', tmp_path / 'i', tmp_path / 'out', '--num-workers', 0) == 1
    assert f'FAILED a.png: {tmp_path}/i/a.png: is 1x1, too small for crops of 0.5' in capsys.readouterr().err
    assert len(list((tmp_path / 'out').glob('b_*.png'))) == 5


@pytest.mark.parametrize('content', ['{"my": "notes"}', '{"my": ', '[1]'])
def test_what_is_no_export_is_not_written_over(tmp_path, content):
    write_png(tmp_path / 'i/a.png', np.zeros((8, 8, 3), np.uint8))
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out/meta.json').write_text(content)
    assert run('five_crops.py', tmp_path / 'i', tmp_path / 'out') == (
        f'error: {tmp_path}/out/meta.json: is of something else, and would be written over; choose another folder')
    assert (tmp_path / 'out/meta.json').read_text() == content
