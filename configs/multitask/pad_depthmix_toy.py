# The same with a teacher that labels the other images, which are mixed by the depth that the network finds itself
_base_ = 'pad_toy.py'
model = dict(
    _delete_=True,
    type='mmdepthcp.MeanTeacherSegmentor',
    segmentor=_base_.model,
    mixer=dict(type='depth', source='online', norm='crop'))
custom_hooks = [*_base_.custom_hooks, dict(type='mmdepthcp.TeacherUpdateHook')]
