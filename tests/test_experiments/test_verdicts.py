"""Verdicts: on either side of every threshold, with advice where something is not good."""

import numpy as np
import pytest

from mmdepthcp.experiments import verdicts
from mmdepthcp.experiments.summary import LossCurve
from mmdepthcp.experiments.video_report import ends_of, judge, region_figures, relative_spread

CASES = [
    (verdicts.judge_frames, (300, 300), True), (verdicts.judge_frames, (299, 299), False),
    (verdicts.judge_depth, (0.099, 0.1, 0.12, 0.05, 0.9), True),
    (verdicts.judge_depth, (0.0995, 0.1, 0.12, 0.05, 0.9), False),
    (verdicts.judge_depth, (0.09, 0.1, 0.12, 0.005, 0.9), False),
    (verdicts.judge_depth, (0.11, 0.12, 0.10, 0.05, 0.9), False),
    (verdicts.judge_depth, (0.09, 0.1, 0.12, 0.05, 0.4), False),
    (verdicts.judge_disparity, (0.3,), None), (verdicts.judge_disparity, (0.05,), False),
    (verdicts.judge_regions, (40, 0.2), True), (verdicts.judge_regions, (4, 0.2), False),
    (verdicts.judge_regions, (40, 0.6), False), (verdicts.judge_regions, (201, 0.1), False),
    (verdicts.judge_loss_to_lnk, (0.99, 0.9), True), (verdicts.judge_loss_to_lnk, (0.99, 0.96), False),
    (verdicts.judge_loss_to_lnk, (0.8, 0.9), False),
    (verdicts.judge_loss, (2.0, 1.5), True), (verdicts.judge_loss, (2.0, 1.99), False),
    (verdicts.judge_loss, (-0.5, -1.0), True), (verdicts.judge_loss, (-0.5, -0.4), False),
    (verdicts.judge_prototypes, (0.4,), True), (verdicts.judge_prototypes, (0.03,), False),
    (verdicts.judge_finetuning, (0.3, 0.25), True), (verdicts.judge_finetuning, (0.25, 0.3), False),
    (verdicts.judge_finetuning, (0.3, 0.295), None), (verdicts.judge_finetuning, (0.3, None), None),
]


@pytest.mark.parametrize(('judge_one', 'numbers', 'good'), CASES)
def test_verdict(judge_one, numbers, good):
    verdict = judge_one(*numbers)
    assert verdict.good is good
    assert bool(verdict.advice) == (good is not True)
    assert verdict.found and not verdict.found.endswith('.')


def test_constant_depth_is_told_from_motion_that_was_not_learnt():
    assert 'constant' in verdicts.judge_depth(0.1, 0.1, 0.12, 0.001, 0).advice
    assert 'motion has not' in verdicts.judge_depth(0.13, 0.13, 0.12, 0.1, 0).advice
    assert 'elsewhere' in verdicts.judge_depth(0.09, 0.1, 0.12, 0.1, -1).advice


def test_a_summary_is_judged_as_far_as_it_goes():
    assert judge({}) == []
    full = dict(
        frames=dict(all=600, pretrained_on=300), depth=dict(
            error=0.08, error_flat=0.1, error_still=0.12, disparity_std=0.1, heading=1.0, relative_spread=0.01),
        regions=dict(number=30.0, largest=0.2), pretrain=dict(
            to_lnk_first=1.0, to_lnk_last=0.5, usage_last=0.5, loss_first=3.0, loss_last=4.0),
        finetuned=dict(miou=0.3, miou_random_init=0.2))
    judged = judge(full)
    assert [verdict.stage for verdict in judged] == [
        'frames', 'depth', 'regions', 'pretraining', 'prototypes', 'fine-tuning']
    assert all(verdict.good for verdict in judged)
    del full['depth']['error'], full['pretrain']['to_lnk_first'], full['pretrain']['usage_last']
    assert [verdict.good for verdict in judge(full)] == [True, False, True, False, True]


def test_numbers_of_maps():
    regions = np.array([[0, 0, 1], [0, 2, -1]])
    assert region_figures([regions, np.zeros((2, 2), int), regions]) == dict(number=3.0, largest=0.5)
    assert region_figures([np.full((2, 2), -1)]) == dict(number=0.0, largest=0.0)
    assert relative_spread([np.ones((3, 3))]) == 0
    assert relative_spread([np.array([[1.0, 3.0]])]) == pytest.approx(0.5)


def test_ends_of_a_curve():
    assert ends_of(LossCurve((1, 2, 3, 4), (9.0, 3.0, 2.0, 1.0))) == (9.0, 2.0)
