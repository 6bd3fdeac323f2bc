"""How segmentors without labels are asked: windows, and a random field."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import init_default_scope
from mmseg.structures import SegDataSample

from mmdepthcp.evaluation.functional.clustering import class_log_probabilities, cluster_log_probabilities
from mmdepthcp.evaluation.functional.crf import CRFSettings, dense_crf
from mmdepthcp.models.segmentors.inference import InferenceSettings, picture_of, slide
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError

BACKBONE = dict(type='FrozenFeatures', backbone=dict(
    type='mmseg.ResNet', depth=18, base_channels=8, stem_channels=8, out_indices=(0, 1), style='pytorch'))


@pytest.fixture
def build():
    init_default_scope('mmdepthcp')

    def made(**settings):
        torch.manual_seed(0)
        return MODELS.build(dict(type='UnsupervisedSegmentor', backbone=BACKBONE, clusters=dict(
            type='ClusterProbe', in_channels=24, num_clusters=5), **settings)).eval()

    return made


def test_probabilities_of_clusters_by_hand():
    """Numbers of the specification of DepthG, E6: log softmax of twice the cosines."""
    features = torch.tensor([[3., 4.], [-1., 0.]]).T.reshape(2, 1, 2)
    found = cluster_log_probabilities(features, torch.eye(2), torch.arange(2), (1, 2), sharpness=2)
    torch.testing.assert_close(found[:, 0].T, torch.tensor([[-.913015, -.513015], [-2.126928, -.126928]]))


def test_probabilities_follow_features_that_are_resized_first():
    features, directions = torch.randn(6, 3, 4), F.normalize(torch.randn(9, 6), dim=1)
    clusters = torch.tensor([0, 2, 1, 1, 0, 2, 2, 1, 0])
    larger = F.interpolate(features[None], (150, 200), mode='bilinear', align_corners=False)[0]
    cosines = torch.einsum('kd,dyx->kyx', directions, F.normalize(larger, dim=0))
    best = torch.stack([cosines[clusters == index].amax(0) for index in range(3)])
    found = cluster_log_probabilities(features, directions, clusters, (150, 200), sharpness=3)
    torch.testing.assert_close(found, (3 * best).log_softmax(0), atol=1e-5, rtol=1e-5)
    weights, biases = torch.randn(4, 6), torch.randn(4)
    scores = torch.einsum('cd,dyx->cyx', weights, larger) + biases[:, None, None]
    torch.testing.assert_close(class_log_probabilities(features, weights, biases, (150, 200)), scores.log_softmax(0),
                               atol=1e-5, rtol=1e-5)


def pooled(images):
    return F.avg_pool2d(images, 8)


@pytest.mark.parametrize(('size', 'crop', 'stride'), [
    ((32, 64), (32, 32), (32, 16)), ((40, 56), (16, 24), (16, 16)), ((16, 64), (32, 32), (8, 8)),
    ((24, 24), (24, 24), (8, 8))])
def test_windows_of_local_features_make_the_whole_map(size, crop, stride):
    images = torch.randn(2, 3, *size)
    torch.testing.assert_close(slide(pooled, images, crop, stride), pooled(images))


def test_where_windows_overlap_they_share():
    images = torch.zeros(1, 1, 8, 24)
    numbers = iter((1., 4.))
    found = slide(lambda window: torch.full((1, 1, 1, 2), next(numbers)), images, (8, 16), (8, 8))
    assert found[0, 0, 0].tolist() == [1, 2.5, 4]
    with pytest.raises(InputError, match=r'columns \[0, 4, 8\].*multiples of \[8, 8\]'):
        slide(pooled, images, (8, 16), (8, 4))


def test_a_segmentor_in_windows(build):
    inputs = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    whole, same = build(), build(test_cfg=dict(mode='slide', crop_size=(64, 96), stride=(64, 64)))
    other = build(test_cfg=dict(mode='slide', crop_size=(32, 32), stride=(16, 16)))
    for model in (whole, same, other):  # what is seen depends on what is around it
        model.extract_feat = lambda window: F.avg_pool2d(window - window.mean((2, 3), keepdim=True), 16)
        model.directions_and_clusters = lambda: (F.normalize(torch.randn(
            5, 3, generator=torch.Generator().manual_seed(1)), dim=1), torch.arange(5))
    maps = [model(inputs, mode='predict')[0].pred_sem_seg.data for model in (whole, same, other)]
    assert torch.equal(maps[0], maps[1]) and not torch.equal(maps[0], maps[2])
    assert (maps[0] == maps[2]).float().mean() > .5


def test_a_segmentor_with_a_random_field(build):
    rng = np.random.default_rng(0)
    model = build(test_cfg=dict(crf=dict(iterations=4)))
    image = torch.from_numpy(rng.integers(0, 255, (3, 30, 50), np.uint8))
    batch = model.data_preprocessor(dict(inputs=[image], data_samples=[SegDataSample(metainfo=dict(
        ori_shape=(30, 50), img_shape=(30, 50)))]))
    inputs = F.pad(batch['inputs'], (0, 14, 0, 2))
    batch['data_samples'][0].set_metainfo(dict(img_padding_size=(0, 14, 0, 2)))
    sample, = model(inputs, batch['data_samples'], mode='predict')
    shown = picture_of(inputs[0], model.data_preprocessor, (30 / 32, 50 / 64), (30, 50))
    assert np.array_equal(shown, image.numpy()[::-1].transpose(1, 2, 0))
    logs = cluster_log_probabilities(model.extract_feat(inputs)[0], *model.directions_and_clusters(), (30, 50),
                                     (30 / 32, 50 / 64), 2)
    expected = dense_crf(shown, logs.detach().numpy(), CRFSettings(iterations=4)).argmax(0)
    assert np.array_equal(sample.pred_sem_seg.data[0], expected)
    plain, = build()(inputs, batch['data_samples'], mode='predict')
    assert not np.array_equal(plain.pred_sem_seg.data[0], expected)


@pytest.mark.parametrize(('settings', 'words'), [
    (dict(mode='slides'), "'whole' or 'slide'"), (dict(mode='slide'), 'needs crop_size and stride'),
    (dict(crf=dict(far_deviation=0)), 'deviations are positive')])
def test_settings_that_cannot_be(settings, words):
    with pytest.raises(InputError, match=words):
        InferenceSettings.of(settings)


def test_kmeans_beside_the_clusters(build, tmp_path):
    """Three surfaces of different colours are three clusters of the features, and are scored as such."""
    from types import SimpleNamespace

    from mmengine.config import Config

    from mmdepthcp.engine.hooks import KMeansHook

    rng = np.random.default_rng(0)
    colours = np.array([[200, 30, 30], [30, 200, 30], [30, 30, 200], [200, 200, 30], [30, 200, 200]])
    model = build()
    model.extract_feat = lambda inputs: F.avg_pool2d(inputs, 4)
    model.directions_and_clusters = lambda: (torch.eye(3), torch.arange(3))
    truth = rng.integers(0, 5, (4, 8, 8)).repeat(4, 1).repeat(4, 2)
    images = [torch.from_numpy(np.uint8(colours[each])).permute(2, 0, 1) for each in truth]
    runner = SimpleNamespace(
        model=model, seed=3, cfg=Config(dict(bank_dataloader=dict())), logger=SimpleNamespace(info=print),
        build_dataloader=lambda loader, seed: [dict(inputs=[image]) for image in images])
    KMeansHook(standardise=True).before_test(runner)
    inputs = model.data_preprocessor(dict(inputs=images))['inputs']
    found = torch.stack([sample.pred_kmeans_seg.data[0] for sample in model(inputs, mode='predict')])[:, 1::4, 1::4]
    pairs = set(zip(truth[:, 1::4, 1::4].ravel().tolist(), found.flatten().tolist(), strict=True))
    assert len(pairs) == 5
    first = model.kmeans
    KMeansHook(standardise=True).before_test(runner)
    assert all(torch.equal(one, other) for one, other in zip(first, model.kmeans, strict=True))
    runner.cfg = Config()
    with pytest.raises(InputError, match='no bank_dataloader'):
        KMeansHook().before_test(runner)
