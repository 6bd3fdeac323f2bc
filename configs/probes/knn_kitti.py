# The classes of the most similar labelled pixels, one fold of KITTI; nothing is trained:
#   python tools/test.py configs/probes/knn_kitti.py none --cfg-options model.backbone.backbone.init_cfg....
_base_ = [
    '../_base_/models/probe_r50.py',
    '../_base_/datasets/kitti_semantic.py',
    '../_base_/semantic_runtime.py',
]
model = dict(decode_head=dict(type='mmdepthcp.KNNHead', num_classes=19))
custom_hooks = [dict(type='mmdepthcp.FeatureBankHook'), dict(type='mmdepthcp.ClassListHook')]

# the labelled images, looked at once and without augmentation
bank_dataloader = dict(
    batch_size=1,
    num_workers=8,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmdepthcp.KITTIStreetDataset',
        data_root={{_base_.data_root}},
        data_prefix=dict(img_path='semantics/training/image_2', seg_map_path='semantics/training/semantic'),
        subset=dict(part='train', fold=0, num_folds=5, fraction=1.0, seed=0),
        pipeline={{_base_.test_pipeline}}))
train_dataloader = None
val_dataloader = None
val_evaluator = None
val_cfg = None
