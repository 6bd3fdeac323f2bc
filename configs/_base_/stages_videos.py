# The stages from the frames of a video to a report; tools/pretrain_videos.py writes configs that take them.
# {depth_config}, {finetune_config}: the configs beside; {frames}, {images}: folders of all frames and of those to
# pretrain on; {depth_source}: what infer_depth.py makes disparity with; {disparity}: its folder; {camera}, {regions}:
# options of group_regions.py; {targets}: packages to export the backbone for
stages = dict(
    depth=dict(
        name='depth',
        config='{depth_config}',
        reports={
            f'depth.{name}': name
            for name in ('iterations', 'loss_first', 'loss_last')
        },
        needs=[]),
    depth_check=dict(
        name='depth_check',
        tool='tools/check_depth.py',
        args=['{depth_config}', '{depth}', '{work_dir}/depth_check.json'],
        outputs=['{work_dir}/depth_check.json'],
        reports={
            f'depth.{name}': name
            for name in ('error', 'error_flat', 'error_still', 'disparity_std', 'focal_length')
        },
        needs=['depth']),
    disparity=dict(
        name='disparity',
        tool='tools/infer_depth.py',
        args=['{depth_source}', '{images}', '{disparity}', '--batch-size', '8'],
        outputs=['{disparity}', '{disparity}/meta.json']),
    regions=dict(
        name='regions',
        tool='tools/group_regions.py',
        args=['{images}', '{disparity}', '{work_dir}/regions', '{camera}', '--params', '{regions}'],
        outputs=['{work_dir}/regions', '{work_dir}/regions/meta.json']),
    pretrain=dict(
        name='pretrain',
        config='{config}',
        reports={
            f'pretrain.{name}': name
            for name in ('iterations', 'loss_first', 'loss_last')
        }),
    export=dict(
        name='export',
        tool='tools/export_backbone.py',
        args=['{pretrain}', '{work_dir}/backbone_{{target}}.pth', '--target', '{targets}'],
        needs=['pretrain']),
    finetune=dict(name='finetune', config='{finetune_config}', needs=['pretrain']),
    finetune_score=dict(
        name='finetune_score',
        tool='tools/test.py',
        args=[
            '{finetune_config}', '{finetune}', '--work-dir', '{work_dir}/finetune_score', '--out',
            '{work_dir}/finetune.json', '--show-dir', '{work_dir}/predictions'
        ],
        outputs=['{work_dir}/finetune.json'],
        reports={'finetuned.miou': 'mIoU'},
        needs=['finetune']),
    random=dict(name='random', config='{finetune_config}', needs=[]),
    random_score=dict(
        name='random_score',
        tool='tools/test.py',
        args=[
            '{finetune_config}', '{random}', '--work-dir', '{work_dir}/random_score', '--out',
            '{work_dir}/random.json'
        ],
        outputs=['{work_dir}/random.json'],
        reports={'finetuned.miou_random_init': 'mIoU'},
        needs=['random']),
    report=dict(
        name='report',
        tool='tools/report_videos.py',
        args=['{config}', '--work-dir', '{work_dir}'],
        outputs=['{work_dir}/summary.json', '{work_dir}/report.html']))
comparisons = {
    'after fine-tuning, mIoU': {
        'pretrained': 'finetuned.miou',
        'random weights': 'finetuned.miou_random_init'
    },
    'depth, error of neighbours moved into the frame (lower is better)': {
        'learnt depth': 'depth.error',
        'the best constant depth': 'depth.error_flat',
        'neighbours as they are': 'depth.error_still'
    }
}
