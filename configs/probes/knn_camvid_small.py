# The classes of the most similar labelled pixels, CamVid at 192x144; nothing is trained:
#   python tools/test.py configs/probes/knn_camvid_small.py none --cfg-options model.backbone.backbone.init_cfg....
_base_ = [
    '../_base_/models/probe_r18_small.py',
    '../_base_/datasets/camvid_semantic_small.py',
    '../_base_/semantic_runtime.py',
]
model = dict(decode_head=dict(type='mmdepthcp.KNNHead', num_classes=11))
custom_hooks = [dict(type='mmdepthcp.FeatureBankHook'), dict(type='mmdepthcp.ClassListHook')]

# the labelled images, looked at once and without augmentation
bank_dataloader = dict(
    batch_size=1,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmdepthcp.CamVidStreetDataset',
        data_root={{_base_.data_root}},
        data_prefix=dict(img_path='images/train', seg_map_path='labels/train'),
        subset=dict(part='train', fraction=1.0, seed=0),
        pipeline={{_base_.test_pipeline}}))
train_dataloader = None
val_dataloader = None
val_evaluator = None
val_cfg = None
