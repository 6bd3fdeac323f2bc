# STEGO on DINO's ViT-S/8, Potsdam-3, with the settings of its authors:
#   python tools/nearest_neighbours.py configs/depthg/stego_vits8_potsdam3.py \
#       work_dirs/stego_vits8_potsdam3/neighbours.npz
#   python tools/train.py configs/depthg/stego_vits8_potsdam3.py
_base_ = [
    '../_base_/models/depthg_vit_small.py', '../_base_/datasets/stego_pairs.py', '../_base_/depthg_runtime.py'
]
model = dict(
    num_clusters=3,
    num_classes=3,
    self_term=dict(weight=0.67, shift=0.08),
    neighbour_term=dict(weight=0.25, shift=0.02),
    negative_term=dict(weight=0.63, shift=0.46))
auto_scale_lr = dict(base_batch_size=16)
train_dataloader = dict(
    batch_size=16,
    dataset=dict(
        neighbours='work_dirs/stego_vits8_potsdam3/neighbours.npz',
        dataset=dict(
            _delete_=True,
            type='mmdepthcp.Potsdam3Dataset',
            data_root='data/potsdam3/',
            data_prefix=dict(img_path='images/train', seg_map_path='labels/train'),
            pipeline=[*_base_.load_pipeline, *_base_.square])))
val_dataloader = dict(
    dataset=dict(
        type='mmdepthcp.Potsdam3Dataset',
        data_root='data/potsdam3/',
        data_prefix=dict(img_path='images/val', seg_map_path='labels/val'),
        metainfo=dict(protocol='potsdam3')))
test_dataloader = val_dataloader
train_cfg = dict(type='IterBasedTrainLoop', max_iters=5000, val_interval=250)
default_hooks = dict(checkpoint=dict(interval=250, save_best='potsdam3/Acc', rule='greater'))
custom_hooks = [
    dict(hook, key='Acc') if hook['type'] == 'mmdepthcp.ValidationRecordHook' else hook for hook in _base_.custom_hooks
]
