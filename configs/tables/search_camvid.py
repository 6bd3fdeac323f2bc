# Which settings suit the pretrainings of camvid.py: what did best on toy streets, at half the steps, judged by k-NN on
# the drive 0006R0 of the training set, which lends it no labels; the test images take no part.
#   python tools/compare.py configs/tables/search_camvid.py
_base_ = ['camvid.py', '../_base_/search.py']
title = 'Settings for CamVid'
seeds = (0,)

half = dict(
    iters=[
        'train_cfg.max_iters=273', 'param_scheduler.0.end=27', 'param_scheduler.1.begin=27',
        'param_scheduler.1.end=273'
    ],
    epochs=['train_cfg.max_epochs=3', 'train_cfg.val_interval=4', 'param_scheduler.1.end=3'])
queue = ['model.head.loss.queue_length=256', 'model.head.loss.queue_start=41']
swav = dict(config='configs/swav/swav_camvid_small.py', needs=())
densecl = dict(config='configs/densecl/densecl_camvid_small.py', needs=())
methods = dict(
    swav=dict(swav, options=[*half['iters'], *queue, *_base_.views.swav]),
    swav_gentle=dict(swav, options=[*half['iters'], *_base_.views.swav_gentle]),
    densecl=dict(densecl, options=[*half['iters'], *_base_.views.densecl]),
    densecl_gentle=dict(densecl, options=[*half['iters'], *_base_.views.densecl_gentle]),
    depthcp=dict(
        config=_base_.depthcp,
        options=[*_base_.from_depth, *half['epochs'], 'model.pixel_weight=0.5', 'model.region_weight=0.5'],
        needs=('regions',)))
tried = dict(
    swav=('lars_low', 'lars_high'),
    swav_gentle=('adamw_high', 'adamw_low', 'lars_low'),
    densecl=('lars_low', 'lars_high', 'adamw_low'),
    densecl_gentle=('lars_high', 'adamw_low', 'adamw_high'),
    depthcp=('adamw_high', 'adamw_low', 'lars_high'))

pretrainings = dict(
    _delete_=True,
    random=dict(label='random', needs=()),
    **{
        f'{method}_{optimizer}': dict(
            methods[method],
            label=f'{method}, {optimizer}',
            options=[*methods[method]['options'], *_base_.optimizers[optimizer]])
        for method, optimizers in tried.items() for optimizer in optimizers
    })

held_back = ['fold=2', 'num_folds=3', 'whole_clips=True']
tasks = dict(
    _delete_=True,
    knn=dict(
        label='k-NN probe on a held-back drive',
        config='configs/probes/knn_camvid_small.py',
        scores=[_base_.miou],
        parts=_base_.probe_parts,
        train=False,
        options=[
            *(f'bank_dataloader.dataset.subset.{setting}' for setting in held_back),
            *(f'test_dataloader.dataset.subset.{setting}' for setting in ['part=val', *held_back]),
            'test_dataloader.dataset.data_prefix.img_path=images/train',
            'test_dataloader.dataset.data_prefix.seg_map_path=labels/train',
        ]))
