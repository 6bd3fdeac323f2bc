# The student of the selection by Hoyer et al. (CVPR 2021): a ResNet-50 from ImageNet, with normalisation in the
# decoder, learns the disparity of a teacher from the images that are chosen so far. Crops of 512x512 from 1024x512,
# batches of 2, Adam 1e-4. tools/select_images.py names the images and their disparity, and sets the length of each
# round. Where there is no network, $IMAGENET_R50 names a file with ImageNet's weights.
_base_ = '../_base_/student_runtime.py'
data_root = 'data/cityscapes/'

model = dict(
    type='DepthRegressor',
    backbone=dict(
        type='DepthResNet',
        depth=50,
        dilated=True,
        zero_init_residual=False,
        init_cfg=dict(type='Pretrained', checkpoint='{{$IMAGENET_R50:torchvision://resnet50}}')),
    decode_head=dict(
        type='DepthDecoder',
        in_channels=(64, 256, 512, 1024, 2048),
        channels=(64, 64, 128, 128, 256),
        aspp_dilations=(6, 12, 18),
        norm_cfg=dict(type='BN')))

loading = [
    dict(type='LoadImage'),
    dict(type='LoadDisparity'),
    dict(type='StretchDisparity'),
    dict(type='ResizeStreet', scale=(1024, 512)),
]
train_pipeline = [
    *loading,
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomCrop', crop_size=(512, 512)),
    dict(type='PackDisparity'),
]
# the learning rates of the configs are for this many at once, over all processes
auto_scale_lr = dict(enable=False, base_batch_size=2)
train_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='EndlessSampler', shuffle=True),
    dataset=dict(
        type='StreetDataset',
        data_root=data_root,
        data_prefix=dict(img_path='leftImg8bit/train', disparity_path='disparity/train'),
        pipeline=train_pipeline))
# whole images, to find those on which it fails
score_pipeline = [*loading, dict(type='PackDisparity')]

custom_hooks = [dict(type='PretrainedCheckHook'), dict(type='IterSeedHook')]
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4))
# zero would come after the last iteration
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=1e-10, by_epoch=False, begin=0, end=4001)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=4000)
round_iters = [4000, 8000, 12000, 16000, 20000]  # of the first training, the second one, ...; the last stands for all
