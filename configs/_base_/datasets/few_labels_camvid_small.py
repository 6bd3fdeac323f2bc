# CamVid at 192x144, of which few images have labels; fewer: --cfg-options train_dataloader.dataset.subset.count=12
_base_ = 'camvid_semantic_small.py'
data_root = '{{$MMDEPTHCP_DATA:data}}/camvid/'
size = (192, 144)
subset = dict(count=30, seed=0)

train_pipeline = [
    dict(type='mmdepthcp.LoadImage'),
    dict(type='mmdepthcp.LoadLabels'),
    dict(type='mmseg.Resize', scale=size, keep_ratio=False),
    dict(type='mmseg.RandomFlip', prob=0.5),
    dict(type='mmseg.PackSegInputs'),
]
strong_pipeline = [*train_pipeline[:-1], dict(type='mmdepthcp.StrongColours'), train_pipeline[-1]]
labelled = dict(
    type='mmdepthcp.CamVidStreetDataset',
    data_root='',
    data_prefix=dict(img_path=data_root + 'images/train', seg_map_path=data_root + 'labels/train'),
    pipeline=train_pipeline)
with_disparity = dict(
    labelled,
    data_prefix=dict(labelled['data_prefix'], disparity_path='work_dirs/depthcp_camvid_small/disparity'),
    pipeline=[train_pipeline[0], dict(type='mmdepthcp.LoadDisparity', as_field=True), *train_pipeline[1:]])

# the learning rates of the configs are for this many labelled images at once, over all processes
auto_scale_lr = dict(enable=False, base_batch_size=4)
train_dataloader = dict(batch_size=4, dataset=dict(_delete_=True, **labelled, subset=subset))
