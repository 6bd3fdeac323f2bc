"""The mean teacher around a segmentor: names, losses against a plain version, what moves and what does not."""

from __future__ import annotations

import copy
import socket

import numpy as np
import pytest
import torch
import torch.multiprocessing as mp
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from mmseg.models.segmentors import EncoderDecoder
from mmseg.structures import SegDataSample
from torch import nn

from mmdepthcp.cli.tools import register_modules
from mmdepthcp.models import MeanTeacherSegmentor, SemiDataPreprocessor
from mmdepthcp.models.wrappers.cpu_data_parallel import CPUDataParallel
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError

SIZE, CLASSES = (32, 64), 4
PADDED = (24, 50)


@pytest.fixture(autouse=True)
def scope():
    register_modules()
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


def segmentor(dropout=0., **settings):
    return {**dict(
        type='EncoderDecoder',
        data_preprocessor=dict(type='SegDataPreProcessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375],
                               bgr_to_rgb=True, pad_val=0, seg_pad_val=255, size=SIZE),
        backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, out_indices=(0, 1, 2, 3)),
        neck=dict(type='FPN', in_channels=[4, 8, 16, 32], out_channels=8, num_outs=4),
        decode_head=dict(
            type='FPNHead', in_channels=[8] * 4, in_index=[0, 1, 2, 3], feature_strides=[4, 8, 16, 32], channels=8,
            dropout_ratio=dropout, num_classes=CLASSES, norm_cfg=dict(type='BN'), align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
        train_cfg=dict(), test_cfg=ConfigDict(mode='whole')), **settings}


def build(dropout=0., watched=True, **settings):
    torch.manual_seed(0)
    model = MODELS.build(dict(type='mmdepthcp.MeanTeacherSegmentor', segmentor=segmentor(dropout), **settings))
    if watched:
        model.start_teacher()
    return model.train()


def sample(rng, size, **meta):
    return SegDataSample(metainfo=dict(img_shape=size, ori_shape=size, img_path='a.png', **meta),
                         gt_sem_seg=PixelData(data=torch.from_numpy(rng.integers(0, CLASSES, (1, *size)))),
                         gt_depth_map=PixelData(data=torch.from_numpy(rng.random((1, *size), np.float32))))


def batch(count=2, seed=0, has_labels=(False, True, False), size=SIZE, **meta):
    """Raw images and samples; what is random in them depends on the seed."""
    rng = np.random.default_rng(seed)

    def images():
        return [torch.from_numpy(rng.integers(0, 256, (3, *size), np.uint8)) for _ in range(count)]

    return dict(
        labelled=dict(inputs=images(), data_samples=[sample(rng, size) for _ in range(count)]),
        unlabelled=dict(inputs=images(), data_samples=[
            sample(rng, size, has_labels=has, seed=int(rng.integers(2**62)), disparity_range=(.1, .8),
                   **{'labels_read': False, **meta}) for _, has in zip(range(count), has_labels, strict=False)]))


def losses_of(model, data):
    return model(**model.data_preprocessor(copy.deepcopy(data), True), mode='loss')


def test_names_and_predictions_are_those_of_the_plain_segmentor():
    model, plain = build(), MODELS.build(segmentor())
    state = model.state_dict()
    assert {name for name in state if not name.startswith('teacher.')} == set(plain.state_dict())
    assert {name.removeprefix('teacher.') for name in state if name.startswith('teacher.')} == {
        *plain.state_dict(), 'updates'}
    fit = plain.load_state_dict(state, strict=False)
    assert not fit.missing_keys
    for module in (model, plain):
        module.eval()
    image = torch.rand(2, 3, *SIZE)
    assert torch.equal(model(image, mode='tensor'), plain(image, mode='tensor'))
    data = [sample.clone() for sample in batch()['labelled']['data_samples']]
    predicted = [module.predict(image, data)[0].seg_logits.data for module in (model, plain)]
    assert torch.equal(*predicted)
    assert (model.num_classes, model.align_corners, model.with_neck) == (CLASSES, False, True)
    assert isinstance(model.data_preprocessor, SemiDataPreprocessor)
    with pytest.raises(AttributeError):
        model.no_such_thing  # noqa: B018


