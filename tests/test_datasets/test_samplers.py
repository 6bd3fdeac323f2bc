from __future__ import annotations

from itertools import chain

import pytest

from mmdepthcp.datasets import EpochSampler, samplers
from mmdepthcp.fileio import InputError
from mmdepthcp.registry import DATA_SAMPLERS


def _sampler(monkeypatch, count, rank=0, world_size=1, seed=3, **kwargs):
    monkeypatch.setattr(samplers, 'get_dist_info', lambda: (rank, world_size))
    return EpochSampler(range(count), seed=seed, **kwargs)


def test_seed_and_epoch_are_part_of_the_index(monkeypatch):
    sampler = _sampler(monkeypatch, 10)
    sampler.set_epoch(4)
    assert {(seed, epoch) for seed, epoch, _ in sampler} == {(3, 4)}
    assert sorted(index for *_, index in sampler) == list(range(10))
    assert list(sampler) == list(sampler)


def test_seed_decides_the_order(monkeypatch):
    orders = [[index for *_, index in _sampler(monkeypatch, 20, seed=seed)] for seed in (3, 3, 4)]
    assert orders[0] == orders[1] != orders[2]


def test_without_a_seed_one_is_drawn(monkeypatch):
    drawn = {seed for _ in range(2) for seed, *_ in _sampler(monkeypatch, 3, seed=None)}
    assert len(drawn) == 2


def test_resuming_at_an_epoch_gives_that_epochs_order(monkeypatch):
    first = _sampler(monkeypatch, 20)
    orders = []
    for epoch in range(3):
        first.set_epoch(epoch)
        orders.append(list(first))
    resumed = _sampler(monkeypatch, 20)
    resumed.set_epoch(2)
    assert list(resumed) == orders[2]
    assert [index for *_, index in orders[0]] != [index for *_, index in orders[1]]


@pytest.mark.parametrize('round_up', [True, False])
@pytest.mark.parametrize('count', [3, 4, 7, 12, 13])
def test_ranks_share_the_data_set(monkeypatch, count, round_up):
    ranks = [_sampler(monkeypatch, count, rank, 4, round_up=round_up) for rank in range(4)]
    parts = [[index for *_, index in sampler] for sampler in ranks]
    assert [len(part) for part in parts] == [len(sampler) for sampler in ranks]
    visited = sorted(chain(*parts))
    assert set(visited) == set(range(count))
    if round_up:
        assert len({len(part) for part in parts}) == 1
    else:
        assert visited == list(range(count))
    single = [index for *_, index in _sampler(monkeypatch, count)]
    woven = [parts[position % 4][position // 4] for position in range(count)]
    assert woven == single


def test_without_shuffling_the_order_is_that_of_the_data_set(monkeypatch):
    assert list(_sampler(monkeypatch, 3, shuffle=False)) == [(3, 0, 0), (3, 0, 1), (3, 0, 2)]


def test_empty_data_set(monkeypatch):
    with pytest.raises(InputError, match='no sample'):
        _sampler(monkeypatch, 0)


def test_registered():
    assert DATA_SAMPLERS.get('EpochSampler') is EpochSampler
