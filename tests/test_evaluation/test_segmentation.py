import itertools
import json

import cv2
import numpy as np
import pytest
import torch
import torch.multiprocessing as mp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmdepthcp.evaluation.functional.segmentation import (
    add_confusions,
    cluster_confusion,
    match_and_score,
    nearest,
    score_record,
)
from mmdepthcp.evaluation.metrics import UnsupervisedSegMetric
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.scores import read_scores

META = dict(classes=('road', 'car', 'sky'), palette=[[128, 64, 128], [0, 0, 142], [70, 130, 180]], protocol='toy3')


def test_confusion_worked_example():
    clusters = np.array([[0, 0, 1], [2, 2, 1]])
    labels = np.array([[1, 1, 0], [255, 2, 255]])
    assert cluster_confusion(clusters, labels, 3).tolist() == [[0, 2, 0], [1, 0, 0], [0, 0, 1]]


def test_confusion_without_labelled_pixels_is_empty():
    assert cluster_confusion(np.ones((2, 2), int), np.full((2, 2), 255), 3).shape == (0, 3)


@pytest.mark.parametrize('labels', [np.zeros((2, 3), int), np.full((2, 2), 3), np.full((2, 2), -1)])
def test_confusion_refuses_labels_that_do_not_fit(labels):
    with pytest.raises(InputError):
        cluster_confusion(np.zeros((2, 2), int), labels, 3)


def test_scores_worked_example():
    """IoU: cluster 0 = class 1: 6 / (6 + 2 + 1), cluster 1 = class 0: 5 / (5 + 1 + 2)."""
    scores = match_and_score(np.array([[2, 6], [5, 1]]))
    assert scores.class_of_cluster.tolist() == [1, 0]
    assert scores.accuracy == pytest.approx(11 / 14)
    np.testing.assert_allclose(scores.class_iou, [5 / 8, 6 / 9])
    assert scores.mean_iou == pytest.approx((5 / 8 + 6 / 9) / 2)


def test_matching_is_on_iou_not_on_pixels():
    """By pixels cluster 0 would take class 0 (100 + 3 > 60 + 40); by IoU 60 / 163 + 40 / 103 > 100 / 203 + 3 / 103 ."""
    confusion = np.array([[100, 60], [40, 3]])
    scores = match_and_score(confusion)
    best = max(
        itertools.permutations(range(2)),
        key=lambda order: sum(
            confusion[k, c] / (confusion[k].sum() + confusion[:, c].sum() - confusion[k, c])
            for k, c in enumerate(order)))
    assert scores.class_of_cluster.tolist() == list(best)


def test_more_clusters_than_classes_leave_wrong_pixels():
    scores = match_and_score(np.array([[8, 0], [0, 6], [4, 0]]))
    assert scores.class_of_cluster.tolist() == [0, 1, -1]
    assert scores.accuracy == pytest.approx(14 / 18)
    np.testing.assert_allclose(scores.class_iou, [8 / 12, 1])


def test_fewer_clusters_than_classes_score_zero_for_the_rest():
    scores = match_and_score(np.array([[8, 2, 0]]))
    np.testing.assert_allclose(scores.class_iou, [0.8, 0, np.nan])
    assert scores.mean_iou == pytest.approx(0.4)


def test_scores_do_not_depend_on_the_numbering_of_clusters():
    confusion = np.random.default_rng(0).integers(0, 100, (5, 4))
    order = [3, 1, 4, 0, 2]
    scores, shuffled = match_and_score(confusion), match_and_score(confusion[order])
    assert shuffled.mean_iou == pytest.approx(scores.mean_iou)
    assert shuffled.class_of_cluster.tolist() == scores.class_of_cluster[order].tolist()


def test_absent_class_is_left_to_an_empty_cluster_however_clusters_are_numbered():
    """Class 2 is absent, one cluster is empty: the class does not count, wherever the empty cluster stands."""
    confusion = np.array([[8, 2, 0], [1, 5, 0], [3, 1, 0], [0, 0, 0]])
    for order in itertools.permutations(range(4)):
        scores = match_and_score(confusion[list(order)])
        np.testing.assert_array_equal(scores.class_iou, [8 / 14, 5 / 9, np.nan])
        assert scores.accuracy == 13 / 20


