# Toy streets with labels at 192x96, mirrored or not, no other change; scored at the size of the labels
_base_ = 'toy_semantic.py'
size = (192, 96)
train_pipeline = [
    dict(type='mmdepthcp.LoadImage'),
    dict(type='mmdepthcp.LoadLabels'),
    dict(type='mmdepthcp.WorkingSize', scale=size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
auto_scale_lr = dict(enable=False, base_batch_size=4)
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=train_pipeline))
