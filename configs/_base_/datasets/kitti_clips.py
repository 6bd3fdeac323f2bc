# KITTI raw drives, cameras 2 and 3. The lists are Zhou's, which leave out the static frames: 39 810 lines to learn from
# (3317 batches of 12, the last 6 left out), 4424 to validate on, of which those count that have measured depth. Eigen's
# 697 test frames are for tools/test.py alone.
data_root = 'data/kitti/'
input_size = (640, 192)

clip_pipeline = [
    dict(type='LoadClip'),
    dict(type='ResizeClip', scale=input_size),
    dict(type='FlipClip'),
    dict(type='ColorJitterClip'),
    dict(type='PackMonoInputs'),
]
frame_pipeline = [
    dict(type='LoadClip'),
    dict(type='ResizeClip', scale=input_size),
    dict(type='PackMonoInputs'),
]
# the learning rates of the configs are for this many at once, over all processes
auto_scale_lr = dict(enable=False, base_batch_size=12)
train_dataloader = dict(
    batch_size=12,
    num_workers=8,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='EpochSampler', shuffle=True),
    dataset=dict(
        type='VideoClipDataset',
        layout='kitti_raw',
        data_root=data_root,
        data_prefix=dict(img_path='raw'),
        ann_file='splits/eigen_zhou/train.txt',
        pipeline=clip_pipeline))
frames = dict(
    type='VideoClipDataset',
    layout='kitti_raw',
    data_root=data_root,
    data_prefix=dict(img_path='raw', depth_path='depth'),
    ann_file='splits/eigen_zhou/val.txt',
    test_mode=True,
    pipeline=frame_pipeline)
val_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=frames)
test_dataloader = dict(val_dataloader, dataset=dict(frames, ann_file='splits/eigen/test.txt'))
val_evaluator = dict(type='MonoDepthMetric', crop_type='garg', min_depth=1e-3, max_depth=80)
test_evaluator = val_evaluator
