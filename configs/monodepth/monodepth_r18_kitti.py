# Godard et al., ICCV 2019: ImageNet start, 640x192, batch of 12, 20 epochs = 66 340 iterations.
# Published abs_rel (Eigen's test frames, median scaling): .115; from random weights (..._scratch.py): .132
_base_ = [
    '../_base_/models/monodepth_r18_imagenet.py', '../_base_/datasets/kitti_clips.py',
    '../_base_/schedules/monodepth_20e.py', '../_base_/default_runtime.py'
]
