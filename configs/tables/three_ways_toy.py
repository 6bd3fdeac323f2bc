# Few labels, on toy streets: what learning from images without labels, starting from depth, and choosing the labelled
# images are worth, alone and together. Columns of one seed share labelled images, their order and initialisation.
#   python tools/compare.py configs/tables/three_ways_toy.py
_base_ = '../_base_/stages_toy.py'
title = 'Few labels on toy streets'
seeds = (0, 1, 2)

prepare = [
    _base_.stages.toy_streets, *_base_.stages.from_video, _base_.stages.exact, _base_.stages.controls['others'],
    _base_.stages.trunk[0], _base_.stages.selection
]
scores = [dict(key='mIoU', label='mIoU'), dict(key='aAcc', label='aAcc')]
data = 'train_dataloader.dataset'
plain = {part: f'model.{part}' for part in ('backbone', 'neck', 'decode_head')}
taught = {part: f'model.segmentor.{part}' for part in plain}
by_depth = {
    kind: (f'DepthMix, {label}', 'depthmix', taught,
           [f'{data}.unlabelled.data_prefix.disparity_path={{work_dir}}/{folder}'], (need,))
    for kind, label, folder, need in (('exact', 'exact depth', 'exact', 'exact'),
                                      ('learnt', 'learnt depth', 'disparity', 'disparity'),
                                      ('others', 'depth of other images', 'others', 'others'))
}
methods = dict(
    supervised=('supervised', 'supervised', plain, [], ()),
    strong=('supervised, strong colours', 'supervised_strong', plain, [], ()),
    mean_teacher=('mean teacher', 'mean_teacher', taught, [], ()),
    classmix=('ClassMix', 'classmix', taught, [], ()),
    **by_depth)
tasks = {
    f'{name}_{count}': dict(
        label=f'{label}, {count} labels',
        config=f'configs/semi/{config}_toy.py',
        scores=scores,
        parts=parts,
        options=[*options, f'{data}.subset.count={count}', f'{data}.subset.seed={{seed}}'],
        needs=needs)
    for count in (30, 8) for name, (label, config, parts, options, needs) in methods.items()
}
# the same with the images that selection chose
tasks.update({
    f'{name}_chosen': dict(
        label=f'{label}, 30 chosen',
        config=f'configs/semi/{config}_toy.py',
        scores=scores,
        parts=parts,
        options=[*options, f'{data}.subset=None', f'{where}.ann_file={{work_dir}}/selection/selected_30.txt'],
        needs=(*needs, 'selection'))
    for name, where in (('supervised', data), ('learnt', f'{data}.labelled'))
    for label, config, parts, options, needs in [methods[name]]
})
# a U-Net like the depth network, which may take its decoder too; and with depth beside it
depth_tasks = ('unet', 'pad', 'pad_depthmix')
depth_parts = dict(backbone='backbone', decode_head='decode_head.decoder', pose_net='pose_net')
tasks.update({
    name: dict(
        label=f'{label}, 30 labels',
        config=f'configs/multitask/{config}_toy.py',
        scores=scores,
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
