import numpy as np
import pytest
import torch
import torch.multiprocessing as mp
from mmengine.structures import BaseDataElement, PixelData

from mmdepthcp.evaluation.functional import constant_abs_rel, crop_window, depth_errors, evaluate_depth
from mmdepthcp.evaluation.metrics import MonoDepthMetric
from mmdepthcp.geometry import depth_to_sigmoid
from mmdepthcp.registry import METRICS
from mmdepthcp.utils.errors import InputError


def row(*values):
    return np.array([values], np.float32)


def test_errors_without_scaling():
    errors = depth_errors(np.array([2., 4, 10, 20]), np.array([1., 2, 4, 15]))
    expected = dict(abs_rel=.4625, sq_rel=1.5875, rmse=4.062019, rmse_log=.686159, a1=0, a2=.25, a3=.25)
    assert errors == pytest.approx(expected, abs=1e-6)


def test_errors_with_median_scaling():
    errors = evaluate_depth(row(2, 4, 10, 20), row(1, 2, 4, 15))
    expected = dict(
        abs_rel=.2875, sq_rel=2.865278, rmse=7.516648, rmse_log=.302264, a1=.75, a2=.75, a3=1,
        scale_ratio=7 / 3)
    assert errors == pytest.approx(expected, abs=1e-6)


def test_predictions_are_clamped_after_scaling():
    errors = evaluate_depth(row(5, 10, 60), row(1, 2, 20))
    assert errors['scale_ratio'] == 5
    assert errors['abs_rel'] == pytest.approx(.111111, abs=1e-6)
    assert errors['rmse'] == pytest.approx(11.547005, abs=1e-6)


def test_crops():
    assert crop_window(375, 1242, 'garg') == (153, 371, 44, 1197)
    assert crop_window(370, 1226, 'garg') == (151, 366, 44, 1181)
    assert crop_window(375, 1242, None) == (0, 375, 0, 1242)
    top, bottom, left, right = crop_window(375, 1242, 'eigen')
    assert (left, right) == (44, 1197) and top < 153 and bottom < 371


def test_only_pixels_inside_crop_and_range_are_scored():
    truth = np.full((100, 100), 10, np.float32)
    predicted = np.full((100, 100), 10, np.float32)
    predicted[:40] = 99
    truth[50:60], truth[60:70] = 0, 90
    predicted[50:70] = 1
    assert evaluate_depth(truth, predicted, crop_type='garg')['abs_rel'] == 0
    assert evaluate_depth(truth, predicted)['abs_rel'] > 0
    with pytest.raises(InputError, match='no pixel'):
        evaluate_depth(np.zeros((4, 4)), predicted[:4, :4])


def test_accumulated_truth_is_scored_however_far():
    truth, predicted = np.array([[10, 20, 100, 0.]]), np.array([[10, 20, 200, 5.]])
    assert evaluate_depth(truth, predicted, median_scaling=False)['abs_rel'] == 0
    every = evaluate_depth(truth, predicted, median_scaling=False, cap_truth=False)
    assert every['abs_rel'] == pytest.approx(.2 / 3)  # 80 instead of 100
    metric = METRICS.build(dict(type='MonoDepthMetric', median_scaling=False, cap_truth=False))
    metric.process(None, [data_sample(truth.astype(np.float32), predicted.astype(np.float32))])
    assert metric.evaluate(1)['depth/abs_rel'] == pytest.approx(.2 / 3, rel=1e-5)
    with pytest.raises(InputError, match='above 0'):
        evaluate_depth(np.zeros((4, 4)), np.ones((4, 4)), cap_truth=False)


def test_constant_depth():
    truth = np.random.default_rng(0).uniform(1, 80, 50)
    constants = np.array([.5, 3, 20, truth[7], 100])
    expected = [np.mean(np.abs(truth - c) / truth) for c in constants]
    np.testing.assert_allclose(constant_abs_rel(truth, constants), expected, rtol=1e-12)


def data_sample(truth, predicted_depth):
    sample = BaseDataElement(metainfo=dict(img_path='street.png'))
    disparity = torch.from_numpy(depth_to_sigmoid(predicted_depth).astype(np.float32))
    sample.set_data(dict(pred_disparity=PixelData(data=disparity[None])))
    if truth is not None:
        sample.set_data(dict(gt_depth_map=PixelData(data=torch.from_numpy(truth)[None])))
    return sample.to_dict()


