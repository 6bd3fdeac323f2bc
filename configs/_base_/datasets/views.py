# Random views for MMPretrain's own algorithms; the configs add crops of their sizes and the data set
augment = [
    dict(
        type='RandomApply',
        transforms=[dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)],
        prob=0.8),
    dict(type='RandomGrayscale', prob=0.2, keep_channels=True, channel_weights=(0.114, 0.587, 0.2989)),
    dict(type='GaussianBlur', magnitude_range=(0.1, 2.0), magnitude_std='inf', prob=0.5),
    dict(type='RandomFlip', prob=0.5),
]
# what keeps more of small images: colours changed in fewer views, never grey or blurred
gentle_augment = [dict(step, prob=prob) for step, prob in zip(augment, (0.3, 0.0, 0.0, 0.5), strict=True)]
train_dataloader = dict(
    drop_last=True,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='default_collate'))
