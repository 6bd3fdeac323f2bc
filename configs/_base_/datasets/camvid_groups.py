# groups of 8 CamVid training images at 480x352, the test images for the unsupervised score
_base_ = 'cityscapes_groups.py'
data_root = 'data/camvid/'
view_size = (480, 352)

load_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadDisparity'),
    dict(type='LoadRegions'),
    dict(type='ResizeStreet', scale=view_size),
]
eval_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeStreet', scale=view_size),
    dict(type='LoadLabels'),
    dict(type='mmseg.PackSegInputs'),
]
train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            _delete_=True,
            type='CamVidStreetDataset',
            data_root=data_root,
            data_prefix=dict(
                img_path='images/train', disparity_path='disparity/train', region_path='regions/train'),
            pipeline=load_pipeline)))
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='CamVidStreetDataset',
        data_root=data_root,
        data_prefix=dict(img_path='images/test', seg_map_path='labels/test'),
        pipeline=eval_pipeline))
test_dataloader = val_dataloader
