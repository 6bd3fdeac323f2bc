# groups of 8 frames of KITTI's colour cameras at 768x384 for pretraining; the 200 labelled images, at 1280x384, for the
# unsupervised score
_base_ = 'cityscapes_groups.py'
data_root = 'data/kitti/'
view_size = (768, 384)
eval_size = (1280, 384)

load_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadDisparity'),
    dict(type='LoadRegions'),
    dict(type='ResizeStreet', scale=view_size),
]
eval_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeStreet', scale=eval_size),
    dict(type='LoadLabels'),
    dict(type='mmseg.PackSegInputs'),
]
train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            _delete_=True,
            type='KITTIStreetDataset',
            data_root=data_root,
            data_prefix=dict(img_path='raw', disparity_path='disparity/raw', region_path='regions/raw'),
            pipeline=load_pipeline)))
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='KITTIStreetDataset',
        data_root=data_root,
        data_prefix=dict(img_path='semantics/training/image_2', seg_map_path='semantics/training/semantic'),
        pipeline=eval_pipeline))
test_dataloader = val_dataloader
