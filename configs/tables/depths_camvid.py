# Which depth, on CamVid: learnt from little video, from more, and that of a network which others have trained on KITTI.
# All rows but one start from the first network's encoder, so that regions, places and order alone differ.
#   python tools/compare.py configs/tables/depths_camvid.py
_base_ = ['../_base_/stages_camvid.py', '../_base_/ablation_rows.py']
title = 'DepthCP by three depths, on CamVid'
seeds = (0, 1, 2)

images, camera, labels = (_base_.stage_values[name] for name in ('images', 'camera', 'labels'))
street_config = 'configs/monodepth/monodepth_r18_street_small.py'
rt_monodepth = '{{$MMDEPTHCP_DATA:data}}/pretrained/rtmonodepth_s/m_640_192.onnx'
networks = dict(
    street=([street_config, '{depth_street}', images], ['--batch-size', '8'], ['depth_street']),
    rt=(['--onnx', rt_monodepth, images], ['--onnx-affine', '9.99', '0.01', '--batch-size', '8'], []))
prepare = [
    *_base_.stages.from_video,
    dict(name='depth_street', config=street_config, needs=[]),
    *(dict(
        name=f'disparity_{name}',
        tool='tools/infer_depth.py',
        args=[*source, f'{{work_dir}}/disparity_{name}', *more],
        outputs=[f'{{work_dir}}/disparity_{name}', f'{{work_dir}}/disparity_{name}/meta.json'],
        needs=needs) for name, (source, more, needs) in networks.items()),
    *(dict(
        name=f'regions_{name}',
        tool='tools/group_regions.py',
        args=[
            images, f'{{work_dir}}/disparity_{name}', f'{{work_dir}}/regions_{name}', *camera, '--params',
            *_base_.stage_values.regions
        ],
        outputs=[f'{{work_dir}}/regions_{name}', f'{{work_dir}}/regions_{name}/meta.json'],
        needs=[f'disparity_{name}']) for name in networks),
    *(dict(
        name=f'quality{name}',
        tool='tools/region_quality.py',
        args=[*labels, '--json', f'{{work_dir}}/quality{name}.json', '--regions', f'{{work_dir}}/regions{name}'],
        outputs=[f'{{work_dir}}/quality{name}.json'],
        needs=[f'regions{name}']) for name in ('', '_street', '_rt')),
]
order = f'{_base_.groups}.dataset.data_prefix.disparity_path={{work_dir}}/disparity'
by_street = [_base_.region_path + '_street', order + '_street']
by_rt = [_base_.region_path + '_rt', order + '_rt']
# label, depth network whose encoder they start from, settings, stages
rows = dict(
    own=('depth of CamVid and a KITTI drive', 'depth', [], ['quality']),
    street=('depth of more video', 'depth', by_street, ['depth', 'quality_street']),
    street_start=('depth of more video, and its encoder', 'depth_street', by_street, ['quality_street']),
    rt=('depth of RT-MonoDepth-S', 'depth', by_rt, ['depth', 'quality_rt']))
pretrainings = dict(
    **{
        name: dict(
            label=label,
            config=_base_.stage_values['trunk_config'],
            options=[f'model.backbone.init_cfg.checkpoint={{{start}}}', *_base_.from_depth[1:], *changes],
            parts=_base_.parts,
            needs=tuple(stages))
        for name, (label, start, changes, stages) in rows.items()
    },
    depth=_base_.bounds.depth,
    depth_street=dict(_base_.bounds.depth, label='the encoder of more video', checkpoint='{depth_street}',
                      needs=('depth_street',)),
    nothing=_base_.bounds.nothing)
tasks = {
    name: dict(_base_.tasks_of[name], config=f'configs/{config}_camvid_small.py')
    for name, config in dict(unsup='probes/cluster', knn='probes/knn', semantic_few='finetune/semantic_fpn').items()
}
