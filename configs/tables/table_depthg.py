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
prepare = [
    dict(
        name=f'neighbours_{name}',
        tool='tools/nearest_neighbours.py',
        args=[f'configs/depthg/stego_{stem}.py', f'{{work_dir}}/neighbours/{name}.npz', '--raw'],
        outputs=[f'{{work_dir}}/neighbours/{name}.npz'],
        needs=[]) for name, stem in setting.items()
]
methods = dict(
    stego=('STEGO', 'stego_{}'),
    depthg_legacy=('DepthG as published', 'depthg_{}_legacy'),
    depthg=('DepthG', 'depthg_{}'))
pretrainings = {
    f'{method}_{name}': dict(
        label=label,
        trained_on=columns[name],
        config=f'configs/depthg/{config.format(stem)}.py',
        options=[f'train_dataloader.dataset.neighbours={{work_dir}}/neighbours/{name}.npz'],
        tasks=(name,),
        needs=(f'neighbours_{name}',))
    for method, (label, config) in methods.items() for name, stem in setting.items()
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
