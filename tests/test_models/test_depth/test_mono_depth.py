import copy
import math

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.structures import BaseDataElement

from mmdepthcp.geometry import inverse_pose, pose_matrix
from mmdepthcp.models.depth import blend_with_mirror
from mmdepthcp.models.depth.network import target_frame
from mmdepthcp.models.losses import view_synthesis
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError

K = torch.tensor([[.6, 0, .5], [0, 1.2, .5], [0, 0, 1]], dtype=torch.float64)
SMALL = dict(stem_channels=8, base_channels=8)
ENCODER = dict(type='DepthResNet', depth=18, **SMALL)


def config(learn_intrinsics=False, **options):
    return dict(
        type='MonoDepth', backbone=copy.deepcopy(ENCODER),
        decode_head=dict(type='DepthDecoder', in_channels=(8, 8, 16, 32, 64)),
        pose_net=dict(type='PoseNet', encoder=dict(ENCODER, in_channels=6), in_channels=64,
                      learn_intrinsics=learn_intrinsics),
        **options)


def build(seed=0, **options):
    torch.manual_seed(seed)
    model = MODELS.build(config(**options))
    model.init_weights()
    return model


def sample(intrinsics=K, **metainfo):
    element = BaseDataElement(metainfo=metainfo)
    if intrinsics is not None:
        element.set_data(dict(intrinsics=intrinsics))
    return element


def batch(size=2, frames=3, height=64, width=96, seed=0, intrinsics=K):
    generator = torch.Generator().manual_seed(seed)
    images = [torch.randint(0, 256, (frames, 3, height, width), dtype=torch.uint8, generator=generator)
              for _ in range(size)]
    return dict(
        inputs=dict(clean=images, augmented=[255 - image for image in images]),
        data_samples=[sample(intrinsics, ori_shape=(80, 100), img_path=f'{i}.png') for i in range(size)])


def losses_of(model, data):
    return model(**model.data_preprocessor(data, True), mode='loss')


