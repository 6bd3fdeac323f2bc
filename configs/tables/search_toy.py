# Which settings suit the pretrainings of toy.py: trials of half their steps, judged by k-NN on drives of the training
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

# views of MMPretraining, and gentler ones: larger crops, colours changed in three of ten views, no grey, no blur
crops = 'train_dataloader.dataset.pipeline.1.transforms'
colours = {
    name: [[f'{crops}.{kind}.{step}.prob={prob}' for step, prob in enumerate(probs, start=1)] for kind in (0, 1)]
    for name, probs in dict(usual=(0.8, 0.2, 0.5), gentle=(0.3, 0, 0)).items()
}
large, small = f'{crops}.0.0.crop_ratio_range=', f'{crops}.1.0.crop_ratio_range='
usual_swav = [large + '0.14,1.0', small + '0.05,0.14', *colours['usual'][0], *colours['usual'][1]]
gentle_swav = [large + '0.4,1.0', small + '0.15,0.4', *colours['gentle'][0], *colours['gentle'][1]]
swav = dict(config='configs/swav/swav_toy.py', needs=_base_.data)
densecl = dict(config='configs/densecl/densecl_toy.py', needs=_base_.data)
queue = ['model.head.loss.queue_length=256', 'model.head.loss.queue_start=45']
methods = dict(
    swav_gentle=dict(swav, options=[*half['iters'], *gentle_swav]),
    densecl=dict(densecl, options=[*half['iters'], large + '0.2,1.0', *colours['usual'][0]]),
    densecl_gentle=dict(densecl, options=[*half['iters'], large + '0.4,1.0', *colours['gentle'][0]]),
    depthcp=dict(
        config=_base_.depthcp,
        options=[*_base_.from_depth, *half['epochs'], 'model.pixel_weight=0.5', 'model.region_weight=0.5'],
        needs=('regions',)),
    swav=dict(swav, options=[*half['iters'], *queue, *usual_swav]))

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
