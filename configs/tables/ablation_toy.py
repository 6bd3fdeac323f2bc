# Which part of DepthCP does it, on toy streets: one thing changes in a row. Every row has the same images, steps,
# optimiser and views.
#   python tools/compare.py configs/tables/ablation_toy.py
_base_ = ['../_base_/stages_toy.py', '../_base_/ablation_rows.py']
title = 'What matters in DepthCP, on toy streets'
seeds = (0, 1, 2)

prepare = [
    _base_.stages.toy_streets, *_base_.stages.from_video, _base_.stages.exact,
    dict(
        name='regions_exact',
        tool='tools/group_regions.py',
        args=['{images}', '{work_dir}/exact', '{work_dir}/regions_exact', '{camera}', '--params', '{regions}'],
        outputs=['{work_dir}/regions_exact', '{work_dir}/regions_exact/meta.json'],
        needs=['exact']), *_base_.control_regions.values(), _base_.stages.trunk[0],
    *_base_.stages.learnt_regions
]
exact_order = f'{_base_.groups}.dataset.data_prefix.disparity_path={{work_dir}}/exact'
variants = dict(
    _base_.variants,
    exact=('regions and order: exact depth', [_base_.region_path + '_exact', exact_order], ['regions_exact']),
    true=('regions: true instances, order: exact depth', [_base_.region_path + '_true', exact_order],
          ['regions_true', 'exact']))
pretrainings = dict(
    **{
        name: dict(
            label=label,
            config=_base_.stage_values['trunk_config'],
            options=[*_base_.from_depth, *changes],
            parts=_base_.parts,
            needs=('regions', *stages))
        for name, (label, changes, stages) in variants.items()
    },
    **dict(_base_.bounds, nothing=dict(_base_.bounds.nothing, needs=('toy_streets',))))
tasks = {
    name: dict(_base_.tasks_of[name], config=f'configs/{config}_toy.py')
    for name, config in dict(unsup='probes/cluster', knn='probes/knn', semantic_few='finetune/semantic_fpn').items()
}
