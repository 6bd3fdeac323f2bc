# STEGO on DINO's ViT-B/8, COCO-Stuff-27, with the settings of its authors:
#   python tools/nearest_neighbours.py configs/depthg/stego_vitb8_coco27.py \
#       work_dirs/stego_vitb8_coco27/neighbours.npz
#   python tools/train.py configs/depthg/stego_vitb8_coco27.py
_base_ = [
    '../_base_/models/depthg_vit_base.py', '../_base_/datasets/stego_pairs.py', '../_base_/depthg_runtime.py'
]
model = dict(
    self_term=dict(weight=0.1, shift=0.12),
    neighbour_term=dict(weight=1, shift=0.2),
    negative_term=dict(weight=0.1538, shift=1))
auto_scale_lr = dict(base_batch_size=16)
train_dataloader = dict(
    batch_size=16,
    dataset=dict(
        neighbours='work_dirs/stego_vitb8_coco27/neighbours.npz',
        dataset=dict(
            dataset=dict(
                type='mmdepthcp.COCOStuff27Dataset',
                data_root='data/coco/',
                ann_file='curated/train2017/Coco164kFull_Stuff_Coarse.txt',
                data_prefix=dict(img_path='train2017', seg_map_path='stuffthingmaps/train2017')))))
val_dataloader = dict(
    dataset=dict(
        type='mmdepthcp.COCOStuff27Dataset',
        data_root='data/coco/',
        ann_file='curated/val2017/Coco164kFull_Stuff_Coarse_7.txt',
        data_prefix=dict(img_path='val2017', seg_map_path='stuffthingmaps/val2017'),
        metainfo=dict(protocol='coco27-stego320')))
test_dataloader = val_dataloader
train_cfg = dict(type='IterBasedTrainLoop', max_iters=5000, val_interval=250)
default_hooks = dict(checkpoint=dict(interval=250, save_best='coco27-stego320/mIoU', rule='greater'))
