# λ = 1: pixels only, best for fine-tuning
_base_ = 'depthcp_camvid.py'
model = dict(pixel_weight=1.0, region_weight=0.0)
