"""Average precision of objects."""

import numpy as np
import pytest
import torch

pytest.importorskip('mmdet')
from pycocotools import mask as rle

from mmdepthcp.evaluation.metrics.instances import StreetCocoMetric

HEIGHT, WIDTH = 100, 120


def encode(mask):
    return rle.encode(np.asfortranarray(mask.astype(np.uint8)))


def diagonal_object():
    """A thin object of 40 x 40 pixels of which 40 x 3 belong to it: medium by its box, small by its mask."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return (abs(rows - columns) <= 1) & (rows < 40) & (columns < 40)


@pytest.mark.parametrize('polygon', [False, True])
def test_size_is_that_of_the_mask(polygon):
    mask = diagonal_object()
    truth = [[0, 0, 4, 0, 40, 36, 40, 40, 36, 40, 0, 4]] if polygon else encode(mask)
    metric = StreetCocoMetric(metric=['segm'])
    metric.dataset_meta = dict(classes=('car',))
    instance = dict(bbox=[0, 0, 40, 40], bbox_label=0, ignore_flag=0, mask=truth)
    found = rle.decode(rle.merge(rle.frPyObjects(truth, HEIGHT, WIDTH))) if polygon else mask
    sample = dict(
        img_id=1, ori_shape=(HEIGHT, WIDTH), instances=[instance],
        pred_instances=dict(
            bboxes=torch.tensor([[0., 0, 40, 40]]), scores=torch.tensor([.9]), labels=torch.tensor([0]),
            masks=[encode(found)]))
    metric.process({}, [sample])
    scores = metric.evaluate(1)
    assert scores['coco/segm_mAP'] == 1
    assert scores['coco/segm_mAP_s'] == 1 and scores['coco/segm_mAP_m'] == -1

