from __future__ import annotations

import os
import types
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from mmdepthcp.datasets import feature_cache as files
from mmdepthcp.engine.hooks import FeatureCacheHook
from mmdepthcp.preparation import features as caching
from mmdepthcp.preparation.features import FeatureCaching, FrozenTrunk, Parts
from mmdepthcp.registry import DATASETS, MODELS
from mmdepthcp.sampling import write_neighbours
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import write_disparity, write_png

NUMBER = 7
NAMES = [f'{number:02}.png' for number in range(NUMBER)]


@pytest.fixture(autouse=True)
def small_files(monkeypatch):
    for module in (files, caching):
        monkeypatch.setattr(module, 'ROWS', 3)


@pytest.fixture
def config(tmp_path) -> Config:
    rng = np.random.default_rng(0)
    for folder in ('images', 'disparity', 'labels'):
        (tmp_path / folder).mkdir()
    for name in NAMES:
        cv2.imwrite(str(tmp_path / 'images' / name), rng.integers(0, 255, (64, 128, 3), np.uint8))
        cv2.imwrite(str(tmp_path / 'labels' / name), rng.integers(0, 2, (64, 128), np.uint8))
        write_disparity(tmp_path / 'disparity' / name, rng.uniform(.1, 1, (16, 32)))
    write_neighbours(tmp_path / 'n.npz', NAMES, (np.arange(NUMBER)[:, None] + [0, 1, 2]) % NUMBER)
    backbone = dict(type='mmpretrain.ResNet', depth=18, base_channels=8, stem_channels=8, out_indices=(0,))
    settings = Config(dict(
        default_scope='mmdepthcp',
        model=dict(type='DepthG', backbone=backbone, in_channels=8, code_channels=4, num_clusters=3, num_classes=2,
                   depth=dict(weight=0.3), points=dict(kind='farthest', side=3)),
        train_dataloader=dict(dataset=dict(
            type='NeighbourPairDataset', neighbours=str(tmp_path / 'n.npz'), ranks=(1, 2),
            dataset=dict(
                type='StreetDataset', data_root=str(tmp_path), metainfo=dict(classes=('a', 'b')),
                data_prefix=dict(img_path='images', disparity_path='disparity', seg_map_path='labels'),
                pipeline=[dict(type='LoadImage'), dict(type='LoadDisparity'), dict(type='ResizeStreet', scale=(64, 32)),
                          dict(type='LoadLabels')]),
            pipeline=[dict(type='PackFeaturePairs')]))))
    settings.dump(tmp_path / 'pairs.py')
    return Config.fromfile(tmp_path / 'pairs.py')


def trunk(config, seed=0) -> FrozenTrunk:
    torch.manual_seed(seed)
    return FrozenTrunk(config, batch_size=2)


def runner(config, out, seed=0):
    dataset = DATASETS.build(dict(config.train_dataloader.dataset, cache=str(out)))
    torch.manual_seed(seed)
    model = MODELS.build(config.model)
    model.init_weights()
    return types.SimpleNamespace(
        cfg=config, model=model.eval(), train_dataloader=types.SimpleNamespace(dataset=dataset))


def test_training_on_kept_features_is_training_on_images(config, tmp_path):
    said = []
    config.train_dataloader.dataset.dataset.pipeline.insert(2, dict(type='NoteDepthRange'))
    assert FeatureCaching(trunk(config), tmp_path / 'kept', said.append).run()
    size = NUMBER * (2 * 8 * 8 * 16 + 4 * 32 * 64 + 4 * 2 + 32 * 64)
    assert (f'features of {NUMBER} images, 8x8x16 in float16, and disparity, depth_range, labels beside them: '
            f'{size / 1e9:.2f} GB') in said[0]
    run = runner(config, tmp_path / 'kept')
    FeatureCacheHook().before_train(run)
    model, with_images = run.model, DATASETS.build(config.train_dataloader.dataset)
    batches = [model.data_preprocessor(pseudo_collate([dataset[0, 2, index] for index in range(NUMBER)]), training=True)
               for dataset in (with_images, run.train_dataloader.dataset)]
    assert [batch['data_samples']['are_features'] for batch in batches] == [False, True]
    features = model.raw_features(batches[0]['inputs'].flatten(0, 1)).unflatten(0, (-1, 2))
    assert torch.equal(features.half().float(), batches[1]['inputs'])
    for key in ('seeds', 'disparity', 'depth_range', 'labels'):
        assert torch.equal(batches[0]['data_samples'][key], batches[1]['data_samples'][key])
    model.calibrate([(batch['inputs'], batch['data_samples']) for batch in batches[:1]])
    one, other = (model.loss(batch['inputs'], batch['data_samples']) for batch in batches)
    for name in one:
        torch.testing.assert_close(one[name], other[name], atol=5e-3, rtol=5e-3)


