from __future__ import annotations

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmengine.dataset import pseudo_collate

from benchmarks.plain.synthetic import synthetic_group
from mmdepthcp.registry import TRANSFORMS
from mmdepthcp.structures import MixedViewsSample
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import NO_REGION

SIZE = (48, 80)


def group_results(seed=0, num_images=2, regions=6, rng_seed=0):
    group = [
        {'img': image, 'regions': regions, 'disparity': disparity, 'img_path': f'{index}.png'}
        for index, (image, regions, disparity) in enumerate(
            zip(*synthetic_group(seed, num_images, SIZE, regions), strict=True))]
    return {'group': group, 'rng': np.random.default_rng(rng_seed)}


def pipeline(copy_paste=None):
    return Compose([
        TRANSFORMS.build(config) for config in (
            {'type': 'CopyPaste', 'pastes': {'min_side': 10, 'min_height': 8}, **(copy_paste or {})},
            {'type': 'SampleMatches', 'region_points': 50, 'pixel_points': 40},
            {'type': 'PackMixedViews'})])


def test_packed_item_has_the_shapes_and_types_of_the_contract():
    item = pipeline()(group_results(num_images=3))
    assert item['inputs'].shape == (6, 3, *SIZE) and item['inputs'].dtype == torch.uint8
    sample = item['data_samples']
    assert isinstance(sample, MixedViewsSample) and sample.img_paths == ['0.png', '1.png', '2.png']
    assert len(sample.region_matches['points']) == 6 * 50
    for matches in (sample.region_matches, sample.pixel_matches):
        count = len(matches['groups'])
        assert matches['points'].shape == (count, 2) and matches['points'].dtype == torch.float32
        assert matches['views'].shape == (count,) and matches['views'].dtype == torch.int64
        assert matches['groups'].dtype == torch.int64 and set(matches['views'].tolist()) <= set(range(6))
    batch = pseudo_collate([item, item])
    assert len(batch['data_samples']) == 2


def test_matches_move_with_their_sample():
    sample = pipeline()(group_results())['data_samples'].to(torch.device('meta'))
    assert sample.region_matches['points'].device.type == sample.pixel_matches['groups'].device.type == 'meta'


def test_views_may_have_a_size_and_rounds_of_their_own():
    item = pipeline({'pastes': {'cp_times': [1, 2, 1]}, 'views': {'size': (32, 40), 'colour': None}})(group_results())
    assert item['inputs'].shape == (6, 3, 32, 40)


def test_one_generator_state_gives_one_item():
    first, second, other = (pipeline()(group_results(rng_seed=seed)) for seed in (4, 4, 5))
    assert torch.equal(first['inputs'], second['inputs']) and not torch.equal(first['inputs'], other['inputs'])
    for name in ('points', 'views', 'groups'):
        assert torch.equal(first['data_samples'].pixel_matches[name], second['data_samples'].pixel_matches[name])


def test_images_without_any_region_are_still_mixed_views():
    results = group_results()
    for member in results['group']:
        member['regions'][:] = NO_REGION
    sample = pipeline()(results)['data_samples']
    assert len(sample.region_matches['groups']) == len(sample.pixel_matches['groups']) == 0


def test_missing_maps_and_unequal_sizes_are_named():
    results = group_results()
    del results['group'][1]['regions']
    with pytest.raises(InputError, match=r'1\.png: CopyPaste needs its regions; add LoadRegions'):
        pipeline()(results)
    results = group_results()
    results['group'][0]['img'] = results['group'][0]['img'][:40]
    with pytest.raises(InputError, match='resize all members'):
        pipeline()(results)
    with pytest.raises(KeyError, match='rng'):
        pipeline()({'group': results['group']})
