from __future__ import annotations

import copy
import os
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmdepthcp.engine.hooks import NeighbourCheckHook
from mmdepthcp.preparation import neighbours
from mmdepthcp.preparation.features import FrozenTrunk
from mmdepthcp.preparation.neighbours import NeighbourSearch
from mmdepthcp.registry import DATASETS, MODELS
from mmdepthcp.sampling import read_neighbours, write_neighbours
from mmdepthcp.utils import processes
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import write_disparity
from mmdepthcp.utils.processes import claim

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


def interrupt(config, out, monkeypatch, at):
    """A search that is interrupted in the part that begins at an image."""
    interrupted = search(config, out)
    find = interrupted._search

    def fail(start, mean):
        if start == at:
            raise KeyboardInterrupt
        return find(start, mean)

    monkeypatch.setattr(interrupted, '_search', fail)
    with pytest.raises(KeyboardInterrupt):
        interrupted.run()


def change_image(tmp_path, number):
    """Put another image, of the same size and time, in place of one."""
    path = tmp_path / f'images/{number:02}.png'
    before = path.stat()
    cv2.imwrite(str(path), np.random.default_rng(number).integers(0, 255, (32, 64, 3), np.uint8))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize('shared', [False, True])
def test_images_that_change_while_a_search_is_interrupted(config, tmp_path, monkeypatch, shared):
    monkeypatch.setattr(neighbours, 'CHUNK_ROWS', 3)
    assert search(config, tmp_path / 'before.npz').run()
    out = tmp_path / 'n.npz'
    interrupt(config, out, monkeypatch, at=6)
    change_image(tmp_path, 4)
    assert search(config, tmp_path / 'whole.npz').run()
    assert Path(tmp_path / 'whole.npz').read_bytes() != Path(tmp_path / 'before.npz').read_bytes()
    again = search(config, out)
    if shared:  # the parts of shard 1, of which the changed image is one, are out of date: shard 0 does not build on it
        assert [again.run((0, 2)), again.run((1, 2)), again.run((0, 2))] == [False, False, True]
    else:
        described = []
        describe = again._describe
        monkeypatch.setattr(again, '_describe', lambda start: described.append(start) or describe(start))
        assert again.run() and described == [3]
    assert out.read_bytes() == Path(tmp_path / 'whole.npz').read_bytes()


def test_parts_that_do_not_say_of_what_they_were_made(config, tmp_path, monkeypatch):
    """Those of an earlier version."""
    monkeypatch.setattr(neighbours, 'CHUNK_ROWS', 3)
    out = tmp_path / 'n.npz'
    interrupt(config, out, monkeypatch, at=9)
    for note in search(config, out).folder.glob('*.sources'):
        note.unlink()
    change_image(tmp_path, 7)
    os.utime(tmp_path / 'images/07.png')
    assert search(config, tmp_path / 'whole.npz').run() and search(config, out).run()
    assert out.read_bytes() == Path(tmp_path / 'whole.npz').read_bytes()


def test_other_weights_begin_anew(config, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, 'TRIES', 1)
    folders = {search(config, tmp_path / 'n.npz', seed=seed).folder for seed in (0, 0, 1)}
    folders.add(NeighbourSearch(trunk(config), tmp_path / 'n.npz', 5, centred=False).folder)
    assert len(folders) == 3
    for folder in sorted(folders):
        folder.mkdir()
        (folder / 'descriptors_000000000.npy').touch()
    mine = [tmp_path / name for name in ('n.npz.mine.parts', 'm.npz.0123456789ab.parts')]
    for folder in mine:
        folder.mkdir()
    made = search(config, tmp_path / 'n.npz', seed=2)
    running, *_ = folders
    with claim(running):
        assert made.run()
        assert sorted(tmp_path.glob('*.parts')) == sorted([*mine, running])
    assert made.run() and sorted(tmp_path.glob('*.parts')) == sorted(mine)


