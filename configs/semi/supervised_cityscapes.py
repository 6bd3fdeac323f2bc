# Semantic FPN on few labels of Cityscapes, to compare with
_base_ = [
    '../_base_/models/semantic_fpn_r50.py',
    '../_base_/datasets/few_labels_cityscapes.py',
    '../_base_/schedules/few_labels_40k.py',
    '../_base_/semantic_runtime.py',
]
model = dict(decode_head=dict(loss_decode=dict(avg_non_ignore=True)))
