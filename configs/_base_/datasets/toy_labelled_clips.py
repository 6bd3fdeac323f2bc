# The same with the frames before and after each image, labelled ones beside all frames without labels
_base_ = 'toy_plain.py'
clips = dict(
    type='mmdepthcp.VideoClipDataset',
    layout='cityscapes',
    data_root='data/toy/',
    data_prefix=dict(img_path='leftImg8bit_sequence/train', camera_path='camera/train'))
move = [
    dict(type='mmdepthcp.ResizeClip', scale=_base_.size),
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
                type='mmdepthcp.ToyStreetDataset',
                data_root='data/toy/',
                data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train')),
            clips=clips,
            pipeline=[dict(type='mmdepthcp.LoadClip'), dict(type='mmdepthcp.LoadLabels'), *move]),
        unlabelled=dict(clips, pipeline=[dict(type='mmdepthcp.LoadClip'), *move]),
        subset=dict(part='train', fraction=1.0, seed=0)))
