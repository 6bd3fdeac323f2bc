# What tables about the parts of DepthCP compare: one thing changes in a row. Each row has a label, the settings that
# change, and the stages that it needs beside the regions.
groups = 'train_dataloader.dataset'
region_path = f'{groups}.dataset.data_prefix.region_path={{work_dir}}/regions'
pastes = f'{groups}.pipeline.0.pastes'
off = [f'{pastes}.cp_times=[0,0]']
variants = dict(
    depthcp=('DepthCP, λ = 0.1', [], []),
    whole=('regions: none, two views of whole images', [region_path + '_whole', *off], ['regions_whole']),
    grid=('regions: grid', [region_path + '_grid'], ['regions_grid']),
    colour=('regions: superpixels without depth', [region_path + '_colour'], ['regions_colour']),
    learnt=('regions: second round, learnt', [region_path + '_learnt'], ['regions_learnt']),
    off=('copy-paste: off', off, []),
    own=('copy-paste: into the own image', [f'{pastes}.target=own'], []),
    order=('copy-paste: random order', [f'{pastes}.order=random'], []),
    placement=('copy-paste: random places and scales', [f'{pastes}.placement=random'], []),
    random=('copy-paste: random order, places and scales', [f'{pastes}.order=random', f'{pastes}.placement=random'],
            []),
    pixels=('loss: pixels', ['model.pixel_weight=1.0', 'model.region_weight=0.0'], []),
    regions=('loss: regions', ['model.pixel_weight=0.0', 'model.region_weight=1.0'], []),
    scratch=('start: nothing', ['model.backbone.init_cfg=None'], []))
parts = ('backbone', 'neck', 'decode_head')
bounds = dict(
    depth=dict(label='MonoDepth, what they start from', checkpoint='{depth}', needs=('depth',)),
    nothing=dict(label='random weights', needs=()))
control_regions = {
    kind: dict(
        name=f'regions_{kind}',
        tool='tools/dataset_converters/control_regions.py',
        args=['{work_dir}/regions', f'{{work_dir}}/regions_{kind}', '--kind', kind, *more],
        outputs=[f'{{work_dir}}/regions_{kind}', f'{{work_dir}}/regions_{kind}/meta.json'],
        needs=['regions'])
    for kind, more in dict(
        whole=[],
        grid=[],
        colour=['--images', '{images}'],
        true=['--labels', 'data/toy/gtFine/train', '--suffixes', '_leftImg8bit', '_gtFine_instanceIds']).items()
}
# the tasks, whose configs are those of the data set
miou = dict(key='mIoU', label='mIoU')
tasks_of = dict(
    unsup=dict(
        label='no labels',
        scores=[dict(key='Acc', label='Acc'), miou],
        parts=dict(backbone='model.backbone.backbone'),
        own=True),
    knn=dict(label='k-NN probe', scores=[miou], parts=dict(backbone='model.backbone.backbone'), train=False),
    semantic_few=dict(
        label='semantic, 1/30 of the labels',
        scores=[miou],
        parts={part: f'model.{part}' for part in parts},
        options=['train_dataloader.dataset.subset.fraction=0.0333']))
