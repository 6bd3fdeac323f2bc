# The same, and scored once more over the pixels within 4 of a border of two classes.
_base_ = 'knn_toy.py'
test_evaluator = [
    dict(type='IoUMetric', iou_metrics=['mIoU']),
    dict(type='mmdepthcp.BorderIoUMetric', iou_metrics=['mIoU'], distance=4)
]
