# DepthG on DINO's ViT-S/8, a folder of images without labels, data/street/images, with disparity beside it:
#   python tools/nearest_neighbours.py configs/depthg/depthg_vits8_folder.py \
#       work_dirs/depthg_vits8_folder/neighbours.npz
#   python tools/train.py configs/depthg/depthg_vits8_folder.py
_base_ = 'depthg_vits8_coco27.py'
model = dict(num_clusters=19, num_classes=0)
train_dataloader = dict(
    dataset=dict(
        neighbours='work_dirs/depthg_vits8_folder/neighbours.npz',
        dataset=dict(
            dataset=dict(
                _delete_=True,
                type='mmdepthcp.StreetDataset',
                data_root='data/street/',
                data_prefix=dict(img_path='images', disparity_path='disparity'),
                pipeline=[dict(type='mmdepthcp.LoadImage'), dict(type='mmdepthcp.LoadDisparity')]))))
val_dataloader = None
val_evaluator = None
val_cfg = None
test_dataloader = None
test_evaluator = None
test_cfg = None
train_cfg = dict(val_interval=2334)
default_hooks = dict(checkpoint=dict(save_best=None))
