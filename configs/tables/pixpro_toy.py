# What depth is worth to PixPro, on toy streets: exact depth, learnt depth, and controls: depth of other images, and as
# many pairs left out by chance. Rows of one seed share initialisation, images, crops and colours.
#   python tools/compare.py configs/tables/pixpro_toy.py
_base_ = 'toy.py'
title = 'PixPro with depth on toy streets'

prepare = [
    _base_.stages.toy_streets, *_base_.stages.from_video, _base_.stages.exact, _base_.stages.controls['exact']['others']
]
near, wide = ['model.distance_thrs=0.7,'], []  # the configs have one distance without depth, three with it
pixpro, with_depth = 'configs/pixpro/pixpro_toy.py', 'configs/pixpro/depth_pixpro_toy.py'
disparity = dict(exact='exact', learnt='disparity', others='others')
read = 'train_dataloader.dataset.data_prefix.disparity_path={work_dir}/'
rows = dict(
    pixpro=('PixPro', pixpro, None, near),
    pixpro_wide=('PixPro, three distances', pixpro, None, ['model.distance_thrs=0.7,1.4,2.8']),
    exact=('exact depth, three distances', with_depth, 'exact', wide),
    learnt=('learnt depth, three distances', with_depth, 'learnt', wide),
    others=('depth of other images, three distances', with_depth, 'others', wide),
    # the shares that exact depth removes
    by_chance=('as many pairs by chance, three distances', pixpro, None,
               ['model.distance_thrs=0.7,1.4,2.8', 'model.depth_filter.removed=0.30,0.54,0.71']),
    exact_near=('exact depth', with_depth, 'exact', near),
    others_near=('depth of other images', with_depth, 'others', near))
pretrainings = dict(
    _delete_=True,
    depth=dict(label='MonoDepth', trained_on='toy', checkpoint='{depth}', needs=('depth',)),
    **{
        name: dict(
            label=label,
            init='MonoDepth',
            trained_on='toy',
            config=config,
            options=[
                *_base_.its_encoder, *settings,
                *([read + disparity[kind]] if kind else [])
            ],
            needs=('depth', disparity[kind]) if kind else ('depth',))
        for name, (label, config, kind, settings) in rows.items()
    })
tasks = dict(
    _delete_=True,
    knn=dict(
        label='k-NN probe',
        config='configs/probes/knn_toy_borders.py',
        scores=[_base_.miou, dict(key='border_mIoU', label='near borders')],
        parts=dict(backbone='model.backbone.backbone'),
        train=False),
    semantic_few=_base_.tasks.semantic_few)
