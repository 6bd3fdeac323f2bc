# The student on CamVid at 160x128, otherwise as on toy streets
_base_ = 'depth_student_toy.py'

loading = [
    dict(type='LoadImage'),
    dict(type='LoadDisparity'),
    dict(type='StretchDisparity'),
    dict(type='ResizeStreet', scale=(160, 128)),
]
train_dataloader = dict(
    dataset=dict(
        data_root='{{$MMDEPTHCP_DATA:data}}/camvid/',
        data_prefix=dict(img_path='images/train'),
        pipeline=[
            *loading,
            dict(type='RandomFlip', prob=0.5),
            dict(type='RandomCrop', crop_size=(128, 128)),
            dict(type='PackDisparity'),
        ]))
score_pipeline = [*loading, dict(type='PackDisparity')]
