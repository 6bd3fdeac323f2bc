# Semantic FPN on few labels of toy streets, to compare with. It starts at random; from the depth network:
#   --cfg-options model.backbone.init_cfg.type=Pretrained model.backbone.init_cfg.prefix=backbone.
#                 model.backbone.init_cfg.checkpoint=work_dirs/depthcp_toy/depth/epoch_12.pth
# and likewise model.segmentor.backbone.init_cfg of the configs with a teacher
_base_ = [
    '../_base_/models/semantic_fpn_r18_small.py',
    '../_base_/datasets/few_labels_toy.py',
    '../_base_/schedules/few_labels_1k.py',
    '../_base_/semantic_runtime.py',
]
model = dict(decode_head=dict(num_classes=10, loss_decode=dict(avg_non_ignore=True)))
