# Which settings suit the pretrainings of toy.py: trials of half their steps, judged by k-NN on drives of the training
# set that lend it no labels; the validation images take no part.
#   python tools/compare.py configs/tables/search_toy.py
_base_ = ['toy.py', '../_base_/search.py']
title = 'Settings for toy streets'
seeds = (0,)

half = dict(
    iters=[
        'train_cfg.max_iters=300', 'param_scheduler.0.end=30', 'param_scheduler.1.begin=30',
        'param_scheduler.1.end=300'
    ],
    epochs=['train_cfg.max_epochs=5', 'train_cfg.val_interval=6', 'param_scheduler.1.end=5'])

swav = dict(config='configs/swav/swav_toy.py', needs=_base_.data)
densecl = dict(config='configs/densecl/densecl_toy.py', needs=_base_.data)
queue = ['model.head.loss.queue_length=256', 'model.head.loss.queue_start=45']
methods = dict(
    swav_gentle=dict(swav, options=[*half['iters'], *_base_.views.swav_gentle]),
    densecl=dict(densecl, options=[*half['iters'], *_base_.views.densecl]),
    densecl_gentle=dict(densecl, options=[*half['iters'], *_base_.views.densecl_gentle]),
    depthcp=dict(
        config=_base_.depthcp,
        options=[*_base_.from_depth, *half['epochs'], 'model.pixel_weight=0.5', 'model.region_weight=0.5'],
        needs=('regions',)),
    swav=dict(swav, options=[*half['iters'], *queue, *_base_.views.swav]),
    pixpro=dict(
        config='configs/pixpro/pixpro_toy.py', options=[*half['iters'], *_base_.its_encoder], needs=('depth',)),
    depth_pixpro=dict(
        config='configs/pixpro/depth_pixpro_toy.py',
        options=[*half['iters'], *_base_.its_encoder, *_base_.its_disparity],
        needs=('disparity',)),
    # as published, with one rate throughout
    picie=dict(
        config='configs/picie/picie_toy.py',
        options=['train_cfg.max_iters=300', 'train_cfg.val_interval=301', *_base_.its_encoder],
        needs=('depth',)))

# what SwAV and DepthCP are sensitive to besides, each alone, with the optimiser that does best
variants = dict(
    swav_gentle=dict(
        epsilon=['model.head.loss.epsilon=0.03'],
        frozen=['model.head.loss.frozen_steps=90'],
        queue=queue),
    depthcp=dict(epsilon=['model.epsilon=0.03']))

pretrainings = dict(
    _delete_=True,
    random=dict(label='random', needs=_base_.data),
    # where all but SwAV and DenseCL start
    depth=dict(label='MonoDepth', checkpoint='{depth}', needs=('depth',)),
    **{
        f'{method}_{optimizer}': dict(
            label=f'{method}, {optimizer}',
            config=entry['config'],
            options=[*entry['options'], *settings],
            **({'needs': entry['needs']} if 'needs' in entry else {}))
        for method, entry in methods.items() for optimizer, settings in _base_.optimizers.items()
    },
    **{
        f'{method}_{name}': dict(
            methods[method],
            label=f'{method}, AdamW 2e-3, {name}',
            options=[*methods[method]['options'], *_base_.optimizers['adamw_high'], *settings])
        for method, tried in variants.items() for name, settings in tried.items()
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
