# The same with the frames before and after each image, labelled ones beside all of them without their labels
_base_ = 'cityscapes_half.py'
clips = dict(
    type='mmdepthcp.VideoClipDataset',
    layout='cityscapes',
    data_root=_base_.data_root,
    data_prefix=dict(img_path='leftImg8bit_sequence/train', camera_path='camera/train'))
move = [
    dict(type='mmdepthcp.ResizeClip', scale=_base_.size),
    dict(type='mmdepthcp.CropClip', size=(512, 512)),
    dict(type='mmdepthcp.FlipClip'),
    dict(type='mmdepthcp.PackMonoInputs'),
]
labelled = dict(
    type='mmdepthcp.LabelledClipDataset',
    images=dict(
        type='mmdepthcp.CityscapesStreetDataset',
        data_root=_base_.data_root,
        data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train')),
    clips=clips,
    pipeline=[dict(type='mmdepthcp.LoadClip'), dict(type='mmdepthcp.LoadLabels'), *move])
unlabelled = dict(
    type='mmdepthcp.LabelledClipDataset',
    images=dict(
        type='mmdepthcp.CityscapesStreetDataset',
        data_root=_base_.data_root,
        data_prefix=dict(img_path='leftImg8bit/train')),
    clips=clips,
    pipeline=[dict(type='mmdepthcp.LoadClip'), *move])
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmdepthcp.LabelledUnlabelledDataset',
        labelled=labelled,
        unlabelled=unlabelled,
        subset=dict(part='train', fraction=1.0, seed=0)))
