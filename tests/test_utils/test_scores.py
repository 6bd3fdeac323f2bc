"""Scores on their way between tools."""

import json

import pytest

from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.scores import Score, find_score, read_scores, scores_of_metrics, write_scores


def test_what_metrics_return_gets_unit_and_protocol():
    assert scores_of_metrics({'toy9/mIoU': 21.5, 'coco/segm_mAP': 0.25, 'depth/rmse': 4, 'aAcc': 90.}) == [
        Score('mIoU', 21.5, '%', 'toy9'), Score('segm_mAP', 0.25, '1', 'coco'), Score('rmse', 4.0, 'm', 'depth'),
        Score('aAcc', 90.0, '%', '')]
    assert scores_of_metrics({'toy9/linear_mIoU': 24., 'toy9/kmeans_Acc': 45., 'a/rmse_median_scaled': 3.}) == [
        Score('linear_mIoU', 24., '%', 'toy9'), Score('kmeans_Acc', 45., '%', 'toy9'),
        Score('rmse_median_scaled', 3., 'm', 'a')]


def test_units():
    assert Score('mIoU', 21.5, '%').in_unit('1') == 0.215 and Score('AP', 0.25).in_unit('%') == 25
    assert Score('rmse', 4, 'm').in_unit('m') == 4
    with pytest.raises(InputError, match="rmse is measured in 'm', which is not '%'"):
        Score('rmse', 4, 'm').in_unit('%')


def test_written_and_read(tmp_path):
    scores = [Score('Acc', 1 / 3, protocol='toy9'), Score('mIoU', 20., '%', 'toy9')]
    write_scores(tmp_path / 'a.json', scores, dict(images=3))
    assert read_scores(tmp_path / 'a.json') == scores
    assert json.loads((tmp_path / 'a.json').read_text())['about'] == dict(images=3)
    assert find_score(scores, 'mIoU', 'a.json').value == 20
    with pytest.raises(InputError, match=r'a\.json: holds no IoU, only Acc, mIoU'):
        find_score(scores, 'IoU', 'a.json')


@pytest.mark.parametrize('content', ['[]', '{"mIoU": 3}', '{"scores": [3]}', '{"scores": [{"name": "a"}]}'])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / 'a.json').write_text(content)
    with pytest.raises(InputError, match=r'a\.json: holds no scores in the form'):
        read_scores(tmp_path / 'a.json')
