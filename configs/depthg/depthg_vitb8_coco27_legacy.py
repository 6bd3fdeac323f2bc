# The same as the published code computes it, for comparison with its checkpoints and scores:
#   python tools/nearest_neighbours.py configs/depthg/depthg_vitb8_coco27_legacy.py \
#       work_dirs/depthg_vitb8_coco27_legacy/neighbours.npz --raw
#   python tools/train.py configs/depthg/depthg_vitb8_coco27_legacy.py
_base_ = 'depthg_vitb8_coco27.py'
model = dict(
    backbone=dict(legacy_pos_resize=True),
    depth=dict(
        mode='legacy', centre=False, shift=0.03591, decay=0.64, decay_interval=100, shift_decays=True),
    points=dict(legacy=True, max_depth=float('inf')))
train_dataloader = dict(
    dataset=dict(
        neighbours='work_dirs/depthg_vitb8_coco27_legacy/neighbours.npz',
        centred=False,
        dataset=dict(dataset=dict(pipeline=_base_.legacy_load_with_depth))))
