"""Clusters of features, found once, to compare with those that a model learns."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdepthcp.engine.models import plain_model
from mmdepthcp.registry import HOOKS
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.trees import progress_bar

STARTS = 10


@HOOKS.register_module()
class KMeansHook(Hook):
    """Before testing, find as many clusters as the model has in its features of the images of ``bank_dataloader``, an
    entry of the config, by k-means on directions; their scores stand beside those of the model's own clusters.

    Args:
        standardise: bring every channel to mean 0 and deviation 1 first.
        pixels_per_image: how many pixels of each image, drawn evenly on the raster of the features by the run's seed.

    Raises:
        InputError: the config has no ``bank_dataloader``, before testing.
    """

    def __init__(self, standardise: bool = False, pixels_per_image: int = 128) -> None:
        self.standardise, self.pixels_per_image = standardise, pixels_per_image

    @torch.no_grad()
    def before_test(self, runner: Runner) -> None:
        """Find the clusters; all processes find the same."""
        from sklearn.cluster import KMeans

        if 'bank_dataloader' not in runner.cfg:
            raise InputError('KMeansHook: the config has no bank_dataloader, the images to find clusters in')
        model = plain_model(runner)
        model.eval()
        generator = torch.Generator().manual_seed(runner.seed)
        loader = runner.build_dataloader(runner.cfg.bank_dataloader, seed=runner.seed)
        bar, drawn = progress_bar(len(loader)), []
        for batch in loader:
            maps = model.extract_feat(model.data_preprocessor(batch)['inputs']).float().flatten(2)
            for features in maps:
                chosen = torch.randperm(features.shape[1], generator=generator)[:self.pixels_per_image]
                drawn.append(features[:, chosen.to(features.device)].T)
            bar.update()
        pixels = torch.cat(drawn)
        mean, deviation = torch.zeros_like(pixels[0]), torch.ones_like(pixels[0])
        if self.standardise:
            mean, deviation = pixels.mean(0), pixels.std(0).clamp_min(torch.finfo(pixels.dtype).eps)
        directions = F.normalize((pixels - mean) / deviation, dim=1)
        found = KMeans(model.num_clusters, n_init=STARTS, random_state=runner.seed).fit(directions.cpu().numpy())
        centres = F.normalize(torch.from_numpy(found.cluster_centers_).to(pixels), dim=1)
        model.set_kmeans(mean, deviation, centres)
        runner.logger.info(f'k-means: {model.num_clusters} clusters of {len(pixels)} pixels')
