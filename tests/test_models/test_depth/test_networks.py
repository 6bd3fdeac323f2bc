import pytest
import torch
from mmengine.runner import load_checkpoint

from mmdepthcp.models.backbones import DepthResNet
from mmdepthcp.models.depth import ASPP, DepthDecoder, PoseDecoder, PoseNet
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize('depth, channels', [
    (18, (64, 64, 128, 256, 512)), (34, (64, 64, 128, 256, 512)), (50, (64, 256, 512, 1024, 2048))])
def test_encoder_features(depth, channels):
    encoder = MODELS.build(dict(type='mmdepthcp.DepthResNet', depth=depth)).eval()
    with torch.no_grad():
        features = encoder(torch.rand(1, 3, 64, 96))
    assert encoder.feature_channels == channels
    assert [tuple(f.shape[1:]) for f in features] == [
        (c, 64 // s, 96 // s) for c, s in zip(channels, (2, 4, 8, 16, 32), strict=True)]


def test_dilated_encoder_keeps_the_size_and_the_first_block_undilated():
    encoder = DepthResNet(101, dilated=True).eval()
    with torch.no_grad():
        features = encoder(torch.rand(1, 3, 64, 64))
    assert [f.shape[-1] for f in features] == [32, 16, 8, 4, 4]
    assert [block.conv2.dilation[0] for block in encoder.layer4] == [1, 2, 2]


def test_encoder_has_the_parameter_names_of_torchvision():
    torchvision = pytest.importorskip('torchvision')
    ours, theirs = DepthResNet(18).state_dict(), torchvision.models.resnet18().state_dict()
    assert {k: v.shape for k, v in ours.items()} == {
        k: v.shape for k, v in theirs.items() if not k.startswith('fc.')}


def test_pretrained_kernel_is_spread_over_the_images(tmp_path):
    torch.manual_seed(0)
    single = DepthResNet(18)
    torch.save(single.state_dict(), tmp_path / 'imagenet.pth')
    double = DepthResNet(
        18, in_channels=6, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'imagenet.pth')))
    double.init_weights()
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        for a, b in zip(single.eval()(image), double.eval()(torch.cat([image, image], 1)), strict=True):
            torch.testing.assert_close(a, b)
    again = DepthResNet(18, in_channels=6)
    torch.save(double.state_dict(), tmp_path / 'pose.pth')
    load_checkpoint(again, str(tmp_path / 'pose.pth'), strict=True)
    assert torch.equal(again.conv1.weight, double.conv1.weight)


def test_unet_decoder_shapes_and_count():
    decoder = DepthDecoder()
    assert count(decoder) == 3152724
    assert count(DepthDecoder((64, 256, 512, 1024, 2048))) == 9014100
    features = [torch.rand(1, c, 64 >> s, 96 >> s) for s, c in enumerate((64, 64, 128, 256, 512), 1)]
    maps = decoder(features)
    assert [tuple(m.shape) for m in maps] == [(1, 1, 64 >> s, 96 >> s) for s in range(4)]
    assert all(m.dtype == torch.float32 and 0 < m.min() and m.max() < 1 for m in maps)


