# What tables about the parts of DepthCP compare: one thing changes in a row. Each row has a label, the settings that
# change, and the stages of the table that it needs beside the regions.
control_regions = 'tools/dataset_converters/control_regions.py'
groups = 'train_dataloader.dataset'
region_path = f'{groups}.dataset.data_prefix.region_path={{work_dir}}/regions'
pastes = f'{groups}.pipeline.0.pastes'
off = [f'{pastes}.cp_times=[0,0]']
variants = dict(
    depthcp=('DepthCP, λ = 0.1', [], []),
    whole=('regions: none, two views of whole images', [region_path + '_whole', *off], ['regions_whole']),
    grid=('regions: grid', [region_path + '_grid'], ['regions_grid']),
    colour=('regions: superpixels without depth', [region_path + '_colour'], ['regions_colour']),
    off=('copy-paste: off', off, []),
    own=('copy-paste: into the own image', [f'{pastes}.target=own'], []),
    order=('copy-paste: random order', [f'{pastes}.order=random'], []),
    placement=('copy-paste: random places and scales', [f'{pastes}.placement=random'], []),
    random=('copy-paste: random order, places and scales', [f'{pastes}.order=random', f'{pastes}.placement=random'],
            []),
    pixels=('loss: pixels', ['model.pixel_weight=1.0', 'model.region_weight=0.0'], []),
    regions=('loss: regions', ['model.pixel_weight=0.0', 'model.region_weight=1.0'], []),
    scratch=('start: nothing', ['model.backbone.init_cfg=None'], []))
