import copy
import math

import numpy as np
import pytest
import torch
import torch.multiprocessing as mp
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData, PixelData
from mmseg.models.segmentors import EncoderDecoder
from mmseg.structures import SegDataSample

from mmdepthcp.models import DepthCP, DepthCPDataPreprocessor, SemanticFPNFeatures
from mmdepthcp.registry import MODELS
from mmdepthcp.structures import MixedViewsSample
from mmdepthcp.utils.checkpoint import check_fit
from mmdepthcp.utils.errors import InputError

TINY_RESNET = dict(
    type='mmpretrain.ResNet', depth=18, stem_channels=8, base_channels=8, out_indices=(0, 1, 2, 3))
PREPROCESSOR = dict(
    type='DepthCPDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True)


@pytest.fixture(autouse=True)
def scope_of_the_configs():
    with DefaultScope.overwrite_default_scope('mmdepthcp'):
        yield


def model_config(backbone=None, channels=(8, 16, 32, 64), **settings):
    return dict(
        type='DepthCP',
        backbone=backbone or TINY_RESNET,
        neck=dict(type='mmseg.FPN', in_channels=list(channels), out_channels=16, num_outs=4),
        decode_head=dict(
            type='SemanticFPNFeatures', in_channels=[16] * 4, channels=16, feature_strides=[4, 8, 16, 32],
            norm_cfg=dict(type='GN', num_groups=4)),
        **{'num_prototypes': 20, 'num_clusters': 5, 'projection_channels': 12, **settings})


def build(seed=0, **settings):
    torch.manual_seed(seed)
    model = MODELS.build(model_config(**settings))
    model.init_weights()
    return model


def matches(rng, points, views, groups, size):
    return InstanceData(
        points=torch.from_numpy((rng.random((points, 2)) * size[::-1]).astype(np.float32)),
        views=torch.from_numpy(rng.integers(0, views, points)),
        groups=torch.from_numpy(np.unique(rng.integers(0, groups, points), return_inverse=True)[1]))


def item(seed=0, views=2, size=(32, 64), region_points=40, pixel_points=30):
    rng = np.random.default_rng(seed)
    sample = MixedViewsSample()
    sample.region_matches = matches(rng, region_points, views, 6, size)
    sample.pixel_matches = matches(rng, pixel_points, views, 12, size)
    inputs = torch.from_numpy(rng.integers(0, 256, (views, 3, *size), dtype=np.uint8))
    return dict(inputs=inputs, data_samples=sample)


def batch(*items):
    return dict(inputs=[one['inputs'] for one in items], data_samples=[one['data_samples'] for one in items])


def losses_of(model, data):
    return model(**model.data_preprocessor(data, training=True), mode='loss')


def total(losses):
    return sum(value for name, value in losses.items() if 'loss' in name)


def test_preprocessor_joins_items_and_normalises_views():
    preprocessor = MODELS.build(PREPROCESSOR)
    first, second = item(0), item(1, views=4)
    data = preprocessor(batch(first, second), training=True)
    inputs, samples = data['inputs'], data['data_samples']
    assert inputs.shape == (6, 3, 32, 64)
    pixel = first['inputs'][1, :, 5, 7].double().flip(0).numpy()
    np.testing.assert_allclose(
        inputs[1, :, 5, 7], (pixel - PREPROCESSOR['mean']) / np.array(PREPROCESSOR['std']), rtol=1e-5)
    assert samples['num_items'] == 2
    region = samples['region']
    first_groups = int(first['data_samples'].region_matches['groups'].max()) + 1
    assert torch.equal(region.views[40:], second['data_samples'].region_matches['views'] + 2)
    assert torch.equal(region.groups[40:], second['data_samples'].region_matches['groups'] + first_groups)
    assert region.num_groups == int(region.groups.max()) + 1


def test_views_and_features_are_channels_last():
    model = build()
    inputs = DepthCPDataPreprocessor()(batch(item()), training=True)['inputs']
    assert torch.equal(inputs, item()['inputs'].float())
    for maps in (inputs, model.extract_feat(inputs)):
        assert maps.is_contiguous(memory_format=torch.channels_last)


def test_preprocessor_refuses_views_of_different_size():
    with pytest.raises(InputError, match=r'\(32, 32\), \(32, 64\)'):
        MODELS.build(PREPROCESSOR)(batch(item(), item(size=(32, 32))), training=True)


def test_loss_reports_what_shows_whether_it_learns():
    model = build()
    losses = losses_of(model, batch(item(0), item(1)))
    assert set(losses) == {
        f'{level}{what}' for level in ('pixel', 'region') for what in ('_to_lnk', '_usage', '_matches')
    } | {'loss_pixel', 'loss_region'}
    assert losses['region_matches'] == 40 and losses['pixel_matches'] == 30
    assert losses['loss_region'].item() == pytest.approx(0.5 * math.log(20) * losses['region_to_lnk'].item())
    assert 1 / 20 <= losses['region_usage'] <= 1
    torch.testing.assert_close(model.prototypes.weight.norm(dim=1), torch.ones(20))


def test_every_parameter_gets_a_gradient():
    model = build()
    total(losses_of(model, batch(item()))).backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None] == []


