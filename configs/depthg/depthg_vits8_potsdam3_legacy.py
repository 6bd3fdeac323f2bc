# The same as the published code computes it, for comparison with its checkpoints and scores:
#   python tools/nearest_neighbours.py configs/depthg/depthg_vits8_potsdam3_legacy.py \
#       work_dirs/depthg_vits8_potsdam3_legacy/neighbours.npz --raw
#   python tools/train.py configs/depthg/depthg_vits8_potsdam3_legacy.py
_base_ = 'depthg_vits8_potsdam3.py'
model = dict(
    backbone=dict(legacy_pos_resize=True),
    # it cuts depth to integers here: all points but the farthest are 0, and the term pushes codes apart
    depth=dict(mode='legacy', integers=True, centre=False, shift=0.14),
    points=dict(legacy=True, max_depth=float('inf')))
train_dataloader = dict(
    dataset=dict(
        neighbours='work_dirs/depthg_vits8_potsdam3_legacy/neighbours.npz',
        centred=False))
