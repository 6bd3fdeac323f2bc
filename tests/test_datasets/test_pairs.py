from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from mmdepthcp.datasets import NeighbourPairDataset
from mmdepthcp.datasets.transforms import NoteDepthRange, PackFeaturePairs
from mmdepthcp.geometry.points import picture_depth
from mmdepthcp.models import DepthGDataPreprocessor
from mmdepthcp.sampling import write_neighbours
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import write_disparity

NUMBER = 6


@pytest.fixture
def settings(tmp_path) -> dict:
    for number in range(NUMBER):
        image = np.full((8, 16, 3), 10 * number, np.uint8)
        for folder in ('images', 'disparity', 'labels'):
            (tmp_path / folder).mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / f'images/{number}.png'), image)
        cv2.imwrite(str(tmp_path / f'labels/{number}.png'), np.full((16, 32), number % 2, np.uint8))
        disparity = np.full((8, 16), 0.1 * (number + 1))
        disparity[2:4] = 0
        write_disparity(tmp_path / f'disparity/{number}.png', disparity)
    write_neighbours(tmp_path / 'n.npz', [f'{number}.png' for number in range(NUMBER)],
                     (np.arange(NUMBER)[:, None] + [0, 1, 2, 3]) % NUMBER)
    return dict(
        dataset=dict(
            type='mmdepthcp.StreetDataset', data_root=str(tmp_path), metainfo=dict(classes=('a', 'b')),
            data_prefix=dict(img_path='images', disparity_path='disparity', seg_map_path='labels'),
            pipeline=[dict(type='mmdepthcp.LoadImage'), dict(type='mmdepthcp.LoadDisparity')]),
        neighbours=str(tmp_path / 'n.npz'), ranks=(1, 3), pipeline=[dict(type='mmdepthcp.PackFeaturePairs')])


def shown(item) -> list[int]:
    return [int(image.float().mean()) // 10 for image in item['inputs']]


def test_every_image_meets_its_neighbours_and_not_itself(settings):
    dataset = NeighbourPairDataset(**settings)
    assert len(dataset) == NUMBER
    met = {(index, shown(dataset[0, epoch, index])[1]) for epoch in range(30) for index in range(NUMBER)}
    assert met == {(index, (index + rank) % NUMBER) for index in range(NUMBER) for rank in (1, 2, 3)}


def test_items_depend_on_seed_epoch_and_index_only(settings):
    one, other = NeighbourPairDataset(**settings), NeighbourPairDataset(**settings)
    first = one[3, 1, 2]
    other[0, 0, 5]
    again = other[3, 1, 2]
    assert torch.equal(first['inputs'], again['inputs']) and first['data_samples'].seed == again['data_samples'].seed
    assert first['data_samples'].seed != one[3, 2, 2]['data_samples'].seed


def test_disparity_has_no_holes(settings):
    sample = NeighbourPairDataset(**settings)[0, 0, 1]['data_samples']
    known = sample.disparity.data
    assert known.shape == (2, 8, 16) and known.dtype == torch.float32
    torch.testing.assert_close(known[0], torch.full((8, 16), 0.2), atol=1e-4, rtol=0)
    assert 'gt_sem_seg' not in sample


def test_crops_keep_the_range_of_depth_of_their_photograph(settings, tmp_path):
    disparity = np.linspace(.1, .8, 8 * 16).reshape(8, 16)
    disparity[0, 0] = 0  # unknown
    for number in range(NUMBER):
        write_disparity(tmp_path / f'disparity/{number}.png', disparity)
    write_neighbours(tmp_path / 'n.npz', [f'{number}.png#{crop}' for number in range(NUMBER) for crop in range(5)],
                     (np.arange(5 * NUMBER)[:, None] + [0, 1, 2, 3]) % (5 * NUMBER))
    settings['dataset']['pipeline'].append(dict(type='mmdepthcp.NoteDepthRange'))
    settings['dataset'] = dict(type='mmdepthcp.FiveCropDataset', dataset=settings['dataset'],
                               pipeline=[dict(type='mmdepthcp.CentreSquare', size=4, nearest=True)])
    item = NeighbourPairDataset(**settings)[0, 0, 7]
    batch = DepthGDataPreprocessor()(dict(inputs=[item['inputs']], data_samples=[item['data_samples']]), training=True)
    known = batch['data_samples']
    torch.testing.assert_close(
        known['depth_range'], 1 / torch.tensor([[.8, disparity[0, 1]]]).float().expand(1, 2, 2), rtol=1e-3, atol=0)
    shown = picture_depth(known['disparity'], 100., depth_range=known['depth_range'])
    expected = (1 / known['disparity'] - 1 / .8) / (1 / disparity[0, 1] - 1 / .8)
    torch.testing.assert_close(shown, expected, rtol=1e-3, atol=1e-3)
    assert shown.min() > .01 and shown.max() < .99  # those of the crop would be 0 and 1
    with pytest.raises(InputError, match=r'd\.png: no pixel has a disparity'):
        NoteDepthRange()(dict(disparity_path='d.png', disparity=disparity, disparity_valid=disparity > 1))


def test_labels_take_the_size_of_the_image():
    group = [dict(img=np.zeros((8, 16, 3), np.uint8), img_path='a', gt_seg_map=np.eye(16, 32, dtype=np.uint8)),
             dict(img=np.zeros((8, 16, 3), np.uint8), img_path='b')]
    packed = PackFeaturePairs()(dict(group=group, rng=np.random.default_rng(0)))
    assert packed['data_samples'].gt_sem_seg.data.shape == (1, 8, 16)
    group[1]['img'] = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(InputError, match='a and b differ in size'):
        PackFeaturePairs()(dict(group=group, rng=np.random.default_rng(0)))


def test_bad_input(settings, tmp_path):
    with pytest.raises(InputError, match=r'has 3 neighbours of each image, ranks=\(1, 4\) asks for others'):
        NeighbourPairDataset(**{**settings, 'ranks': (1, 4)})
    (tmp_path / 'images/9.png').write_bytes((tmp_path / 'images/0.png').read_bytes())
    with pytest.raises(InputError, match='it has 6 images, the data set 7'):
        NeighbourPairDataset(**settings)
    member = dict(img=np.zeros((8, 16, 3), np.uint8), disparity_path='d.png', disparity=np.zeros((8, 16), np.float32),
                  disparity_valid=np.zeros((8, 16), bool))
    with pytest.raises(InputError, match=r'd\.png: no pixel has a disparity'):
        PackFeaturePairs()(dict(group=[member, member], rng=np.random.default_rng(0)))
