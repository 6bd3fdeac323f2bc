# STEGO on a ResNet-50 of half width that others have trained with labels, on ImageNet and on two kinds of photographs,
# CamVid:
#   python tools/nearest_neighbours.py configs/depthg/stego_r50half_camvid.py \
#       work_dirs/stego_r50half_camvid/neighbours.npz
#   python tools/train.py configs/depthg/stego_r50half_camvid.py
_base_ = [
    '../_base_/models/depthg_r18_small.py', '../_base_/datasets/camvid_pairs_336.py',
    '../_base_/depthg_small_runtime.py'
]
model = dict(
    data_preprocessor=dict(mean=[104, 117, 123], std=[1, 1, 1], bgr_to_rgb=False),
    backbone=dict(
        _delete_=True,
        type='mmdepthcp.FrozenFeatures',
        backbone=dict(
            type='mmseg.ResNet',
            depth=50,
            base_channels=32,
            stem_channels=64,
            # with the last stage a step of the head takes nine times as long
            num_stages=3,
            strides=(1, 2, 2),
            dilations=(1, 1, 1),
            out_indices=(2,),
            style='caffe',
            norm_cfg=dict(type='BN', requires_grad=True),
            init_cfg=dict(
                type='Pretrained',
                checkpoint='{{$MMDEPTHCP_DATA:data}}/pretrained/resnet50_half_opennsfw/resnet50_base32_caffe_mmseg.pth'))),
    in_channels=512,
    code_channels=70,
    num_clusters=11,
    num_classes=11)
train_dataloader = dict(dataset=dict(neighbours='work_dirs/stego_r50half_camvid/neighbours.npz'))
default_hooks = dict(checkpoint=dict(save_best='camvid11/mIoU'))
