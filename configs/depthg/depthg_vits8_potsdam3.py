# DepthG on DINO's ViT-S/8, Potsdam-3, with the settings of its authors, but depth as the paper means it; b_D belongs
# to what their code computes, depthg_vits8_potsdam3_legacy.py:
#   python tools/nearest_neighbours.py configs/depthg/stego_vits8_potsdam3.py \
#       work_dirs/stego_vits8_potsdam3/neighbours.npz
#   python tools/train.py configs/depthg/depthg_vits8_potsdam3.py
_base_ = 'stego_vits8_potsdam3.py'
model = dict(
    code_channels=90,
    self_term=dict(weight=0.61, shift=0.2),
    neighbour_term=dict(weight=0.34, shift=0.09),
    negative_term=dict(weight=0.72, shift=0.63),
    points=dict(kind='farthest'),
    depth=dict(weight=0.13))
train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            data_prefix=dict(disparity_path='disparity/train'),
            pipeline=[*_base_.load_with_depth, *_base_.square])))
# counted in batches; the authors' 7000 steps are those of three optimisers
# they validate after each epoch, here of 4545 tiles
train_cfg = dict(max_iters=2334, val_interval=284)
default_hooks = dict(checkpoint=dict(interval=284))
