# A head that reads classes off frozen features
_base_ = 'frozen_r50.py'
model = dict(
    type='EncoderDecoder',
    decode_head=dict(in_channels=3840, num_classes=19),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
