# STEGO and DepthG on DINO's transformers with their authors' settings, as published and as meant; needs the data sets,
# a GPU, and disparity of the training images in data/<set>/disparity (docs/depthg.md):
#   python tools/compare.py configs/tables/table_depthg.py
title = 'STEGO and DepthG'
seeds = (0, 1, 2)

columns = dict(
    cityscapes27_vitb8='Cityscapes-27, ViT-B/8',
    coco27_vits8='COCO-Stuff-27, ViT-S/8',
    coco27_vitb8='COCO-Stuff-27, ViT-B/8',
    potsdam3_vits8='Potsdam-3, ViT-S/8')
setting = {name: '_'.join(reversed(name.split('_'))) for name in columns}
# as published, position embeddings are resized otherwise: their neighbours are others
views = dict(stego='stego_{}', legacy='depthg_{}_legacy')
prepare = [
    dict(
        name=f'neighbours_{view}_{name}',
        tool='tools/nearest_neighbours.py',
        args=[
            f'configs/depthg/{config.format(stem)}.py', f'{{work_dir}}/neighbours/{view}_{name}.npz', '--raw'
        ],
        outputs=[f'{{work_dir}}/neighbours/{view}_{name}.npz'],
        needs=[]) for view, config in views.items() for name, stem in setting.items()
]
published = ['model.backbone.legacy_pos_resize=True']
methods = dict(
    stego_legacy=('STEGO as published', 'stego_{}', published, 'legacy'),
    depthg_legacy=('DepthG as published', 'depthg_{}_legacy', [], 'legacy'),
    stego=('STEGO', 'stego_{}', [], 'stego'),
    depthg=('DepthG', 'depthg_{}', [], 'stego'))
pretrainings = {
    f'{method}_{name}': dict(
        label=label,
        trained_on=columns[name],
        config=f'configs/depthg/{config.format(stem)}.py',
        options=[
            *options, f'train_dataloader.dataset.neighbours={{work_dir}}/neighbours/{view}_{name}.npz',
            'train_dataloader.dataset.centred=False'
        ],
        tasks=(name,),
        needs=(f'neighbours_{view}_{name}',))
    for method, (label, config, options, view) in methods.items() for name, stem in setting.items()
}
tasks = {
    name: dict(
        label=label,
        config=f'configs/depthg/stego_{setting[name]}.py',
        scores=[
            dict(key='Acc', label='Acc'),
            dict(key='mIoU', label='mIoU'),
            dict(key='linear_mIoU', label='linear mIoU'),
        ],
        own=True)
    for name, label in columns.items()
}
