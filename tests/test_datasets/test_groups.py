from __future__ import annotations

import numpy as np
import pytest
from mmengine.dataset import BaseDataset

from mmdepthcp.datasets import ImageGroupDataset, SeededConcatDataset, SeededDataset
from mmdepthcp.registry import DATASETS
from mmdepthcp.utils.errors import InputError


@DATASETS.register_module()
class TenNumbers(SeededDataset, BaseDataset):
    METAINFO = {'protocol': 'numbers'}

    def load_data_list(self):
        return [{'img_path': str(number), 'number': number} for number in range(10)]


class Draw:
    """Adds a random number of the sample's own generator."""

    def __call__(self, results):
        return {**results, 'draw': results['rng'].random()}


def numbers(dataset, epoch, seed=0):
    return np.array([[member['number'] for member in dataset[seed, epoch, i]['group']] for i in range(len(dataset))])


def test_every_image_occurs_once_an_epoch_and_epochs_differ():
    dataset = ImageGroupDataset({'type': 'TenNumbers'}, num_images=3)
    assert len(dataset) == 3
    first, second = numbers(dataset, 0), numbers(dataset, 1)
    assert len(set(first.ravel())) == 9
    assert (first != second).any()
    np.testing.assert_array_equal(first, numbers(ImageGroupDataset({'type': 'TenNumbers'}, num_images=3), 0))
    assert (first != numbers(dataset, 0, seed=1)).any()


def test_items_depend_on_seed_epoch_and_index_only():
    settings = {'dataset': {'type': 'TenNumbers', 'pipeline': [Draw()]}, 'num_images': 2, 'pipeline': [Draw()]}
    dataset, again = ImageGroupDataset(**settings), ImageGroupDataset(**settings)
    forwards = {index: dataset[7, 2, index] for index in range(5)}
    for index in (4, 1, 3):
        item = again[7, 2, index]
        assert item['draw'] == forwards[index]['draw']
        assert [member['draw'] for member in item['group']] == [member['draw'] for member in forwards[index]['group']]
    of_groups = {item['draw'] for item in forwards.values()}
    of_members = {member['draw'] for item in forwards.values() for member in item['group']}
    assert len(of_groups | of_members) == 15
    assert dataset[0, 0, 1]['draw'] == dataset[1]['draw'] != dataset[0, 1, 1]['draw']
    other_seed = dataset[8, 2, 1]
    assert not {other_seed['draw'], *(member['draw'] for member in other_seed['group'])} & (of_groups | of_members)
    assert dataset[-1]['draw'] == dataset[4]['draw']


def test_groups_of_joined_data_sets_draw_other_numbers():
    images = {'type': 'TenNumbers', 'pipeline': [Draw()]}
    dataset = ImageGroupDataset(SeededConcatDataset([images, images]), num_images=4, pipeline=[Draw()])
    items = [dataset[0, 0, index] for index in range(len(dataset))]
    drawn = {item['draw'] for item in items} | {member['draw'] for item in items for member in item['group']}
    assert len(drawn) == 5 + 20


def test_meta_information_is_that_of_the_images():
    assert ImageGroupDataset({'type': 'TenNumbers'}, num_images=2).metainfo['protocol'] == 'numbers'


def test_one_image_makes_a_group_of_one():
    dataset = ImageGroupDataset({'type': 'TenNumbers', 'indices': 1}, num_images=1)
    assert len(dataset) == 1 and dataset[0]['group'][0]['number'] == 0


@pytest.mark.parametrize('num_images', [0, 11])
def test_groups_larger_than_the_data_set_are_refused(num_images):
    with pytest.raises(InputError, match=f'num_images={num_images} .* has 10'):
        ImageGroupDataset({'type': 'TenNumbers'}, num_images=num_images)


def test_an_index_beyond_the_end_is_refused():
    with pytest.raises(IndexError):
        ImageGroupDataset({'type': 'TenNumbers'}, num_images=2)[5]
