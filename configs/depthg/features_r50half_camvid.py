# Clusters of the features that stego_r50half_camvid.py starts from: a cluster probe, which learns from four images at
# once, for the trunk sees each anew, and k-means
#   python tools/train.py configs/depthg/features_r50half_camvid.py
_base_ = ['stego_r50half_camvid.py']
model = dict(
    _delete_=True,
    type='mmdepthcp.UnsupervisedSegmentor',
    data_preprocessor=dict(
        type='mmdepthcp.SegDataPreProcessor',
        mean=[104, 117, 123],
        std=[1, 1, 1],
        size_divisor=4,
        test_cfg=dict(size_divisor=4)),
    backbone=_base_.model.backbone,
    clusters=dict(type='mmdepthcp.ClusterProbe', in_channels=512, num_clusters=11, standardise=True))
custom_hooks = [
    dict(type='mmdepthcp.PretrainedCheckHook'),
    dict(type='mmdepthcp.ValidationRecordHook'),
    dict(type='mmdepthcp.KMeansHook', standardise=True),
]
auto_scale_lr = dict(base_batch_size=4)
train_dataloader = dict(batch_size=4, dataset=dict(_delete_=True, **_base_.bank_dataloader.dataset))
optim_wrapper = dict(
    _delete_=True, type='OptimWrapper', optimizer=dict(type='Adam', lr=5e-3))
