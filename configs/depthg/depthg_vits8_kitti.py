# DepthG on DINO's ViT-S/8, KITTI: codes learnt from raw drives, scored on the 200 labelled images
#   python tools/nearest_neighbours.py configs/depthg/depthg_vits8_kitti.py \
#       work_dirs/depthg_vits8_kitti/neighbours.npz
#   python tools/train.py configs/depthg/depthg_vits8_kitti.py
_base_ = 'depthg_vits8_coco27.py'
model = dict(num_clusters=19, num_classes=0)
train_dataloader = dict(
    dataset=dict(
        neighbours='work_dirs/depthg_vits8_kitti/neighbours.npz',
        dataset=dict(
            dataset=dict(
                _delete_=True,
                type='mmdepthcp.KITTIStreetDataset',
                data_root='data/kitti/',
                data_prefix=dict(img_path='raw', disparity_path='disparity'),
                pipeline=[dict(type='mmdepthcp.LoadImage'), dict(type='mmdepthcp.LoadDisparity')]))))
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmdepthcp.KITTIStreetDataset',
        data_root='data/kitti/',
        data_prefix=dict(img_path='semantics/training/image_2', seg_map_path='semantics/training/semantic'),
        metainfo=dict(protocol='kitti19-stego320'),
        pipeline=_base_.eval_pipeline))
test_dataloader = val_dataloader
default_hooks = dict(checkpoint=dict(save_best='kitti19-stego320/mIoU'))
