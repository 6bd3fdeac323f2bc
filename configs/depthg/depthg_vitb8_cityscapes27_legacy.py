# The same as the published code computes it, for comparison with its checkpoints and scores:
#   python tools/nearest_neighbours.py configs/depthg/depthg_vitb8_cityscapes27_legacy.py \
#       work_dirs/depthg_vitb8_cityscapes27_legacy/neighbours.npz --raw
#   python tools/train.py configs/depthg/depthg_vitb8_cityscapes27_legacy.py
_base_ = 'depthg_vitb8_cityscapes27.py'
model = dict(
    backbone=dict(legacy_pos_resize=True),
    depth=dict(
        mode='legacy', centre=False, shift=0.03, decay=0.8, decay_interval=400, shift_decays=True))
train_dataloader = dict(
    dataset=dict(
        neighbours='work_dirs/depthg_vitb8_cityscapes27_legacy/neighbours.npz',
        centred=False))
