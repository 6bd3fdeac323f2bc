# DepthG: STEGO whose codes follow depth too, and are compared at points that lie far from each other in space
#   python tools/nearest_neighbours.py configs/depthg/depthg_camvid_small.py \
#       work_dirs/stego_camvid_small/neighbours.npz
#   python tools/train.py configs/depthg/depthg_camvid_small.py
_base_ = 'stego_camvid_small.py'
model = dict(depth=dict(weight=0.3), points=dict(kind='farthest'))
train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            data_prefix=dict(disparity_path='work_dirs/depthcp_camvid_small/disparity'),
            pipeline=_base_.load_with_depth)))
