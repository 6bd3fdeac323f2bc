# Pairs of toy streets with labels
_base_ = 'toy_semantic.py'
size = (192, 96)
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
            type='mmdepthcp.ToyStreetDataset',
            data_root='',
            # labels are for the linear probe, which tells how much they would find
            data_prefix=dict(
                img_path='data/toy/leftImg8bit/train', seg_map_path='data/toy/gtFine/train'),
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
        type='mmdepthcp.ToyStreetDataset',
        data_root='data/toy/',
        data_prefix=dict(img_path='leftImg8bit/train'),
        pipeline=[
            dict(type='mmdepthcp.LoadImage'),
            dict(type='mmdepthcp.ResizeStreet', scale=size),
            dict(type='PackSegInputs'),
        ]))
