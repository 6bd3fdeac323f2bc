# STEGO on a ViT-S/14 of DINOv2's layout that others have fine-tuned for saliency, CamVid:
#   python tools/nearest_neighbours.py configs/depthg/stego_vits14_camvid.py \
#       work_dirs/stego_vits14_camvid/neighbours.npz
#   python tools/train.py configs/depthg/stego_vits14_camvid.py
_base_ = [
    '../_base_/models/depthg_vit_small.py', '../_base_/datasets/camvid_pairs_336.py',
    '../_base_/depthg_small_runtime.py'
]
model = dict(
    backbone=dict(
        img_size=518,
        patch_size=14,
        layer_scale_init_value=1.0,
        init_cfg=dict(
            checkpoint='{{$MMDEPTHCP_DATA:data}}/pretrained/dinov2_vits14_imgfocus/dinov2_vits14_timm_fp16.pth')),
    num_clusters=11,
    num_classes=11,
    standardise=True,
    test_cfg=dict(_delete_=True))
train_dataloader = dict(dataset=dict(neighbours='work_dirs/stego_vits14_camvid/neighbours.npz'))
default_hooks = dict(checkpoint=dict(save_best='camvid11/mIoU'))
