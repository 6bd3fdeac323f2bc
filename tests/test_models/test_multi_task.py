"""Transfer from depth, and depth and segmentation in one network. Numbers of the specification of Three Ways."""

from __future__ import annotations

import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmdepthcp.cli.tools import register_modules
from mmdepthcp.engine.hooks import PretrainedCheckHook
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError

CLASSES = 5
SMALL = dict(type='mmdepthcp.DepthResNet', depth=18, stem_channels=8, base_channels=8, zero_init_residual=False)
DECODER = dict(
    type='mmdepthcp.DepthDecoder', in_channels=(8, 8, 16, 32, 64), channels=(8, 8, 16, 16, 32), aspp_dilations=(1, 2))
PUBLISHED = dict(
    type='mmdepthcp.DepthDecoder', in_channels=(64, 256, 512, 1024, 2048), channels=(64, 128, 128, 256, 256),
    aspp_dilations=(6, 12, 18))
CROSS_ENTROPY = dict(type='mmseg.CrossEntropyLoss', avg_non_ignore=True)
POSE = dict(type='mmdepthcp.PoseNet', encoder=dict(SMALL, in_channels=6), in_channels=64)
K = torch.tensor([[.6, 0, .5], [0, 1.2, .5], [0, 0, 1]])


@pytest.fixture(autouse=True, scope='module')
def scope(default_scope):
    register_modules()
    init_default_scope('mmseg')


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def head(kind='PADHead', decoder=DECODER, num_classes=CLASSES, **options):
    return dict(type=f'mmdepthcp.{kind}', decoder=copy.deepcopy(decoder), num_classes=num_classes,
                loss_decode=CROSS_ENTROPY, **options)


def multi_task(**options):
    return dict(dict(
        type='mmdepthcp.MultiTaskDepthSegmentor', backbone=dict(SMALL), decode_head=head(), pose_net=POSE,
        data_preprocessor=dict(type='mmdepthcp.MultiTaskDataPreprocessor', test_cfg=dict(size_divisor=32)),
        test_cfg=dict(mode='whole')), **options)


def plain(**options):
    return dict(dict(
        type='mmseg.EncoderDecoder', backbone=dict(SMALL), decode_head=head('AsppUNetHead'),
        data_preprocessor=dict(
            type='mmdepthcp.SegDataPreProcessor', mean=[114.75] * 3, std=[57.375] * 3, bgr_to_rgb=True,
            size_divisor=32, test_cfg=dict(size_divisor=32)),
        test_cfg=dict(mode='whole')), **options)


def depth(**options):
    return dict(type='mmdepthcp.MonoDepth', backbone=dict(SMALL), decode_head=copy.deepcopy(DECODER),
                pose_net=copy.deepcopy(POSE), data_preprocessor=dict(type='mmdepthcp.MonoDepthDataPreprocessor'),
                **options)


def build(config, seed=0):
    torch.manual_seed(seed)
    model = MODELS.build(ConfigDict(copy.deepcopy(config)))
    model.init_weights()
    return model


def clips(size=2, frames=3, labelled=True, seed=0, height=64, width=96):
    generator = torch.Generator().manual_seed(seed)
    images = [torch.randint(0, 256, (frames, 3, height, width), dtype=torch.uint8, generator=generator)
              for _ in range(size)]
    samples = []
    for number in range(size):
        sample = SegDataSample(metainfo=dict(img_path=f'{number}.png', ori_shape=(height, width)))
        sample.set_data(dict(intrinsics=K))
        if labelled:
            labels = torch.randint(0, CLASSES, (1, height, width), generator=generator)
            labels[:, :8] = 255
            sample.gt_sem_seg = PixelData(data=labels)
        samples.append(sample)
    return dict(inputs=dict(clean=images), data_samples=samples)


def both(**options):
    return dict(labelled=clips(**options), unlabelled=clips(labelled=False, seed=1))


