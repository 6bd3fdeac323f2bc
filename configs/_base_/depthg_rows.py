# What tables about depth compare: STEGO, DepthG as meant and as published, and controls. Each row has a label, the kind
# of disparity it is trained with, and settings.
near, far = ['model.points.kind=random'], ['model.points.kind=farthest']
published = [
    'model.depth.weight=0.19', 'model.depth.shift=0.03', 'model.depth.centre=False', 'model.depth.decay=0.6',
    'model.depth.decay_interval=43', 'model.depth.shift_decays=True'
]
legacy = [*published, 'model.depth.mode=legacy']
in_space = ['model.depth.mode=euclid3d']
rows = dict(
    stego=('STEGO', 'none', []),
    stego_far=('STEGO, farthest points', 'depth', ['model.depth.weight=0', *far]),
    constant=('DepthG, constant depth', 'constant', near),
    others=('DepthG, depth of other images', 'others', near),
    legacy=('DepthG as published, random points', 'depth', [*legacy, *near]),
    legacy_constant=('the same weight and shift, constant depth', 'constant', [*published, *near]),
    legacy_far=('DepthG as published, its farthest points', 'depth', [*legacy, *far, 'model.points.legacy=True']),
    depthg=('DepthG', 'depth', near),
    depthg_far=('DepthG, farthest points', 'depth', far),
    space=('DepthG, distance in space', 'depth', [*in_space, *near]),
    space_far=('DepthG, distance in space, farthest points', 'depth', [*in_space, *far]))
disparity_path = 'train_dataloader.dataset.dataset.data_prefix.disparity_path='
scores = [
    dict(key='mIoU', label='mIoU'),
    dict(key='Acc', label='Acc'),
    dict(key='kmeans_mIoU', label='k-means mIoU'),
    dict(key='kmeans_Acc', label='k-means Acc'),
    dict(key='linear_mIoU', label='linear mIoU', optional=True),
]
