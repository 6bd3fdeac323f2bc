# DepthG on DINO's ViT-B/8, Cityscapes-27, with the settings of its authors, but depth as the paper means it; b_D and
# the decay of λ_D belong to what their code computes, depthg_vitb8_cityscapes27_legacy.py:
#   python tools/nearest_neighbours.py configs/depthg/stego_vitb8_cityscapes27.py \
#       work_dirs/stego_vitb8_cityscapes27/neighbours.npz
#   python tools/train.py configs/depthg/depthg_vitb8_cityscapes27.py
_base_ = 'stego_vitb8_cityscapes27.py'
# the published run compares at random points here
model = dict(
    code_channels=100,
    self_term=dict(weight=0.95, shift=0.39),
    neighbour_term=dict(weight=1.02, shift=0.25),
    negative_term=dict(weight=0.57, shift=0.26),
    depth=dict(weight=0.09))
auto_scale_lr = dict(base_batch_size=32)
train_dataloader = dict(
    batch_size=32,
    dataset=dict(
        dataset=dict(
            dataset=dict(data_prefix=dict(disparity_path='disparity/train'), pipeline=_base_.load_with_depth))))
# counted in batches; the authors' 7000 steps are those of three optimisers
train_cfg = dict(max_iters=2334, val_interval=100)
default_hooks = dict(checkpoint=dict(interval=100))
