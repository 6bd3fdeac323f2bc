import json
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmdepthcp.evaluation.functional import colour_position_features
from mmdepthcp.utils.scores import read_scores

TOOL = str(Path(__file__).parents[2] / 'tools' / 'colour_position_baseline.py')

CONFIG = '''
default_scope = 'mmdepthcp'
test_dataloader = dict(dataset=dict(
    type='CamVidStreetDataset', data_root={root!r}, data_prefix=dict(img_path='images', seg_map_path='labels'),
    pipeline=[
        dict(type='LoadImage'), dict(type='ResizeStreet', scale=(30, 20)), dict(type='LoadLabels'),
        dict(type='mmseg.PackSegInputs')]))
'''


def run(monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', [TOOL, *map(str, args)])
    runpy.run_path(TOOL, run_name='__main__')


@pytest.fixture
def stripes(tmp_path):
    """Two images in stripes of one colour each, sky, tree and road; the first row is not labelled."""
    colours = np.array([[230, 160, 90], [90, 90, 90], [40, 180, 60]], np.uint8)
    labels = np.repeat(np.arange(3, dtype=np.uint8), 20)[:, None].repeat(90, 1)
    for index in range(2):
        for folder in ('images', 'labels'):
            (tmp_path / folder).mkdir(exist_ok=True)
        noise = np.random.default_rng(index).integers(0, 5, (60, 90, 3))
        cv2.imwrite(str(tmp_path / f'images/{index}.png'), (colours[labels] + noise).astype(np.uint8))
        marked = np.array([0, 5, 3], np.uint8)[labels]
        marked[0] = 11
        cv2.imwrite(str(tmp_path / f'labels/{index}.png'), marked)
    path = tmp_path / 'stripes.py'
    path.write_text(CONFIG.format(root=str(tmp_path)))
    return path


def test_features_of_white_and_positions():
    features = colour_position_features(np.full((2, 4, 3), 255, np.uint8))
    np.testing.assert_allclose(features[0, 0], [100, 0, 0, 0.125, 0.25], atol=1e-2)
    np.testing.assert_allclose(features[1, 3, 3:], [0.875, 0.75])


def test_stripes_are_found_and_written(stripes, tmp_path, monkeypatch, capsys):
    run(monkeypatch, stripes, '--json', tmp_path / 'baseline.json', '--samples', 500, '--num-clusters', 3)
    accuracy, mean_iou = read_scores(tmp_path / 'baseline.json')
    about = json.loads((tmp_path / 'baseline.json').read_text())['about']
    assert about['num_clusters'] == 3 and about['images'] == 2
    assert accuracy.name == 'Acc' and accuracy.protocol == 'camvid11' and accuracy.value > 0.95
    assert mean_iou.name == 'mIoU' and mean_iou.value > 0.9
    assert 'camvid11: Acc' in capsys.readouterr().out


def test_one_of_several_evaluators_says_how(stripes, tmp_path, monkeypatch):
    stripes.write_text(stripes.read_text() + "test_evaluator = [dict(type='A'), dict(type='B', score_size=(30, 20))]\n")
    run(monkeypatch, stripes, '--json', tmp_path / 'baseline.json', '--samples', 500)
    assert read_scores(tmp_path / 'baseline.json')[0].protocol == 'camvid11@30x20'


def test_same_seed_same_result(stripes, tmp_path, monkeypatch):
    for name in ('a', 'b'):
        run(monkeypatch, stripes, '--num-clusters', 5, '--seed', 4, '--json', tmp_path / name)
    assert (tmp_path / 'a').read_text() == (tmp_path / 'b').read_text()


def test_data_set_without_classes_ends_in_words(stripes, monkeypatch):
    with pytest.raises(SystemExit, match='names no classes'):
        run(monkeypatch, stripes, '--cfg-options', 'test_dataloader.dataset.type=StreetDataset')
