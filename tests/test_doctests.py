"""The examples in the docstrings of the core."""

import doctest
import importlib

import pytest

MODULES = [
    'engine.schedules', 'evaluation.functional.clustering', 'evaluation.functional.knn',
    'evaluation.functional.segmentation', 'geometry.affine', 'geometry.depth_maps', 'geometry.points', 'geometry.pose',
    'geometry.view_synthesis', 'grouping.clustering', 'grouping.quality', 'models.losses.correlation',
    'models.losses.hidden_positive', 'models.losses.swapped_prediction', 'models.losses.view_synthesis',
    'sampling.farthest', 'views.crops',
]


@pytest.mark.parametrize('name', MODULES)
def test_examples(name):
    failed, attempted = doctest.testmod(importlib.import_module(f'mmdepthcp.{name}'))
    assert attempted and not failed
