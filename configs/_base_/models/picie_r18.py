# PiCIE (Cho et al., CVPR 2021) on a ResNet-18
model = dict(
    type='mmdepthcp.PiCIE',
    backbone=dict(
        type='mmpretrain.ResNet', depth=18, out_indices=(0, 1, 2, 3), norm_cfg=dict(type='BN', requires_grad=True),
        zero_init_residual=False),
    decode_head=dict(type='mmdepthcp.SummedPyramidHead', in_channels=(64, 128, 256, 512), channels=128))
