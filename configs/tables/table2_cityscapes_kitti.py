# Table 2 of Zeng et al., BMVC 2022: fine-tuning on Cityscapes and KITTI (five folds), and with a part of the labels.
# Disparity and regions have to be there (docs/finetuning.md), and the annotations that
# tools/dataset_converters/instances_to_coco.py makes. ResNet-50 weights in torchvision's names for the rows from
# files, which are left out where these are missing: $IMAGENET_R50, $PIXPRO_R50, $DENSECL_R50, $ORL_R50, $CAST_R50.
title = 'Fine-tuning'
seeds = (0, 1, 2)

whole = ('backbone', 'neck', 'decode_head')
pretrainings = dict(
    random=dict(label='scratch'),
    supervised=dict(
        label='supervised', trained_on='ImageNet', file='{{$IMAGENET_R50:data/resnet50_imagenet.pth}}', bare=True),
    densecl_imagenet=dict(
        label='DenseCL', trained_on='ImageNet', file='{{$DENSECL_R50:data/resnet50_densecl.pth}}', bare=True),
    pixpro_imagenet=dict(
        label='PixPro', trained_on='ImageNet', file='{{$PIXPRO_R50:data/resnet50_pixpro.pth}}', bare=True),
    orl=dict(label='ORL', trained_on='COCO', file='{{$ORL_R50:data/resnet50_orl.pth}}', bare=True),
    cast=dict(label='CAST', trained_on='COCO', file='{{$CAST_R50:data/resnet50_cast.pth}}', bare=True),
    pixpro=dict(label='PixPro', trained_on='Cityscapes', config='configs/pixpro/pixpro_cityscapes.py'),
    depth_pixpro=dict(
        label='PixPro with depth', trained_on='Cityscapes', config='configs/pixpro/depth_pixpro_cityscapes.py'),
    swav=dict(label='SwAV', trained_on='Cityscapes', config='configs/swav/swav_cityscapes.py'),
    densecl=dict(label='DenseCL', trained_on='Cityscapes', config='configs/densecl/densecl_cityscapes.py'),
    pixpro_kitti=dict(label='PixPro', trained_on='KITTI', config='configs/pixpro/pixpro_kitti.py'),
    depth_pixpro_kitti=dict(
        label='PixPro with depth', trained_on='KITTI', config='configs/pixpro/depth_pixpro_kitti.py'),
    swav_kitti=dict(label='SwAV', trained_on='KITTI', config='configs/swav/swav_kitti.py'),
    densecl_kitti=dict(label='DenseCL', trained_on='KITTI', config='configs/densecl/densecl_kitti.py'),
    depthcp_pixel=dict(
        label='DepthCP, λ = 1', trained_on='Cityscapes', config='configs/depthcp_cityscapes_pixel.py', parts=whole),
    depthcp=dict(
        label='DepthCP, λ = 0.5', trained_on='Cityscapes', config='configs/depthcp_cityscapes.py', parts=whole),
    depthcp_pixel_kitti=dict(
        label='DepthCP, λ = 1', trained_on='KITTI', config='configs/depthcp_kitti_pixel.py', parts=whole),
    depthcp_kitti=dict(label='DepthCP, λ = 0.5', trained_on='KITTI', config='configs/depthcp_kitti.py', parts=whole),
)

miou = [dict(key='mIoU', label='mIoU')]
# of masks, by COCO's protocol on images of 768x384 and 1280x384
ap = [dict(key='segm_mAP', label='AP'), dict(key='segm_mAP_50', label='AP50')]
semantic_parts = dict(backbone='model.backbone', neck='model.neck', decode_head='model.decode_head')
instance_parts = dict(backbone='model.backbone', neck='model.neck')
cityscapes = dict(config='configs/finetune/semantic_fpn_r50_cityscapes.py', scores=miou, parts=semantic_parts)
tasks = dict(
    cityscapes=dict(label='Cityscapes semantic', **cityscapes),
    cityscapes_instances=dict(
        label='Cityscapes instances',
        config='configs/finetune/mask_rcnn_r50_fpn_cityscapes.py',
        scores=ap,
        parts=instance_parts),
    kitti=dict(
        label='KITTI semantic',
        config='configs/finetune/semantic_fpn_r50_kitti.py',
        scores=miou,
        parts=semantic_parts,
        folds=5),
    kitti_instances=dict(
        label='KITTI instances',
        config='configs/finetune/mask_rcnn_r50_fpn_kitti.py',
        scores=ap,
        parts=instance_parts,
        folds=5),
    cityscapes_1_30=dict(
        label='Cityscapes semantic, 1/30 of the labels',
        options=['train_dataloader.dataset.subset.fraction=0.0333'],
        **cityscapes),
    cityscapes_1_8=dict(
        label='Cityscapes semantic, 1/8 of the labels',
        options=['train_dataloader.dataset.subset.fraction=0.125'],
        **cityscapes),
    cityscapes_1_4=dict(
        label='Cityscapes semantic, 1/4 of the labels',
        options=['train_dataloader.dataset.subset.fraction=0.25'],
        **cityscapes),
)
