"""Segmentation without labels: the cluster probe, and any trunk with it."""

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmseg.structures import SegDataSample

from mmdepthcp.models import DepthCP, UnsupervisedSegmentor
from mmdepthcp.models.probes import ClusterProbe
from mmdepthcp.models.segmentors import SegmentsByClusters
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError

BACKBONE = dict(type='FrozenFeatures', backbone=dict(
    type='mmseg.ResNet', depth=18, base_channels=8, stem_channels=8, out_indices=(0, 1), style='pytorch'))


def probe_of(centres, standardise=False):
    centres = torch.tensor(centres, dtype=torch.float32)
    probe = ClusterProbe(centres.shape[1], len(centres), standardise)
    probe.centres.data.copy_(centres)
    return probe


@pytest.fixture
def segmentor():
    init_default_scope('mmdepthcp')
    torch.manual_seed(0)
    return MODELS.build(dict(type='UnsupervisedSegmentor', backbone=BACKBONE, clusters=dict(
        type='ClusterProbe', in_channels=24, num_clusters=5, standardise=True)))


def test_worked_example():
    """Numbers of the specification of DepthG, E6."""
    probe = probe_of([[1, 0], [0, 2]])
    features = torch.tensor([[3., 4.], [-1., 0.]]).T.reshape(1, 2, 1, 2)
    assert probe.loss(features)['loss_cluster'].item() == pytest.approx(-0.4)
    assert probe.loss(features)['cluster_usage'] == 0.5


@pytest.mark.parametrize('seed', range(3))
def test_loss_equals_numpy(seed):
    rng = np.random.default_rng(seed)
    centres, features = rng.normal(size=(4, 6)), rng.normal(size=(2, 6, 3, 5))
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    cosines = np.einsum('kc,bcyx->bkyx', centres / np.linalg.norm(centres, axis=1, keepdims=True), unit)
    found = probe_of(centres).loss(torch.tensor(features, dtype=torch.float32))['loss_cluster']
    assert found.item() == pytest.approx(-cosines.max(1).mean(), abs=1e-6)


def test_only_the_centres_learn():
    features = torch.randn(1, 3, 4, 4, requires_grad=True)
    probe = ClusterProbe(3, 2)
    probe.loss(features)['loss_cluster'].backward()
    assert features.grad is None and probe.centres.grad.abs().sum() > 0


def test_half_precision_gives_the_same_clusters():
    features = torch.randn(1, 8, 4, 4)
    probe = ClusterProbe(8, 3)
    half, full = (probe.loss(given)['loss_cluster'].item() for given in (features.bfloat16(), features))
    assert half == pytest.approx(full, abs=1e-2)
    assert probe(features.bfloat16()).dtype == torch.float32


def test_no_cluster_is_refused():
    with pytest.raises(InputError, match='num_clusters 0 must be at least 1'):
        ClusterProbe(3, 0)


def test_separate_directions_are_found():
    torch.manual_seed(0)
    centres = torch.eye(3)
    labels = torch.randint(3, (2, 8, 8))
    features = centres[labels].permute(0, 3, 1, 2) + 0.1 * torch.randn(2, 3, 8, 8)
    probe = probe_of([[1, .2, 0], [.2, 1, .1], [0, .1, 1]])
    optimizer = torch.optim.Adam(probe.parameters(), 0.05)
    before = probe.loss(features)['loss_cluster'].item()
    for _ in range(50):
        optimizer.zero_grad()
        loss = probe.loss(features)['loss_cluster']
        loss.backward()
        optimizer.step()
    assert loss < before < -0.8
    assert torch.equal((probe.directions_and_clusters()[0] @ features.flatten(2)).argmax(1).view_as(labels), labels)


def test_any_trunk_segments(segmentor):
    samples = [SegDataSample(metainfo=dict(ori_shape=(40, 50), img_padding_size=(0, 14, 0, 0)))]
    segmentor.eval()
    sample, = segmentor(torch.randn(1, 3, 32, 64), samples, 'predict')
    clusters = sample.pred_sem_seg.data
    assert clusters.shape == (1, 40, 50) and clusters.dtype == torch.int64 and 0 <= clusters.min() <= clusters.max() < 5
    assert sample.num_clusters == segmentor.num_clusters == 5
    assert segmentor(torch.randn(1, 3, 32, 64)).shape == (1, 24, 8, 16)


def test_trunk_stays_as_it_is(segmentor):
    segmentor.train()
    before = {name: tensor.clone() for name, tensor in segmentor.backbone.state_dict().items()}
    optimizer = torch.optim.Adam(segmentor.parameters(), 0.01)
    losses = segmentor(torch.randn(2, 3, 32, 32), None, 'loss')
    losses['loss_cluster'].backward()
    optimizer.step()
    assert all(torch.equal(before[name], tensor) for name, tensor in segmentor.backbone.state_dict().items())
    assert {name for name, value in segmentor.named_parameters() if value.grad is not None} == {'clusters.centres'}


def test_models_say_that_they_segment(segmentor):
    assert isinstance(segmentor, SegmentsByClusters) and issubclass(DepthCP, SegmentsByClusters)
    assert MODELS.get('UnsupervisedSegmentor') is UnsupervisedSegmentor
    with pytest.raises(ValueError, match='mode must be'):
        segmentor(torch.zeros(1, 3, 32, 32), mode='train')
