# Semantic FPN on few labels of CamVid at 192x144, to compare with
_base_ = [
    '../_base_/models/semantic_fpn_r18_small.py',
    '../_base_/datasets/few_labels_camvid_small.py',
    '../_base_/schedules/few_labels_1k.py',
    '../_base_/semantic_runtime.py',
]
model = dict(decode_head=dict(num_classes=11, loss_decode=dict(avg_non_ignore=True)))
