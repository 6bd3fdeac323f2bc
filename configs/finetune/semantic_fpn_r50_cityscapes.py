# Semantic FPN on Cityscapes
_base_ = [
    '../_base_/models/semantic_fpn_r50.py',
    '../_base_/datasets/cityscapes_semantic.py',
    '../_base_/schedules/semantic_80k.py',
    '../_base_/semantic_runtime.py',
]