def features(channels=DECODER['in_channels'], side=64, dilated=False, size=2):
    strides = (2, 4, 8, 16, 16 if dilated else 32)
    return [torch.rand(size, c, side // stride, side // stride) for c, stride in zip(channels, strides, strict=True)]


def test_published_counts_of_parameters():
    unet = MODELS.build(head('AsppUNetHead', PUBLISHED, 19))
    assert count(unet) - count(unet.decoder) == 5331
    assert count(unet.decoder) == 22061440
    pad = MODELS.build(head('PADHead', PUBLISHED, 19))
    assert count(pad.depth_to_segmentation) + count(pad.segmentation_to_depth) == 589824
    assert (count(pad.conv_middle), count(pad.conv_seg)) == (2451, 1235)
    assert count(pad) == 44721578
    assert not hasattr(pad.segmentation_decoder, 'predict')


def test_published_sizes():
    pad = MODELS.build(head('PADHead', PUBLISHED, 19)).eval()
    with torch.no_grad():
        found = pad.tasks(features(PUBLISHED['in_channels'], 128, dilated=True, size=1))
    assert found.logits.shape == (1, 19, 128, 128) and found.middle.shape == (1, 19, 32, 32)
    assert [tuple(sigmoid.shape) for sigmoid in found.sigmoids] == [(1, 1, 128 >> s, 128 >> s) for s in range(4)]


def test_unet_head_is_the_decoder_with_two_convolutions():
    unet = build(head('AsppUNetHead')).eval()
    given = features()
    level = unet.decoder.levels(given)[0]
    weight = unet.conv_seg.weight[:, :, 0, 0] @ unet.project.weight[:, :, 0, 0]
    expected = torch.einsum('oc,bchw->bohw', weight, level) + unet.conv_seg.bias[:, None, None]
    torch.testing.assert_close(unet(given), expected)
    assert unet(given).shape == (2, CLASSES, 64, 64) and unet.project.bias is None


@pytest.mark.parametrize('kind', ['AsppUNetHead', 'PADHead'])
def test_features_of_another_encoder_are_named(kind):
    with pytest.raises(InputError, match=r'decode_head\.decoder\.in_channels is \(8, 8, 16, 32, 64\), but the backbone '
                                         r'gives \(8, 8, 16, 32, 128\)'):
        build(head(kind))(features((8, 8, 16, 32, 128)))


def test_gates_start_half_open_and_learn():
    pad = build(head())
    x = torch.randn(2, 16, 8, 8)
    gate = pad.depth_to_segmentation
    assert torch.equal(gate(x), gate.features(x) / 2)
    gate(x).square().sum().backward()
    assert gate.attention.weight.grad.abs().sum() > 0 and gate.features.weight.grad.abs().sum() > 0
    assert gate.features.bias is None and gate.attention.bias is None


def test_exchange_in_the_middle():
    """Against the five steps of the specification, written out."""
    pad, given = build(head()).eval(), features()
    for gate in (pad.depth_to_segmentation, pad.segmentation_to_depth):
        torch.nn.init.normal_(gate.attention.weight, std=.1)
    d, s = (decoder.levels(given, until=2) for decoder in (pad.depth_decoder, pad.segmentation_decoder))

    def attention(gate, x):
        return torch.nn.functional.conv2d(x, gate.features.weight, padding=1) * torch.sigmoid(
            torch.nn.functional.conv2d(x, gate.attention.weight, padding=1))

    s_told = s[2] + attention(pad.depth_to_segmentation, d[2])
    d_told = d[2] + attention(pad.segmentation_to_depth, s[2])
    d_fine, s_fine = pad.depth_decoder.levels(given, (2, d_told)), pad.segmentation_decoder.levels(given, (2, s_told))
    found = pad.tasks(given)
    torch.testing.assert_close(found.middle, pad.conv_middle(s[2]))
    torch.testing.assert_close(found.logits, pad.conv_seg(s_fine[0]))
    for scale, level in enumerate((d_fine[0], d_fine[1], d[2], d[3])):
        torch.testing.assert_close(found.sigmoids[scale], pad.depth_decoder.predict[scale](level).sigmoid())
    assert torch.equal(pad(given), found.logits)
    assert all(map(torch.equal, pad.disparities(given), found.sigmoids))


@pytest.mark.parametrize(('gate', 'disturbed', 'seen'), [
    ('depth_to_segmentation', 'depth_decoder', lambda found: found.logits),
    ('segmentation_to_depth', 'segmentation_decoder', lambda found: found.sigmoids[0])])
def test_closed_gates_leave_the_tasks_alone(gate, disturbed, seen):
    pad, given = build(head()).eval(), features()

    def difference():
        before = seen(pad.tasks(given))
        with torch.no_grad():
            for parameter in getattr(pad, disturbed).parameters():
                parameter.mul_(1.5)
        return (seen(pad.tasks(given)) - before).abs().max()

    with torch.no_grad():
        assert difference() > 0
        getattr(pad, gate).features.weight.zero_()
        assert difference() == 0


@pytest.mark.parametrize('align_corners', [False, True])
def test_segmentation_loss_is_the_mean_of_both(align_corners):
    pad, given = build(head(align_corners=align_corners)).eval(), features(side=64)
    samples = clips(height=64, width=64)['data_samples']
    labels = torch.cat([sample.gt_sem_seg.data for sample in samples])
    found = pad.tasks(given)
    enlarged = torch.nn.functional.interpolate(found.middle, (64, 64), mode='bilinear', align_corners=align_corners)
    final, middle = (torch.nn.functional.cross_entropy(logits, labels, ignore_index=255)
                     for logits in (found.logits, enlarged))
    losses = pad.loss(given, samples)
    torch.testing.assert_close(losses['loss_ce'], final / 2)
    torch.testing.assert_close(losses['loss_ce_middle'], middle / 2)
    assert set(losses) == {'loss_ce', 'loss_ce_middle', 'acc_seg'}


def test_loss_is_the_sum_of_its_parts():
    """Depth's part is MonoDepth's, on labelled and on unlabelled clips."""
    model = build(multi_task(decode_head=head(decoder=dict(DECODER, aspp_dilations=None)))).eval()
    batch = model.data_preprocessor(both(), True)
    torch.manual_seed(3)
    losses = model(**batch, mode='loss')
    other = build(dict(depth(), decode_head=dict(DECODER, aspp_dilations=None))).eval()
    other.load_state_dict(model.state_dict(), strict=False)
    torch.manual_seed(3)
    total = losses['decode.loss_ce'] + losses['decode.loss_ce_middle']
    for kind, seed in (('labelled', 0), ('unlabelled', 1)):
        data = other.data_preprocessor(clips(seed=seed), True)
        other.decode_head.forward = model.decode_head.disparities
        for name, value in other.loss(**data).items():
            torch.testing.assert_close(losses[f'{kind}.{name}'], value, rtol=1e-4, atol=1e-5)
            total = total + (value if 'loss' in name else 0)
    torch.testing.assert_close(model.parse_losses(losses)[0], total, rtol=1e-4, atol=1e-5)


def test_every_parameter_learns():
    model = build(multi_task())
    model.parse_losses(model(**model.data_preprocessor(both(), True), mode='loss'))[0].backward()
    assert not [name for name, parameter in model.named_parameters()
                if parameter.grad is None or not parameter.grad.isfinite().all()]


def test_labelled_images_without_neighbours():
    model = build(multi_task())
    losses = model(**model.data_preprocessor(both(frames=1), True), mode='loss')
    assert not [name for name in losses if name.startswith('labelled.')]
    assert losses['decode.loss_ce'] > 0 and losses['unlabelled.loss_photometric'] > 0
    alone = model(**model.data_preprocessor(clips(), True), mode='loss')
    assert not [name for name in alone if name.startswith('unlabelled.')] and alone['labelled.loss_photometric'] > 0


def test_unfit_batches_are_named():
    model = build(multi_task())
    with pytest.raises(InputError, match=r'0\.png: a labelled image without labels'):
        model(**model.data_preprocessor(clips(labelled=False), True), mode='loss')
    with pytest.raises(InputError, match='samples hold 2 frames'):
        model(**model.data_preprocessor(clips(frames=2), True), mode='loss')


def test_disparity_of_images_for_a_mixer():
    model = build(multi_task())
    inputs = model.data_preprocessor(both(), True)['inputs']['unlabelled']
    samples = clips(labelled=False, seed=1)['data_samples']
    model.eval()
    losses, sigmoid = model.depth_losses(inputs, samples)
    assert sigmoid.shape == (2, 1, 64, 96) and not sigmoid.requires_grad
    assert losses['unlabelled.loss_photometric'].requires_grad
    assert torch.equal(model.disparity(inputs['network'][:, 1]), sigmoid)
    assert torch.equal(model.target_images(inputs), inputs['network'][:, 1])


def test_mixed_precision_and_accumulation():
    model = build(multi_task())
    with torch.autocast('cpu', torch.bfloat16):
        half = model(**model.data_preprocessor(both(), True), mode='loss')
    assert all(value.isfinite() for value in half.values())
    assert all(value.dtype == torch.float32 for name, value in half.items() if 'loss' in name)
    model.parse_losses(half)[0].backward()
    model.zero_grad()
    before = copy.deepcopy(model.state_dict())
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), .01), accumulative_counts=2)
    wrapper.initialize_count_status(model, 0, 2)
    name = 'decode_head.conv_seg.weight'
    model.train_step(both(), wrapper)
    assert torch.equal(model.state_dict()[name], before[name])
    model.train_step(both(), wrapper)
    assert not torch.equal(model.state_dict()[name], before[name])


