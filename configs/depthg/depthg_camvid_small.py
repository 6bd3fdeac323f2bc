# DepthG: STEGO whose codes follow depth too, and are compared at points that lie far from each other in space
#   python tools/nearest_neighbours.py configs/depthg/depthg_camvid_small.py \
#       work_dirs/stego_camvid_small/neighbours.npz
#   python tools/train.py configs/depthg/depthg_camvid_small.py
_base_ = 'stego_camvid_small.py'
# whole images of a camera with fx / W = 1.1, fy / H = 1.47
model = dict(depth=dict(weight=0.3), points=dict(kind='farthest', field_of_view=(48.9, 37.6)))
train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            data_prefix=dict(disparity_path='work_dirs/depthcp_camvid_small/disparity'),
            pipeline=_base_.load_with_depth)))
