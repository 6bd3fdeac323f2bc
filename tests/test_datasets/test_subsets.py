"""Folds and label fractions: partitions, nesting, independence of order, errors."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mmdepthcp.datasets import KITTIStreetDataset
from mmdepthcp.datasets.subsets import fold_of, fraction_of, select_images
from mmdepthcp.utils.errors import InputError

NAMES = [f'{number:06d}_10.png' for number in range(23)]


def chosen(names, **subset):
    return {names[index] for index in select_images(names, **subset)}


def test_folds_are_a_partition_of_equal_parts():
    folds = fold_of(NAMES, 5)
    assert sorted(np.bincount(folds)) == [4, 4, 5, 5, 5]
    parts = [chosen(NAMES, part='val', fold=fold) for fold in range(5)]
    assert set.union(*parts) == set(NAMES) and sum(map(len, parts)) == len(NAMES)
    for fold, part in enumerate(parts):
        assert chosen(NAMES, part='train', fold=fold) == set(NAMES) - part


def test_the_order_of_the_names_does_not_matter():
    shuffled = list(np.random.default_rng(1).permutation(NAMES))
    for subset in (dict(part='val', fold=2), dict(fraction=0.3), dict(part='train', fold=1, fraction=0.5, seed=3)):
        assert chosen(shuffled, **subset) == chosen(NAMES, **subset)


def test_seeds_draw_other_images_and_one_seed_the_same():
    assert chosen(NAMES, fraction=0.25, seed=0) == chosen(NAMES, fraction=0.25, seed=0)
    assert chosen(NAMES, fraction=0.25, seed=0) != chosen(NAMES, fraction=0.25, seed=1)
    assert chosen(NAMES, part='val', fold=0, seed=0) != chosen(NAMES, part='val', fold=0, seed=1)


def test_smaller_fractions_are_parts_of_larger_ones():
    sizes, before = [], set()
    for fraction in (1 / 30, 1 / 8, 1 / 4, 1):
        now = chosen(NAMES, fraction=fraction)
        assert before <= now
        sizes.append(len(now))
        before = now
    assert sizes == [1, 3, 6, 23]


def test_a_number_of_images_in_place_of_a_share():
    before = set()
    for count in (1, 3, 8, 12, 23):
        now = chosen(NAMES, count=count)
        assert len(now) == count and before <= now
        before = now
    assert chosen(NAMES, count=6) == chosen(NAMES, fraction=1 / 4)
    assert chosen(NAMES, count=6, seed=1) != chosen(NAMES, count=6)
    assert len(chosen(NAMES, part='train', fold=1, count=5)) == 5
    assert chosen(NAMES, part='val', fold=0, count=1) == chosen(NAMES, part='val', fold=0)


def test_validation_images_are_all_used():
    assert chosen(NAMES, part='val', fold=0, fraction=0.1) == chosen(NAMES, part='val', fold=0)
    assert len(fraction_of(NAMES, 0.001)) == 1


@pytest.mark.parametrize(('subset', 'message'), [
    (dict(count=0), r'count 0: must lie in 1\.\.23'),
    (dict(count=24), r'count 24: must lie in 1\.\.23'),
    (dict(count=3, fraction=0.5), r'count 3 and fraction 0\.5: give one'),
    (dict(fold=5), r'fold 5: must lie in 0\.\.4'),
    (dict(fold=-1), r'fold -1: must lie in 0\.\.4'),
    (dict(fold=0, num_folds=1), r'num_folds 1: must lie in 2\.\.23'),
    (dict(fold=0, num_folds=24), r'num_folds 24: must lie in 2\.\.23'),
    (dict(part='test'), "part 'test': must be one of train, val"),
    (dict(fraction=0), r'fraction 0: must lie in \(0, 1\]'),
    (dict(fraction=1.5), r'fraction 1.5: must lie in \(0, 1\]'),
])
def test_bad_subsets(subset, message):
    with pytest.raises(InputError, match=message):
        select_images(NAMES, **subset)


def kitti(root, **subset):
    for name in NAMES[:10]:
        path = Path(root, 'image_2', name)
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), np.zeros((4, 6, 3), np.uint8))
    return KITTIStreetDataset(data_root=str(root), data_prefix=dict(img_path='image_2'), pipeline=[], subset=subset)


def test_data_sets_take_a_subset(tmp_path):
    train, val = (kitti(tmp_path, part=part, fold=3) for part in ('train', 'val'))
    names = [{Path(data[index]['img_path']).name for index in range(len(data))} for data in (train, val)]
    assert names[0] == chosen(NAMES[:10], part='train', fold=3)
    assert names[1] == chosen(NAMES[:10], part='val', fold=3) and len(names[1]) == 2


def test_data_sets_say_which_fold_is_wrong(tmp_path):
    with pytest.raises(InputError, match=r'image_2: fold 7: must lie in 0\.\.4'):
        kitti(tmp_path, fold=7)
    with pytest.raises(InputError, match=r'subset .*folds'):
        kitti(tmp_path, folds=7)
