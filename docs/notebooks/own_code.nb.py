# %% [markdown]
# # A backbone in your own code
#
# A checkpoint of this package as plain PyTorch: load the weights, take features, segment without labels. The checkpoint
# here is one of the small network with random weights, so that this page runs anywhere in seconds; put your own in
# its place. The pictures show what to expect of random weights: not much.

# %%
import tempfile
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
import torch
from mmengine.registry import init_default_scope
from mmengine.runner import save_checkpoint

from mmdepthcp.cli.tools import register_modules
from mmdepthcp.config.loading import load_config
from mmdepthcp.registry import MODELS
from mmdepthcp.toy import ToySettings, write_toy_streets

register_modules()
init_default_scope('mmdepthcp')
torch.manual_seed(0)
work = Path(tempfile.mkdtemp())
write_toy_streets(str(work / 'toy'), {'train': 2, 'val': 0}, ToySettings(1, 1, 256, 128, 0), 0)
street = cv2.imread(str(sorted((work / 'toy/leftImg8bit/train').rglob('*.png'))[0]))

# %%
config = load_config('configs/depthcp_toy.py')
config.model.backbone.init_cfg = None
model = MODELS.build(config.model)
checkpoint = work / 'epoch_10.pth'
save_checkpoint(dict(meta=dict(cfg=config.pretty_text), state_dict=model.state_dict()), str(checkpoint))

# %% [markdown]
# ## Export
#
# The backbone alone, with the names of MMPretraining, and a report of what arrives. `target='torchvision'`
# takes networks of full width.

# %%
from mmdepthcp.apis import export_backbone

report = export_backbone(str(checkpoint), str(work / 'backbone.pth'), 'mmpretrain')
print(report)

# %% [markdown]
# ## Features
#
# From here on nothing of this package is needed: the file is a `state_dict` and what is known of it.

# %%
from mmpretrain.models import ResNet

exported = torch.load(work / 'backbone.pth', weights_only=True)
settings = {name: config.model.backbone[name] for name in ('depth', 'base_channels', 'stem_channels')}
backbone = ResNet(**settings, out_indices=(0, 1, 2, 3))
backbone.eval()
state = {name.removeprefix('backbone.'): tensor for name, tensor in exported['state_dict'].items()}
print(backbone.load_state_dict(state, strict=True))

mean = torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1)
deviation = torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1)
rgb = torch.from_numpy(street[..., ::-1].copy()).permute(2, 0, 1).float()
with torch.no_grad():
    maps = backbone(((rgb - mean) / deviation)[None])
print([tuple(level.shape) for level in maps])

# %% [markdown]
# Three directions in which the features of the second stage differ most, as colours:

# %%
from sklearn.decomposition import PCA

level = maps[1][0].flatten(1).T.numpy()
colours = PCA(3, random_state=0).fit_transform(level)
colours = (colours - colours.min(0)) / np.ptp(colours, 0)
figure, axes = plt.subplots(1, 2, figsize=(9, 2.6))
axes[0].imshow(street[..., ::-1])
axes[1].imshow(colours.reshape(*maps[1].shape[2:], 3))
for axis in axes:
    axis.axis('off')

# %% [markdown]
# ## Segments without labels
#
# The whole model clusters its prototypes into as many groups as it is asked for.

# %%
from mmdepthcp.apis import UnsupervisedSegInferencer

inferencer = UnsupervisedSegInferencer(str(checkpoint), num_clusters=10)
segments = inferencer(street)['predictions']
figure, axes = plt.subplots(1, 2, figsize=(9, 2.6))
axes[0].imshow(street[..., ::-1])
axes[1].imshow(segments, cmap='tab10')
for axis in axes:
    axis.axis('off')
print(segments.shape, np.unique(segments))
