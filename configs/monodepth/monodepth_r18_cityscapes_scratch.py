# monodepth_r18_cityscapes.py from random weights: 30 epochs
_base_ = [
    '../_base_/models/monodepth_r18.py', '../_base_/datasets/cityscapes_clips.py',
    '../_base_/schedules/monodepth_30e.py', '../_base_/default_runtime.py'
]
# no depth is measured at these frames: nothing to validate on
val_cfg = None
test_cfg = None
