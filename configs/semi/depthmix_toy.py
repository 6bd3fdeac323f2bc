# DepthMix on toy streets: what is nearer is in front
_base_ = 'mean_teacher_toy.py'
model = dict(mixer=dict(type='depth', margin=0.03, norm='image'))
train_dataloader = dict(dataset=dict(unlabelled=_base_.with_disparity))
