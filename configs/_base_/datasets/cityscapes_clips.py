# Cityscapes sequences: 30 frames around every labelled one, calibration of each drive
data_root = 'data/cityscapes/'
input_size = (512, 256)

clip_pipeline = [
    dict(type='LoadClip'),
    dict(type='ResizeClip', scale=input_size),
    dict(type='FlipClip'),
    dict(type='ColorJitterClip'),
    dict(type='PackMonoInputs'),
]
test_pipeline = [
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
        layout='cityscapes',
        data_root=data_root,
        data_prefix=dict(img_path='leftImg8bit_sequence/train', camera_path='camera/train'),
        static_threshold=2.0,
        cache_path=data_root + 'frame_differences.json',
        pipeline=clip_pipeline))
