from __future__ import annotations

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
from mmdepthcp.fileio import InputError

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


def test_lists_of_images(tmp_path):
    for name in ('a/1.png', 'a/2.png', 'b/3.jpg'):
        _image(tmp_path / name)
    (tmp_path / 'list.txt').write_text('b/3\n\na/1.png\n')
    dataset = StreetDataset('list.txt', data_root=str(tmp_path))
    assert [Path(path).name for path in _paths(dataset)] == ['3.jpg', '1.png']


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


def _labels(cls, tmp_path, stored, image='a.png', label='a.png', **kwargs):
    stored = np.array([stored] * 2, np.uint8)
    _write(tmp_path / 'images' / image, np.zeros((*stored.shape, 3), np.uint8))
    _write(tmp_path / 'labels' / label, stored)
    dataset = cls(data_root=str(tmp_path), pipeline=LOAD, **kwargs,
                  data_prefix=dict(img_path='images', seg_map_path='labels'))
    return dataset[0]['gt_seg_map'][0].tolist()


def test_kitti_label_ids_become_train_ids(tmp_path):
    stored = [0, 7, 8, 11, 6, 13, 26, 30, 33, 255]
    assert _labels(KITTIStreetDataset, tmp_path, stored) == [255, 0, 1, 2, 255, 4, 13, 255, 18, 255]


def test_camvid_ignores_unlabelled_pixels(tmp_path):
    assert _labels(CamVidStreetDataset, tmp_path, [0, 3, 10, 11]) == [0, 3, 10, 255]
    assert CamVidStreetDataset.METAINFO['protocol'] == 'camvid11'


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


def test_bad_folders_and_lists(tmp_path):
    with pytest.raises(InputError, match='no such folder'):
        StreetDataset(data_root=str(tmp_path / 'nowhere'))
    with pytest.raises(InputError, match='holds no file'):
        StreetDataset(data_root=str(tmp_path))
    _image(tmp_path / '1.png')
    with pytest.raises(InputError, match='no such file'):
        StreetDataset('list.txt', data_root=str(tmp_path))
    (tmp_path / 'list.txt').write_text('2\n')
    with pytest.raises(InputError, match='names 2'):
        StreetDataset('list.txt', data_root=str(tmp_path))
    (tmp_path / 'list.txt').write_text('\n')
    with pytest.raises(InputError, match='empty'):
        StreetDataset('list.txt', data_root=str(tmp_path))


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
