# DepthG on the features of stego_vits14_camvid.py
#   python tools/nearest_neighbours.py configs/depthg/stego_vits14_camvid.py \
#       work_dirs/stego_vits14_camvid/neighbours.npz
#   python tools/train.py configs/depthg/depthg_vits14_camvid.py
_base_ = 'stego_vits14_camvid.py'
model = dict(depth=dict(weight=0.3), points=dict(kind='farthest'))
train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            data_prefix=dict(disparity_path='work_dirs/depthcp_camvid_small/disparity'),
            pipeline=_base_.load_with_depth)))
