# %% [markdown]
# # From video to mixed views
#
# What pretraining is fed with, step by step, on toy streets whose depth is exact: frames, disparity, regions, mixed
# views, matches. Nothing is learnt here, so it takes seconds. With a video of your own, disparity comes from
# `tools/infer_depth.py`; all else is the same.

# %%
import tempfile
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
from mmengine.registry import init_default_scope

from mmdepthcp.cli.tools import register_modules
from mmdepthcp.toy import ToySettings, write_toy_streets

register_modules()
init_default_scope('mmdepthcp')
data = Path(tempfile.mkdtemp())
settings = ToySettings(3, 1, 256, 128, 0)  # frames of a drive, frames with labels, width, height, seed
write_toy_streets(str(data), {'train': 4, 'val': 0}, settings, 0)
images = sorted((data / 'leftImg8bit/train').rglob('*.png'))
len(images)


# %%
def show(*pictures, titles=()):
    """Pictures (H, W, 3), BGR, side by side."""
    figure, axes = plt.subplots(1, len(pictures), figsize=(4.5 * len(pictures), 2.6), squeeze=False)
    for place, picture in enumerate(pictures):
        axes[0, place].imshow(picture[..., ::-1])
        axes[0, place].axis('off')
        axes[0, place].set_title(titles[place] if titles else '')
    figure.tight_layout()


# %% [markdown]
# ## Frames
#
# A clip is three frames of a drive. A depth network learns by predicting the middle one from the others.

# %%
frames = sorted((data / 'leftImg8bit_sequence/train').rglob('*.png'))[:3]
show(*(cv2.imread(str(frame)) for frame in frames), titles=['before', 'now', 'after'])

# %% [markdown]
# ## Disparity
#
# The renderer knows the depth of each pixel in metres; disparity is `nearest / depth`, from 0 to 1, larger is closer.
# On disk it is a 16-bit PNG beside each image.

# %%
from mmdepthcp.preparation.disparity_export import read_depth_as_disparity
from mmdepthcp.utils.images import write_disparity
from mmdepthcp.visualization.maps import colorize_disparity, draw_regions

for image in images:
    name = image.relative_to(data / 'leftImg8bit/train')
    depth = data / 'depth/train' / str(name).replace('_leftImg8bit', '_depth')
    write_disparity(data / 'disparity' / name, read_depth_as_disparity(depth, nearest=1., holes='far'))
pictures = [cv2.imread(str(image)) for image in images]
print(pictures[0].shape)

# %% [markdown]
# ## Regions
#
# Superpixels of like colour and depth are joined as long as they lie close in space; `max_regions` says when to stop.

# %%
from mmdepthcp.preparation.region_grouping import RegionGrouper, group_tree, parse_params

grouper = RegionGrouper(
    data / 'leftImg8bit/train', data / 'disparity', parse_params(['max_regions=60', 'weights=0.2,15,4,-5']),
    camera_root=data / 'camera/train')
failures, tried = group_tree(grouper, data / 'regions', 0, (0, 1), ('.png',))
assert not failures

# %%
from mmdepthcp.utils.images import read_disparity, read_regions

for picture, image in list(zip(pictures, images, strict=True))[:2]:
    name = image.relative_to(data / 'leftImg8bit/train')
    disparity, regions = read_disparity(data / 'disparity' / name), read_regions(data / 'regions' / name)
    show(picture, colorize_disparity(disparity), draw_regions(picture, regions),
         titles=['image', 'disparity', f'{len(np.unique(regions))} regions'])

# %% [markdown]
# ## Mixed views
#
# The config of the demo says how the images of a group are mixed. Only the folders are changed.

# %%
from mmdepthcp.config.loading import load_config
from mmdepthcp.registry import DATASETS

config = load_config('configs/depthcp_toy.py')
groups = config.train_dataloader.dataset
groups.dataset.data_prefix = dict(
    img_path=str(data / 'leftImg8bit/train'), disparity_path=str(data / 'disparity'), region_path=str(data / 'regions'))
dataset = DATASETS.build(groups)
item = dataset[0, 0, 0]  # seed, epoch, index: the same numbers, the same views
views = item['inputs'].numpy().transpose(0, 2, 3, 1)
show(*views[:4])

# %% [markdown]
# Another epoch pastes other things to other places:

# %%
show(*dataset[0, 1, 0]['inputs'].numpy().transpose(0, 2, 3, 1)[:4])

# %% [markdown]
# ## What matches
#
# Lines join places that show the same point of the same surface. These the network has to give the same prototype.

# %%
from mmdepthcp.visualization.mixed_views import draw_mixed_views

rng = np.random.default_rng(0)
matches = item['data_samples'].pixel_matches
show(draw_mixed_views(views, matches, 20, rng, columns=4))
print(f'{len(matches.points)} points in {len(views)} views, {int(matches.groups.max()) + 1} groups that match')