def test_an_image_is_never_read_again(config, tmp_path):
    assert FeatureCaching(trunk(config), tmp_path / 'kept', print).run()
    dataset = DATASETS.build(dict(config.train_dataloader.dataset, cache=str(tmp_path / 'kept')))
    for folder in ('images', 'disparity', 'labels'):
        (tmp_path / folder).rename(tmp_path / f'no_{folder}')
    assert dataset[0, 0, 5]['inputs'].shape == (2, 8, 8, 16)


def test_interrupted_and_shared_work_gives_the_same(config, tmp_path, monkeypatch):
    assert FeatureCaching(trunk(config), tmp_path / 'whole').run()

    def content(folder):
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}

    whole = content(tmp_path / 'whole')
    assert len(whole) == 1 + 3 * (3 + 1)
    cut = FeatureCaching(trunk(config), tmp_path / 'cut')
    arrays = cut._arrays

    def fail(start, fields):
        if start == 3:
            raise KeyboardInterrupt
        return arrays(start, fields)

    monkeypatch.setattr(cut, '_arrays', fail)
    with pytest.raises(KeyboardInterrupt):
        cut.run()
    with pytest.raises(InputError, match='6 of 9 files of the cache are not there yet'):
        runner(config, tmp_path / 'cut')
    assert FeatureCaching(trunk(config), tmp_path / 'cut').run() and content(tmp_path / 'cut') == whole
    shards = [FeatureCaching(trunk(config), tmp_path / 'shared').run((number, 2)) for number in range(2)]
    assert shards == [False, True] and content(tmp_path / 'shared') == whole


def test_what_has_changed_is_made_anew(config, tmp_path, notices):
    out = tmp_path / 'kept'
    assert FeatureCaching(trunk(config), out).run()
    times = {path.name: path.stat().st_mtime_ns for path in out.glob('*.npy')}
    for folder, number, image in (('images', 1, np.zeros((64, 128, 3), np.uint8)),
                                  ('labels', 6, np.ones((64, 128), np.uint8))):
        write_png(tmp_path / folder / NAMES[number], image)
        os.utime(tmp_path / folder / NAMES[number], (1, 1))
    assert FeatureCaching(trunk(config), out).run()
    anew = {path.name for path in out.glob('*.npy') if path.stat().st_mtime_ns != times[path.name]}
    assert anew == {f'{field}_{start:09}.npy' for field in ('inputs', 'disparity', 'labels') for start in (0, 6)}
    assert notices[-1] == f'{out}: parts made anew, for what they were made of has changed: 2'
    assert np.load(out / 'labels_000000006.npy').min() == 1
    notices.clear()
    for note in out.glob('*.sources'):
        note.unlink()
    assert FeatureCaching(trunk(config), out).run() and notices[-1].endswith('changed: 3')


def test_without_a_note_the_newer_image_tells(tmp_path, notices):
    images = [tmp_path / f'{number}.png' for number in range(4)]

    def run(parts):
        return parts.run((0, 1), lambda start: [tmp_path / f'part_{start}.npy'], lambda start: [np.zeros(2)],
                         lambda start: images[start:start + 2])

    for path in images:
        path.write_text('a')
    assert run(Parts(4, 2))
    for note in tmp_path.glob('*.sources'):
        note.unlink()
    os.utime(images[1], (2**32, 2**32))
    assert run(Parts(4, 2)) and notices[-1].endswith('changed: 1')
    images[3].unlink()
    assert run(Parts(4, 2)) and len(notices) == 1


