# Cityscapes at half resolution, 1024x512, crops of 512x512; 100 of 2975 images have labels. The published splits have
# 100, 372, 744, 2975 (drawn otherwise): --cfg-options train_dataloader.dataset.subset.count=372
# Scores are taken at half resolution too, as published. A checkpoint fits the plain segmentor's config, so full
# resolution is: tools/test.py configs/finetune/semantic_fpn_r50_cityscapes.py CHECKPOINT
_base_ = 'cityscapes_semantic.py'
size = (1024, 512)
subset = dict(count=100, seed=0)

train_pipeline = [
    dict(type='mmdepthcp.LoadImage'),
    dict(type='mmdepthcp.LoadLabels'),
    dict(type='mmseg.Resize', scale=size, keep_ratio=False),
    dict(type='mmseg.RandomCrop', crop_size=(512, 512)),
    dict(type='mmseg.RandomFlip', prob=0.5),
    dict(type='mmseg.PackSegInputs'),
]
strong_pipeline = [*train_pipeline[:-1], dict(type='mmdepthcp.StrongColours'), train_pipeline[-1]]
labelled = dict(
    type='mmdepthcp.CityscapesStreetDataset',
    data_root='data/cityscapes/',
    data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
    pipeline=train_pipeline)
with_disparity = dict(
    labelled,
    data_prefix=dict(labelled['data_prefix'], disparity_path='disparity_mono/leftImg8bit/train'),
    pipeline=[train_pipeline[0], dict(type='mmdepthcp.LoadDisparity', as_field=True), *train_pipeline[1:]])
test_pipeline = [
    dict(type='mmdepthcp.LoadImage'),
    dict(type='mmdepthcp.LoadLabels'),
    dict(type='mmseg.Resize', scale=size, keep_ratio=False),
    dict(type='mmdepthcp.ScoreAtThisSize'),
    dict(type='mmseg.PackSegInputs'),
]
# the learning rates of the configs are for this many labelled images at once, over all processes
auto_scale_lr = dict(enable=False, base_batch_size=2)
train_dataloader = dict(batch_size=2, dataset=dict(_delete_=True, **labelled, subset=subset))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
