# More video of moving cameras, and a motion that starts straight ahead: three KITTI drives, one of them in grey, a
# motorway and CamVid, at 160x128 with a ResNet-18 of half width. The drive with LiDAR is left for testing.
_base_ = 'monodepth_r18_mixed_small.py'
model = dict(pose_net=dict(forward_start=0.015))

data_root = '{{$MMDEPTHCP_DATA:data}}/'
clip = dict(type='VideoClipDataset', layout='folder', data_root=data_root, pipeline=_base_.kitti_pipeline)
motorway_pipeline = [dict(type='LoadClip'), dict(type='ResizeClip', scale=(228, 128)), *_base_.augmentation]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='SeededConcatDataset',
        datasets=[
            dict(clip, data_prefix=dict(img_path='street_video/kitti_odometry_03_gray')),
            dict(clip, data_prefix=dict(img_path='street_video/kitti_raw_city_268')),
            dict(clip, data_prefix=dict(img_path='street_video/kitti_raw_avenue_91')),
            # 25 images a second; its camera is not known
            dict(
                clip,
                data_prefix=dict(img_path='street_video/udacity_highway_221'),
                frame_step=3,
                intrinsics=None,
                pipeline=motorway_pipeline),
            *_base_.train_dataloader.dataset.datasets[1:],
        ]))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', eta_min=1e-5, by_epoch=True, begin=0, end=10, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=10, val_interval=2)
default_hooks = dict(checkpoint=dict(interval=2))
