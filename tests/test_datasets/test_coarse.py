from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.functional import center_crop

from mmdepthcp.datasets import Cityscapes27Dataset, COCOStuff27Dataset, FiveCropDataset, Potsdam3Dataset, StreetDataset
from mmdepthcp.datasets.crops import image_names
from mmdepthcp.datasets.transforms import CentreSquare
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import write_disparity, write_png

LOAD = [dict(type='mmdepthcp.LoadImage'), dict(type='mmdepthcp.LoadLabels')]


def test_every_id_of_coco_has_one_class():
    """Hamilton et al.: things 0..90 make the first twelve classes, stuff 91..181 the others."""
    ids = COCOStuff27Dataset.LABEL_IDS
    assert sorted(ids) == list(range(182)) and len(COCOStuff27Dataset.METAINFO['classes']) == 27
    assert [ids[number] for number in (0, 4, 60, 90, 91, 105, 120, 181)] == [9, 11, 2, 4, 17, 23, 14, 24]
    assert {ids[number] for number in range(91)} == set(range(12))
    assert len({tuple(colour) for colour in COCOStuff27Dataset.METAINFO['palette']}) == 27


def write(root, image, labels, values):
    write_png(root / image, np.zeros((4, len(values), 3), np.uint8))
    write_png(root / labels, np.tile(np.uint8(values), (4, 1)))


@pytest.mark.parametrize(('kind', 'image', 'labels', 'stored', 'expected'), [
    (Cityscapes27Dataset, 'i/a/b_leftImg8bit.png', 'l/a/b_gtFine_labelIds.png', [0, 6, 7, 9, 33, 255],
     [255, 255, 0, 2, 26, 255]),
    (COCOStuff27Dataset, 'i/1.jpg', 'l/1.png', [0, 91, 181, 255], [9, 17, 24, 255]),
    (Potsdam3Dataset, 'i/1.png', 'l/1.png', [0, 1, 2, 3, 4, 5, 255], [0, 1, 2, 2, 0, 1, 255]),
], ids=lambda value: getattr(value, '__name__', ''))
def test_labels_become_classes(tmp_path, kind, image, labels, stored, expected):
    write(tmp_path, image, labels, stored)
    dataset = kind(data_root=str(tmp_path), data_prefix=dict(img_path='i', seg_map_path='l'), pipeline=LOAD)
    assert dataset[0]['gt_seg_map'][0].tolist() == expected
    number = max(set(kind.LABEL_IDS.values()) - {255}) + 1
    assert number == len(kind.METAINFO['classes']) == len(kind.METAINFO['palette'])


def test_five_crops_of_all_that_lies_beside_an_image(tmp_path):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (10, 16, 3), np.uint8)
    for name in 'ab':
        write_png(tmp_path / f'i/{name}.png', image)
        write_png(tmp_path / f'l/{name}.png', image[..., 0] // 100)
        write_disparity(tmp_path / f'd/{name}.png', cv2.resize(image[..., 1] / 255. + 1e-3, (32, 20)).clip(0, 1))
    inner = dict(
        type='mmdepthcp.StreetDataset', data_root=str(tmp_path), metainfo=dict(classes=('x', 'y', 'z')),
        data_prefix=dict(img_path='i', seg_map_path='l', disparity_path='d'),
        pipeline=[LOAD[0], dict(type='mmdepthcp.LoadDisparity'), LOAD[1]])
    dataset, whole = FiveCropDataset(inner), StreetDataset(**{key: inner[key] for key in inner if key != 'type'})[0]
    assert len(dataset) == 10 and image_names(dataset)[3:6] == ['a.png#3', 'a.png#4', 'b.png#0']
    for which, (top, left) in enumerate([(0, 0), (0, 8), (5, 0), (5, 8), (2, 4)]):
        crop = dataset[5 + which]
        assert np.array_equal(crop['img'], image[top:top + 5, left:left + 8])
        assert np.array_equal(crop['gt_seg_map'], image[top:top + 5, left:left + 8, 0] // 100)
        assert np.array_equal(crop['disparity'], whole['disparity'][2 * top:2 * top + 10, 2 * left:2 * left + 16])
        assert crop['img_shape'] == crop['ori_shape'] == (5, 8)
    assert len(list(dataset)) == 10
    with pytest.raises(IndexError):
        dataset[10]
    draws = {(seed, index): dataset[seed, 0, index]['rng'].random() for seed in range(2) for index in range(10)}
    assert len(set(draws.values())) == 20 and dataset[1, 0, 7]['rng'].random() == draws[1, 7]
    with pytest.raises(InputError, match=r'ratio 0 must lie in \(0, 1\]'):
        FiveCropDataset(inner, ratio=0)


@pytest.mark.parametrize('shape', [(12, 31), (31, 12), (16, 16), (12, 20), (23, 12)])
def test_the_square_in_the_middle(shape):
    rng = np.random.default_rng(0)
    item = dict(img=rng.integers(0, 255, (*shape, 3), np.uint8), gt_seg_map=rng.integers(0, 9, shape, np.uint8),
                disparity=rng.random(shape, np.float32), disparity_valid=rng.random(shape) > .5)
    found = CentreSquare(8, nearest=True)(dict(item))
    for key in item:  # short side to 8, the other in proportion, the middle of it
        scale = tuple(int(8 * side / min(shape)) for side in shape[::-1])
        plain = np.asarray(Image.fromarray(item[key]).resize(scale, Image.Resampling.NEAREST))
        middle = center_crop(torch.from_numpy(plain.reshape(*plain.shape[:2], -1)).movedim(-1, 0), [8, 8])
        assert np.array_equal(found[key], middle.movedim(0, -1).numpy().reshape(found[key].shape)), key
    smooth = CentreSquare(8)(dict(item))
    assert smooth['img'].shape == (8, 8, 3) and np.array_equal(smooth['gt_seg_map'], found['gt_seg_map'])
    assert not np.array_equal(smooth['img'], found['img'])
    assert smooth['img_shape'] == smooth['ori_shape'] == (8, 8)


def test_the_protocol_is_no_file(tmp_path, monkeypatch, notices):
    write(tmp_path, 'i/1.png', 'l/1.png', [0, 1])
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'mine3').write_text('a\nb\n')
    dataset = Potsdam3Dataset(data_prefix=dict(img_path='i'), metainfo=dict(protocol='mine3'))
    assert dataset.metainfo['protocol'] == 'mine3' and len(dataset.metainfo['classes']) == 3 and not notices
