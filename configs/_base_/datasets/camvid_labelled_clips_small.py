# The same with video: the clip at 15 Hz, whose frames are those of the validation split, read without their labels. The
# labelled images, one a second, have no neighbours: they teach segmentation alone.
_base_ = 'camvid_plain_small.py'
move = [
    dict(type='mmdepthcp.ResizeClip', scale=_base_.size),
    dict(type='mmdepthcp.CropClip', size=(192, 128)),
    dict(type='mmdepthcp.FlipClip'),
    dict(type='mmdepthcp.PackMonoInputs'),
]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmdepthcp.LabelledUnlabelledDataset',
        labelled=dict(
            type='mmdepthcp.LabelledClipDataset',
            images=dict(
                type='mmdepthcp.CamVidStreetDataset',
                data_root=_base_.data_root,
                data_prefix=dict(img_path='images/train', seg_map_path='labels/train')),
            pipeline=[dict(type='mmdepthcp.LoadClip'), dict(type='mmdepthcp.LoadLabels'), *move]),
        unlabelled=dict(
            type='mmdepthcp.VideoClipDataset',
            layout='folder',
            data_root=_base_.data_root,
            data_prefix=dict(img_path='images/val'),
            ann_file='splits/sequence_15hz_0016E5.txt',
            frame_step=2,
            intrinsics=None,
            pipeline=[dict(type='mmdepthcp.LoadClip'), *move]),
        subset=dict(part='train', fraction=1.0, seed=0)))
