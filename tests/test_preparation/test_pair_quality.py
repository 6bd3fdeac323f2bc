"""Shares of pairs of two classes, with and without depth."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import init_default_scope

from mmdepthcp.cli.tools import register_modules
from mmdepthcp.preparation.pair_quality import classes_of_views, measure_pairs, with_labels
from mmdepthcp.registry import DATASETS
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import write_disparity, write_png
from mmdepthcp.views.boxes import cell_classes
from mmdepthcp.views.pairs import DepthFilter


def test_classes_of_cells():
    labels = np.uint8([[1, 1, 4, 4], [1, 2, 4, 255], [7, 255, 8, 8], [255, 255, 3, 3]])
    assert cell_classes(labels, (0, 0, 1, 1), False, (2, 2)).tolist() == [[1, 4], [255, 3]]
    assert cell_classes(labels, (0, 0, 1, 1), True, (2, 2)).tolist() == [[4, 1], [3, 255]]
    assert cell_classes(labels, (.5, 0, .5, .5), False, (1, 2)).tolist() == [[4, 4]]
    assert cell_classes(labels[:1], (0, 0, 1, 1), False, (3, 2)).tolist() == [[1, 4]] * 3


def item(boxes, disparity):
    labels = np.zeros((40, 80), np.uint8)
    labels[:, 40:] = 1
    labels[:, 70:] = 255
    return dict(img=np.zeros((40, 80, 3), np.uint8), gt_seg_map=labels, boxes=np.float32(boxes),
                cell_disparity=[np.float32(disparity)])


def test_pairs_are_counted():
    """Cells 20 wide of classes 0, 0, 1, none; those next to each other are near at 1, a cell is near itself at .5."""
    whole = (0, 0, 80, 20), (80, 0, 0, 20)
    found = item(whole, [[[.2, .2, .8, .8]], [[.8, .8, .2, .2]]])
    assert classes_of_views(found, (1, 4)).tolist() == [[0, 0, 1, 1], [1, 1, 0, 0]]
    found['gt_seg_map'][:, 60:] = 255
    apart, soft = measure_pairs([found], (.5, 1), [DepthFilter(threshold=.4), DepthFilter(threshold=9)])
    np.testing.assert_allclose(apart.pairs, [3, 7])
    np.testing.assert_allclose(apart.mixed, [0, 2 / 7])
    np.testing.assert_allclose(apart.removed, [0, 2 / 7])
    np.testing.assert_allclose(apart.mixed_kept, [0, 0])
    np.testing.assert_allclose(apart.mixed_removed, [np.nan, 1])
    np.testing.assert_allclose(soft.removed, [0, 0])
    np.testing.assert_allclose(soft.mixed_kept, soft.mixed)


def test_of_a_data_set(tmp_path):
    init_default_scope('mmdepthcp')
    register_modules()
    rng = np.random.default_rng(0)
    for number in range(2):
        write_png(tmp_path / f'images/{number}.png', rng.integers(0, 256, (40, 80, 3), np.uint8))
        disparity = np.linspace(.1, .9, 3200, dtype=np.float32).reshape(40, 80)
        write_disparity(tmp_path / f'disparity/{number}.png', disparity)
        write_png(tmp_path / f'labels/{number}.png', item([], [])['gt_seg_map'])
    views = dict(type='mmdepthcp.TwoViews', size=(32, 32), grids=[(4, 4)])
    settings = dict(
        type='mmdepthcp.StreetDataset', metainfo=dict(classes=('a', 'b')),
        data_prefix=dict(img_path=str(tmp_path / 'images'), disparity_path=str(tmp_path / 'disparity')),
        pipeline=[dict(type='mmdepthcp.LoadImage'), dict(type='mmdepthcp.LoadDisparity'), views,
                  dict(type='mmdepthcp.PackTwoViews')])
    plain = DATASETS.build({**settings, 'pipeline': settings['pipeline'][:3]})
    labelled = DATASETS.build(with_labels(settings, str(tmp_path / 'labels')))
    for index in range(2):
        np.testing.assert_array_equal(labelled[0, 3, index]['boxes'], plain[0, 3, index]['boxes'])
    (quality,) = measure_pairs((labelled[0, 0, index] for index in range(2)), (.7,), [DepthFilter()])
    assert quality.pairs[0] > 0 and 0 <= quality.mixed_kept[0] <= 1
    with pytest.raises(InputError, match='grids'):
        with_labels({**settings, 'pipeline': [dict(views, grids=[])]}, '')
    with pytest.raises(InputError, match='coord_mode'):
        with_labels({**settings, 'pipeline': [dict(views, coord_mode='normalized')]}, '')


@pytest.fixture
def labelled(tmp_path):
    """A config of PixPro with a filter by depth, images, disparity, and labels of two classes or none."""
    rng = np.random.default_rng(0)
    for number in range(2):
        write_png(tmp_path / f'images/{number}.png', rng.integers(0, 256, (40, 80, 3), np.uint8))
        write_disparity(tmp_path / f'disparity/{number}.png', np.full((40, 80), .5))
        write_png(tmp_path / f'labels/{number}.png', item([], [])['gt_seg_map'])
        write_png(tmp_path / f'none/{number}.png', np.full((40, 80), 255, np.uint8))
    (tmp_path / 'config.py').write_text(f'''
default_scope = 'mmdepthcp'
model = dict(type='PixPro', depth_filter=dict(metric='log'))
train_dataloader = dict(dataset=dict(
    type='StreetDataset', data_root={str(tmp_path)!r}, metainfo=dict(classes=('a', 'b')),
    data_prefix=dict(img_path='images', disparity_path='disparity'), pipeline=[
        dict(type='LoadImage'), dict(type='LoadDisparity'), dict(type='TwoViews', size=(32, 32), grids=[(4, 4)])]))
''')
    return tmp_path


def run(folder, *args):
    tool = Path(__file__).parents[2] / 'tools/pair_quality.py'
    sys.argv = [str(tool), str(folder / 'config.py'), *map(str, args)]
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(tool), run_name='__main__')
    return ended.value.code


def test_numbers_that_there_are_none_of_are_not_written(labelled):
    file = labelled / 'quality.json'
    assert run(labelled, labelled / 'labels', '--json', file) == 0
    scores = json.loads(file.read_text(), parse_constant=lambda word: pytest.fail(f'{word} is no JSON'))['scores']
    assert [score['name'] for score in scores] == ['pairs', 'removed', 'mixed', 'mixed_kept']


@pytest.mark.parametrize(('args', 'words'), [
    (['none'], 'error: no two cells with labels are near each other'),
    (['labels', '--level', 3], 'error: level 3: TwoViews has 1 grids, counted from 0'),
    (['nowhere'], 'no such label file for the image'),
    (['images'], 'labels are class indices in a PNG with one channel'),
    (['labels', '--range', 5, 2], 'the data set has 2 images'),
    (['labels', '--cfg-options', 'model.depth_filter.metrik=log'],
     "the config does not fit: DepthFilter got an unexpected keyword argument 'metrik'")])
def test_refusals(labelled, args, words):
    assert words in run(labelled, labelled / args[0], *args[1:])
