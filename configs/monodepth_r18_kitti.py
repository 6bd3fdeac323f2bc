_base_ = [
    '_base_/models/monodepth_r18.py', '_base_/datasets/kitti_clips.py',
    '_base_/schedules/monodepth_20e.py', '_base_/default_runtime.py'
]
