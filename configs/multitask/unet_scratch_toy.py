# U-Net of half width on toy streets at 192x96, from random weights: minutes on two cores
_base_ = [
    '../_base_/models/aspp_unet_r18_small.py', '../_base_/datasets/toy_plain.py',
    '../_base_/schedules/three_ways_small.py', '../_base_/three_ways_runtime.py'
]
model = dict(decode_head=dict(num_classes=10))
