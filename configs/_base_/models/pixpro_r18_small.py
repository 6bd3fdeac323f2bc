# PixPro on a ResNet-18 of half width, its cells at stride 16: of small views stride 32 leaves too few
_base_ = 'pixpro_r50.py'
# those of the last stage
find_unused_parameters = True
model = dict(
    backbone=dict(depth=18, base_channels=32, stem_channels=32, out_indices=(2,)),
    in_channels=(128,),
    hidden_channels=256,
    channels=64,
    empty='skip')
