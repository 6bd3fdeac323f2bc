# ClassMix on CamVid at 192x144: half of the classes of an image without labels over another one
_base_ = 'mean_teacher_camvid_small.py'
model = dict(mixer=dict(type='class'), use_gt=False)
train_dataloader = dict(dataset=dict(only_unlabelled=True))
