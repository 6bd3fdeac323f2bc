# The whole chain on real images, small enough for two cores in an hour; expects camvid/ and kitti_sample/ below data/
# or below $MMDEPTHCP_DATA
_base_ = [
    '_base_/models/depthcp_r18_small.py', '_base_/datasets/camvid_groups.py', '_base_/default_runtime.py',
    '_base_/stages_camvid.py'
]
data_root = '{{$MMDEPTHCP_DATA:data}}/camvid/'
view_size = (192, 144)

# The encoder starts from the depth network's: minutes of training do not suffice to learn features from nothing.
model = dict(
    backbone=dict(init_cfg=dict(
        type='Pretrained', checkpoint='work_dirs/depthcp_camvid_small/depth/epoch_40.pth', prefix='backbone.')),
    num_clusters=11)

load_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadDisparity'),
    dict(type='LoadRegions'),
    dict(type='ResizeStreet', scale=view_size),
]
group_pipeline = [
    # lengths are a quarter of those for 768x384
    dict(
        type='CopyPaste',
        pastes=dict(
            cp_times=(2, 4), position_jitter=4, min_height=4, min_width=2, min_side=8, whole_margin=4, min_pasted=2)),
    dict(type='SampleMatches', region_points=1350, pixel_points=750),
    dict(type='PackMixedViews'),
]
eval_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeStreet', scale=view_size),
    dict(type='LoadLabels'),
    dict(type='mmseg.PackSegInputs'),
]
train_dataloader = dict(
    num_workers=1,
    dataset=dict(
        num_images=4,
        dataset=dict(
            data_root='',
            data_prefix=dict(
                img_path=data_root + 'images/train',
                disparity_path='work_dirs/depthcp_camvid_small/disparity',
                region_path='work_dirs/depthcp_camvid_small/regions'),
            pipeline=load_pipeline),
        pipeline=group_pipeline))
val_dataloader = dict(num_workers=1, dataset=dict(data_root=data_root, pipeline=eval_pipeline))
test_dataloader = val_dataloader

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.01))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=True, begin=0, end=1, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', eta_min=1e-4, by_epoch=True, begin=1, end=6, convert_to_iter_based=True),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=6, val_interval=2)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

pipeline = [
    *_base_.stages.from_video,
    _base_.stages.depth_score,
    _base_.stages.region_quality,
    *_base_.stages.depthcp,
    *[dict(stage, needs=[]) for stage in _base_.stages.baselines],
    _base_.stages.summary,
]
