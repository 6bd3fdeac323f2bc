"""Stock MMSegmentation and MMDetection models take pretrained weights, in processes without this package."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.registry import DefaultScope

from mmdepthcp.apis import export_backbone
from mmdepthcp.models import DepthCP  # noqa: F401
from mmdepthcp.registry import MODELS

PARTS = '''
import sys, warnings
warnings.filterwarnings('ignore')
import torch
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope

norm_cfg = dict(type='BN', requires_grad=True)
group_norm = dict(type='GN', num_groups=4)

def pretrained(part):
    return dict(type='Pretrained', checkpoint='given on the command line', prefix=f'{part}.')

def backbone(**settings):
    return dict(type='ResNet', depth=18, base_channels=8, stem_channels=8, num_stages=4, out_indices=(0, 1, 2, 3),
                norm_cfg=norm_cfg, style='pytorch', init_cfg=pretrained('backbone'), **settings)

def build(registry, config, file):
    for part in config.values():
        if isinstance(part, dict) and 'init_cfg' in part:
            part['init_cfg']['checkpoint'] = file
    model = registry.build(ConfigDict(config))
    model.init_weights()
    return model

def check(model, file, expected):
    state = torch.load(file, map_location='cpu', weights_only=True)['state_dict']
    for part, count in expected.items():
        tensors = getattr(model, part).state_dict()
        same = [name for name, tensor in tensors.items()
                if f'{part}.{name}' in state and torch.equal(tensor, state[f'{part}.{name}'])]
        assert len(same) == count, (part, len(same), len(tensors))
        rest = set(tensors) - set(same)
        assert all(name.startswith('conv_seg') for name in rest), rest

def train_step(model, batch):
    before = model.backbone.layer4[0].conv1.weight.detach().clone()
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    losses = model.train_step(batch, OptimWrapper(optimizer))
    assert torch.isfinite(losses['loss']), losses
    assert not torch.equal(before, model.backbone.layer4[0].conv1.weight)
    assert not [name for name in sys.modules if name.startswith('mmdepthcp')]
    print('a step of training is done')
'''

MMSEG = PARTS + '''
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import register_all_modules

register_all_modules()
preprocessor = dict(type='SegDataPreProcessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375],
                    bgr_to_rgb=True, pad_val=0, seg_pad_val=255, size=(64, 64))
cross_entropy = dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)
semantic_fpn = dict(
    type='EncoderDecoder', data_preprocessor=preprocessor,
    backbone=backbone(dilations=(1, 1, 1, 1), strides=(1, 2, 2, 2), norm_eval=False, contract_dilation=True),
    neck=dict(type='FPN', in_channels=[8, 16, 32, 64], out_channels=16, num_outs=4, init_cfg=pretrained('neck')),
    decode_head=dict(
        type='FPNHead', in_channels=[16, 16, 16, 16], in_index=[0, 1, 2, 3], feature_strides=[4, 8, 16, 32],
        channels=16, dropout_ratio=0.1, num_classes=19, norm_cfg=group_norm, align_corners=False,
        loss_decode=cross_entropy, init_cfg=pretrained('decode_head')),
    train_cfg=dict(), test_cfg=dict(mode='whole'))
fcn = dict(
    type='EncoderDecoder', data_preprocessor=preprocessor,
    backbone=backbone(dilations=(1, 1, 2, 4), strides=(1, 2, 1, 1), norm_eval=False, contract_dilation=True),
    decode_head=dict(
        type='FCNHead', in_channels=64, in_index=3, channels=16, num_convs=2, concat_input=True, dropout_ratio=0.1,
        num_classes=19, norm_cfg=norm_cfg, align_corners=False, loss_decode=cross_entropy),
    train_cfg=dict(), test_cfg=dict(mode='whole'))

sample = SegDataSample(gt_sem_seg=PixelData(data=torch.randint(0, 19, (1, 64, 64))),
                       metainfo=dict(img_shape=(64, 64), ori_shape=(64, 64)))
for file in sys.argv[1:]:
    for config, parts in ((semantic_fpn, dict(backbone=120, neck=16, decode_head=21)), (fcn, dict(backbone=120))):
        model = build(MODELS, config, file)
        check(model, file, parts)
        train_step(model, dict(inputs=[torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8)] * 2,
                               data_samples=[sample.clone(), sample.clone()]))
'''

MMDET = PARTS + '''
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmdet.utils import register_all_modules
from mmengine.structures import InstanceData

register_all_modules()
smooth = dict(type='L1Loss', loss_weight=1.0)

def coder(*stds):
    return dict(type='DeltaXYWHBBoxCoder', target_means=[0., 0., 0., 0.], target_stds=stds)

def assigner(positive, negative, least):
    return dict(type='MaxIoUAssigner', pos_iou_thr=positive, neg_iou_thr=negative, min_pos_iou=least,
                match_low_quality=True, ignore_iof_thr=-1)

def sampler(count, fraction, add):
    return dict(type='RandomSampler', num=count, pos_fraction=fraction, neg_pos_ub=-1, add_gt_as_proposals=add)

def extractor(size):
    return dict(type='SingleRoIExtractor', roi_layer=dict(type='RoIAlign', output_size=size, sampling_ratio=0),
                out_channels=16, featmap_strides=[4, 8, 16, 32])

proposals = dict(nms_pre=100, max_per_img=50, nms=dict(type='nms', iou_threshold=0.7), min_bbox_size=0)
mask_rcnn = dict(
    type='MaskRCNN',
    data_preprocessor=dict(
        type='DetDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True,
        pad_mask=True, pad_size_divisor=32),
    backbone=backbone(frozen_stages=1, norm_eval=True),
    neck=dict(type='FPN', in_channels=[8, 16, 32, 64], out_channels=16, num_outs=5, init_cfg=pretrained('neck')),
    rpn_head=dict(
        type='RPNHead', in_channels=16, feat_channels=16,
        anchor_generator=dict(type='AnchorGenerator', scales=[8], ratios=[0.5, 1.0, 2.0], strides=[4, 8, 16, 32, 64]),
        bbox_coder=coder(1., 1., 1., 1.), loss_bbox=smooth,
        loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=True, loss_weight=1.0)),
    roi_head=dict(
        type='StandardRoIHead', bbox_roi_extractor=extractor(7),
        bbox_head=dict(
            type='Shared2FCBBoxHead', in_channels=16, fc_out_channels=16, roi_feat_size=7, num_classes=8,
            bbox_coder=coder(0.1, 0.1, 0.2, 0.2), reg_class_agnostic=False, loss_bbox=smooth,
            loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)),
        mask_roi_extractor=extractor(14),
        mask_head=dict(
            type='FCNMaskHead', num_convs=1, in_channels=16, conv_out_channels=16, num_classes=8,
            loss_mask=dict(type='CrossEntropyLoss', use_mask=True, loss_weight=1.0))),
    train_cfg=dict(
        rpn=dict(assigner=assigner(0.7, 0.3, 0.3), sampler=sampler(64, 0.5, False), allowed_border=-1, pos_weight=-1,
                 debug=False),
        rpn_proposal=proposals,
        rcnn=dict(assigner=assigner(0.5, 0.5, 0.5), sampler=sampler(64, 0.25, True), mask_size=28, pos_weight=-1,
                  debug=False)),
    test_cfg=dict(rpn=proposals, rcnn=dict(score_thr=0.05, nms=dict(type='nms', iou_threshold=0.5), max_per_img=10,
                                           mask_thr_binary=0.5)))

masks = torch.zeros(1, 64, 64, dtype=torch.uint8)
masks[:, 8:40, 8:40] = 1
sample = DetDataSample(
    gt_instances=InstanceData(bboxes=torch.tensor([[8., 8., 40., 40.]]), labels=torch.tensor([2]),
                              masks=BitmapMasks(masks.numpy(), 64, 64)),
    metainfo=dict(img_shape=(64, 64), ori_shape=(64, 64), batch_input_shape=(64, 64), pad_shape=(64, 64),
                  scale_factor=(1., 1.)))
for file in sys.argv[1:]:
    model = build(MODELS, mask_rcnn, file)
    check(model, file, dict(backbone=120, neck=16))
    train_step(model, dict(inputs=[torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8)],
                           data_samples=[sample.clone()]))
'''


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory) -> Path:
    """A checkpoint of a narrow DepthCP, with statistics that no initialisation gives."""
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdepthcp'):
        model = MODELS.build(dict(
            type='DepthCP', num_clusters=3, num_prototypes=10, projection_channels=8,
            backbone=dict(type='mmpretrain.ResNet', depth=18, out_indices=(0, 1, 2, 3), base_channels=8,
                          stem_channels=8),
            neck=dict(type='mmseg.FPN', in_channels=[8, 16, 32, 64], out_channels=16, num_outs=4),
            decode_head=dict(type='SemanticFPNFeatures', in_channels=[16] * 4, channels=16,
                             norm_cfg=dict(type='GN', num_groups=4))))
    state = {name: tensor + 0.01 * torch.rand_like(tensor) if tensor.is_floating_point() else tensor + 7
             for name, tensor in model.state_dict().items()}
    path = tmp_path_factory.mktemp('pretrained') / 'epoch_1.pth'
    torch.save(dict(state_dict=state, meta=dict(epoch=1)), path)
    return path


@pytest.mark.parametrize(('target', 'script', 'steps'), [('mmseg', MMSEG, 4), ('mmdet', MMDET, 2)])
def test_checkpoints_and_exported_files_fill_stock_models_that_train(checkpoint, tmp_path, target, script, steps):
    if target == 'mmdet':
        pytest.importorskip('mmcv.ops')
    exported = tmp_path / 'exported.pth'
    export_backbone(checkpoint, exported, target)
    result = subprocess.run(
        [sys.executable, '-c', script, str(checkpoint), str(exported)], capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count('a step of training is done') == steps
