# supervised_camvid_small.py with the strong colours that the students of mean teachers see
_base_ = 'supervised_camvid_small.py'
train_dataloader = dict(dataset=dict(pipeline=_base_.strong_pipeline))
