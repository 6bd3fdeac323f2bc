# The whole chain on toy streets, in minutes on two cores:
#   python tools/run_pipeline.py configs/depthcp_toy.py --work-dir work_dirs/demo
_base_ = [
    '_base_/models/depthcp_r18_small.py', '_base_/datasets/cityscapes_groups.py', '_base_/default_runtime.py'
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

images = data_root + 'leftImg8bit/train'
labels = data_root + 'gtFine/train'
depth_config = 'configs/monodepth_toy.py'
depth_checkpoint = '{work_dir}/depth/epoch_12.pth'
pretrained = '{work_dir}/pretrain/epoch_10.pth'
regions = ['max_regions=60', 'weights=0.2,15,4,-5']
quality = [labels, '--suffixes', '_leftImg8bit', '_gtFine_labelTrainIds', '--json']
in_work_dir = [
    '--cfg-options',
    'model.backbone.init_cfg.checkpoint=' + depth_checkpoint,
    'train_dataloader.dataset.dataset.data_prefix.disparity_path={work_dir}/disparity',
    'train_dataloader.dataset.dataset.data_prefix.region_path={work_dir}/regions',
]
pipeline = [
    dict(
        name='toy_streets',
        tool='tools/dataset_converters/toy_streets.py',
        args=[
            data_root, '--train', '120', '--val', '25', '--frames', '5', '--labels-per-sequence', '2'
        ],
        outputs=[images]),
    dict(
        name='depth',
        tool='tools/train.py',
        args=[depth_config, '--work-dir', '{work_dir}/depth'],
        outputs=[depth_checkpoint]),
    dict(
        name='depth_score',
        tool='tools/test.py',
        args=[
            depth_config, depth_checkpoint, '--work-dir', '{work_dir}/depth_score', '--out',
            '{work_dir}/depth_metrics.json'
        ],
        outputs=['{work_dir}/depth_metrics.json']),
    dict(
        name='disparity',
        tool='tools/infer_depth.py',
        args=[depth_config, depth_checkpoint, images, '{work_dir}/disparity', '--batch-size', '8'],
        outputs=['{work_dir}/disparity', '{work_dir}/disparity/meta.json']),
    dict(
        name='regions',
        tool='tools/group_regions.py',
        args=[
            images, '{work_dir}/disparity', '{work_dir}/regions', '--camera-root', data_root + 'camera/train',
            '--params', *regions
        ],
        outputs=['{work_dir}/regions', '{work_dir}/regions/meta.json']),
    dict(
        name='region_quality',
        tool='tools/region_quality.py',
        args=[*quality, '{work_dir}/regions_learnt.json', '--regions', '{work_dir}/regions'],
        outputs=['{work_dir}/regions_learnt.json']),
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
            *quality, '{work_dir}/regions_exact.json', '--images', images, '--disparity', '{work_dir}/exact_disparity',
            '--camera-root', data_root + 'camera/train', '--settings', ' '.join(regions)
        ],
        outputs=['{work_dir}/regions_exact.json'],
        needs=['exact_disparity']),
    dict(
        name='pretrain',
        tool='tools/train.py',
        args=['{config}', '--work-dir', '{work_dir}/pretrain', *in_work_dir],
        outputs=[pretrained]),
    dict(
        name='unsup',
        tool='tools/test.py',
        args=[
            '{config}', pretrained, '--work-dir', '{work_dir}/unsup', '--out', '{work_dir}/unsup.json',
            '--show-dir', '{work_dir}/segmentation', *in_work_dir
        ],
        outputs=['{work_dir}/unsup.json']),
    dict(
        name='unsup_random',
        tool='tools/test.py',
        args=[
            '{config}', 'none', '--work-dir', '{work_dir}/unsup_random', '--out', '{work_dir}/unsup_random.json',
            '--cfg-options', 'model.backbone.init_cfg=None'
        ],
        outputs=['{work_dir}/unsup_random.json']),
    dict(
        name='unsup_colour_position',
        tool='tools/colour_position_baseline.py',
        args=['{config}', '--json', '{work_dir}/unsup_colour_position.json'],
        outputs=['{work_dir}/unsup_colour_position.json']),
    dict(name='summary', tool='tools/summarise.py', args=['{config}', '--work-dir', '{work_dir}', *in_work_dir],
         outputs=['{work_dir}/summary.json', '{work_dir}/report.html']),
]
