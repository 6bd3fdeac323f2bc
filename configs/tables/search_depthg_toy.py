# Does another weight of the depth term let the depth of the image at hand matter (docs/depthg.md)? Scored on the
# training images; the validation images take no part.
#   python tools/compare.py configs/tables/search_depthg_toy.py
_base_ = 'depthg_toy.py'
title = 'Weights of depth on toy streets'

weights = (0.1, 0.3, 1.0)
pretrainings = dict(
    _delete_=True,
    stego=_base_.pretrainings.stego,
    **{
        f'{row}_{weight:g}'.replace('.', '_'): dict(
            _base_.pretrainings[row],
            label=f'{_base_.pretrainings[row].label}, weight {weight:g}',
            options=[*_base_.pretrainings[row].options, f'model.depth.weight={weight:g}'])
        for row in ('depthg', 'others') for weight in weights
    })
tasks = dict(
    unsup=dict(
        options=[
            'test_dataloader.dataset.data_prefix.img_path=leftImg8bit/train',
            'test_dataloader.dataset.data_prefix.seg_map_path=gtFine/train',
        ]))
