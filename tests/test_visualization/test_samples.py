"""Pictures of samples of every kind."""

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from mmseg.structures import SegDataSample

from mmdepthcp.structures import MixedViewsSample
from mmdepthcp.visualization.samples import draw_item, draw_labels, draw_mixture, draw_street_image

PALETTE = [[0, 0, 200], [200, 0, 0]]


def rng():
    return np.random.default_rng(0)


def test_labels_tint_in_their_rgb_colour():
    image = np.full((1, 3, 3), 100, np.uint8)
    picture = draw_labels(image, np.array([[0, 1, 255]]), PALETTE)
    assert picture.tolist() == [[[150, 50, 50], [50, 50, 150], [100, 100, 100]]]


def test_street_image_shows_what_is_there():
    image = np.full((4, 6, 3), 50, np.uint8)
    results = dict(img=image)
    assert draw_street_image(results).shape == (4, 6, 3)
    results.update(disparity=np.full((4, 6), 0.5, np.float32), regions=np.zeros((4, 6), np.int32),
                   gt_seg_map=np.zeros((8, 12), np.uint8))
    picture = draw_item(results, dict(palette=PALETTE), rng())['image']
    assert picture.shape == (4, 24, 3)
    assert (picture[:, :6] == 50).all() and (picture[:, 18:] == [125, 25, 25]).all()


def test_mixed_views_give_both_kinds_of_matches():
    sample = MixedViewsSample()
    matches = InstanceData(points=torch.tensor([[1.5, 1.5], [3.5, 2.5]]), views=torch.tensor([0, 1]),
                        groups=torch.tensor([0, 0]))
    sample.region_matches = sample.pixel_matches = matches
    item = dict(inputs=torch.zeros(4, 3, 10, 12, dtype=torch.uint8), data_samples=sample)
    pictures = draw_item(item, {}, rng())
    assert set(pictures) == {'region_matches', 'pixel_matches'}
    assert pictures['region_matches'].shape == (20, 24, 3) and pictures['region_matches'].any()


def test_clip_with_and_without_depth():
    sample = SegDataSample()
    inputs = dict(clean=torch.zeros(3, 3, 4, 6, dtype=torch.uint8), augmented=torch.ones(3, 3, 4, 6, dtype=torch.uint8))
    item = dict(inputs=inputs, data_samples=sample)
    assert draw_item(item, {}, rng())['clip'].shape == (8, 18, 3)
    depth = torch.zeros(1, 8, 12)
    depth[0, :4] = 5
    sample.set_field(PixelData(data=depth), 'gt_depth_map', dtype=PixelData)
    picture = draw_item(item, {}, rng())['clip']
    assert picture.shape == (12, 18, 3)
    assert picture[8:10, :6].any() and not picture[10:].any()


def test_packed_image_with_labels():
    sample = SegDataSample(gt_sem_seg=PixelData(data=torch.ones(1, 4, 6, dtype=torch.long)))
    item = dict(inputs=torch.full((3, 4, 6), 100, dtype=torch.uint8), data_samples=sample)
    picture = draw_item(item, dict(palette=PALETTE), rng())['image']
    assert picture.shape == (4, 12, 3) and (picture[:, 6:] == [50, 50, 150]).all()


def test_labelled_beside_unlabelled_and_their_mixture():
    images = [torch.full((3, 2, 3), value, dtype=torch.uint8) for value in (10, 90)]
    labelled = SegDataSample(gt_sem_seg=PixelData(data=torch.ones(1, 2, 3, dtype=torch.long)))
    unlabelled = labelled.clone()
    unlabelled.gt_depth_map = PixelData(data=torch.tensor([[[0, .2, .4]] * 2]))
    pictures = draw_item(
        dict(labelled=dict(inputs=images[0], data_samples=labelled),
             unlabelled=dict(inputs=images[1], data_samples=unlabelled)), dict(palette=PALETTE), rng())
    assert pictures['labelled'].shape == (2, 6, 3) and pictures['unlabelled'].shape == (2, 9, 3)
    assert not pictures['unlabelled'][:, 6].any() and pictures['unlabelled'][:, 8].any()
    mixture = draw_mixture(images, torch.tensor([[True, False, True]] * 2))
    assert mixture[0, :, 0].tolist() == [10] * 3 + [90] * 3 + [255, 0, 255] + [10, 90, 10]


def test_other_items_are_refused():
    with pytest.raises(TypeError, match='is no sample that can be drawn'):
        draw_item(dict(a=1), {}, rng())
