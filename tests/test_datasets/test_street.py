from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmdepthcp.datasets import (
    CamVidStreetDataset,
    CityscapesStreetDataset,
    KITTIStreetDataset,
    StreetDataset,
    ToyStreetDataset,
)
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import write_png

LOAD = [dict(type='mmdepthcp.LoadImage'), dict(type='mmdepthcp.LoadLabels')]


def _write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


def _image(path: Path) -> None:
    _write(path, np.full((4, 6, 3), 100, np.uint8))


def _paths(dataset, key='img_path'):
    return [dataset.get_data_info(index)[key] for index in range(len(dataset))]


def test_any_folder_of_images(tmp_path):
    for name in ('b/2.jpg', 'a/1.png', 'a/3.JPEG', 'c.webp'):
        _image(tmp_path / 'images' / name)
    (tmp_path / 'images/notes.txt').write_text('no image')
    dataset = StreetDataset(data_root=str(tmp_path), data_prefix=dict(
        img_path='images', disparity_path='d', region_path='r', seg_map_path=None))
    root = tmp_path
    assert _paths(dataset) == [str(root / 'images' / name) for name in ('a/1.png', 'a/3.JPEG', 'b/2.jpg', 'c.webp')]
    assert _paths(dataset, 'disparity_path')[1:3] == [str(root / 'd/a/3.png'), str(root / 'd/b/2.png')]
    assert _paths(dataset, 'region_path')[3] == str(root / 'r/c.png')
    assert 'seg_map_path' not in dataset.get_data_info(0)
    assert dataset.metainfo['classes'] == ()


def test_absolute_folders_may_lie_elsewhere(tmp_path):
    _image(tmp_path / 'data/1.png')
    dataset = StreetDataset(data_root=str(tmp_path / 'data'), data_prefix=dict(
        img_path='', disparity_path=str(tmp_path / 'work/disparity')))
    assert _paths(dataset, 'disparity_path') == [str(tmp_path / 'work/disparity/1.png')]


def test_cityscapes_layout(tmp_path):
    _image(tmp_path / 'leftImg8bit/val/ulm/ulm_000000_000019_leftImg8bit.png')
    labels = np.array([[0, 18, 255]] * 2, np.uint8)
    _write(tmp_path / 'gtFine/val/ulm/ulm_000000_000019_gtFine_labelTrainIds.png', labels)
    dataset = CityscapesStreetDataset(data_root=str(tmp_path), data_prefix=dict(
        img_path='leftImg8bit/val', seg_map_path='gtFine/val', disparity_path='disparity/val'))
    info = dataset.get_data_info(0)
    assert Path(info['seg_map_path']).is_file()
    assert info['disparity_path'] == str(tmp_path / 'disparity/val/ulm/ulm_000000_000019_leftImg8bit.png')
    assert dataset.metainfo['protocol'] == 'cityscapes19'
    assert len(dataset.metainfo['classes']) == len(dataset.metainfo['palette']) == 19


@pytest.mark.parametrize(('files', 'suffix'), [
    (dict(labelIds=[7, 33, 0]), None), (dict(labelIds=[1, 1, 1], labelTrainIds=[0, 18, 255]), None),
    (dict(labelIds=[7, 33, 255], labelTrainIds=[1, 1, 1]), '_gtFine_labelIds.png')])
