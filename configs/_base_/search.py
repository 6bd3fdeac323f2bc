# What the searches of settings share: optimisers with two learning rates each, views, the probe on held-back drives.
sgd = ['type=SGD', 'momentum=0.9', 'weight_decay=0.0001']
lars = ['type=mmpretrain.LARS', 'momentum=0.9', 'weight_decay=0.000001']
adamw = ['type=AdamW', 'weight_decay=0.01']
optimizers = dict(
    sgd_high=[*sgd, 'lr=0.1'],
    sgd_low=[*sgd, 'lr=0.01'],
    lars_high=[*lars, 'lr=0.6'],
    lars_low=[*lars, 'lr=0.075'],
    adamw_high=[*adamw, 'lr=0.002'],
    adamw_low=[*adamw, 'lr=0.0005'])
optimizers = {
    name: [
        'optim_wrapper.optimizer._delete_=True', *(f'optim_wrapper.optimizer.{setting}' for setting in settings)
    ]
    for name, settings in optimizers.items()
}

# views of MMPretraining, and gentler ones: larger crops, colours changed in three of ten views, no grey, no blur
crops = 'train_dataloader.dataset.pipeline.1.transforms'
colours = {
    name: [[f'{crops}.{kind}.{step}.prob={prob}' for step, prob in enumerate(probs, start=1)] for kind in (0, 1)]
    for name, probs in dict(usual=(0.8, 0.2, 0.5), gentle=(0.3, 0, 0)).items()
}
large, small = f'{crops}.0.0.crop_ratio_range=', f'{crops}.1.0.crop_ratio_range='
views = dict(
    swav=[large + '0.14,1.0', small + '0.05,0.14', *colours['usual'][0], *colours['usual'][1]],
    swav_gentle=[large + '0.4,1.0', small + '0.15,0.4', *colours['gentle'][0], *colours['gentle'][1]],
    densecl=[large + '0.2,1.0', *colours['usual'][0]],
    densecl_gentle=[large + '0.4,1.0', *colours['gentle'][0]])
