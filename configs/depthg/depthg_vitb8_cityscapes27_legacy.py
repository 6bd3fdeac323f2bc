# The same as the published code computes it, for comparison with its checkpoints and scores
_base_ = 'depthg_vitb8_cityscapes27.py'
model = dict(
    backbone=dict(legacy_pos_resize=True),
    depth=dict(
        mode='legacy', centre=False, shift=0.03, decay=0.8, decay_interval=400, shift_decays=True))
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=_base_.legacy_square)))
val_dataloader = dict(dataset=dict(pipeline=_base_.legacy_eval_pipeline))
test_dataloader = val_dataloader
