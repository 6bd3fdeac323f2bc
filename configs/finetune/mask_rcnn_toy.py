# Mask R-CNN on toy streets, with the small network of depthcp_toy.py: a few minutes on two cores. Annotations, for
# train and val: tools/dataset_converters/instances_to_coco.py data/toy/leftImg8bit/train data/toy/gtFine/train
#   data/toy/annotations/instances_train.json --suffixes _leftImg8bit.png _gtFine_instanceIds.png --classes person car
#   --smallest 100
_base_ = [
    '../_base_/models/mask_rcnn_r18_small.py',
    '../_base_/datasets/toy_instances.py',
    '../_base_/instances_runtime.py',
]
model = dict(roi_head=dict(bbox_head=dict(num_classes=2), mask_head=dict(num_classes=2)))
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=0.0001),
    paramwise_cfg=dict(norm_decay_mult=0),
    clip_grad=dict(max_norm=10))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=30),
    dict(type='MultiStepLR', begin=0, end=300, by_epoch=False, milestones=[240], gamma=0.1),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=300, val_interval=300)
