# Two views of every image for PixPro; the configs add sizes and the data set. Colours are those of BYOL, which PixPro
# was published with: one view always blurred, the other solarised at times
jitter = dict(brightness=0.4, contrast=0.4, saturation=0.2, hue=0.1, jitter_prob=0.8, grey_prob=0.2)
colours = [dict(jitter, blur_prob=1.0), dict(jitter, blur_prob=0.1)]
solarise_probs = (0.0, 0.2)
train_dataloader = dict(
    drop_last=True,
    persistent_workers=True,
    sampler=dict(type='mmdepthcp.EndlessSampler', shuffle=True))
