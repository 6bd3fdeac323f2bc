from types import SimpleNamespace

import pytest
import torch

from mmdepthcp.registry import HOOKS


class Log:
    def __init__(self):
        self.lines = []

    def warning(self, line):
        self.lines.append(line)


def look(hook, iteration, **outputs):
    runner = SimpleNamespace(iter=iteration - 1, logger=Log())
    outputs = dict(loss=1., disparity_std=.1) | outputs
    hook.after_train_iter(runner, 0, outputs={name: torch.tensor(value) for name, value in outputs.items()})
    return runner.logger.lines


def test_constant_depth_is_told_once():
    hook = HOOKS.build(dict(type='MonoDepthWatchHook', interval=10, start=100))
    assert not look(hook, 90, disparity_std=1e-5)
    assert not look(hook, 105, disparity_std=1e-5)
    assert 'constant' in look(hook, 110, disparity_std=1e-5)[0]
    assert not look(hook, 120, disparity_std=1e-5)
    assert not look(hook, 130)
    assert look(hook, 140, disparity_std=1e-5)


def test_a_wrong_direction_is_told_at_the_second_look():
    hook = HOOKS.build(dict(type='MonoDepthWatchHook', interval=10, start=100))
    assert not look(hook, 80, heading=-.9) and not look(hook, 90, heading=-.9)
    assert not look(hook, 100, heading=-.9)
    assert 'elsewhere than it looks (cosine -0.90)' in look(hook, 110, heading=-.9)[0]
    assert not look(hook, 120, heading=-.9)
    assert not look(hook, 130, heading=.9) and not look(hook, 140, heading=.4)
    assert look(hook, 150, **{'labelled.heading': .9, 'unlabelled.heading': .4})
    sideways = HOOKS.build(dict(type='MonoDepthWatchHook', interval=10, start=10, min_heading=None))
    assert not any(look(sideways, iteration, heading=0.) for iteration in (10, 20, 30))


def test_all_kinds_of_clips_are_watched():
    hook = HOOKS.build(dict(type='MonoDepthWatchHook', interval=10, start=10))
    kinds = {'labelled.disparity_std': .1, 'unlabelled.disparity_std': .1}
    assert not look(hook, 10, **kinds)
    assert 'constant' in look(hook, 20, **{**kinds, 'labelled.disparity_std': 1e-5})[0]


def test_loss_that_is_not_finite_ends_training_in_words():
    hook = HOOKS.build(dict(type='MonoDepthWatchHook', interval=10))
    with pytest.raises(FloatingPointError, match='iteration 10: loss_photometric not finite'):
        look(hook, 10, loss_photometric=float('nan'))
