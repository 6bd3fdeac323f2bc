from __future__ import annotations

from itertools import chain, islice

import pytest

from mmdepthcp.datasets import EndlessSampler, EpochSampler, samplers
from mmdepthcp.registry import DATA_SAMPLERS
from mmdepthcp.utils.errors import InputError


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
    with pytest.raises(InputError, match='no sample'):
        EndlessSampler([])


def _endless(monkeypatch, count, rank=0, world_size=1, seed=3, skipped=0, **kwargs):
    monkeypatch.setattr(samplers, 'get_dist_info', lambda: (rank, world_size))
    sampler = EndlessSampler(range(count), seed=seed, **kwargs)
    sampler.skip(skipped)
    return list(islice(sampler, 40))


def test_without_end_every_pass_visits_all_in_another_order(monkeypatch):
    visited = _endless(monkeypatch, 8)
    passes = [visited[start:start + 8] for start in range(0, 40, 8)]
    assert [{(seed, turn) for seed, turn, _ in part} for part in passes] == [{(3, turn)} for turn in range(5)]
    orders = [[index for *_, index in part] for part in passes]
    assert all(sorted(order) == list(range(8)) for order in orders) and len({*map(tuple, orders)}) == 5
    assert _endless(monkeypatch, 2, shuffle=False)[:3] == [(3, 0, 0), (3, 0, 1), (3, 1, 0)]
    assert visited == _endless(monkeypatch, 8) != _endless(monkeypatch, 8, seed=4)


@pytest.mark.parametrize('count', [1, 3, 8, 13])
def test_ranks_share_the_passes_and_go_on_where_they_were(monkeypatch, count):
    parts = [_endless(monkeypatch, count, rank, 3) for rank in range(3)]
    woven = [sample for samples in zip(*parts, strict=True) for sample in samples]
    assert woven[:40] == _endless(monkeypatch, count)
    for rank in range(3):
        assert _endless(monkeypatch, count, rank, 3, skipped=11)[:29] == parts[rank][11:]


def test_registered():
    assert DATA_SAMPLERS.get('EpochSampler') is EpochSampler
    assert DATA_SAMPLERS.get('EndlessSampler') is EndlessSampler
