# STEGO on DINO's ViT-B/8, Cityscapes-27, with the settings of its authors:
#   python tools/nearest_neighbours.py configs/depthg/stego_vitb8_cityscapes27.py \
#       work_dirs/stego_vitb8_cityscapes27/neighbours.npz
#   python tools/train.py configs/depthg/stego_vitb8_cityscapes27.py
_base_ = [
    '../_base_/models/depthg_vit_base.py', '../_base_/datasets/stego_pairs.py', '../_base_/depthg_runtime.py'
]
model = dict(
    centre=False,
    self_term=dict(weight=1, shift=0.4583),
    neighbour_term=dict(weight=0.5775, shift=0.1754),
    negative_term=dict(weight=0.9059, shift=0.3136))
auto_scale_lr = dict(base_batch_size=16)
train_dataloader = dict(
    batch_size=16,
    dataset=dict(
        neighbours='work_dirs/stego_vitb8_cityscapes27/neighbours.npz',
        dataset=dict(
            dataset=dict(
                type='mmdepthcp.Cityscapes27Dataset',
                data_root='data/cityscapes/',
                data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train')))))
val_dataloader = dict(
    dataset=dict(
        type='mmdepthcp.Cityscapes27Dataset',
        data_root='data/cityscapes/',
        data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
        metainfo=dict(protocol='cityscapes27-stego320')))
test_dataloader = val_dataloader
train_cfg = dict(type='IterBasedTrainLoop', max_iters=5000, val_interval=250)
default_hooks = dict(checkpoint=dict(interval=250, save_best='cityscapes27-stego320/mIoU', rule='greater'))