def test_aspp_decoder_shapes_and_count():
    channels = (64, 256, 512, 1024, 2048)
    decoder = DepthDecoder(channels, channels=(64, 128, 128, 256, 256), aspp_dilations=(6, 12, 18)).eval()
    assert isinstance(decoder.reduce[4], ASPP) and count(decoder.reduce[4]) == 15535104
    assert count(decoder) == 22066628
    features = [torch.rand(1, c, 64 // s, 64 // s) for c, s in zip(channels, (2, 4, 8, 16, 16), strict=True)]
    with torch.no_grad():
        assert [tuple(m.shape) for m in decoder(features)] == [(1, 1, 64 >> s, 64 >> s) for s in range(4)]


@pytest.mark.parametrize('dilated', [False, True])
def test_decoder_in_two_parts_equals_the_whole(dilated):
    torch.manual_seed(0)
    decoder = DepthDecoder((8, 8, 16, 16, 32), channels=(4, 4, 8, 8, 16)).eval()
    strides = (2, 4, 8, 16, 16) if dilated else (2, 4, 8, 16, 32)
    features = [torch.rand(2, c, 64 // s, 96 // s) for c, s in zip((8, 8, 16, 16, 32), strides, strict=True)]
    whole = decoder.levels(features)
    assert list(whole) == [4, 3, 2, 1, 0] and whole[2].shape == (2, 8, 16, 24) and whole[0].shape == (2, 4, 64, 96)
    first = decoder.levels(features, until=2)
    assert list(first) == [4, 3, 2]
    second = decoder.levels(features, start=(2, first[2]))
    assert list(second) == [1, 0] and torch.equal(second[0], whole[0])
    plain = DepthDecoder((8, 8, 16, 16, 32), channels=(4, 4, 8, 8, 16), sigmas=False)
    names = set(decoder.state_dict()) - set(plain.state_dict())
    assert names == {f'predict.{scale}.{kind}' for scale in range(4) for kind in ('weight', 'bias')}


@pytest.mark.parametrize('dilated', [False, True])
def test_decoder_equals_the_plain_loop_bit_for_bit(dilated):
    torch.manual_seed(0)
    decoder = DepthDecoder((8, 8, 16, 16, 32), channels=(4, 4, 8, 8, 16), aspp_dilations=(1, 2) if dilated else None)
    features = [torch.rand(2, c, 64 // s, 96 // s) for c, s in zip(
        (8, 8, 16, 16, 32), (2, 4, 8, 16, 16 if dilated else 32), strict=True)]
    x, expected = features[-1], []
    decoder.eval()
    for level in (4, 3, 2, 1, 0):
        x = decoder.reduce[level](x)
        if level == 0 or x.shape[-1] < features[level - 1].shape[-1]:
            x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
        x = decoder.fuse[level](torch.cat([x, features[level - 1]], 1) if level else x)
        if level < 4:
            expected.insert(0, torch.sigmoid(decoder.predict[level](x)))
    found = decoder(features)
    assert len(found) == 4 and all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_decoder_with_batch_norm():
    decoder = DepthDecoder(channels=(64, 64, 128, 128, 256), norm_cfg=dict(type='BN'))
    assert sum(isinstance(m, torch.nn.BatchNorm2d) for m in decoder.modules()) == 10


def test_pose_decoder_starts_near_rest():
    torch.manual_seed(0)
    decoder = PoseDecoder(512)
    assert count(decoder) == 1314572
    rotation, translation = decoder(torch.rand(3, 512, 2, 3))
    assert rotation.shape == translation.shape == (3, 3)
    assert max(rotation.abs().max(), translation.abs().max()) < .01


def test_motion_may_start_straight_ahead():
    encoder, pairs = dict(type='DepthResNet', depth=18, in_channels=6), torch.rand(2, 6, 64, 128)
    motions = []
    for options in ({}, dict(forward_start=.02)):
        torch.manual_seed(0)
        motions.append(torch.cat(PoseNet(encoder, **options)(pairs)[:2], 1))
    expected = torch.tensor([0, 0, 0, 0, 0, -.02]).expand(2, 6)
    torch.testing.assert_close(motions[1] - motions[0], expected, atol=1e-6, rtol=1e-4)


def test_learnt_focal_length_starts_at_the_field_of_view():
    torch.manual_seed(0)
    encoder = dict(type='DepthResNet', depth=18, in_channels=6)
    net = PoseNet(encoder, learn_intrinsics=True, field_of_view=90, prior_weight=.1)
    focal = net(torch.rand(2, 6, 64, 128))[2]
    torch.testing.assert_close(focal, torch.full((2,), .5), rtol=.05, atol=0)
    focal.sum().backward()
    assert net.intrinsics_head.linear.weight.grad[0].abs().min() > 0
    penalty = net.prior_loss(torch.tensor([.5, .25, 1.]))
    torch.testing.assert_close(penalty, torch.tensor([0, .048045, .048045]), rtol=1e-4, atol=1e-8)
    for options in (dict(field_of_view=0), dict(field_of_view=180), dict(prior_weight=-1)):
        with pytest.raises(InputError, match='field_of_view'):
            PoseNet(encoder, learn_intrinsics=True, **options)
