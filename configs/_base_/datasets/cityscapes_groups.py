# groups of 8 Cityscapes images at 768x384 for pretraining, val images for the unsupervised score
data_root = 'data/cityscapes/'
view_size = (768, 384)

load_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadDisparity'),
    dict(type='LoadRegions'),
    dict(type='ResizeStreet', scale=view_size),
]
group_pipeline = [
    dict(type='CopyPaste', pastes=dict(cp_times=(2, 4))),
    dict(type='SampleMatches', region_points=7200, pixel_points=4000),
    dict(type='PackMixedViews'),
]
eval_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeStreet', scale=view_size),
    dict(type='LoadLabels'),
    dict(type='mmseg.PackSegInputs'),
]

# the learning rates of the configs are for one group at once
auto_scale_lr = dict(enable=False, base_batch_size=1)
train_dataloader = dict(
    batch_size=1,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='EpochSampler', shuffle=True),
    dataset=dict(
        type='ImageGroupDataset',
        num_images=8,
        dataset=dict(
            type='CityscapesStreetDataset',
            data_root=data_root,
            data_prefix=dict(
                img_path='leftImg8bit/train',
                disparity_path='disparity_mono/leftImg8bit/train',
                region_path='regions/leftImg8bit/train'),
            pipeline=load_pipeline),
        pipeline=group_pipeline))
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CityscapesStreetDataset',
        data_root=data_root,
        data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
        pipeline=eval_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(type='UnsupervisedSegMetric')
test_evaluator = val_evaluator