def test_weight_zero_leaves_a_level_out():
    losses = losses_of(build(pixel_weight=1, region_weight=0), batch(item()))
    assert not any(name.endswith('region') or name.startswith('region') for name in losses)


def test_loss_falls_on_one_batch():
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    data = batch(item())
    seen = []
    for _ in range(15):
        loss = total(losses_of(model, data))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    assert seen[-1] < 0.9 * seen[0]


def test_item_without_pixel_matches_trains_on_and_is_told(caplog, monkeypatch):
    model = build()
    monkeypatch.setattr(MMLogger.get_current_instance(), 'handlers', [caplog.handler])
    losses = losses_of(model, batch(item(pixel_points=0)))
    assert losses['loss_pixel'] == 0 and losses['pixel_matches'] == 0
    total(losses).backward()
    assert all(weight.grad.isfinite().all() for weight in model.parameters())
    assert 'no valid pixel match' in caplog.text
    lonely = build()
    total(losses_of(lonely, batch(item(pixel_points=0, region_points=0)))).backward()
    assert not any(weight.grad.any() for weight in lonely.parameters())


def test_items_of_a_batch_do_not_share_regions():
    """Twice the same item: with colliding group ids the targets would not change, the features of both are pooled."""
    model = build().eval()
    one = losses_of(model, batch(item()))
    two = losses_of(model, batch(item(), item()))
    torch.testing.assert_close(one['loss_region'], two['loss_region'], atol=1e-5, rtol=1e-5)
    data = model.data_preprocessor(batch(item(), item(1)), training=True)
    assert data['data_samples']['region'].num_groups == 12


def test_nan_ends_in_words():
    model = build()
    with torch.no_grad():
        model.projector[0].bias[0] = float('nan')
    with pytest.raises(FloatingPointError, match='learning rate'):
        losses_of(model, batch(item()))


def test_autocast_keeps_the_loss_in_float32():
    model = build()
    expected = total(losses_of(copy.deepcopy(model), batch(item())))
    with torch.autocast('cpu', torch.bfloat16):
        assert model(item()['inputs'].float(), mode='tensor').dtype == torch.bfloat16
    with torch.autocast('cpu', torch.bfloat16):
        loss = total(losses_of(model, batch(item())))
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, expected, atol=0.05, rtol=0.05)
    loss.backward()
    assert all(weight.grad.isfinite().all() for weight in model.parameters())


@pytest.mark.parametrize('backbone, channels', [
    (dict(type='mmpretrain.ResNet', depth=50, stem_channels=8, base_channels=8, out_indices=(0, 1, 2, 3)),
     (32, 64, 128, 256)),
    (dict(type='mmseg.ResNetV1c', depth=18, stem_channels=8, base_channels=8), (8, 16, 32, 64)),
    (dict(type='mmpretrain.ConvNeXt', arch=dict(depths=[1, 1, 1, 1], channels=[8, 16, 24, 32]),
          out_indices=(0, 1, 2, 3), gap_before_final_norm=False), (8, 16, 24, 32)),
    (dict(type='mmpretrain.SwinTransformer', img_size=64, out_indices=(0, 1, 2, 3), window_size=4, pad_small_map=True,
          arch=dict(embed_dims=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2])), (8, 16, 32, 64)),
    (dict(type='mmseg.MixVisionTransformer', embed_dims=8, num_layers=[1, 1, 1, 1], num_heads=[1, 1, 2, 2]),
     (8, 8, 16, 16)),
], ids=['R-50', 'R-18 of mmseg', 'ConvNeXt', 'Swin', 'MiT of mmseg'])
def test_backbones_with_four_stages(backbone, channels):
    model = build(backbone=backbone, channels=channels)
    losses = losses_of(model, batch(item(size=(64, 64))))
    total(losses).backward()
    assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 12, 16, 16)


