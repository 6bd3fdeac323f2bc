# monodepth_r18_kitti.py from random weights: 30 epochs = 99 510 iterations. Published abs_rel: .132
_base_ = [
    '../_base_/models/monodepth_r18.py', '../_base_/datasets/kitti_clips.py',
    '../_base_/schedules/monodepth_30e.py', '../_base_/default_runtime.py'
]
