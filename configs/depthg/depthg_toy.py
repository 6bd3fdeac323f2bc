# DepthG: STEGO whose codes follow depth too, and are compared at points that lie far from each other in space
#   python tools/nearest_neighbours.py configs/depthg/depthg_toy.py work_dirs/stego_toy/neighbours.npz
#   python tools/train.py configs/depthg/depthg_toy.py
_base_ = 'stego_toy.py'
# fx / W = 0.95, between those of the three towns
model = dict(depth=dict(weight=0.3), points=dict(kind='farthest', field_of_view=(55.5, 29.5)))
train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            data_prefix=dict(disparity_path='work_dirs/depthcp_toy/disparity'), pipeline=_base_.load_with_depth)))