@pytest.mark.parametrize('change, words', [
    (dict(backbone=dict(type='mmpretrain.ResNet', depth=18, stem_channels=8, base_channels=8)),
     r'1 feature map.*\[64\].*out_indices'),
    (dict(channels=(16, 32, 64, 128)), r'\[8, 16, 32, 64\].*\[16, 32, 64, 128\]'),
])
def test_backbone_outputs_that_do_not_fit_the_neck(change, words):
    with pytest.raises(InputError, match=words):
        build(**change).eval()(torch.zeros(1, 3, 32, 32))


@pytest.mark.parametrize('settings', [
    dict(pixel_weight=0, region_weight=0), dict(pixel_weight=-1), dict(num_clusters=21), dict(num_clusters=0),
    dict(cluster_by='colour'), dict(cluster_beside=['areas', 'colour'])])
def test_settings_that_make_no_sense(settings):
    with pytest.raises(InputError):
        build(**settings)


def predict(model, size, ori_shape, preprocessor=None):
    sample = SegDataSample(metainfo=dict(ori_shape=ori_shape, img_shape=size))
    sample.gt_sem_seg = PixelData(data=torch.zeros(1, *ori_shape, dtype=torch.long))
    image = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, *size), dtype=np.uint8))
    model.eval()
    data = (preprocessor or model.data_preprocessor)(dict(inputs=[image], data_samples=[sample]), training=False)
    return model(**data, mode='predict')[0]


@pytest.mark.parametrize('size, ori_shape', [((33, 65), (50, 101)), ((32, 64), (32, 64)), ((47, 31), (11, 13))])
def test_predict_gives_clusters_at_label_size(size, ori_shape):
    model = build()
    result = predict(model, size, ori_shape)
    clusters = result.pred_sem_seg.data
    assert clusters.shape == (1, *ori_shape)
    assert clusters.min() >= 0 and clusters.max() < 5
    assert 'gt_sem_seg' in result


def test_predict_follows_the_prototypes():
    model = build()
    before = predict(model, (32, 64), (32, 64)).pred_sem_seg.data
    with torch.no_grad():
        model.prototypes.weight.copy_(torch.randn(20, 12, generator=torch.Generator().manual_seed(5)))
    after = predict(model, (32, 64), (32, 64)).pred_sem_seg.data
    fresh = copy.deepcopy(model)
    fresh._clustered.clear()
    assert torch.equal(after, predict(fresh, (32, 64), (32, 64)).pred_sem_seg.data)
    assert not torch.equal(before, after)


def test_features_tell_which_prototypes_belong_together():
    model = build(cluster_by='features', num_clusters=2)
    means = torch.eye(12)[torch.arange(20) % 2]
    model.feature_sums.copy_(means * torch.arange(1, 21)[:, None])
    clusters = model.directions_and_clusters()[1]
    assert (clusters[::2] == clusters[0]).all() and (clusters[1::2] == clusters[1]).all()
    assert clusters[0] != clusters[1]


def test_few_pixels_that_lie_apart_get_no_cluster_by_areas():
    """Of 20 features on a half circle the first 16 lie within 60°, the others, of few pixels, at 180°."""
    angles = torch.cat([torch.tensor([0., 60.]).repeat(8), torch.full((4,), 180.)]).deg2rad()
    means = torch.zeros(20, 12)
    means[:, 0], means[:, 1] = angles.cos(), angles.sin()
    model = build(cluster_by='areas', cluster_beside=['features'], num_clusters=2)
    model.feature_sums.copy_(means)
    model.feature_sums[:16] *= 100
    by_areas, by_features = model.directions_and_clusters()[1], model.clusters_beside()['features']
    assert (by_areas[:16:2] == by_areas[0]).all() and (by_areas[1:16:2] == by_areas[1]).all()
    assert by_areas[0] != by_areas[1]
    assert (by_features[:16] == by_features[0]).all() and (by_features[16:] != by_features[0]).all()


def test_other_clusters_are_those_of_a_model_that_goes_by_them():
    model = build(cluster_by='areas', cluster_beside=['prototypes', 'features'])
    model.feature_sums.copy_(torch.randn(20, 12, generator=torch.Generator().manual_seed(3)))
    result = predict(model, (32, 64), (32, 64))
    for name in model.cluster_beside:
        other = build(cluster_by=name)
        other.load_state_dict(model.state_dict())
        expected = predict(other, (32, 64), (32, 64)).pred_sem_seg.data
        assert torch.equal(result.get(f'pred_{name}_seg').data, expected)


def test_a_prototype_never_chosen_stands_for_itself():
    model = build(cluster_by='features', num_clusters=2)
    with torch.no_grad():
        model.prototypes.weight.copy_(torch.eye(12)[torch.arange(20) % 2])
    model.feature_sums[:10] = 3 * torch.eye(12)[torch.arange(10) % 2]
    clusters = model.directions_and_clusters()[1]
    assert torch.equal(clusters[:10], clusters[10:])


