# ImageNet start, 20 epochs; monodepth_r18_cityscapes_scratch.py starts from random weights
_base_ = [
    '../_base_/models/monodepth_r18_imagenet.py', '../_base_/datasets/cityscapes_clips.py',
    '../_base_/schedules/monodepth_20e.py', '../_base_/default_runtime.py'
]
# no depth is measured at these frames: nothing to validate on
val_cfg = None
test_cfg = None
