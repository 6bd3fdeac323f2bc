"""Strong colours of single images."""

import numpy as np
import pytest

from mmdepthcp.datasets.transforms import StrongColours


def recoloured(seed, **settings):
    image = np.random.default_rng(0).integers(0, 256, (16, 20, 3), np.uint8)
    labels = image[..., 0].copy()
    results = StrongColours(**settings)(dict(img=image.copy(), gt_seg_map=labels, rng=np.random.default_rng(seed)))
    np.testing.assert_array_equal(results['gt_seg_map'], labels)
    assert results['img'].dtype == np.uint8 and results['img'].shape == image.shape
    return results['img'], image


def test_colours_depend_on_the_samples_generator():
    np.testing.assert_array_equal(recoloured(1)[0], recoloured(1)[0])
    assert len({recoloured(seed)[0].tobytes() for seed in range(9)}) > 5
    unchanged = [np.array_equal(*recoloured(seed, blur_prob=0.)) for seed in range(300)]
    assert np.mean(unchanged) == pytest.approx(0.2, abs=0.06)
    np.testing.assert_array_equal(*recoloured(1, jitter_prob=0., blur_prob=0.))


def test_without_a_generator():
    with pytest.raises(KeyError, match='SeededDataset'):
        StrongColours()(dict(img=np.zeros((4, 4, 3), np.uint8)))