@pytest.mark.parametrize('config', [multi_task(), plain()], ids=['pad', 'unet'])
def test_predictions_have_the_original_size(config):
    model = build(config).eval()
    images = [torch.randint(0, 256, (3, 60, 90), dtype=torch.uint8)]
    sample = SegDataSample(metainfo=dict(ori_shape=(120, 180), img_shape=(60, 90)))
    found, = model.test_step(dict(inputs=images, data_samples=[sample]))
    assert found.pred_sem_seg.data.shape == (1, 120, 180)
    assert found.seg_logits.data.shape == (CLASSES, 120, 180)


def test_both_preprocessors_normalise_alike():
    training = build(multi_task()).data_preprocessor(clips(), True)['inputs']['network'][:, 1]
    images = [clip[1] for clip in clips()['inputs']['clean']]
    testing = [build(config).data_preprocessor(dict(inputs=images, data_samples=[SegDataSample(), SegDataSample()]))
               for config in (multi_task(), plain())]
    for found in testing:
        torch.testing.assert_close(found['inputs'], training, rtol=1e-5, atol=1e-5)


PARTS = ('backbone', 'decoder', 'depth_decoder', 'segmentation_decoder', 'pose_net')


def pretrained(file, prefix):
    return dict(type='Pretrained', checkpoint=str(file), prefix=prefix)