def start_training(config, file, seed=0, **settings):
    """What :class:`NeighbourCheckHook` says at the start of a training."""
    pairs = dict(config.train_dataloader.dataset, type='NeighbourPairDataset', neighbours=str(file), ranks=(1, 4))
    torch.manual_seed(seed)
    model = MODELS.build(config.model)
    model.init_weights()
    NeighbourCheckHook().before_train(SimpleNamespace(
        cfg=config, model=model,
        train_dataloader=SimpleNamespace(dataset=DATASETS.build({**pairs, **settings}))))


def with_depth(config) -> Config:
    """The same images, with what a training on depth loads beside them."""
    config = copy.deepcopy(config)
    inner = config.train_dataloader.dataset.dataset
    inner.pipeline.append(dict(type='LoadDisparity'))
    inner.data_prefix.disparity_path = 'disparity'
    return config


def test_trainings_with_and_without_depth_share_neighbours(config, tmp_path):
    for number in range(NUMBER):
        write_disparity(tmp_path / f'disparity/{number:02}.png', np.full((8, 16), .5))
    files = [tmp_path / 'images_alone.npz', tmp_path / 'with_depth.npz']
    for file, made_for in zip(files, (config, with_depth(config)), strict=True):
        assert search(made_for, file).run()
        start_training(config, file)
        start_training(with_depth(config), file)
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(('key', 'value', 'complaint'), [
    ('model.backbone.base_channels', 8, ''),
    ('model.backbone.deep_stem', True, 'with other settings of the backbone and with other weights'),
    ('model.data_preprocessor', dict(type='DepthGDataPreprocessor'), 'with other images, or another view of them'),
    ('train_dataloader.dataset.dataset.pipeline', [dict(type='LoadImage'), dict(type='ResizeStreet', scale=(32, 16))],
     'with other images, or another view of them'),
    ('seed', 1, 'with other weights;'),
    ('centred', False, 'without --raw; find others'),
    ('raw', True, 'with --raw; find others'),
])
def test_neighbours_of_another_trunk_are_refused(config, tmp_path, key, value, complaint):
    file = tmp_path / 'n.npz'
    assert NeighbourSearch(trunk(config), file, 5, centred=key != 'raw').run()
    settings = {key: value} if key in ('seed', 'centred') else {}
    if '.' in key:
        config.merge_from_dict({key: value})
    if not complaint:
        start_training(config, file, **settings)
        return
    with pytest.raises(InputError, match=rf'n\.npz: neighbours that were found {complaint}') as refusal:
        start_training(config, file, **settings)
    command = f'python tools/nearest_neighbours.py {config.filename} {file}{" --raw" if key == "centred" else ""},'
    assert command in str(refusal.value)


def test_neighbours_of_an_unknown_trunk_are_refused(config, tmp_path):
    names = [f'{number:02}.png' for number in range(NUMBER)]
    write_neighbours(tmp_path / 'n.npz', names, (np.arange(NUMBER)[:, None] + np.arange(5)) % NUMBER)
    with pytest.raises(InputError, match='by an older version, which did not note with what; find others'):
        start_training(config, tmp_path / 'n.npz')


def test_bad_input(config, tmp_path):
    with pytest.raises(InputError, match='20 neighbours cannot be found among 11 images; set --count'):
        NeighbourSearch(trunk(config), tmp_path / 'n.npz', 20)
    config.train_dataloader.dataset = dict(type='StreetDataset')
    with pytest.raises(InputError, match=r'pairs\.py: its training set has no pairs'):
        search(config, tmp_path / 'n.npz')


def test_any_name_of_the_neighbour_file(config, tmp_path):
    """NumPy would write beside one without .npz, and leave it empty."""
    names = [f'{number:02}.png' for number in range(NUMBER)]
    for out in (tmp_path / 'out/neighbours', tmp_path / 'out/v1.0'):
        assert search(config, out).run()
        assert read_neighbours(out, names).shape == (NUMBER, 5)
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == ['neighbours', 'v1.0']
    with pytest.raises(InputError, match=r'out: is a folder; name a file, such as .*out/neighbours\.npz'):
        search(config, tmp_path / 'out')