@pytest.mark.parametrize('match_by', ['iou', 'count'])
@given(confusion=arrays(np.int64, st.tuples(st.integers(1, 6), st.integers(1, 5)), elements=st.integers(0, 3)),
       random=st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_scores_are_invariant_under_permutation_of_clusters(match_by, confusion, random):
    confusion[0, 0] += 1
    order = random.sample(range(len(confusion)), len(confusion))
    scores, shuffled = match_and_score(confusion, match_by), match_and_score(confusion[order], match_by)
    assert (scores.accuracy, scores.mean_iou) == (shuffled.accuracy, shuffled.mean_iou)
    np.testing.assert_array_equal(scores.class_iou, shuffled.class_iou)
    best = max(
        sum(worth[k, c] for k, c in zip(rows, columns, strict=True))
        for worth in [worths(confusion, match_by)] for rows, columns in matchings(*confusion.shape))
    matched = scores.class_of_cluster >= 0
    found = worths(confusion, match_by)[np.flatnonzero(matched), scores.class_of_cluster[matched]].sum()
    assert found == pytest.approx(best)


def worths(confusion, match_by):
    if match_by == 'count':
        return confusion
    union = confusion.sum(1)[:, None] + confusion.sum(0) - confusion
    return confusion / np.maximum(union, 1)


def matchings(clusters, classes):
    pairs = min(clusters, classes)
    for rows in itertools.permutations(range(clusters), pairs):
        if clusters >= classes:
            yield rows, range(classes)
        elif list(rows) == sorted(rows):
            yield from ((rows, columns) for columns in itertools.permutations(range(classes), pairs))


def test_matching_by_count_maximises_the_matched_pixels():
    confusion = np.array([[100, 60], [40, 3]])
    assert match_and_score(confusion, 'count').class_of_cluster.tolist() == [0, 1]
    assert match_and_score(confusion, 'count').accuracy == 103 / 203
    with pytest.raises(InputError, match='match_by'):
        match_and_score(confusion, 'pixels')


def test_metric_knows_clusters_that_no_pixel_has():
    metric = UnsupervisedSegMetric(match_by='count')
    metric.dataset_meta = META
    clusters, labels = [[0, 1, 2, 2, 1, 1]], [[0, 1, 0, 0, 1, 1]]
    for more, expected in ((3, 100 * (2 / 3 + 1 + 0) / 3), (4, 100 * (2 / 3 + 1) / 2)):
        metric.process({}, [dict(sample(clusters, labels), num_clusters=more)])
        assert metric.evaluate(1)['toy3/mIoU'] == pytest.approx(expected, abs=.005)
        metric.results.clear()


@pytest.mark.parametrize('shape', [(4, 6), (5, 7), (12, 9), (1, 1)])
def test_nearest_takes_the_pixel_below_each_centre(shape):
    pixels = np.random.default_rng(0).integers(0, 99, (7, 9))
    expected = np.empty(shape, int)
    for row, column in np.ndindex(shape):
        expected[row, column] = pixels[int((row + 0.5) * 7 / shape[0]), int((column + 0.5) * 9 / shape[1])]
    np.testing.assert_array_equal(nearest(pixels, shape[::-1]), expected)


def test_size_of_scoring_is_part_of_the_name():
    metric = UnsupervisedSegMetric(score_size=(2, 1))
    metric.dataset_meta = META
    # 9 is out of range: these pixels are not looked at
    metric.process({}, [sample([[0, 0, 1, 1], [0, 0, 1, 1]], [[9, 9, 9, 9], [9, 0, 9, 1]])])
    assert metric.evaluate(1) == {'toy3@2x1/Acc': 100, 'toy3@2x1/mIoU': 100}
    with pytest.raises(InputError, match='score_size'):
        UnsupervisedSegMetric(score_size=(0, 1))


def test_nothing_labelled_is_an_error():
    with pytest.raises(InputError, match='no labelled pixel'):
        match_and_score(np.zeros((0, 3), int))


def test_confusions_of_different_numbers_of_clusters_add_up():
    total = add_confusions([np.array([[1, 2]]), np.zeros((0, 2), int), np.array([[1, 1], [3, 4]])])
    assert total.tolist() == [[2, 3], [3, 4]]


def test_record_is_json():
    scores, about = score_record(match_and_score(np.array([[8, 2, 0]])), 'abc', 'toy3', 1)
    assert [(score.name, score.protocol) for score in scores] == [('Acc', 'toy3'), ('mIoU', 'toy3')]
    assert json.loads(json.dumps(about))['class_iou'] == dict(a=0.8, b=0.0, c=None)


def sample(clusters, labels, path='frame.png'):
    return dict(pred_sem_seg=dict(data=torch.as_tensor(clusters)[None]),
                gt_sem_seg=dict(data=torch.as_tensor(labels)[None]), img_path=str(path))


def samples(number=6):
    rng = np.random.default_rng(0)
    for _ in range(number):
        labels = rng.integers(0, 3, (8, 9))
        clusters = np.where(rng.random((8, 9)) < 0.7, (labels + 1) % 3, rng.integers(0, 3, (8, 9)))
        labels[0, 0] = 255
        yield clusters, labels


def test_metric_scores_the_whole_set():
    metric = UnsupervisedSegMetric()
    metric.dataset_meta = META
    pairs = list(samples())
    for clusters, labels in pairs:
        metric.process({}, [sample(clusters, labels)])
    scores = metric.evaluate(len(pairs))
    all_clusters, all_labels = (np.stack(part) for part in zip(*pairs, strict=True))
    seen = all_labels != 255
    named = (all_clusters[seen] - 1) % 3
    truth = all_labels[seen]
    iou = [((named == c) & (truth == c)).sum() / ((named == c) | (truth == c)).sum() for c in range(3)]
    assert scores == {
        'toy3/Acc': pytest.approx(100 * (named == truth).mean(), abs=0.005),
        'toy3/mIoU': pytest.approx(100 * np.mean(iou), abs=0.005)}


def test_metric_prefix_can_be_given():
    metric = UnsupervisedSegMetric(prefix='mine')
    metric.dataset_meta = META
    metric.process({}, [sample([[0, 1]], [[0, 1]])])
    assert set(metric.evaluate(1)) == {'mine/Acc', 'mine/mIoU'}


def test_metric_saves_pictures_in_matched_colours_and_scores(tmp_path):
    metric = UnsupervisedSegMetric(save_dir=str(tmp_path / 'show'), out_file=str(tmp_path / 'scores.json'))
    metric.dataset_meta = META
    clusters, labels = np.array([[5, 5, 1], [1, 5, 7]]), np.array([[0, 0, 2], [2, 255, 255]])
    for folder in ('a', 'b'):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / 'frame.jpg'
        cv2.imwrite(str(path), np.full((4, 6, 3), 200, np.uint8))
        metric.process({}, [sample(clusters, labels, path)])
    assert metric.evaluate(2)['toy3/Acc'] == 100
    picture = cv2.imread(str(tmp_path / 'show' / 'b' / 'frame.png'))[:, :, ::-1]
    road, sky, black, grey = META['palette'][0], META['palette'][2], [0] * 3, [96] * 3
    assert picture.shape == (2, 9, 3)
    assert picture[:, 3:6].tolist() == [[road, road, sky], [sky, black, black]]
    assert picture[:, 6:].tolist() == [[road, road, sky], [sky, road, grey]]
    assert sorted(path.name for path in (tmp_path / 'show').iterdir()) == ['a', 'b']
    assert [score.value for score in read_scores(tmp_path / 'scores.json')][1] == pytest.approx(2 / 2)


@pytest.mark.parametrize('broken, words', [
    (dict(pred_sem_seg=dict(data=torch.zeros(1, 2, 2, dtype=torch.long)), img_path='x.png'), 'x.png: no label'),
    (sample(np.zeros((2, 2), int), np.zeros((3, 2), int), 'y.png'), 'y.png: the prediction has shape'),
    (sample(np.zeros((2, 2), int), np.full((2, 2), 17), 'z.png'), 'z.png: the label holds 17'),
])
def test_metric_names_the_image_of_a_bad_label(broken, words):
    metric = UnsupervisedSegMetric()
    metric.dataset_meta = META
    with pytest.raises(InputError, match=words):
        metric.process({}, [broken])


def test_metric_needs_classes():
    metric = UnsupervisedSegMetric()
    metric.dataset_meta = dict(classes=(), protocol=None)
    with pytest.raises(InputError, match='no classes'):
        metric.process({}, [sample([[0]], [[0]])])


def test_a_linear_classifier_is_scored_beside_the_clusters(tmp_path):
    rng = np.random.default_rng(0)
    metric = UnsupervisedSegMetric(out_file=str(tmp_path / 'scores.json'))
    metric.dataset_meta = META
    counts = np.zeros((3, 3))
    for clusters, labels in samples(4):
        classes = rng.integers(0, 3, labels.shape)
        entry = sample(clusters, labels)
        entry['pred_linear_seg'] = dict(data=torch.as_tensor(classes)[None])
        metric.process({}, [entry])
        for found, label in zip(classes.flat, labels.flat, strict=True):
            if label != 255:
                counts[found, label] += 1
    scores = metric.evaluate(4)
    hits, union = counts.diagonal(), counts.sum(0) + counts.sum(1) - counts.diagonal()
    assert scores['toy3/linear_Acc'] == round(100 * hits.sum() / counts.sum(), 2)
    assert scores['toy3/linear_mIoU'] == round(100 * np.mean(hits / union), 2)
    assert [score.name for score in read_scores(tmp_path / 'scores.json')] == ['Acc', 'mIoU', 'linear_Acc',
                                                                             'linear_mIoU']


def _run_metric(rank, port, folder):
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
    metric = UnsupervisedSegMetric()
    metric.dataset_meta = META
    pairs = list(samples(5))
    for index in range(rank, 6, 2):
        metric.process({}, [sample(*pairs[index % 5])])
    torch.save(metric.evaluate(5), f'{folder}/{rank}.pt')
    torch.distributed.barrier()


def test_metric_of_two_processes_equals_one(tmp_path, unused_port, monkeypatch):
    """Five images on two ranks: the sixth, the padding of the sampler, is not counted."""
    monkeypatch.chdir(tmp_path)
    mp.start_processes(_run_metric, (unused_port, str(tmp_path)), nprocs=2, start_method='fork')
    metric = UnsupervisedSegMetric()
    metric.dataset_meta = META
    for pair in samples(5):
        metric.process({}, [sample(*pair)])
    expected = metric.evaluate(5)
    assert torch.load(tmp_path / '0.pt') == torch.load(tmp_path / '1.pt') == expected