def test_cityscapes_label_ids(tmp_path, notices, files, suffix):
    _image(tmp_path / 'leftImg8bit/val/ulm/ulm_000000_000019_leftImg8bit.png')
    for kind, labels in files.items():
        _write(tmp_path / f'gtFine/val/ulm/ulm_000000_000019_gtFine_{kind}.png', np.array([labels * 2] * 4, np.uint8))
    kwargs = dict(data_root=str(tmp_path), pipeline=LOAD, **(dict(seg_map_suffix=suffix) if suffix else {}),
                  data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'))
    assert CityscapesStreetDataset(**kwargs)[0]['gt_seg_map'][0].tolist() == [0, 18, 255] * 2
    told = any('of 1 of 1 images the label ids are read and turned into train ids' in notice for notice in notices)
    assert told == ('labelTrainIds' not in files or suffix is not None)
    some = CityscapesStreetDataset(**kwargs, metainfo=dict(classes=('bicycle', 'road')))
    assert some[0]['gt_seg_map'][0].tolist() == [1, 0, 255] * 2
    if 'labelTrainIds' not in files:
        assert ToyStreetDataset(**kwargs)[0]['gt_seg_map'][0].tolist() == [0, 255, 255] * 2


def test_cityscapes_label_ids_that_are_unknown(tmp_path):
    _image(tmp_path / 'leftImg8bit/a_0_0_leftImg8bit.png')
    dataset = CityscapesStreetDataset(data_root=str(tmp_path), pipeline=LOAD, data_prefix=dict(
        img_path='leftImg8bit', seg_map_path='gtFine'))
    with pytest.raises(InputError, match='labelTrainIds'):
        dataset[0]
    for kind in ('labelIds', 'labelTrainIds'):
        _write(tmp_path / f'gtFine/a_0_0_gtFine_{kind}.png', np.full((4, 6), 34, np.uint8))
        dataset = CityscapesStreetDataset(data_root=str(tmp_path), pipeline=LOAD, data_prefix=dict(
            img_path='leftImg8bit', seg_map_path='gtFine'))
        with pytest.raises(InputError, match=f'{kind}.png: holds the label 34'):
            dataset[0]


def _labels(cls, tmp_path, stored, image='a.png', label='a.png', **kwargs):
    stored = np.array([stored] * 2, np.uint8)
    _write(tmp_path / 'images' / image, np.zeros((*stored.shape, 3), np.uint8))
    _write(tmp_path / 'labels' / label, stored)
    dataset = cls(data_root=str(tmp_path), pipeline=LOAD, **kwargs,
                  data_prefix=dict(img_path='images', seg_map_path='labels'))
    return dataset[0]['gt_seg_map'][0].tolist()


def test_endings_of_labels_in_capitals(tmp_path):
    assert _labels(StreetDataset, tmp_path, [0, 1], 'a.PNG', 'a.PNG') == [0, 1]
    assert _labels(StreetDataset, tmp_path / 'small', [0, 1], 'a.PNG', 'a.png') == [0, 1]
    _image(tmp_path / 'leftImg8bit/a_0_0_leftImg8bit.PNG')
    settings = dict(data_root=str(tmp_path), pipeline=LOAD, data_prefix=dict(
        img_path='leftImg8bit', seg_map_path='gtFine'))
    for kind, stored in (('labelIds', 33), ('labelTrainIds', 18)):  # the second comes first
        write_png(tmp_path / f'gtFine/a_0_0_gtFine_{kind}.PNG', np.full((4, 6), stored, np.uint8))
        assert CityscapesStreetDataset(**settings)[0]['gt_seg_map'].max() == 18
    assert _paths(CityscapesStreetDataset(**settings), 'seg_map_path')[0].endswith('labelTrainIds.PNG')


def test_kitti_label_ids_become_train_ids(tmp_path):
    stored = [0, 7, 8, 11, 6, 13, 26, 30, 33, 255]
    assert _labels(KITTIStreetDataset, tmp_path, stored) == [255, 0, 1, 2, 255, 4, 13, 255, 18, 255]


def test_camvid_ignores_unlabelled_pixels(tmp_path):
    assert _labels(CamVidStreetDataset, tmp_path, [0, 3, 10, 11]) == [0, 3, 10, 255]
    assert CamVidStreetDataset.METAINFO['protocol'] == 'camvid11'


@pytest.mark.parametrize(('cls', 'names', 'stored'), [
    (ToyStreetDataset, ('t_0_0_leftImg8bit.png', 't_0_0_gtFine_labelTrainIds.png'), 3),  # wall: no class of the toys
    (KITTIStreetDataset, (), 34), (CamVidStreetDataset, (), 12)])
def test_values_that_the_data_set_does_not_have(tmp_path, cls, names, stored):
    with pytest.raises(InputError, match=f'holds the label {stored}, but the labels of this data set are'):
        _labels(cls, tmp_path, [0, stored, 255], *names)


def test_toy_classes_are_contiguous(tmp_path):
    names = ('t_0_0_leftImg8bit.png', 't_0_0_gtFine_labelTrainIds.png')
    stored = [0, 1, 2, 5, 7, 8, 9, 10, 11, 13, 255]
    assert _labels(ToyStreetDataset, tmp_path, stored, *names) == [*range(10), 255]
    assert ToyStreetDataset.METAINFO['protocol'] == 'toy10'
    assert ToyStreetDataset.METAINFO['palette'][9] == [0, 0, 142]


def test_chosen_classes(tmp_path):
    got = _labels(CamVidStreetDataset, tmp_path, [0, 3, 8, 11], metainfo=dict(classes=('road', 'car')))
    assert got == [255, 0, 1, 255]


def test_own_classes_for_any_folder(tmp_path):
    _image(tmp_path / 'images/1.png')
    _write(tmp_path / 'labels/1.png', np.array([[0, 2, 255]], np.uint8).repeat(2, 1).repeat(4, 0))
    metainfo = dict(classes=('sky', 'road', 'tram'), palette=[[0, 0, 255], [128, 64, 128], [9, 9, 9]], protocol='own')
    dataset = StreetDataset(
        data_root=str(tmp_path), metainfo=metainfo, data_prefix=dict(img_path='images', seg_map_path='labels'),
        pipeline=LOAD)
    assert dataset.metainfo['classes'] == metainfo['classes'] and dataset.metainfo['protocol'] == 'own'
    assert dataset.metainfo['palette'] == metainfo['palette']
    assert np.unique(dataset[0]['gt_seg_map']).tolist() == [0, 2, 255]


@pytest.mark.parametrize(('classes', 'labels', 'told'), [
    (('background', 'road'), [[0, 255]],
     'of 1 label files looked at, none has the class road; 50% of the pixels are 255, not labelled: where that is'),
    (('background', 'road', 'car'), [[0, 1, 255]], 'of 1 label files looked at, none has the class car; 33%'),
    (('background', 'road'), [[0, 1]], ''), (('background', 'road'), [[0, 1, 255]], ''), ((), [[0, 255]], ''),
    (('background', 'road'), [[0, 1], [255], [255]], 'of 3 label files looked at, 2 have no labelled pixel'),
    (('background', 'road'), [[0]] * 20 + [[1]], ''),
    (('background', 'road'), [[0], [0], [1]] + [[0]] * 18, 'of 16 label files looked at (21 in all), none has')])
def test_what_occurs_in_labels(tmp_path, notices, classes, labels, told):
    for index, values in enumerate(labels):
        _image(tmp_path / f'images/{index:02d}.png')
        _write(tmp_path / f'labels/{index:02d}.png', np.array([values * (6 // len(values))] * 4, np.uint8))
    _image(tmp_path / 'images/x.png')  # a label file that is missing is no reason to complain yet
    StreetDataset(data_root=str(tmp_path), metainfo=dict(classes=classes, palette=[[9] * 3] * len(classes)),
                  ann_file=str(_listed(tmp_path, len(labels))),
                  data_prefix=dict(img_path='images', seg_map_path='labels'))
    about_labels = [notice for notice in notices if 'label files' in notice]
    assert len(about_labels) == bool(told) and all(told in notice for notice in about_labels)


def _listed(folder: Path, count: int) -> Path:
    path = folder / 'list.txt'
    path.write_text('\n'.join(f'{index:02d}' for index in range(count)))
    return path


@pytest.mark.parametrize(('prefix', 'message'), [
    (dict(img_pth='images'), "'img_pth'] is unknown, did you mean img_path"),
    (dict(img_path='images', disparity='d'), "'disparity'] is unknown, did you mean disparity_path"),
    (dict(img_path='images', depth_path='d'), "'depth_path'] is unknown"),
    (dict(seg_map_path='labels'), "names no 'img_path'"), (dict(img_path=20110926), 'in quotes, got 20110926, a int'),
    (dict(img_path=['2011', '09']), 'in quotes'), ('images', 'must be a dict of folders')])
def test_prefixes_are_known(tmp_path, prefix, message):
    _image(tmp_path / 'images/1.png')
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        StreetDataset(data_root=str(tmp_path), data_prefix=prefix)
    assert 'img_path, seg_map_path, disparity_path, region_path' in str(caught.value) or 'depth' not in message


def test_other_folders_below_that_of_the_images(tmp_path):
    for name in ('a/1.png', 'disparity/a/1.png', 'regions/a/1.png', 'labels/a/1.png'):
        _image(tmp_path / name)
    dataset = StreetDataset(data_root=str(tmp_path), data_prefix=dict(
        img_path='', disparity_path='disparity', region_path='regions', seg_map_path='labels'))
    assert _paths(dataset) == [str(tmp_path / 'a/1.png')]
    beside = StreetDataset(data_root=str(tmp_path), img_suffix='1.png', seg_map_suffix='1.png', data_prefix=dict(
        img_path='a', seg_map_path='a'))
    assert _paths(beside) == _paths(beside, 'seg_map_path')


def test_bad_folders(tmp_path):
    with pytest.raises(InputError, match='no such folder'):
        StreetDataset(data_root=str(tmp_path / 'nowhere'))
    with pytest.raises(InputError, match='holds no file'):
        StreetDataset(data_root=str(tmp_path))
    for name in ('1.png', '1.jpg'):
        _image(tmp_path / name)
    with pytest.raises(InputError, match=r'1\.jpg and 1\.png differ in nothing but the suffix'):
        StreetDataset(data_root=str(tmp_path))


@pytest.fixture
def drive(tmp_path):
    """A raw drive of KITTI with all cameras and measured depth, the labelled images beside it."""
    for camera in range(4):
        _image(tmp_path / f'raw/2011_09_26/drive_1/image_{camera:02d}/data/1.png')
    _image(tmp_path / 'raw/2011_09_26/drive_1/proj_depth/velodyne_raw/image_02/2.png')
    _image(tmp_path / 'training/image_2/1.png')
    return tmp_path


def _cameras(dataset) -> list[str]:
    return [Path(path).parts[-3] for path in _paths(dataset)]


def test_grey_cameras_and_depth_maps_of_kitti_are_no_street_images(drive, notices):
    dataset = KITTIStreetDataset(data_root=str(drive), data_prefix=dict(img_path='raw'))
    assert _cameras(dataset) == ['image_02', 'image_03'] and any('2 of 5 images' in notice for notice in notices)
    one = KITTIStreetDataset(data_root=str(drive), data_prefix=dict(img_path='raw'), cameras=(0,))
    assert _cameras(one) == ['image_00']
    assert len(KITTIStreetDataset(data_root=str(drive), data_prefix=dict(img_path='training/image_2'))) == 1
    (drive / 'list.txt').write_text('2011_09_26/drive_1/image_00/data/1.png')
    listed = KITTIStreetDataset(data_root=str(drive), data_prefix=dict(img_path='raw'), ann_file='list.txt')
    assert _cameras(listed) == ['image_00']
    with pytest.raises(InputError, match=r'none of 1 images is of the cameras \[3\].*set cameras'):
        KITTIStreetDataset(data_root=str(drive), data_prefix=dict(img_path='training'), cameras=(3,))


def test_real_camvid(data_root):
    dataset = CamVidStreetDataset(data_root=str(data_root / 'camvid'), ann_file='splits/test.txt', pipeline=LOAD,
                                  data_prefix=dict(img_path='images/test', seg_map_path='labels/test'))
    assert len(dataset) == 62
    results = dataset[0]
    assert results['img'].shape == (360, 480, 3) and results['gt_seg_map'].shape == (360, 480)
    assert set(np.unique(results['gt_seg_map'])) <= {*range(11), 255}


def test_real_kitti_drive_without_labels(data_root):
    dataset = KITTIStreetDataset(data_root=str(data_root / 'kitti_sample/raw_drive'),
                                 data_prefix=dict(img_path='2011_09_26/image_02/data'), pipeline=LOAD[:1])
    assert len(dataset) == 78 and dataset[0]['img'].shape == (375, 1242, 3)
