# PixPro (Xie et al., CVPR 2021) on a ResNet-50
model = dict(
    type='mmdepthcp.PixPro',
    backbone=dict(
        type='mmpretrain.ResNet', depth=50, norm_cfg=dict(type='BN', requires_grad=True), zero_init_residual=True),
    in_channels=(2048,),
    hidden_channels=4096,
    channels=256,
    base_momentum=0.01,
    distance_thrs=(0.7,),
    propagation=dict(gamma=2.0, num_layers=1))
