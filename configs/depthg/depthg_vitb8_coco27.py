# DepthG on DINO's ViT-B/8, COCO-Stuff-27, with the settings of its authors, but depth as the paper means it; b_D and
# the decay of λ_D belong to what their code computes, depthg_vitb8_coco27_legacy.py:
#   python tools/nearest_neighbours.py configs/depthg/stego_vitb8_coco27.py \
#       work_dirs/stego_vitb8_coco27/neighbours.npz
#   python tools/train.py configs/depthg/depthg_vitb8_coco27.py
_base_ = 'stego_vitb8_coco27.py'
model = dict(
    code_channels=90,
    self_term=dict(weight=0.23052, shift=0.12326),
    neighbour_term=dict(weight=1.05009, shift=0.21028),
    negative_term=dict(weight=0.2485, shift=0.97481),
    points=dict(kind='farthest', side=12),
    depth=dict(weight=0.16026))
auto_scale_lr = dict(base_batch_size=32)
train_dataloader = dict(
    batch_size=32,
    dataset=dict(
        dataset=dict(
            dataset=dict(data_prefix=dict(disparity_path='disparity/train2017'), pipeline=_base_.load_with_depth))))
# counted in batches; the authors' 7000 steps are those of three optimisers
train_cfg = dict(max_iters=2334, val_interval=50)
default_hooks = dict(checkpoint=dict(interval=50))
