# Few labels, on CamVid and depth that was learnt from video: what learning from images without labels and starting from
# depth are worth. Columns of one seed share labelled images, their order and initialisation.
#   python tools/compare.py configs/tables/three_ways_camvid.py
_base_ = ['../_base_/stages_camvid.py', '../_base_/few_labels_rows.py']
title = 'Few labels on CamVid'
seeds = (0, 1, 2)

prepare = [*_base_.stages.from_video, _base_.stages.controls['disparity']['others'], _base_.stages.trunk[0]]
data = _base_.data
tasks = {
    f'{name}_{count}': dict(
        label=f'{label}, {count} labels',
        config=f'configs/semi/{config}_camvid_small.py',
        scores=_base_.few_scores,
        parts=parts,
        options=[
            *([f'{_base_.unlabelled_disparity}{{work_dir}}/{depth}'] if depth else []), f'{data}.subset.count={count}',
            f'{data}.subset.seed={{seed}}'
        ],
        needs=[depth] if depth else [])
    for count in (37, 12) for name, (label, config, parts, depth) in _base_.ways.items() if depth != 'exact'
}
# a U-Net like the depth network, which may take its decoder too; and with depth beside it
depth_parts = dict(backbone='backbone', decode_head='decode_head.decoder', pose_net='pose_net')
tasks.update({
    f'{name}_{count}': dict(
        label=f'{label}, {count} labels',
        config=f'configs/multitask/{config}_camvid_small.py',
        scores=_base_.few_scores,
        parts={part: f'model.{key}' for part, key in depth_parts.items() if part in kept},
        options=[f'{data}.subset.count={count}', f'{data}.subset.seed={{seed}}'])
    for count in (37, 12)
    for name, label, config, kept in (('unet', 'U-Net', 'unet_scratch', ('backbone', 'decode_head')),
                                      ('pad', 'U-Net and depth', 'pad', depth_parts))
})

few = tuple(name for name in tasks if name.rsplit('_', 1)[0] in _base_.ways)
unets = tuple(name for name in tasks if name.startswith('unet'))
pretrainings = dict(
    random=dict(label='random', tasks=(*few, *unets), needs=()),
    depth=dict(label='MonoDepth', trained_on='CamVid + KITTI', checkpoint='{depth}', tasks=few, needs=('depth',)),
    depth_whole=dict(
        label='MonoDepth, decoder too',
        trained_on='CamVid + KITTI',
        checkpoint='{depth}',
        parts=('backbone', 'decode_head', 'pose_net'),
        tasks=(*unets, *(name for name in tasks if name.startswith('pad'))),
        needs=('depth',)),
    depthcp=dict(
        label='DepthCP, λ = 0.1',
        init='MonoDepth',
        trained_on='CamVid',
        checkpoint='{trunk}',
        parts=('backbone', 'neck', 'decode_head'),
        tasks=few,
        needs=('trunk',)))