def test_predict_leaves_padding_out(monkeypatch):
    """Projections that are one left of column 40 of the padded 64 columns, another right of it; the image has 40."""
    model = build()
    padding = MODELS.build(dict(PREPROCESSOR, test_cfg=dict(size=(32, 64))))
    projections = torch.zeros(1, 12, 8, 16)
    projections[:, :, :, :10], projections[:, :, :, 10:] = model.prototypes.weight[0, :, None, None], 0
    projections[:, :, :, 10:] = -model.prototypes.weight[0, :, None, None]
    monkeypatch.setattr(model, 'extract_feat', lambda inputs: projections)
    clusters = predict(model, (32, 40), (64, 80), padding).pred_sem_seg.data[0]
    assert clusters.shape == (64, 80)
    assert (clusters[:, :-2] == clusters[0, 0]).all()


def test_predict_without_data_samples():
    assert build().eval()(torch.zeros(1, 3, 32, 64), mode='predict')[0].pred_sem_seg.data.shape == (1, 32, 64)


def test_weights_load_into_semantic_fpn_of_mmseg(tmp_path):
    torch.save(build().state_dict(), tmp_path / 'weights.pth')
    state = torch.load(tmp_path / 'weights.pth', weights_only=True)
    segmentor = EncoderDecoder(
        backbone=dict(type='mmseg.ResNet', depth=18, stem_channels=8, base_channels=8),
        neck=dict(type='mmseg.FPN', in_channels=[8, 16, 32, 64], out_channels=16, num_outs=4),
        decode_head=dict(
            type='mmseg.FPNHead', in_channels=[16] * 4, in_index=[0, 1, 2, 3], feature_strides=[4, 8, 16, 32],
            channels=16, num_classes=7, norm_cfg=dict(type='GN', num_groups=4),
            loss_decode=dict(type='mmseg.CrossEntropyLoss')),
        data_preprocessor=dict(type='mmseg.SegDataPreProcessor'))
    keys = segmentor.load_state_dict(state, strict=False)
    assert set(keys.missing_keys) == {'decode_head.conv_seg.weight', 'decode_head.conv_seg.bias'}
    assert all(name.startswith(('projector.', 'prototypes.', 'feature_sums')) for name in keys.unexpected_keys)


def test_checkpoint_without_prototypes_is_named():
    state = {name: value for name, value in build().state_dict().items() if not name.startswith('prototypes')}
    with pytest.raises(InputError, match=r'other\.pth: a checkpoint of another model.*prototypes\.weight'):
        check_fit(build(), state, 'other.pth')


def test_semantic_fpn_features_have_no_classifier():
    head = SemanticFPNFeatures(in_channels=[8, 8], channels=8, feature_strides=[4, 8], norm_cfg=dict(type='BN'))
    assert not any('conv_seg' in name for name in head.state_dict())
    assert head([torch.zeros(1, 8, 8, 8), torch.zeros(1, 8, 4, 4)]).shape == (1, 8, 8, 8)


ITEMS = (dict(seed=0), dict(seed=1, region_points=25, pixel_points=0))


def _run_rank(rank, port, folder):
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
    model = build().eval()
    wrapped = torch.nn.parallel.DistributedDataParallel(model)
    losses = wrapped(**model.data_preprocessor(batch(item(**ITEMS[rank])), training=True), mode='loss')
    total(losses).backward()
    torch.save(dict(
        loss=total(losses).detach(), grads={name: weight.grad for name, weight in model.named_parameters()},
        usage=losses['region_usage']), f'{folder}/{rank}.pt')
    torch.distributed.barrier()


def test_two_processes_train_as_one(tmp_path, unused_port):
    """One item per process, with unequal numbers of matches and none at all, against both items in one batch."""
    mp.start_processes(_run_rank, (unused_port, str(tmp_path)), nprocs=2, start_method='fork')
    ranks = [torch.load(tmp_path / f'{rank}.pt') for rank in range(2)]
    model = build().eval()
    losses = losses_of(model, batch(*(item(**settings) for settings in ITEMS)))
    loss = total(losses)
    loss.backward()
    torch.testing.assert_close((ranks[0]['loss'] + ranks[1]['loss']) / 2, loss.detach(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ranks[0]['usage'], losses['region_usage'])
    for name, weight in model.named_parameters():
        for rank in ranks:
            torch.testing.assert_close(rank['grads'][name], weight.grad, atol=2e-5, rtol=1e-3)


def test_depthcp_is_the_registered_model():
    assert MODELS.get('mmdepthcp.DepthCP') is DepthCP
