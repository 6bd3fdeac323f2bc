# The same at 336x252, 24x18 patches of 14 pixels
_base_ = 'camvid_pairs_small.py'
size = (336, 252)
load_pipeline = [dict(step, scale=size) if 'scale' in step else step for step in _base_.load_pipeline]
load_with_depth = [dict(step, scale=size) if 'scale' in step else step for step in _base_.load_with_depth]
eval_pipeline = [dict(step, scale=size) if 'scale' in step else step for step in _base_.test_pipeline]
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=load_pipeline)))
val_dataloader = dict(dataset=dict(pipeline=eval_pipeline))
test_dataloader = val_dataloader
bank_pipeline = [
    dict(step, scale=size) if 'scale' in step else step for step in _base_.bank_dataloader.dataset.pipeline
]
bank_dataloader = dict(dataset=dict(pipeline=bank_pipeline))
