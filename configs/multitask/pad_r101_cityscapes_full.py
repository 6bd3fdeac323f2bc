# pad_r101_cityscapes.py, scored at the size of the labels, 2048x1024; checkpoints are the same
_base_ = 'pad_r101_cityscapes.py'
val_dataloader = dict(dataset=dict(pipeline=_base_.full_size_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(prefix='cityscapes19')
test_evaluator = val_evaluator