def test_the_student_is_what_is_trained_moved_and_copied():
    model = build()
    assert model.student.backbone is model.backbone and not model.student.backbone.conv1.weight.equal(
        torch.zeros_like(model.backbone.conv1.weight))
    other = copy.deepcopy(model).double()
    assert other.student.backbone is other.backbone is not model.backbone
    assert other.student.backbone.conv1.weight.dtype == other.teacher.backbone.conv1.weight.dtype == torch.float64
    assert all(not parameter.requires_grad for parameter in other.teacher.parameters())


def plain_losses(model, data, margin=.03, threshold=.3, use_gt=True):
    """Step by step, with probabilities, pixel by pixel."""
    ready = model.data_preprocessor(copy.deepcopy(data), True)
    images, samples = ready['inputs']['unlabelled'], ready['data_samples']['unlabelled']
    probabilities = F.interpolate(model.teacher._forward(images), size=SIZE, mode='bilinear').softmax(1)
    disparity = torch.cat([each.gt_depth_map.data for each in samples]).sub(.1).div(.7).clip(0, 1)
    for number, each in enumerate(samples):
        if use_gt and each.has_labels:
            truth = each.gt_sem_seg.data[0]
            probabilities[number] = F.one_hot(truth.clamp(max=CLASSES - 1), CLASSES).permute(2, 0, 1)
            probabilities[number, :, truth == 255] = 0
    mixed_images, mixed = images.clone(), probabilities.clone()
    pasted = 0
    for one in range(len(images)):
        other = (one + 1) % len(images)
        farther = disparity[one] < disparity[other] - margin
        mixed_images[one][:, farther], mixed[one][:, farther] = images[other][:, farther], probabilities[other][
            :, farther]
        pasted += farther.sum()
    share = (mixed.amax(1) >= threshold).double().mean()
    logits = F.interpolate(model.student._forward(mixed_images), size=SIZE, mode='bilinear')
    each = F.cross_entropy(logits, mixed.argmax(1), reduction='none')
    each[mixed.sum(1) == 0] = 0
    return dict(confident=share, loss_unlabelled=share * each.sum() / each.numel(), from_partner=pasted / each.numel())


@pytest.mark.parametrize('count', [1, 2, 3])
@pytest.mark.parametrize('use_gt', [True, False])
def test_losses_are_those_of_a_plain_version(count, use_gt):
    model = build(mixer=dict(type='depth'), threshold=.3, colours=False, use_gt=use_gt)
    data = batch(count)
    for unlabelled in data['unlabelled']['data_samples']:
        unlabelled.gt_sem_seg.data[:, :4] = 255
    expected = plain_losses(copy.deepcopy(model), data, use_gt=use_gt)
    ready = model.data_preprocessor(copy.deepcopy(data), True)
    supervised = copy.deepcopy(model).student.loss(ready['inputs']['labelled'], ready['data_samples']['labelled'])
    found = losses_of(model, data)
    assert set(found) == {*expected, *supervised}
    for name, value in {**expected, **supervised}.items():
        torch.testing.assert_close(found[name].double(), torch.as_tensor(value).double(), atol=1e-5, rtol=1e-4)
    assert 0 < found['confident'] < 1 and (found['from_partner'] > 0.2) == (count > 1)


def test_class_mix_and_no_mixing():
    data = batch(2, has_labels=(True, True))
    labels = torch.zeros(1, *SIZE, dtype=torch.long)
    labels[:, :, 16:] = 1
    for unlabelled in data['unlabelled']['data_samples']:
        unlabelled.gt_sem_seg.data = labels
        del unlabelled.gt_depth_map
    found = losses_of(build(mixer=dict(type='class')), data)
    assert found['from_partner'].item() in (0.25, 0.5, 0.75) and found['confident'] == 1
    plain = losses_of(build(mixer=None), data)
    assert 'from_partner' not in plain and plain['loss_unlabelled'] > 0


