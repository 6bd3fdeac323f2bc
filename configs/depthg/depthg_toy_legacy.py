# DepthG as its published code computes it: depth counts where it is 0 and where points are, and nowhere else
_base_ = 'depthg_toy.py'
model = dict(
    depth=dict(mode='legacy', weight=0.19, centre=False, shift=0.03, shift_decays=True, decay=0.6, decay_interval=43),
    points=dict(legacy=True))
