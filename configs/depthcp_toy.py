# The whole chain on toy streets, in minutes on two cores:
#   python tools/run_pipeline.py configs/depthcp_toy.py --work-dir work_dirs/demo
_base_ = [
    '_base_/models/depthcp_r18_small.py', '_base_/datasets/cityscapes_groups.py', '_base_/default_runtime.py',
    '_base_/stages_toy.py'
]
data_root = 'data/toy/'
view_size = (192, 96)

# The encoder starts from the depth network's: minutes of training do not suffice to learn features from nothing.
model = dict(
    backbone=dict(init_cfg=dict(
        type='Pretrained', checkpoint='work_dirs/depthcp_toy/depth/epoch_12.pth', prefix='backbone.')),
    num_prototypes=128,
    num_clusters=10)

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
    dict(type='SampleMatches', region_points=900, pixel_points=500),
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
            _delete_=True,
            type='ToyStreetDataset',
            data_root='',
            data_prefix=dict(
                img_path=data_root + 'leftImg8bit/train',
                disparity_path='work_dirs/depthcp_toy/disparity',
                region_path='work_dirs/depthcp_toy/regions'),
            pipeline=load_pipeline),
        pipeline=group_pipeline))
val_dataloader = dict(
    num_workers=1,
    dataset=dict(
        _delete_=True,
        type='ToyStreetDataset',
        data_root=data_root,
        data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
        pipeline=eval_pipeline))
test_dataloader = val_dataloader

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.01))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=True, begin=0, end=1, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', eta_min=1e-4, by_epoch=True, begin=1, end=10, convert_to_iter_based=True),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=10, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

pipeline = [
    _base_.stages.toy_streets,
    *_base_.stages.from_video,
    _base_.stages.depth_score,
    _base_.stages.region_quality,
    dict(
        name='exact_disparity',
        tool='tools/dataset_converters/depth_maps.py',
        args=[
            data_root + 'depth/train', '{work_dir}/exact_disparity', '--suffix', '_depth.png', '--image-suffix',
            '_leftImg8bit', '--holes', 'far'
        ],
        outputs=['{work_dir}/exact_disparity', '{work_dir}/exact_disparity/meta.json'],
        needs=['toy_streets']),
    dict(
        name='region_quality_exact',
        tool='tools/region_quality.py',
        args=[
            '{labels}', '--json', '{work_dir}/regions_exact.json', '--images', '{images}', '--disparity',
            '{work_dir}/exact_disparity', '{camera}', '--settings', ' '.join(_base_.stage_values.regions)
        ],
        outputs=['{work_dir}/regions_exact.json'],
        reports={'regions.oracle_miou_exact_depth': 'oracle_miou'},
        needs=['exact_disparity']),
    *_base_.stages.depthcp,
    *[dict(stage, needs=['toy_streets']) for stage in _base_.stages.baselines],
    _base_.stages.summary,
]
