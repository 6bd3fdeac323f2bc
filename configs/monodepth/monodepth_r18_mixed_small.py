# The same at 160x128 with a ResNet-18 of half width: about 20 minutes on two cores
_base_ = 'monodepth_r18_mixed.py'
crop_size = (160, 128)
kitti_scale = (416, 128)
camvid_scale = (160, 128)

model = dict(
    scale_weight=0.05,
    backbone=dict(base_channels=32, stem_channels=32),
    decode_head=dict(in_channels=(32, 32, 64, 128, 256), channels=(16, 16, 32, 64, 128)),
    pose_net=dict(encoder=dict(base_channels=32, stem_channels=32), in_channels=256))

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
data_root = '{{$MMDEPTHCP_DATA:data}}/'
train_dataloader = dict(
    num_workers=1,
    dataset=dict(datasets=[
        dict(
            type='VideoClipDataset',
            layout='kitti_raw',
            data_root=data_root,
            data_prefix=dict(img_path='kitti_sample/raw_drive'),
            static_threshold=3.0,
            pipeline=kitti_pipeline),
        dict(
            type='VideoClipDataset',
            layout='kitti_odometry',
            data_root=data_root,
            data_prefix=dict(img_path='kitti_sample/odometry_gray'),
            pipeline=kitti_pipeline),
        dict(
            type='VideoClipDataset',
            layout='folder',
            data_root=data_root,
            data_prefix=dict(img_path='camvid/images/val'),
            ann_file='camvid/splits/sequence_15hz_0016E5.txt',
            frame_step=2,
            intrinsics=None,
            pipeline=camvid_pipeline),
    ]))
val_dataloader = dict(num_workers=1, dataset=dict(pipeline=frame_pipeline))
test_dataloader = val_dataloader
# what infer_depth.py uses for CamVid
test_pipeline = [
    dict(type='LoadClip'),
    dict(type='ResizeClip', scale=camvid_scale),
    dict(type='PackMonoInputs'),
]
custom_hooks = [dict(type='EpochSeedHook'), dict(type='MonoDepthWatchHook', start=300)]
optim_wrapper = dict(optimizer=dict(lr=5e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', eta_min=1e-5, by_epoch=True, begin=0, end=40, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=40, val_interval=5)
