"""Images with labels beside images without: what is read, what is drawn, and what goes with the image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from torch.utils.data import DataLoader

from mmdepthcp.cli.tools import register_modules
from mmdepthcp.datasets import EndlessSampler, LabelledUnlabelledDataset
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import write_disparity, write_png

WIDTH, HEIGHT, COUNT = 48, 32, 8
CROP = (16, 20)


@pytest.fixture(autouse=True)
def scope():
    register_modules()
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


@pytest.fixture
def folder(tmp_path):
    """Images that say their number in the first channel and the column in the others, as labels and disparity do."""
    columns = np.tile(np.arange(WIDTH, dtype=np.uint8), (HEIGHT, 1))
    for number in range(COUNT):
        image = np.dstack([np.full_like(columns, 10 * number), columns, columns])
        write_png(tmp_path / f'images/town/{number}.png', image)
        write_png(tmp_path / f'labels/town/{number}.png', columns)
        write_disparity(tmp_path / f'disparity/town/{number}.png', (1 + columns) / 100)
    return tmp_path


def ours(folder, disparity=False, **settings):
    prefix = dict(img_path='images', seg_map_path='labels', **(dict(disparity_path='disparity') if disparity else {}))
    loaded = [dict(type='mmdepthcp.LoadDisparity', as_field=True)] if disparity else []
    return dict(type='mmdepthcp.StreetDataset', data_root=str(folder), data_prefix=prefix, pipeline=[
        dict(type='mmdepthcp.LoadImage'), *loaded, dict(type='mmdepthcp.LoadLabels'), *MOVED], **settings)


def of_mmseg(folder, **settings):
    return dict(
        type='BaseSegDataset', data_root=str(folder), img_suffix='.png', data_prefix=dict(
            img_path='images', seg_map_path='labels'), metainfo=dict(classes=tuple(map(str, range(WIDTH)))),
        pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), *MOVED], **settings)


MOVED = [dict(type='RandomCrop', crop_size=CROP, cat_max_ratio=0.75), dict(type='RandomFlip', prob=0.5),
         dict(type='PackSegInputs')]


def build(folder, kind, **settings):
    if kind == 'ours':
        return LabelledUnlabelledDataset(
            ours(folder), ours(folder, disparity=True), **{**dict(subset=dict(count=3, seed=0)), **settings})
    return LabelledUnlabelledDataset(of_mmseg(folder), disparity=str(folder / 'disparity'),
                                     **{**dict(subset=dict(count=3, seed=0)), **settings})


def number_of(branch):
    return branch['inputs'][0, 0, 0].item() // 10


def labelled_numbers(dataset):
    return {number_of(dataset[0, epoch, index]['labelled']) for index in range(len(dataset)) for epoch in range(2)}


@pytest.mark.parametrize('kind', ['ours', 'mmseg'])
def test_labels_and_disparity_go_with_the_images_and_other_labels_are_not_read(kind, folder):
    dataset = build(folder, kind)
    labelled = labelled_numbers(dataset)
    assert len(dataset) == COUNT and len(labelled) == 3
    for number in set(range(COUNT)) - labelled:
        (folder / f'labels/town/{number}.png').unlink()
    flipped = []
    for index in range(COUNT):
        for epoch in range(3):
            item = dataset[0, epoch, index]
            for branch in item.values():
                columns, sample = branch['inputs'][1].long(), branch['data_samples']
                assert columns.shape == CROP and number_of(branch) in range(COUNT)
                flipped.append(sample.flip)
                if branch is item['labelled'] or sample.has_labels:
                    assert number_of(branch) in labelled
                    assert torch.equal(sample.gt_sem_seg.data[0], columns)
                else:
                    assert number_of(branch) == index and index not in labelled
                    assert (sample.gt_sem_seg.data == 255).all()
            unlabelled = item['unlabelled']['data_samples']
            assert unlabelled.has_labels == (index in labelled)
            torch.testing.assert_close(
                unlabelled.gt_depth_map.data[0], (1 + item['unlabelled']['inputs'][1]) / 100, atol=1e-4, rtol=0)
            assert unlabelled.disparity_range == pytest.approx((.01, WIDTH / 100), abs=1e-4)
            assert 'gt_depth_map' not in item['labelled']['data_samples']
    assert 0 < np.mean(flipped) < 1


@pytest.mark.parametrize('kind', ['ours', 'mmseg'])
def test_what_is_drawn_depends_on_seed_epoch_and_index(kind, folder):
    def words(dataset, *asked):
        item = dataset[asked]
        return [(branch['inputs'].sum().item(), branch['data_samples'].flip) for branch in item.values()], item[
            'unlabelled']['data_samples'].seed

    dataset, other = build(folder, kind), build(folder, kind)
    everything = [(seed, epoch, index) for seed in range(2) for epoch in range(2) for index in range(COUNT)]
    seen = {asked: words(dataset, *asked) for asked in everything}
    np.random.seed(7)  # noqa: NPY002
    assert {asked: words(other, *asked) for asked in reversed(everything)} == seen
    assert len({seed for _, seed in seen.values()}) == len(everything)
    assert len({str(item) for item, _ in seen.values()}) > len(everything) // 2
    with pytest.raises(IndexError):
        dataset[0, 0, COUNT]


@pytest.mark.parametrize('count', [3, 8])
def test_each_labelled_image_occurs_equally_often(count, folder):
    dataset = build(folder, 'ours', subset=dict(count=count))
    for epoch in range(3):
        numbers = [number_of(dataset[0, epoch, index]['labelled']) for index in range(COUNT)]
        times = np.bincount(numbers, minlength=COUNT)
        assert len(times[times > 0]) == count and times[times > 0].max() - times[times > 0].min() <= 1


def test_more_labelled_images_than_others(folder):
    dataset = LabelledUnlabelledDataset(ours(folder), ours(folder, subset=dict(count=2)))
    assert len(dataset) == 2 and len({
        number_of(dataset[0, epoch, index]['labelled']) for epoch in range(20) for index in range(2)}) == COUNT


@pytest.mark.parametrize('kind', ['ours', 'mmseg'])
def test_only_images_without_labels(kind, folder):
    labelled = labelled_numbers(build(folder, kind))
    dataset = build(folder, kind, only_unlabelled=True)
    assert len(dataset) == COUNT - 3
    numbers = {number_of(dataset[0, 0, index]['unlabelled']) for index in range(len(dataset))}
    assert numbers == set(range(COUNT)) - labelled
    assert not any(dataset[0, 0, index]['unlabelled']['data_samples'].has_labels for index in range(len(dataset)))


def test_labels_may_be_read_to_watch_the_teacher(folder):
    dataset = build(folder, 'mmseg', read_labels=True)
    for index in range(COUNT):
        unlabelled = dataset[0, 0, index]['unlabelled']
        assert torch.equal(unlabelled['data_samples'].gt_sem_seg.data[0], unlabelled['inputs'][1].long())
    assert sum(dataset[0, 0, index]['unlabelled']['data_samples'].has_labels for index in range(COUNT)) == 3


def test_plain_indices_draw_anew(folder):
    dataset = build(folder, 'mmseg')
    np.random.seed(0)  # noqa: NPY002
    seeds = {dataset[2]['unlabelled']['data_samples'].seed for _ in range(5)}
    assert len(seeds) == 5
    assert len({dataset[2]['unlabelled']['inputs'].sum().item() for _ in range(9)}) > 1


def test_workers_and_samplers(folder):
    def first(workers, start=0):
        dataset = build(folder, 'mmseg')
        sampler = EndlessSampler(dataset, seed=3)
        sampler.skip(start)
        loader = iter(DataLoader(dataset, sampler=sampler, num_workers=workers, collate_fn=lambda items: items))
        return [(item['unlabelled']['data_samples'].seed, item['labelled']['inputs'].sum().item())
                for item, in (next(loader) for _ in range(2 * COUNT - start))]

    alone = first(0)
    assert first(2) == alone and first(1, start=5) == alone[5:]


@pytest.mark.parametrize('kind', ['ours', 'mmseg'])
def test_a_file_that_cannot_be_used_is_named(kind, folder):
    dataset = build(folder, kind)
    (folder / 'disparity/town/5.png').unlink()
    with pytest.raises(InputError, match=r'disparity/town/5\.png'):
        dataset[0, 0, 5]
    (folder / 'images/town/4.png').write_bytes(b'no image')
    with pytest.raises(InputError, match=r'images/town/4\.png'):
        dataset[0, 0, 4]


def test_a_flip_that_leaves_disparity_behind_is_refused(folder):
    from mmcv.transforms import RandomFlip

    settings = of_mmseg(folder)
    settings['pipeline'][2] = dict(type=RandomFlip, prob=0.5)
    with pytest.raises(InputError, match=r"mmcv\.RandomFlip moves .* write type='mmdepthcp\.RandomFlip'"):
        LabelledUnlabelledDataset(settings, disparity=str(folder / 'disparity'))
    LabelledUnlabelledDataset(settings)


@pytest.mark.parametrize(('settings', 'message'), [
    (dict(subset=dict(count=9)), r'count 9: must lie in 1\.\.8'),
    (dict(subset=dict(number=3)), "subset {'number': 3}: .*unexpected"),
    (dict(subset=dict(count=8), only_unlabelled=True), 'none of 8 images is without labels'),
])
def test_settings_that_fit_nothing(settings, message, folder):
    with pytest.raises(InputError, match=message):
        build(folder, 'mmseg', **settings)


def test_data_sets_that_do_not_do(folder):
    with pytest.raises(InputError, match='labelled: ConcatDataset has no pipeline'):
        LabelledUnlabelledDataset(dict(type='ConcatDataset', datasets=[of_mmseg(folder)]))
    settings = of_mmseg(folder)
    settings['pipeline'] = settings['pipeline'][:-1]
    with pytest.raises(InputError, match='end it with mmseg'):
        LabelledUnlabelledDataset(settings)[0, 0, 0]
    settings['pipeline'] = []
    with pytest.raises(InputError, match='loads no image'):
        LabelledUnlabelledDataset(settings, disparity='disparity')