def plain_scores(truths, predictions):
    """Means of abs_rel: with median scaling, of the median itself, and of the best constant of the set."""
    scaled, medians = [], []
    for truth, predicted in zip(truths, predictions, strict=True):
        predicted = predicted * np.median(truth) / np.median(predicted)
        scaled.append(np.mean(np.abs(truth - predicted) / truth))
        medians.append(np.mean(np.abs(truth - np.median(truth)) / truth))
    of_constants = [
        np.mean([np.mean(np.abs(truth - c) / truth) for truth in truths]) for c in np.linspace(.5, 40, 400)]
    return np.mean(scaled), np.mean(medians), min(of_constants)


def test_metric_is_the_mean_over_images():
    rng = np.random.default_rng(0)
    truths = [rng.uniform(1, 30 * i, (6, 8)).astype(np.float32) for i in (1, 2)]
    predictions = [(t * rng.uniform(.4, .6, t.shape)).astype(np.float32) for t in truths]
    metric = METRICS.build(dict(type='MonoDepthMetric'))
    metric.process(None, [data_sample(t, p) for t, p in zip(truths, predictions, strict=True)])
    result = metric.evaluate(2)
    scaled, median, best = plain_scores(truths, predictions)
    assert result['depth/abs_rel'] == pytest.approx(scaled, rel=1e-4)
    assert result['depth/abs_rel_median'] == pytest.approx(median, rel=1e-4)
    assert result['depth/abs_rel_constant'] == pytest.approx(best, rel=1e-3)
    assert result['depth/scale_ratio'] == pytest.approx(2, rel=.1)
    assert 0 < result['depth/scale_ratio_std'] < .2
    assert {f'depth/{name}' for name in ('sq_rel', 'rmse', 'rmse_log', 'a1', 'a2', 'a3')} < set(result)


def five_images():
    rng = np.random.default_rng(1)
    for _ in range(5):
        truth = rng.uniform(1, 60, (6, 8)).astype(np.float32)
        yield data_sample(truth, (truth * rng.uniform(.5, 1.5, truth.shape)).astype(np.float32))


def _run_metric(rank, port, folder):
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
    metric = MonoDepthMetric()
    samples = list(five_images())
    for index in range(rank, 6, 2):
        metric.process(None, [samples[index % 5]])
    torch.save(metric.evaluate(5), f'{folder}/{rank}.pt')
    torch.distributed.barrier()


def test_metric_of_two_processes_equals_one(tmp_path, unused_port, monkeypatch):
    """Five images on two ranks: the sixth, the padding of the sampler, is not counted."""
    monkeypatch.chdir(tmp_path)
    mp.start_processes(_run_metric, (unused_port, str(tmp_path)), nprocs=2, start_method='fork')
    metric = MonoDepthMetric()
    metric.process(None, list(five_images()))
    expected = metric.evaluate(5)
    for rank in range(2):
        assert torch.load(tmp_path / f'{rank}.pt', weights_only=False) == pytest.approx(expected)


def test_metric_without_scaling_compares_with_one_constant():
    truth = np.full((4, 4), 8, np.float32)
    metric = MonoDepthMetric(median_scaling=False)
    metric.process(None, [data_sample(truth, np.full((4, 4), 4, np.float32))])
    result = metric.evaluate(1)
    assert result['depth/abs_rel'] == pytest.approx(.5, rel=1e-4)
    assert result['depth/abs_rel_constant'] == pytest.approx(0, abs=.01)


def test_disparity_is_resized_before_it_becomes_depth():
    truth = np.full((2, 3), 8, np.float32)
    metric = MonoDepthMetric(median_scaling=False)
    metric.process(None, [data_sample(truth, np.array([[2, 6]], np.float32))])
    disparity = np.array([1 / 2, (1 / 2 + 1 / 6) / 2, 1 / 6])
    expected = np.mean(np.abs(8 - 1 / disparity) / 8)
    assert metric.evaluate(1)['depth/abs_rel'] == pytest.approx(expected, rel=1e-3)


def test_metric_names_what_is_wrong():
    metric = MonoDepthMetric()
    ones = np.ones((4, 4), np.float32)
    with pytest.raises(InputError, match=r'street\.png: has no gt_depth_map'):
        metric.process(None, [data_sample(None, ones)])
    with pytest.raises(InputError, match=r'street\.png: no pixel'):
        metric.process(None, [data_sample(0 * ones, ones)])
    with pytest.raises(InputError, match='crop_type'):
        MonoDepthMetric(crop_type='middle')
