# Video of three kinds in one batch: KITTI in colour (calibrated, its standing part left out), KITTI odometry in grey
# (calibrated), CamVid at 15 Hz (no calibration: learnt). All are brought to one height and cropped to one width.
# Expects kitti_sample/ and camvid/ below data_root.
data_root = '{{$MMDEPTHCP_DATA:data}}/'
crop_size = (448, 320)
kitti_scale = (1056, 320)
camvid_scale = (448, 320)

augmentation = [
    dict(type='CropClip', size=crop_size),
    dict(type='FlipClip'),
    dict(type='ColorJitterClip'),
    dict(type='PackMonoInputs'),
]
kitti_pipeline = [dict(type='LoadClip'), dict(type='ResizeClip', scale=kitti_scale), *augmentation]
camvid_pipeline = [dict(type='LoadClip'), dict(type='ResizeClip', scale=camvid_scale), *augmentation]
frame_pipeline = [
    dict(type='LoadClip'),
    dict(type='ResizeClip', scale=kitti_scale),
    dict(type='PackMonoInputs'),
]
kitti_raw = dict(
    type='VideoClipDataset',
    layout='kitti_raw',
    data_root=data_root,
    data_prefix=dict(img_path='kitti_sample/raw_drive'),
    static_threshold=3.0,
    pipeline=kitti_pipeline)
kitti_odometry = dict(
    type='VideoClipDataset',
    layout='kitti_odometry',
    data_root=data_root,
    data_prefix=dict(img_path='kitti_sample/odometry_gray'),
    pipeline=kitti_pipeline)
camvid = dict(
    type='VideoClipDataset',
    layout='folder',
    data_root=data_root,
    data_prefix=dict(img_path='camvid/images/val'),
    ann_file='camvid/splits/sequence_15hz_0016E5.txt',
    frame_step=2,
    intrinsics=None,
    pipeline=camvid_pipeline)
# the learning rates of the configs are for this many at once, over all processes
auto_scale_lr = dict(enable=False, base_batch_size=8)
train_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='EpochSampler', shuffle=True),
    dataset=dict(type='SeededConcatDataset', datasets=[kitti_raw, kitti_odometry, camvid]))
val_dataloader = dict(
    batch_size=4,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='VideoClipDataset',
        layout='kitti_raw',
        data_root=data_root,
        data_prefix=dict(img_path='kitti_sample/raw_drive'),
        test_mode=True,
        pipeline=frame_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(type='MonoDepthMetric', crop_type='garg', min_depth=1e-3, max_depth=80)
test_evaluator = val_evaluator
