# A mean teacher labels all images of Cityscapes that have no labels; they are not mixed
_base_ = 'supervised_cityscapes.py'
model = dict(_delete_=True, type='mmdepthcp.MeanTeacherSegmentor', segmentor=_base_.model)
train_dataloader = dict(
    dataset=dict(
        _delete_=True, type='mmdepthcp.LabelledUnlabelledDataset', labelled=_base_.labelled, subset=_base_.subset))
custom_hooks = [*_base_.custom_hooks, dict(type='mmdepthcp.TeacherUpdateHook')]
