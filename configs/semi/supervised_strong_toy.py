# supervised_toy.py with the strong colours that the students of mean teachers see
_base_ = 'supervised_toy.py'
train_dataloader = dict(dataset=dict(pipeline=_base_.strong_pipeline))
