# Stages that pipelines and tables share. What stands in braces is in the stage_values of the config that takes them, or
# is the checkpoint of the training of this name.
from_depth = [
    'model.backbone.init_cfg.checkpoint={depth}',
    'train_dataloader.dataset.dataset.data_prefix.disparity_path={work_dir}/disparity',
    'train_dataloader.dataset.dataset.data_prefix.region_path={work_dir}/regions',
]
on_trunk = [
    f'model.backbone.{part}.init_cfg.checkpoint={{trunk}}' for part in ('backbone', 'neck', 'decode_head')
]
on_pairs = [*on_trunk, 'train_dataloader.dataset.neighbours={work_dir}/neighbours.npz']
to_coco = [
    '--suffixes', '_leftImg8bit.png', '_gtFine_instanceIds.png', '--classes', 'person', 'car', '--smallest', '100'
]
stages = dict(
    toy_streets=dict(
        name='toy_streets',
        tool='tools/dataset_converters/toy_streets.py',
        args=['data/toy/', '--train', '120', '--val', '25', '--frames', '5', '--labels-per-sequence', '2'],
        outputs=['data/toy/leftImg8bit/train']),
    toy_objects=[
        dict(
            name=f'{part}_objects',
            tool='tools/dataset_converters/instances_to_coco.py',
            args=[
                f'data/toy/leftImg8bit/{part}', f'data/toy/gtFine/{part}',
                f'data/toy/annotations/instances_{part}.json', *to_coco
            ],
            outputs=[f'data/toy/annotations/instances_{part}.json'],
            needs=['toy_streets']) for part in ('train', 'val')
    ],
    # {depth_config}; {images}: folder of those to pretrain on; {camera}: the option of group_regions.py; {regions}: its
    # settings
    from_video=[
        dict(name='depth', config='{depth_config}'),
        dict(
            name='disparity',
            tool='tools/infer_depth.py',
            args=['{depth_config}', '{depth}', '{images}', '{work_dir}/disparity', '--batch-size', '8'],
            outputs=['{work_dir}/disparity', '{work_dir}/disparity/meta.json'],
            needs=['depth']),
        dict(
            name='regions',
            tool='tools/group_regions.py',
            args=[
                '{images}', '{work_dir}/disparity', '{work_dir}/regions', '{camera}', '--params', '{regions}'
            ],
            outputs=['{work_dir}/regions', '{work_dir}/regions/meta.json'],
            needs=['disparity']),
    ],
    # exact disparity of toy streets
    exact=dict(
        name='exact',
        tool='tools/dataset_converters/depth_maps.py',
        args=[
            'data/toy/depth/train', '{work_dir}/exact', '--suffix', '_depth.png', '--image-suffix', '_leftImg8bit',
            '--holes', 'far'
        ],
        outputs=['{work_dir}/exact', '{work_dir}/exact/meta.json'],
        needs=['toy_streets']),
    # what tells nothing of the image, in place of exact or learnt disparity
    controls={
        source: {
            kind: dict(
                name=kind,
                tool='tools/dataset_converters/control_disparity.py',
                args=[f'{{work_dir}}/{source}', f'{{work_dir}}/{kind}', '--kind', kind],
                outputs=[f'{{work_dir}}/{kind}', f'{{work_dir}}/{kind}/meta.json'],
                needs=[source])
            for kind in ('others', 'constant')
        }
        for source in ('exact', 'disparity')
    },
    depth_score=dict(
        name='depth_score',
        tool='tools/test.py',
        args=[
            '{depth_config}', '{depth}', '--work-dir', '{work_dir}/depth_score', '--out',
            '{work_dir}/depth_metrics.json'
        ],
        outputs=['{work_dir}/depth_metrics.json'],
        reports={
            'depth.abs_rel': 'abs_rel',
            'depth.abs_rel_constant': 'abs_rel_constant',
            'depth.a1': 'a1'
        },
        needs=['depth']),
    # {labels}: folder of the labels and options of region_quality.py about them
    region_quality=dict(
        name='region_quality',
        tool='tools/region_quality.py',
        args=['{labels}', '--json', '{work_dir}/regions_learnt.json', '--regions', '{work_dir}/regions'],
        outputs=['{work_dir}/regions_learnt.json'],
        reports={
            'regions.count_mean': 'count_mean',
            'regions.oracle_miou': 'oracle_miou'
        },
        needs=['regions']),
    depthcp=[
        dict(
            name='pretrain',
            config='{config}',
            options=from_depth,
            reports={
                'pretrain.iterations': 'iterations',
                'pretrain.loss_first': 'loss_first',
                'pretrain.loss_last': 'loss_last'
            },
            needs=['regions']),
        dict(
            name='unsup',
            tool='tools/test.py',
            args=[
                '{config}', '{pretrain}', '--work-dir', '{work_dir}/unsup', '--out', '{work_dir}/unsup.json',
                '--show-dir', '{work_dir}/segmentation', '--cfg-options', *from_depth
            ],
            outputs=['{work_dir}/unsup.json'],
            reports={
                'unsup.acc': 'Acc',
                'unsup.miou': 'mIoU'
            },
            needs=['pretrain']),
    ],
    # what STEGO and DepthG build on: features of {trunk_config}, and the images that are alike, for {stego_config}
    trunk=[
        dict(name='trunk', config='{trunk_config}', options=from_depth, needs=['regions']),
        dict(
            name='neighbours',
            tool='tools/nearest_neighbours.py',
            args=['{stego_config}', '{work_dir}/neighbours.npz', '--cfg-options', *on_trunk],
            outputs=['{work_dir}/neighbours.npz'],
            needs=['trunk']),
    ],
    # regions by what features of the first round's network tell beside depth and colour
    learnt_regions=[
        dict(
            name='trunk_features',
            tool='tools/embed.py',
            args=['{images}', '{trunk}', '{work_dir}/trunk_features', '--layer', 'decode_head', '--batch-size', '8'],
            outputs=['{work_dir}/trunk_features', '{work_dir}/trunk_features/features.json'],
            needs=['trunk']),
        dict(
            name='edges',
            tool='tools/learn_edges.py',
            args=[
                '{images}', '{work_dir}/disparity', '{work_dir}/trunk_features', '{work_dir}/edges.json', '{camera}',
                '--params', '{regions}'
            ],
            outputs=['{work_dir}/edges.json'],
            needs=['trunk_features', 'disparity']),
        dict(
            name='regions_learnt',
            tool='tools/group_regions.py',
            args=[
                '{images}', '{work_dir}/disparity', '{work_dir}/regions_learnt', '{camera}', '--features',
                '{work_dir}/trunk_features', '--edges', '{work_dir}/edges.json', '--params', '{regions}',
                'formula=learnt'
            ],
            outputs=['{work_dir}/regions_learnt', '{work_dir}/regions_learnt/meta.json'],
            needs=['edges']),
    ],
    # 30 images to label, by a depth network and {student_config}
    selection=dict(
        name='selection',
        tool='tools/select_images.py',
        args=[
            '{depth_config}', '{depth}', '{images}', '{work_dir}/selection', '--budget', '30', '--rounds', '10', '20',
            '30', '--student', '{student_config}', '--disparity', '{work_dir}/disparity'
        ],
        outputs=['{work_dir}/selection/selected_30.txt'],
        needs=['disparity']),
    # they need nothing but the data
    baselines=[
        dict(
            name='unsup_random',
            tool='tools/test.py',
            args=[
                '{config}', 'none', '--work-dir', '{work_dir}/unsup_random', '--out',
                '{work_dir}/unsup_random.json', '--cfg-options', 'model.backbone.init_cfg=None'
            ],
            outputs=['{work_dir}/unsup_random.json'],
            reports={'unsup.miou_random_init': 'mIoU'}),
        dict(
            name='unsup_colour_position',
            tool='tools/colour_position_baseline.py',
            args=['{config}', '--json', '{work_dir}/unsup_colour_position.json'],
            outputs=['{work_dir}/unsup_colour_position.json'],
            reports={'unsup.miou_colour_position': 'mIoU'}),
    ],
    summary=dict(
        name='summary',
        tool='tools/summarise.py',
        args=['{config}', '--work-dir', '{work_dir}', '--cfg-options', *from_depth],
        outputs=['{work_dir}/summary.json', '{work_dir}/report.html']))
comparisons = {
    'unsupervised segmentation, mIoU': {
        'pretrained': 'unsup.miou',
        'random weights': 'unsup.miou_random_init',
        'colour and position': 'unsup.miou_colour_position'
    },
    'regions, mIoU of the oracle': {
        'from learnt depth': 'regions.oracle_miou',
        'from exact depth': 'regions.oracle_miou_exact_depth'
    },
    'depth, abs_rel (lower is better)': {
        'learnt': 'depth.abs_rel',
        'best constant': 'depth.abs_rel_constant'
    }
}