def from_depth(config, file):
    config = copy.deepcopy(config)
    config['backbone']['init_cfg'] = pretrained(file, 'backbone.')
    config['decode_head']['decoder']['init_cfg'] = pretrained(file, 'decode_head.')
    if 'pose_net' in config:
        config['pose_net']['init_cfg'] = pretrained(file, 'pose_net.')
    return config


@pytest.fixture
def depth_file(tmp_path):
    torch.save(dict(state_dict=build(depth(), seed=7).state_dict()), tmp_path / 'depth.pth')
    return tmp_path / 'depth.pth'


@pytest.mark.parametrize('config', [multi_task(), plain()], ids=['pad', 'unet'])
def test_transfer_loads_everything(config, depth_file, notices):
    model = build(from_depth(config, depth_file))
    PretrainedCheckHook(whole=PARTS).check(model)
    stored = torch.load(depth_file)['state_dict']
    own = model.state_dict()
    decoders = [name for name, _ in model.decode_head.named_children() if name.endswith('decoder')]
    assert len(decoders) == (2 if 'pose_net' in config else 1)
    for name, tensor in stored.items():
        part, _, rest = name.partition('.')
        if part != 'decode_head':
            assert 'pose_net' not in config or torch.equal(own[name], tensor)
            continue
        for decoder in decoders:
            target = f'decode_head.{decoder}.{rest}'
            assert torch.equal(own[target], tensor) if target in own else rest.startswith('predict.')
    said = [line.partition(' come')[0] for line in notices if ' come from' in line]
    assert all(line.split()[1] == line.split()[3] for line in said)
    assert [line.partition(':')[0] for line in said] == [
        'backbone', *(f'decode_head.{decoder}' for decoder in decoders), *['pose_net'] * ('pose_net' in config)]


def test_depth_is_what_it_was_but_for_the_exchange(depth_file):
    model = build(from_depth(multi_task(), depth_file)).eval()
    with torch.no_grad():
        model.decode_head.segmentation_to_depth.features.weight.zero_()
    images = torch.randn(1, 3, 64, 96)
    expected = build(depth(), seed=7).eval()(dict(network=images[:, None]))[0]
    torch.testing.assert_close(model.disparity(images), expected)


@pytest.mark.parametrize(('change', 'complaint'), [
    (dict(backbone=dict(SMALL, stem_channels=16), decode_head=dict(DECODER, in_channels=(16, 8, 16, 32, 64))),
     r'backbone: .*depth\.pth, which is too few'),
    (dict(decode_head=dict(DECODER, aspp_dilations=None)), r'decode_head\.depth_decoder: .*depth\.pth.*'
                                                           r'missing: reduce\.4\.branches'),
    (dict(decode_head=dict(DECODER, channels=(4, 8, 16, 16, 32))), r'decode_head\.depth_decoder: .*depth\.pth.*'
                                                                   r'of another shape: reduce\.0\.0\.weight')])
def test_a_wrong_checkpoint_is_named(change, complaint, tmp_path):
    torch.save(dict(state_dict=build(dict(depth(), **change)).state_dict()), tmp_path / 'depth.pth')
    with pytest.raises(InputError, match=complaint):
        PretrainedCheckHook(whole=PARTS).check(build(from_depth(multi_task(), tmp_path / 'depth.pth')))


def test_a_backbone_alone_may_be_transferred(tmp_path):
    """Pretrainings have other decoders: these stay random."""
    state = {f'backbone.{name}': tensor for name, tensor in build(SMALL, seed=7).state_dict().items()}
    torch.save(dict(state_dict={**state, 'prototypes.weight': torch.zeros(2)}), tmp_path / 'swav.pth')
    config = plain()
    config['backbone']['init_cfg'] = pretrained(tmp_path / 'swav.pth', 'backbone.')
    model = build(config)
    PretrainedCheckHook(whole=PARTS).check(model)
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in state.items())
