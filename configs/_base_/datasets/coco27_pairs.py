# Pairs of COCO-Stuff with 27 classes
_base_ = 'stego_pairs.py'
auto_scale_lr = dict(base_batch_size=16)
train_dataloader = dict(
    batch_size=16,
    dataset=dict(
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
