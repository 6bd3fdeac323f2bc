from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset
from torch.utils.data import DataLoader

from mmdepthcp.datasets import EpochSampler, SeededConcatDataset, SeededDataset
from mmdepthcp.datasets.seeded import require_rng
from mmdepthcp.utils.errors import InputError


class Numbers(SeededDataset, BaseDataset):
    """Items {'number': n}."""

    def __init__(self, first, count, **kwargs):
        self.numbers = range(first, first + count)
        super().__init__(**kwargs)

    def load_data_list(self):
        return [dict(number=number, img_path=f'{number}.png') for number in self.numbers]


def draw(results):
    return results['number'], int(results['rng'].integers(1 << 40))


def _numbers(first=0, count=8, pipeline=(draw,), **kwargs):
    return Numbers(first, count, pipeline=list(pipeline), **kwargs)


def test_random_numbers_belong_to_seed_epoch_and_index():
    dataset = _numbers()
    assert dataset[3] == dataset[0, 0, 3] == _numbers()[3]
    expected = int(np.random.default_rng([5, 2, 3]).integers(1 << 40))
    assert dataset[5, 2, 3] == (3, expected)
    draws = {dataset[seed, epoch, index][1] for seed in range(3) for epoch in range(4) for index in range(8)}
    assert len(draws) == 96


def global_draws(results=None):
    return random.random(), float(np.random.random()), float(torch.rand(1))  # noqa: NPY002


def test_global_generators_belong_to_seed_epoch_and_index_and_are_left_as_they_were():
    dataset = _numbers(pipeline=[global_draws])
    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    expected = global_draws()
    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    first = dataset[5, 2, 3]
    assert global_draws() == expected
    assert dataset[5, 2, 3] == first and dataset[5, 2, -5] == first
    drawn = {value for epoch in range(4) for index in range(8) for value in dataset[0, epoch, index]}
    assert len(drawn) == 96
    assert dataset[3] != dataset[3]  # a plain index leaves them alone


def test_negative_indices_and_the_end():
    dataset = _numbers()
    assert dataset[-1] == dataset[7] == dataset[0, 0, -1]
    with pytest.raises(IndexError):
        dataset[8]


def test_lazy_and_unserialised_data_sets_give_the_same():
    expected = [_numbers()[4, 1, index] for index in range(8)]
    for kwargs in (dict(lazy_init=True), dict(serialize_data=False)):
        dataset = _numbers(**kwargs)
        assert [dataset[4, 1, index] for index in range(8)] == expected


def _visit(seed, num_workers=0, persistent_workers=False):
    dataset = _numbers()
    sampler = EpochSampler(dataset, seed=seed)
    loader = DataLoader(dataset, 2, sampler=sampler, num_workers=num_workers, collate_fn=list,
                        persistent_workers=persistent_workers)
    seen = []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        seen += [sample for batch in loader for sample in batch]
    return seen


@pytest.mark.parametrize('persistent', [False, True])
def test_workers_do_not_change_the_samples(persistent):
    assert _visit(1, 2, persistent) == _visit(1)


def test_the_seed_of_the_sampler_decides_the_samples():
    first, again, other = _visit(1), _visit(1), _visit(2)
    assert first == again
    assert sorted(number for number, _ in first) == sorted(number for number, _ in other)
    assert not {value for _, value in first} & {value for _, value in other}


def test_a_sample_that_vanishes_is_named():
    with pytest.raises(InputError, match=r'2\.png'):
        _numbers(pipeline=[lambda results: None])[2]


def test_rng_must_be_there():
    with pytest.raises(KeyError, match='mmdepthcp'):
        require_rng({})


def test_concatenation_passes_seed_and_epoch():
    first, second = _numbers(0, 3), _numbers(10, 4)
    joined = SeededConcatDataset([first, second])
    assert len(joined) == 7
    parts = [first[5, 2, 0, index] for index in range(3)] + [second[5, 2, 1, index] for index in range(4)]
    assert [joined[5, 2, index] for index in range(7)] == parts
    assert joined[4] == second[0, 0, 1, 1]


def test_joined_and_repeated_data_sets_draw_other_numbers():
    joined = SeededConcatDataset([_numbers(0, 3), _numbers(10, 2)], times=[1, 3])
    assert len(joined) == 9
    samples = [joined[seed, epoch, index] for seed in range(2) for epoch in range(3) for index in range(9)]
    assert sorted({number for number, _ in samples}) == [0, 1, 2, 10, 11]
    assert len({value for _, value in samples}) == 54


@pytest.mark.parametrize('times', [[1], [1, 0], [1, 1, 1]])
def test_times_must_fit(times):
    with pytest.raises(InputError, match='times'):
        SeededConcatDataset([_numbers(), _numbers()], times=times)
