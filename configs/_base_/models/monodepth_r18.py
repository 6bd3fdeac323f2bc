# ResNet-18 U-Net for depth, ResNet-18 for ego-motion (Godard et al., ICCV 2019)
model = dict(
    type='MonoDepth',
    data_preprocessor=dict(type='MonoDepthDataPreprocessor'),
    backbone=dict(type='DepthResNet', depth=18, zero_init_residual=False),
    decode_head=dict(type='DepthDecoder', in_channels=(64, 64, 128, 256, 512)),
    pose_net=dict(type='PoseNet', encoder=dict(type='DepthResNet', depth=18, in_channels=6, zero_init_residual=False)))
custom_hooks = [
    # model-side noise is drawn from (seed, epoch, rank), so that a resumed run continues exactly
    dict(type='EpochSeedHook'),
    # stops at NaN, warns when depth collapses to a constant
    dict(type='MonoDepthWatchHook'),
]