def test_padding_is_not_learnt_from():
    model = build(mixer=None, colours=False, threshold=0.)
    data = batch(2, size=PADDED)
    ready = model.data_preprocessor(copy.deepcopy(data), True)
    for unlabelled in ready['data_samples']['unlabelled']:
        assert not unlabelled.gt_depth_map.data[:, PADDED[0]:].any()
    _, labels, confidence, _ = model.taught(ready['inputs']['unlabelled'], ready['data_samples']['unlabelled'])
    inside = torch.zeros(2, *SIZE, dtype=torch.bool)
    inside[:, :PADDED[0], :PADDED[1]] = True
    assert torch.equal(labels != 255, inside) and torch.equal(confidence > 0, inside)


def test_pixels_of_which_the_teacher_is_not_sure_may_be_left_out():
    data = batch(2, has_labels=(True, False))
    model = build(per_pixel=True, threshold=.999, mixer=None, colours=False)
    ready = model.data_preprocessor(copy.deepcopy(data), True)
    images, samples = ready['inputs']['unlabelled'], ready['data_samples']['unlabelled']
    logits = copy.deepcopy(model).encode_decode(images, [dict(img_shape=SIZE, pad_shape=SIZE)] * 2)
    expected = F.cross_entropy(logits[:1], samples[0].gt_sem_seg.data, reduction='mean') / 2
    ready_losses = model._unlabelled(images, samples, None)
    torch.testing.assert_close(ready_losses['loss_unlabelled'], expected)
    assert ready_losses['confident'] == 0.5


def test_draws_depend_on_the_items_alone():
    data, other = batch(3), batch(3)
    for unlabelled in other['unlabelled']['data_samples']:
        unlabelled.set_metainfo(dict(seed=unlabelled.seed + 1))
    torch.manual_seed(1)
    first = losses_of(build(mixer=dict(foreground=(.1, .4))), data)
    torch.rand(3)
    np.random.seed(3)  # noqa: NPY002
    again, different = (losses_of(build(mixer=dict(foreground=(.1, .4))), each) for each in (data, other))
    for name in first:
        assert torch.equal(first[name], again[name])
    assert first['loss_unlabelled'] != different['loss_unlabelled']
    assert first['from_partner'] != different['from_partner']


def test_strong_colours_are_those_of_plain_images():
    """As if they were changed before they are normalised, in their own order of channels."""
    from mmdepthcp.views import STRONG, strong_colours

    model, images = build(), torch.rand(2, 3, *SIZE) * 255
    pixels = model.student.data_preprocessor
    found = model._recoloured((images.flip(1) - pixels.mean) / pixels.std, np.random.default_rng(0))
    expected = strong_colours(images, np.random.default_rng(0), STRONG)
    assert not torch.allclose(expected, images)
    torch.testing.assert_close((found * pixels.std + pixels.mean).flip(1), expected, atol=1e-2, rtol=1e-3)


def test_the_teacher_is_told_how_often_it_is_right():
    data = batch(2, has_labels=(True, False), labels_read=True)
    model = build()
    ready = model.data_preprocessor(copy.deepcopy(data), True)
    labels = model.teacher.encode_decode(ready['inputs']['unlabelled'], [dict(img_shape=SIZE)] * 2).argmax(1)
    truth = data['unlabelled']['data_samples'][1].gt_sem_seg.data
    truth[0, :20] = 255
    expected = 100 * (labels[1, 20:] == truth[0, 20:]).float().mean()
    torch.testing.assert_close(losses_of(build(), data)['teacher_acc'], expected)
    assert 'teacher_acc' not in losses_of(build(), batch())


def test_the_teacher_is_a_mean_of_students():
    model = build()
    weights = model.backbone.conv1.weight, model.teacher.backbone.conv1.weight
    before = model.teacher.backbone.bn1.running_mean.clone()
    weights[1].fill_(1.)
    seen = []
    for value in (2., 3., 4.):
        weights[0].data.fill_(value)
        model.backbone.bn1.running_mean.fill_(value)
        model.update_teacher()
        seen.append(weights[1].unique().item())
    assert seen == pytest.approx([1.5, 2.0, 2.5]) and model.teacher.updates == 3
    assert torch.equal(model.teacher.backbone.bn1.running_mean, before)
    model.teacher.updates.fill_(500)
    model.update_teacher(limit=.9)
    assert weights[1].unique().item() == pytest.approx(2.5 + .1 * 1.5)


