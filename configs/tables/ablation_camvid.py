# Which part of DepthCP does it, on CamVid and depth that was learnt from video: one thing changes in a row. Every row
# has the same images, steps, optimiser and views.
#   python tools/compare.py configs/tables/ablation_camvid.py
_base_ = ['../_base_/stages_camvid.py', '../_base_/ablation_rows.py']
title = 'What matters in DepthCP, on CamVid'
seeds = (0, 1, 2)

prepare = [
    *_base_.stages.from_video, *(_base_.control_regions[kind] for kind in ('whole', 'grid', 'colour')),
    _base_.stages.trunk[0], *_base_.stages.learnt_regions
]
pretrainings = dict(
    **{
        name: dict(
            label=label,
            config=_base_.stage_values['trunk_config'],
            options=[*_base_.from_depth, *changes],
            parts=_base_.parts,
            needs=('regions', *stages))
        for name, (label, changes, stages) in _base_.variants.items()
    },
    **_base_.bounds)
tasks = {
    name: dict(_base_.tasks_of[name], config=f'configs/{config}_camvid_small.py')
    for name, config in dict(unsup='probes/cluster', knn='probes/knn', semantic_few='finetune/semantic_fpn').items()
}
