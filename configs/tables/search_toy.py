# Which settings the pretrainings of toy.py get: trials of half their steps, judged by k-NN on drives of the training
# set that lend it no labels; the validation images take no part.
#   python tools/compare.py configs/tables/search_toy.py
_base_ = 'toy.py'
title = 'Settings for toy streets'
seeds = (0,)

sgd = ['momentum=0.9', 'weight_decay=0.0001']
lars = ['momentum=0.9', 'weight_decay=0.000001']
optimizers = dict(
    sgd_high=['type=SGD', 'lr=0.1', *sgd],
    sgd_low=['type=SGD', 'lr=0.01', *sgd],
    lars_high=['type=mmpretrain.LARS', 'lr=0.6', *lars],
    lars_low=['type=mmpretrain.LARS', 'lr=0.075', *lars],
    adamw_high=['type=AdamW', 'lr=0.002', 'weight_decay=0.01'],
    adamw_low=['type=AdamW', 'lr=0.0005', 'weight_decay=0.01'])
half = dict(
    iters=[
        'train_cfg.max_iters=300', 'param_scheduler.0.end=30', 'param_scheduler.1.begin=30',
        'param_scheduler.1.end=300'
    ],
    epochs=['train_cfg.max_epochs=5', 'train_cfg.val_interval=6', 'param_scheduler.1.end=5'])
methods = dict(
    swav=dict(config='configs/swav_toy.py', options=half['iters'], needs=_base_.data),
    densecl=dict(config='configs/densecl_toy.py', options=half['iters'], needs=_base_.data),
    depthcp=dict(
        config=_base_.depthcp,
        options=[*_base_.from_depth, *half['epochs'], 'model.pixel_weight=0.5', 'model.region_weight=0.5']))

pretrainings = dict(
    _delete_=True,
    random=dict(label='random', needs=_base_.data),
    **{
        f'{method}_{optimizer}': dict(
            label=f'{method}, {optimizer}',
            config=entry['config'],
            options=[
                *entry['options'], 'optim_wrapper.optimizer._delete_=True',
                *(f'optim_wrapper.optimizer.{setting}' for setting in settings)
            ],
            **({'needs': entry['needs']} if 'needs' in entry else {}))
        for method, entry in methods.items() for optimizer, settings in optimizers.items()
    })

held_back = ['fold=0', 'num_folds=4', 'whole_clips=True']
tasks = dict(
    _delete_=True,
    knn=dict(
        label='k-NN probe on held-back drives',
        config='configs/probes/knn_toy.py',
        scores=[_base_.miou],
        parts=dict(backbone='model.backbone.backbone'),
        train=False,
        options=[
            *(f'bank_dataloader.dataset.subset.{setting}' for setting in held_back),
            *(f'test_dataloader.dataset.subset.{setting}' for setting in ['part=val', *held_back]),
            'test_dataloader.dataset.data_prefix.img_path=leftImg8bit/train',
            'test_dataloader.dataset.data_prefix.seg_map_path=gtFine/train',
        ]))
