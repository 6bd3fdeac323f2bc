# The setting of the paper (Zeng et al., BMVC 2022): Cityscapes, ResNet-50 from scratch, λ = 0.5, batch of one group
# of 8 images (16 views), 25 epochs, SGD 0.1
_base_ = [
    '_base_/models/depthcp_r50.py', '_base_/datasets/cityscapes_groups.py',
    '_base_/schedules/depthcp_25e.py', '_base_/default_runtime.py'
]
