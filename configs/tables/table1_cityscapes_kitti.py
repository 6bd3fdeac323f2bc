# Table 1 of Zeng et al., BMVC 2022: segmentation without labels, on Cityscapes val and the labelled images of KITTI,
# labels resized to the size of the images; by themselves the configs score at the size of the labels.
# Disparity and regions have to be there (docs/finetuning.md). ResNet-50 weights in torchvision's names for the rows
# that start from ImageNet: $IMAGENET_R50.
title = 'Segmentation without labels'
seeds = (0, 1, 2)

imagenet = '{{$IMAGENET_R50:data/resnet50_imagenet.pth}}'
from_imagenet = ['model.backbone.init_cfg.type=Pretrained', 'model.backbone.init_cfg.checkpoint=' + imagenet]
depthcp = dict(label='DepthCP, λ = 0.5', init='scratch', parts=('backbone', 'neck', 'decode_head'))
depthcp_imagenet = dict(
    label='DepthCP, λ = 0.5', init='ImageNet', options=from_imagenet, file=imagenet,
    parts=('backbone', 'neck', 'decode_head'))
# PiCIE on a ResNet-18, as its authors
picie = dict(
    label='PiCIE',
    parts=('backbone', 'decode_head'),
    scored_by=dict(cityscapes='configs/picie/picie_cityscapes.py', kitti='configs/picie/picie_kitti.py'))

pretrainings = dict(
    random=dict(label='random'),
    colour_position=dict(label='k-means on colour and position', scorer='tools/colour_position_baseline.py'),
    picie_cityscapes=dict(
        config='configs/picie/picie_cityscapes.py', trained_on='Cityscapes', init='scratch', **picie),
    picie_kitti=dict(config='configs/picie/picie_kitti.py', trained_on='KITTI', init='scratch', **picie),
    picie_cityscapes_imagenet=dict(
        config='configs/picie/picie_cityscapes_imagenet.py', trained_on='Cityscapes', init='ImageNet', **picie),
    picie_kitti_imagenet=dict(
        config='configs/picie/picie_kitti_imagenet.py', trained_on='KITTI', init='ImageNet', **picie),
    cityscapes=dict(config='configs/depthcp_cityscapes.py', trained_on='Cityscapes', **depthcp),
    kitti=dict(config='configs/depthcp_kitti.py', trained_on='KITTI', **depthcp),
    cityscapes_imagenet=dict(config='configs/depthcp_cityscapes.py', trained_on='Cityscapes', **depthcp_imagenet),
    kitti_imagenet=dict(config='configs/depthcp_kitti.py', trained_on='KITTI', **depthcp_imagenet),
)

scores = [dict(key='Acc', label='Acc'), dict(key='mIoU', label='mIoU')]
tasks = dict(
    cityscapes=dict(
        label='Cityscapes@768x384',
        config='configs/depthcp_cityscapes.py',
        scores=scores,
        train=False,
        options=['test_evaluator.score_size=768,384']),
    kitti=dict(
        label='KITTI@1280x384',
        config='configs/depthcp_kitti.py',
        scores=scores,
        train=False,
        options=['test_evaluator.score_size=1280,384']),
)
