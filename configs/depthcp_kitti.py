_base_ = [
    '_base_/models/depthcp_r50.py', '_base_/datasets/kitti_groups.py',
    '_base_/schedules/depthcp_25e.py', '_base_/default_runtime.py'
]
