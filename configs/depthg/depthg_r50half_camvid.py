# DepthG on the features of stego_r50half_camvid.py
#   python tools/nearest_neighbours.py configs/depthg/stego_r50half_camvid.py \
#       work_dirs/stego_r50half_camvid/neighbours.npz
#   python tools/train.py configs/depthg/depthg_r50half_camvid.py
_base_ = 'stego_r50half_camvid.py'
# whole images of a camera with fx / W = 1.1, fy / H = 1.47
model = dict(depth=dict(weight=0.3), points=dict(kind='farthest', field_of_view=(48.9, 37.6)))
train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            data_prefix=dict(disparity_path='work_dirs/depthcp_camvid_small/disparity'),
            pipeline=_base_.load_with_depth)))
