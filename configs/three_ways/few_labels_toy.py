# Few labels, much video, on toy streets: a depth network from video, DepthCP on its regions, 30 images chosen to be
# labelled, and a Semantic FPN that starts from DepthCP and learns from these and, by DepthMix, from all others:
#   python tools/run_pipeline.py configs/three_ways/few_labels_toy.py --work-dir work_dirs/few_labels
_base_ = ['../semi/depthmix_toy.py', '../_base_/stages_toy.py']
work = 'work_dirs/few_labels'
start = dict(type='Pretrained', checkpoint=f'{work}/trunk/epoch_10.pth')
model = dict(
    segmentor=dict(
        backbone=dict(init_cfg=dict(start, prefix='backbone.')),
        neck=dict(init_cfg=dict(start, prefix='neck.')),
        decode_head=dict(init_cfg=dict(start, prefix='decode_head.'))))
train_dataloader = dict(
    dataset=dict(
        labelled=dict(ann_file=f'{work}/selection/selected_30.txt'),
        unlabelled=dict(data_prefix=dict(disparity_path=f'{work}/disparity')),
        subset=None))

its_options = [
    *(f'model.segmentor.{part}.init_cfg.checkpoint={{trunk}}' for part in ('backbone', 'neck', 'decode_head')),
    'train_dataloader.dataset.labelled.ann_file={work_dir}/selection/selected_30.txt',
    'train_dataloader.dataset.unlabelled.data_prefix.disparity_path={work_dir}/disparity',
]
pipeline = [
    _base_.stages.toy_streets,
    *_base_.stages.from_video,
    _base_.stages.trunk[0],
    _base_.stages.selection,
    dict(name='depthmix', config='{config}', options=its_options, needs=['trunk', 'selection']),
    dict(
        name='score',
        tool='tools/test.py',
        args=[
            '{config}', '{depthmix}', '--work-dir', '{work_dir}/score', '--out', '{work_dir}/score.json',
            '--show-dir', '{work_dir}/segmentation', '--cfg-options', *its_options
        ],
        outputs=['{work_dir}/score.json'],
        needs=['depthmix']),
]
