# supervised_cityscapes.py with the strong colours that the students of mean teachers see
_base_ = 'supervised_cityscapes.py'
train_dataloader = dict(dataset=dict(pipeline=_base_.strong_pipeline))
