# From random weights: ten epochs more at the lower rate
_base_ = 'monodepth_20e.py'
train_cfg = dict(max_epochs=30)