def test_preprocessor_orders_scales_and_normalises():
    model = build()
    data = batch()
    out = model.data_preprocessor(data, True)['inputs']
    rgb = torch.stack(data['inputs']['clean'])[:, :, [2, 1, 0]] / 255
    torch.testing.assert_close(out['clean'], rgb)
    torch.testing.assert_close(out['network'], (1 - rgb - .45) / .225, atol=1e-5, rtol=1e-5)
    stacked = dict(data, inputs={name: torch.stack(value) for name, value in data['inputs'].items()})
    assert torch.equal(model.data_preprocessor(stacked, True)['inputs']['network'], out['network'])
    out = model.data_preprocessor(data, False)['inputs']
    assert list(out) == ['network']
    torch.testing.assert_close(out['network'], (rgb - .45) / .225, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('height, width', [(64, 100), (70, 96), (32, 96)])
def test_unfit_sizes_are_named(height, width):
    with pytest.raises(InputError, match=f'{width}x{height}.*multiples of 32'):
        build().data_preprocessor(batch(height=height, width=width), True)


def test_sizes_that_differ_in_a_batch_are_named():
    data = batch()
    data['inputs']['clean'][1] = data['inputs']['clean'][1][..., :64]
    with pytest.raises(InputError, match='differ in shape'):
        build().data_preprocessor(data, True)


@pytest.mark.parametrize('options', [
    {}, dict(automask=False), dict(avg_reprojection=True), dict(ssim_weight=0), dict(v1_multiscale=True)])
def test_losses_and_gradients(options):
    model = build(**options)
    losses = losses_of(model, batch())
    assert set(losses) == {'loss_photometric', 'loss_smoothness', 'automask', 'disparity_std', 'heading'}
    assert all(value.dtype == torch.float32 and value.isfinite() for value in losses.values())
    assert 0 < losses['automask'] <= 1
    loss, _ = model.parse_losses(losses)
    loss.backward()
    for part in (model.backbone, model.decode_head, model.pose_net.encoder, model.pose_net.decoder):
        gradients = [p.grad for p in part.parameters()]
        assert all(g is not None and g.isfinite().all() for g in gradients)
        assert sum(g.abs().sum() for g in gradients) > 0


def test_scale_is_held_where_it_has_a_weight():
    """All four scales; at the start they are about 0.5."""
    model = build(scale_weight=.05)
    losses = losses_of(model, batch())
    with torch.no_grad():
        sigmoids = model(**model.data_preprocessor(batch(), True), mode='tensor')
    expected = sum(math.log(sigmoid.mean().item() / .3) ** 2 for sigmoid in sigmoids) / 4
    assert losses['loss_scale'].item() == pytest.approx(.05 * expected, rel=1e-4)
    assert losses['loss_scale'].item() == pytest.approx(.05 * math.log(.5 / .3) ** 2, rel=.2)
    assert model.parse_losses(losses)[0] > losses['loss_photometric'] + losses['loss_scale']


def test_target_is_the_middle_frame_and_motions_go_from_it():
    model = build().eval()
    frames = torch.randn(2, 3, 3, 64, 96)
    assert torch.equal(target_frame(frames, model.target_index), frames[:, 1])
    with torch.no_grad():
        motions, _ = model.motions(frames)
        backward = model.pose_net(torch.cat([frames[:, 0], frames[:, 1]], 1))
        forward = model.pose_net(torch.cat([frames[:, 1], frames[:, 2]], 1))
    torch.testing.assert_close(motions[0], inverse_pose(pose_matrix(*backward[:2])))
    torch.testing.assert_close(motions[1], pose_matrix(*forward[:2]))


def test_loss_falls_when_a_batch_is_learnt():
    model = build(smoothness_weight=0)
    generator = torch.Generator().manual_seed(3)
    blocks = torch.randint(0, 256, (1, 3, 10, 20), generator=generator).float()
    scene = torch.nn.functional.interpolate(blocks, (64, 112), mode='bicubic').clamp(0, 255)
    frames = torch.stack([scene[0, :, :, s:s + 96] for s in (0, 4, 8)]).to(torch.uint8)
    data = dict(inputs=dict(clean=[frames] * 2, augmented=[frames] * 2), data_samples=[sample(), sample()])
    wrapper = OptimWrapper(torch.optim.Adam(model.parameters(), 1e-3))
    history = [model.train_step(data, wrapper)['loss_photometric'].item() for _ in range(12)]
    assert history[-1] < .85 * history[0]


@pytest.mark.parametrize('learn_intrinsics', [False, True])
def test_loss_is_that_of_its_parts_bit_for_bit(learn_intrinsics):
    model = build(learn_intrinsics=learn_intrinsics)
    inputs, samples = (model.data_preprocessor(batch(), True)[key] for key in ('inputs', 'data_samples'))
    torch.manual_seed(1)
    losses = model(inputs, samples, mode='loss')
    again = build(learn_intrinsics=learn_intrinsics)
    torch.manual_seed(1)
    outputs = again.decode_head.levels(again.backbone(
        inputs['network'][:, 1].contiguous(memory_format=torch.channels_last)))
    sigmoids = [again.decode_head.predict[scale](outputs[scale]).sigmoid() for scale in range(4)]
    motions, focal = again.motions(inputs['network'])
    parts = again.view_synthesis(inputs['clean'], 1, sigmoids, motions, K.float().expand(2, 3, 3))
    assert (focal is not None) == learn_intrinsics
    assert list(losses) == [*parts, 'disparity_std', 'heading', *['loss_focal_prior'] * learn_intrinsics]
    assert all(torch.equal(losses[name], value) for name, value in parts.items())
    assert torch.equal(losses['disparity_std'], sigmoids[0].detach().flatten(1).std(1).mean())


@pytest.mark.parametrize(('part', 'factor'), [
    ('pose_net', 1e20), ('pose_net', float('nan')), ('backbone', float('nan'))])
def test_networks_that_have_diverged_are_named(part, factor):
    model = build()
    with torch.no_grad():
        for parameter in getattr(model, part).parameters():
            parameter.mul_(factor)
    with pytest.raises(FloatingPointError, match='no finite depth or motion'):
        losses_of(model, batch())


def test_same_seed_same_losses():
    def run():
        model = build()
        torch.manual_seed(1)
        return losses_of(model, batch())
    first, second = run(), run()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_mixed_precision_keeps_losses_in_float32():
    model = build()
    with torch.autocast('cpu', torch.bfloat16):
        half = losses_of(model, batch())
    full = losses_of(model, batch())
    assert all(value.dtype == torch.float32 for value in half.values())
    model.parse_losses(half)[0].backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    torch.testing.assert_close(half['loss_photometric'], full['loss_photometric'], rtol=.05, atol=0)


def test_missing_intrinsics_are_named_or_learnt():
    with pytest.raises(InputError, match=r'0\.png: has no intrinsics.*learn_intrinsics'):
        losses_of(build(), batch(intrinsics=None))
    with pytest.raises(InputError, match=r'0\.png: has no intrinsics'):
        losses_of(build(learn_intrinsics=True), batch(intrinsics=None))


# a camera of 480x360 whose frames are seen at 96x64: square pixels there are not square here
UNIT = torch.tensor([[1, 0, .5], [0, 480 / 360, .5], [0, 0, 1]])


def test_mixed_precision_keeps_motions_in_float32():
    model, frames = build().eval(), torch.rand(2, 3, 3, 64, 96)
    axis_angle, translation = torch.randn(2, 4, 3) / 10
    model.pose_net.forward = lambda pairs: (axis_angle, translation, None)
    with torch.autocast('cpu', torch.bfloat16):
        half = model.motions(frames)[0]
    assert half.dtype == torch.float32 and torch.equal(half, model.motions(frames)[0])
    expected = pose_matrix(axis_angle, translation)
    torch.testing.assert_close(half[0] @ expected[:2], torch.eye(4).expand(2, 4, 4))
    torch.testing.assert_close(half[1], expected[2:])


def test_total_loss_is_that_of_the_paper(monkeypatch):
    """(1/4) Σ [photometric_s + 0.001 / 2^s · smoothness_s] over the scales, with parts that are known."""
    smoothness = iter((1., 2., 4., 8.))
    monkeypatch.setattr(view_synthesis, 'smoothness_loss', lambda *_: torch.tensor(next(smoothness)))
    errors = iter((.1, .2, .3, .6))
    monkeypatch.setattr(view_synthesis.ReprojectionError, '__call__', lambda self, disparity: (
        torch.full(disparity.shape, next(errors)), torch.ones(disparity.shape)))
    losses = losses_of(build(), batch())
    assert losses['loss_smoothness'].item() == pytest.approx(1e-3)
    assert losses['loss_photometric'].item() == pytest.approx(.3)


@pytest.mark.parametrize('intrinsics, word', [
    (torch.ones(4, 1), 'four numbers'), (torch.zeros(3, 3), 'rows'), (torch.diag(torch.tensor([0., 0, 1])), 'positive'),
    (torch.tensor([[30., 0, 12], [0, 30, 8], [0, 0, 1]]), 'pixels'), (torch.full((3, 3), float('nan')), 'finite')])
def test_intrinsics_of_no_camera_are_named(intrinsics, word):
    frames = torch.zeros(2, 3, 3, 64, 96, dtype=torch.uint8)
    data = dict(inputs=dict(clean=frames, augmented=frames), data_samples=batch(intrinsics=intrinsics)['data_samples'])
    with pytest.raises(InputError, match=rf'0\.png: intrinsics: .*{word}'):
        build().data_preprocessor(data, training=True)


def unknown(**metainfo):
    element = sample(None, **metainfo)
    element.set_data(dict(unit_intrinsics=UNIT))
    return element


def test_learnt_intrinsics_are_square_centred_and_held_by_the_prior():
    model = build(learn_intrinsics=True)
    data = batch(intrinsics=None)
    data['data_samples'] = [unknown(), unknown()]
    losses = losses_of(model, data)
    assert 1 < losses['focal_x'] < 1.15
    torch.testing.assert_close(losses['focal_y'], losses['focal_x'] * 4 / 3)
    (losses['loss_photometric'] + losses['loss_focal_prior']).backward()
    gradient = model.pose_net.intrinsics_head.linear.weight.grad.abs().sum(1)
    assert gradient[0] > 0 and (gradient[1:] == 0).all()


def test_only_learnt_intrinsics_are_held_by_the_prior():
    model = build(learn_intrinsics=True)
    with torch.no_grad():
        model.pose_net.intrinsics_head.linear.bias[0] = 1
    data = batch(intrinsics=None)
    losses = []
    for samples in ([unknown(), unknown()], [unknown(), sample()], [sample(), sample()]):
        losses.append(losses_of(model, dict(data, data_samples=samples)))
    prior = [loss['loss_focal_prior'].item() for loss in losses]
    assert prior == pytest.approx([.05, .025, 0], rel=.05)
    assert 'focal_x' not in losses[2]


def test_given_intrinsics_come_before_learnt_ones():
    model = build(learn_intrinsics=True)
    chosen, learnt = model.intrinsics_of(torch.tensor([9., 2.]), [sample(), unknown()], torch.device('cpu'))
    assert learnt.tolist() == [False, True]
    expected = torch.tensor([[2, 0, .5], [0, 2 * 480 / 360, .5], [0, 0, 1]])
    torch.testing.assert_close(chosen, torch.stack([K.float(), expected]))


def test_weights_of_the_head_with_four_outputs_fit(tmp_path):
    state = build(learn_intrinsics=True).state_dict()
    assert state['pose_net.intrinsics_head.linear.weight'].shape == (4, 64)
    assert state['pose_net.intrinsics_head.linear.bias'].shape == (4,)


def test_feature_distance_uses_a_frozen_encoder(tmp_path):
    weights = tmp_path / 'encoder.pth'
    torch.save(MODELS.build(ENCODER).state_dict(), weights)
    encoder = dict(ENCODER, init_cfg=dict(type='Pretrained', checkpoint=str(weights)))
    model = build(feature_distance=dict(encoder=encoder, reduction='mse'))
    before = copy.deepcopy(model.reference_encoder.state_dict())
    model.train()
    wrapper = OptimWrapper(torch.optim.Adam(model.parameters(), 1e-3))
    assert model.train_step(batch(), wrapper)['loss_feature_distance'] > 0
    assert not model.reference_encoder.training
    after = model.reference_encoder.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    with pytest.raises(InputError, match='init_cfg'):
        build(feature_distance=dict(encoder=ENCODER))
    with pytest.raises(InputError, match='reduction'):
        build(feature_distance=dict(encoder=encoder, reduction='sum'))


@pytest.mark.parametrize('flip_test', [False, True])
def test_predictions_have_the_original_size(flip_test):
    model = build(flip_test=flip_test).eval()
    data = batch(frames=1)
    data['data_samples'][1].set_metainfo(dict(ori_shape=(40, 50)))
    predictions = model.val_step(data)
    assert [tuple(p.pred_disparity.data.shape) for p in predictions] == [(1, 80, 100), (1, 40, 50)]
    assert all(0 < p.pred_disparity.data.min() and p.pred_disparity.data.max() < 1 for p in predictions)


def test_prediction_does_not_depend_on_the_batch():
    model = build().eval()
    data = batch(frames=1)
    together = model.val_step(copy.deepcopy(data))
    for i in range(2):
        alone = model.val_step(dict(inputs=dict(clean=data['inputs']['clean'][i:i + 1]),
                                    data_samples=data['data_samples'][i:i + 1]))
        torch.testing.assert_close(alone[0].pred_disparity.data, together[i].pred_disparity.data)


def test_tensor_mode_gives_four_scales():
    model = build().eval()
    maps = model(model.data_preprocessor(batch(frames=1), False)['inputs'], mode='tensor')
    assert [m.shape[-1] for m in maps] == [96, 48, 24, 12]


def test_blend_with_mirror():
    own, mirrored = torch.zeros(2, 101), torch.ones(2, 101)
    blend = blend_with_mirror(own, mirrored)[0]
    torch.testing.assert_close(blend[:5], torch.ones(5))
    torch.testing.assert_close(blend[-5:], torch.zeros(5))
    torch.testing.assert_close(blend[11:90], torch.full((79,), .5))
    assert (blend.diff() <= 0).all()


def test_checkpoint_round_trip(tmp_path):
    model = build(learn_intrinsics=True).eval()
    torch.save(model.state_dict(), tmp_path / 'model.pth')
    other = build(seed=1, learn_intrinsics=True).eval()
    other.load_state_dict(torch.load(tmp_path / 'model.pth', weights_only=True))
    frames = torch.randn(1, 1, 3, 64, 96)
    assert torch.equal(model(dict(network=frames))[0], other(dict(network=frames))[0])


def test_settings_that_do_not_fit_are_named():
    with pytest.raises(InputError, match=r'decode_head\.in_channels'):
        MODELS.build(config() | dict(decode_head=dict(type='DepthDecoder')))
    with pytest.raises(InputError, match='frame_offsets'):
        build(frame_offsets=(-1, 0, 1))
    with pytest.raises(InputError, match='frame_offsets'):
        losses_of(build(), batch(frames=2))
