# PiCIE on Cityscapes from ImageNet's labels
_base_ = 'picie_cityscapes.py'
model = dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18')))