def test_a_teacher_begins_like_its_student_and_one_that_has_learnt_stays():
    model = build(watched=False)
    model.backbone.conv1.weight.data.fill_(7)
    model.backbone.bn1.running_mean.fill_(3)
    model.start_teacher()
    assert (model.teacher.backbone.conv1.weight == 7).all() and (model.teacher.backbone.bn1.running_mean == 3).all()
    model.update_teacher()
    model.backbone.conv1.weight.data.fill_(9)
    model.start_teacher()
    assert (model.teacher.backbone.conv1.weight == 7).all()


def test_the_teacher_learns_by_itself_nothing_but_its_statistics():
    model = build(dropout=.5)
    before = copy.deepcopy(model.teacher.state_dict())
    sum(value for name, value in losses_of(model, batch()).items() if 'loss' in name).backward()
    changed = {name for name, tensor in model.teacher.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed and all('running' in name or 'num_batches' in name for name in changed)
    assert all(parameter.grad is None for parameter in model.teacher.parameters())
    assert all(parameter.grad is not None for parameter in model.student.parameters())


@pytest.mark.parametrize('on', [False, True])
def test_dropout_of_the_teacher(on):
    model = build(dropout=.5, teacher_dropout=on)
    for _ in range(2):
        assert model.decode_head.dropout.training and model.teacher.decode_head.dropout.training == on
        assert model.teacher.backbone.bn1.training and model.student.training
        model.eval()
        assert not any(module.training for module in (*model.modules(), model.student))
        model.train()


@pytest.mark.parametrize('counts', [1, 2])
def test_gradients_taken_at_once_are_the_same(counts):
    weights = []
    for memory_efficient in (False, True):
        model = build(dropout=.3, mixer=dict(type='depth'), memory_efficient=memory_efficient)
        wrapper = OptimWrapper(torch.optim.SGD(model.student.parameters(), .05), accumulative_counts=counts,
                               clip_grad=dict(max_norm=10))
        wrapper.initialize_count_status(model, 0, 3)
        for step in range(3):
            torch.manual_seed(step)
            logged = model.train_step(batch(seed=step), wrapper)
            if wrapper.should_update():
                model.update_teacher()
        weights.append((dict(model.state_dict()), logged, wrapper._inner_count))
    (one, one_log, one_count), (other, other_log, other_count) = weights
    assert one_count == other_count == 3 and set(one_log) == set(other_log)
    assert one['teacher.updates'] == {1: 3, 2: 2}[counts]
    for name in one:
        torch.testing.assert_close(one[name], other[name], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(one_log['loss'], other_log['loss'], atol=1e-4, rtol=1e-4)


def test_mixed_precision():
    model, data = build(mixer=dict(type='depth'), threshold=.3), batch()
    ready = model.data_preprocessor(copy.deepcopy(data), True)
    with torch.autocast('cpu', torch.bfloat16):
        half = model(**ready, mode='loss')
    full = losses_of(build(mixer=dict(type='depth'), threshold=.3), data)
    assert half['loss_unlabelled'].dtype == torch.float32
    for name in ('loss_unlabelled', 'confident', 'from_partner'):
        torch.testing.assert_close(half[name], full[name], atol=.03, rtol=.1)
    half['loss_unlabelled'].backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.backbone.parameters())


class GivesDisparity(EncoderDecoder):
    """Stands for a network that learns depth too."""

    def labelled_losses(self, inputs, data_samples):
        return {'labelled.loss': self.decode_head.conv_seg.weight.sum()}

    def target_images(self, inputs):
        return inputs + 0

    def depth_losses(self, inputs, data_samples):
        slope = torch.linspace(0, .5, SIZE[1]).expand(len(inputs), 1, *SIZE) + self.decode_head.conv_seg.bias.sum()
        return {'depth.loss': slope.mean()}, torch.cat([slope[:1], 2 * slope[1:].flip(3)])


def test_disparity_of_the_segmentor_itself():
    settings = dict(segmentor={**segmentor(), 'type': GivesDisparity}, colours=False)
    for source, share in ((dict(source='online', norm='crop', margin=0.), .5), (dict(type='class'), None)):
        model = MeanTeacherSegmentor(mixer=source, **settings)
        model.start_teacher()
        found = losses_of(model.train(), batch())
        assert {'labelled.loss', 'depth.loss', 'loss_unlabelled'} <= set(found)
        assert not any(name.startswith('decode') for name in found)
        if share:
            assert found['from_partner'] == share


@pytest.mark.parametrize(('settings', 'message'), [
    (dict(mixer=dict(type='cut')), "mixer.type 'cut': must be one of"),
    (dict(mixer=dict(margins=.1)), 'mixer: unknown margins; it takes type, margin'),
    (dict(mixer=dict(source='online')), "norm 'image' is of whole images"),
    (dict(mixer=dict(source='online', norm='crop')), 'EncoderDecoder gives no disparity'),
])
def test_settings_that_do_not_fit(settings, message):
    with pytest.raises(InputError, match=message):
        build(**settings)


def test_one_channel_is_no_distribution():
    with pytest.raises(InputError, match='one channel of output'):
        head = dict(segmentor()['decode_head'], num_classes=2, out_channels=1, threshold=.5,
                    loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True))
        MeanTeacherSegmentor(segmentor(decode_head=head))