def test_features_that_nobody_knows_are_made_anew(config, tmp_path, notices):
    other = FeatureCaching(trunk(config, seed=1), tmp_path / 'kept', print)
    assert other.run()
    (tmp_path / 'kept/meta.json').unlink()
    assert FeatureCaching(trunk(config), tmp_path / 'kept', print).run()
    assert 'parts made anew, for what they were made of has changed: 3' in '\n'.join(notices)
    assert FeatureCaching(trunk(config), tmp_path / 'own', print).run()
    for path in (tmp_path / 'own').glob('inputs_*.npy'):
        assert np.array_equal(np.load(path), np.load(tmp_path / 'kept' / path.name))


def test_weights_that_gave_nothing_bind_nobody(config, tmp_path, monkeypatch):
    wrong = FeatureCaching(trunk(config, seed=1), tmp_path / 'kept')
    monkeypatch.setattr(wrong, '_arrays', lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        wrong.run()
    assert FeatureCaching(trunk(config), tmp_path / 'kept').run()
    FeatureCacheHook().before_train(runner(config, tmp_path / 'kept'))


def test_features_of_others_are_refused(config, tmp_path):
    assert FeatureCaching(trunk(config), tmp_path / 'kept').run()
    with pytest.raises(InputError, match='features of other weights, another view or other images'):
        FeatureCaching(trunk(config, seed=1), tmp_path / 'kept').run()
    with pytest.raises(InputError, match='another backbone, other weights, another view'):
        FeatureCacheHook().before_train(runner(config, tmp_path / 'kept', seed=1))
    inner = config.train_dataloader.dataset.dataset
    inner.pipeline[2].scale = (32, 16)
    with pytest.raises(InputError, match='another backbone, other weights, another view'):
        FeatureCacheHook().before_train(runner(config, tmp_path / 'kept'))
    with pytest.raises(InputError, match='no cache of features; make it with tools/cache_features'):
        runner(config, tmp_path / 'none')
    (tmp_path / 'images/99.png').write_bytes((tmp_path / 'images/00.png').read_bytes())
    write_neighbours(tmp_path / 'n.npz', [*NAMES, '99.png'], (np.arange(8)[:, None] + [0, 1, 2]) % 8)
    with pytest.raises(InputError, match='features of other images: it has 7 images, the data set 8'):
        runner(config, tmp_path / 'kept')


def test_what_does_not_fit_on_the_disk_is_not_begun(config, tmp_path, monkeypatch):
    monkeypatch.setattr(caching.shutil, 'disk_usage', lambda _: types.SimpleNamespace(free=10))
    with pytest.raises(InputError, match=r'do not fit into the 0\.00 GB that are free'):
        FeatureCaching(trunk(config), tmp_path / 'kept').run()
    assert not list((tmp_path / 'kept').glob('*.npy'))


def test_what_is_no_cache_is_not_written_over(config, tmp_path):
    file = tmp_path / 'disparity/meta.json'
    file.write_text('{"mode": "raw"}')
    with pytest.raises(InputError, match=r'disparity/meta\.json: belongs to no cache of features; name another folder'):
        FeatureCaching(trunk(config), tmp_path / 'disparity').run()
    assert file.read_text() == '{"mode": "raw"}' and not list((tmp_path / 'disparity').glob('*.npy'))
    with pytest.raises(InputError, match='belongs to no cache of features'):
        runner(config, tmp_path / 'disparity')


def test_models_without_frozen_features_are_refused(config):
    config.model = dict(type='FrozenFeatures', backbone=config.model.backbone)
    with pytest.raises(InputError, match=r'pairs\.py: FrozenFeatures does not learn from frozen features; use'):
        trunk(config)
