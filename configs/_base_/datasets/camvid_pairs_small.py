# Pairs of CamVid images with labels at 192x144
_base_ = 'camvid_semantic_small.py'
data_root = '{{$MMDEPTHCP_DATA:data}}/camvid/'
size = (192, 144)
load_pipeline = [
    dict(type='mmdepthcp.LoadImage'),
    dict(type='mmdepthcp.ResizeStreet', scale=size),
    dict(type='mmdepthcp.LoadLabels'),
]
load_with_depth = [
    dict(type='mmdepthcp.LoadImage'),
    dict(type='mmdepthcp.LoadDisparity'),
    dict(type='mmdepthcp.ResizeStreet', scale=size),
    dict(type='mmdepthcp.LoadLabels'),
]
auto_scale_lr = dict(enable=False, base_batch_size=16)
train_dataloader = dict(
    batch_size=16,
    drop_last=True,
    dataset=dict(
        _delete_=True,
        type='mmdepthcp.NeighbourPairDataset',
        dataset=dict(
            type='mmdepthcp.CamVidStreetDataset',
            data_root='',
            # labels are for the linear probe, which tells how much they would find
            data_prefix=dict(img_path=data_root + 'images/train', seg_map_path=data_root + 'labels/train'),
            pipeline=load_pipeline),
        pipeline=[dict(type='mmdepthcp.PackFeaturePairs')]))
val_evaluator = dict(type='mmdepthcp.UnsupervisedSegMetric', _delete_=True)
test_evaluator = val_evaluator
# for k-means on the codes
bank_dataloader = dict(
    batch_size=1,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmdepthcp.CamVidStreetDataset',
        data_root=data_root,
        data_prefix=dict(img_path='images/train'),
        pipeline=[
            dict(type='mmdepthcp.LoadImage'),
            dict(type='mmdepthcp.ResizeStreet', scale=size),
            dict(type='PackSegInputs'),
        ]))