def test_what_is_missing_in_training_is_said():
    with pytest.raises(InputError, match=r'nothing moves the teacher; add .*TeacherUpdateHook'):
        losses_of(build(watched=False), batch())
    data = batch()
    with pytest.raises(InputError, match=r'a batch of inputs, data_samples .* mmdepthcp\.LabelledUnlabelledDataset'):
        losses_of(build(), data['labelled'])
    data['unlabelled']['data_samples'] = data['labelled']['data_samples']
    with pytest.raises(InputError, match=r'unlabelled images have no seed; set .* mmdepthcp\.LabelledUnlabelledD'):
        losses_of(build(), data)
    for key, message in (('gt_depth_map', 'has no disparity to mix by; add LoadDisparity'),
                         ('disparity_range', "range of its disparity is not known; .* mixer.norm='crop'")):
        data = batch()
        for each in data['unlabelled']['data_samples']:
            if key == 'disparity_range':
                each._metainfo_fields.remove(key)
                delattr(each, key)
            else:
                delattr(each, key)
        with pytest.raises(InputError, match=f'a.png: .*{message}'):
            losses_of(build(mixer=dict(type='depth')), data)


def halves(data, rank):
    """The part of a batch of 4 that a rank of 2 has."""
    part = slice(2 * rank, 2 * rank + 2)
    return {branch: {key: values[part] for key, values in content.items()} for branch, content in data.items()}


def trained(model, batches):
    bare = model.module if isinstance(model, CPUDataParallel) else model
    optimiser = torch.optim.SGD(bare.student.parameters(), .05)
    for data in batches:
        losses = model(**bare.data_preprocessor(data, True), mode='loss')
        optimiser.zero_grad()
        sum(value for name, value in losses.items() if 'loss' in name).backward()
        optimiser.step()
        bare.update_teacher()
    return dict(bare.state_dict())


def batches():
    return [batch(4, seed, has_labels=(False, True, False, False)) for seed in range(3)]


def run_rank(rank, port, folder):
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
    model = CPUDataParallel(build(colours=False, threshold=.3), True, device_ids=None, broadcast_buffers=False)
    torch.save(trained(model.train(), [halves(data, rank) for data in batches()]), f'{folder}/{rank}.pt')
    with pytest.raises(InputError, match='memory_efficient is for one process'):
        losses_of(build(memory_efficient=True), batch())
    torch.distributed.barrier()


def test_two_processes_are_one(tmp_path):
    """Without mixing, whose partners are those of a process, and without colours, whose coins are."""
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        port = server.getsockname()[1]
    mp.start_processes(run_rank, (port, str(tmp_path)), nprocs=2, start_method='fork')
    one = trained(build(colours=False, threshold=.3), batches())
    assert isinstance(build().backbone.bn1, nn.BatchNorm2d)
    for rank in range(2):
        state = torch.load(tmp_path / f'{rank}.pt')
        for name, tensor in one.items():
            torch.testing.assert_close(state[name], tensor, atol=1e-4, rtol=1e-3, msg=lambda text, name=name: name)
