# Few labels, on toy streets: what learning from images without labels, starting from depth, and choosing the labelled
# images are worth, alone and together. Columns of one seed share labelled images, their order and initialisation.
#   python tools/compare.py configs/tables/three_ways_toy.py
_base_ = ['../_base_/stages_toy.py', '../_base_/few_labels_rows.py']
title = 'Few labels on toy streets'
seeds = (0, 1, 2)

prepare = [
    _base_.stages.toy_streets, *_base_.stages.from_video, _base_.stages.exact,
    _base_.stages.controls['exact']['others'], _base_.stages.trunk[0], _base_.stages.selection
]
ways, data = _base_.ways, _base_.data
tasks = {
    f'{name}_{count}': dict(
        label=f'{label}, {count} labels',
        config=f'configs/semi/{config}_toy.py',
        scores=_base_.few_scores,
        parts=parts,
        options=[
            *([f'{_base_.unlabelled_disparity}{{work_dir}}/{depth}'] if depth else []), f'{data}.subset.count={count}',
            f'{data}.subset.seed={{seed}}'
        ],
        needs=[depth] if depth else [])
    for count in (30, 8, 240) for name, (label, config, parts, depth) in ways.items()
}
# the same with the images that selection chose
chosen = '{work_dir}/selection/selected_30.txt'
tasks.update(
    supervised_chosen=dict(
        tasks['supervised_30'],
        label='supervised, 30 chosen',
        options=[f'{data}.subset=None', f'{data}.ann_file={chosen}'],
        needs=['selection']),
    learnt_chosen=dict(
        tasks['learnt_30'],
        label='DepthMix, learnt depth, 30 chosen',
        options=[tasks['learnt_30']['options'][0], f'{data}.subset=None', f'{data}.labelled.ann_file={chosen}'],
        needs=['disparity', 'selection']))
# a U-Net like the depth network, which may take its decoder too; and with depth beside it
depth_tasks = ('unet', 'pad', 'pad_depthmix')
depth_parts = dict(backbone='backbone', decode_head='decode_head.decoder', pose_net='pose_net')
tasks.update({
    name: dict(
        label=f'{label}, 30 labels',
        config=f'configs/multitask/{config}_toy.py',
        scores=_base_.few_scores,
        parts={part: f'{prefix}.{key}' for part, key in depth_parts.items() if part in kept},
        options=[f'{data}.subset.count=30', f'{data}.subset.seed={{seed}}'])
    for name, label, config, prefix, kept in (
        ('unet', 'U-Net', 'unet_scratch', 'model', ('backbone', 'decode_head')),
        ('pad', 'U-Net and depth', 'pad', 'model', depth_parts),
        ('pad_depthmix', 'U-Net and depth, DepthMix', 'pad_depthmix', 'model.segmentor', depth_parts))
})

few = tuple(name for name in tasks if name not in depth_tasks)
pretrainings = dict(
    random=dict(label='random', tasks=(*few, 'unet'), needs=('toy_streets',)),
    depth=dict(label='MonoDepth', trained_on='toy', checkpoint='{depth}', tasks=few, needs=('depth',)),
    depth_whole=dict(
        label='MonoDepth, decoder too',
        trained_on='toy',
        checkpoint='{depth}',
        parts=('backbone', 'decode_head', 'pose_net'),
        tasks=depth_tasks,
        needs=('depth',)),
    depthcp=dict(
        label='DepthCP, λ = 0.1',
        init='MonoDepth',
        trained_on='toy',
        checkpoint='{trunk}',
        parts=('backbone', 'neck', 'decode_head'),
        tasks=few,
        needs=('trunk',)))
