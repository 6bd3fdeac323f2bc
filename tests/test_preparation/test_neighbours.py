from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmdepthcp.preparation import neighbours
from mmdepthcp.preparation.features import FrozenTrunk
from mmdepthcp.preparation.neighbours import NeighbourSearch
from mmdepthcp.sampling import read_neighbours
from mmdepthcp.utils.errors import InputError

NUMBER = 11


@pytest.fixture
def config(tmp_path) -> Config:
    rng = np.random.default_rng(0)
    for number in range(NUMBER):
        path = tmp_path / f'images/{number:02}.png'
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), rng.integers(0, 255, (32, 64, 3), np.uint8) // (1 + number % 3))
    backbone = dict(type='mmpretrain.ResNet', depth=18, base_channels=8, stem_channels=8, out_indices=(0,))
    settings = Config(dict(
        default_scope='mmdepthcp',
        model=dict(type='DepthG', backbone=backbone, in_channels=8, code_channels=4, num_clusters=3),
        train_dataloader=dict(dataset=dict(dataset=dict(
            type='StreetDataset', data_root=str(tmp_path), data_prefix=dict(img_path='images'),
            pipeline=[dict(type='LoadImage')])))))
    settings.dump(tmp_path / 'pairs.py')
    return Config.fromfile(tmp_path / 'pairs.py')


def trunk(config, seed=0, **settings) -> FrozenTrunk:
    torch.manual_seed(seed)
    return FrozenTrunk(config, images_alone=True, **settings)


def search(config, out, **settings) -> NeighbourSearch:
    return NeighbourSearch(trunk(config, **settings), out, 5)


def test_neighbours_are_those_of_the_centred_mean_features(config, tmp_path):
    out = tmp_path / 'out/n.npz'
    made = search(config, out, batch_size=4)
    assert made.run()
    assert sorted(path.name for path in out.parent.iterdir()) == ['n.npz']
    found = read_neighbours(out, [f'{number:02}.png' for number in range(NUMBER)])
    with torch.no_grad():
        model = made.trunk.model
        described = np.stack([model.features(model.data_preprocessor(dict(inputs=[torch.from_numpy(
            made.trunk.dataset[index]['img'].transpose(2, 0, 1).copy())]))['inputs']).mean((2, 3))[0].numpy()
            for index in range(NUMBER)]).astype(float)
    centred = described - described.mean(0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    expected = np.argsort(-(centred @ centred.T) - 9 * np.eye(NUMBER), axis=1)[:, :5]
    np.testing.assert_array_equal(found, expected)


def test_interrupted_and_shared_searches_give_the_same(config, tmp_path, monkeypatch):
    monkeypatch.setattr(neighbours, 'CHUNK_ROWS', 3)
    assert search(config, tmp_path / 'whole.npz').run()
    whole = Path(tmp_path / 'whole.npz').read_bytes()

    interrupted = search(config, tmp_path / 'again.npz')
    describe, seen = interrupted._describe, []

    def fail_at_third(start):
        seen.append(start)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return describe(start)

    monkeypatch.setattr(interrupted, '_describe', fail_at_third)
    with pytest.raises(KeyboardInterrupt):
        interrupted.run()
    assert not (tmp_path / 'again.npz').exists()
    again = search(config, tmp_path / 'again.npz')
    monkeypatch.setattr(again, '_describe', lambda start: seen.append(start) or describe(start))
    assert again.run() and seen == [0, 3, 6, 6, 9]
    assert Path(tmp_path / 'again.npz').read_bytes() == whole

    shards = [search(config, tmp_path / 'shared.npz') for _ in range(2)]
    assert [shards[0].run((0, 2)), shards[1].run((1, 2)), shards[0].run((0, 2))] == [False, False, True]
    assert Path(tmp_path / 'shared.npz').read_bytes() == whole


def test_other_weights_begin_anew(config, tmp_path):
    folders = {search(config, tmp_path / 'n.npz', seed=seed).folder for seed in (0, 0, 1)}
    folders.add(NeighbourSearch(trunk(config), tmp_path / 'n.npz', 5, centred=False).folder)
    assert len(folders) == 3


def test_bad_input(config, tmp_path):
    with pytest.raises(InputError, match='20 neighbours cannot be found among 11 images; set --count'):
        NeighbourSearch(trunk(config), tmp_path / 'n.npz', 20)
    config.train_dataloader.dataset = dict(type='StreetDataset')
    with pytest.raises(InputError, match=r'pairs\.py: its training set has no pairs'):
        search(config, tmp_path / 'n.npz')
