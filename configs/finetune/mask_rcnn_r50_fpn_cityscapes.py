# Mask R-CNN on Cityscapes, the setting of the paper
_base_ = [
    '../_base_/models/mask_rcnn_r50_fpn.py',
    '../_base_/datasets/cityscapes_instances.py',
    '../_base_/schedules/instances_24k.py',
    '../_base_/instances_runtime.py',
]
