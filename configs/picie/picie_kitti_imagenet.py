# PiCIE on KITTI's raw frames from ImageNet's labels
_base_ = 'picie_kitti.py'
model = dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18')))
