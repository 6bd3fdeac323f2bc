"""Ways from a dense map of features to clusters."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError


@MODELS.register_module()
class ClusterProbe(BaseModule):
    """Clusters by cosine, learnt by gradient while the features stay as they are.

    Hamilton et al., "Unsupervised Semantic Segmentation by Distilling Feature Correspondences" (STEGO), ICLR 2022: the
    loss is the mean over all pixels of minus the cosine with the nearest centre.

    Args:
        in_channels: C, channels of the features.
        num_clusters: K, how many centres there are.
        standardise: bring every channel to mean 0 and deviation 1 first, by running statistics. Channels of different
            stages of a backbone have different scales, and a common mean makes all cosines alike.
        init_cfg: initialisation; centres start normally distributed.

    Raises:
        InputError: there is no cluster.
    """

    def __init__(self, in_channels: int, num_clusters: int, standardise: bool = False,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        if num_clusters < 1:
            raise InputError(f'ClusterProbe: num_clusters {num_clusters} must be at least 1')
        self.centres = nn.Parameter(torch.randn(num_clusters, in_channels))
        self.standardise = nn.BatchNorm2d(in_channels, affine=False) if standardise else nn.Identity()

    @property
    def num_clusters(self) -> int:
        """K."""
        return len(self.centres)

    def forward(self, features: Tensor) -> Tensor:
        """What is compared with the centres, (B, C, h, w), of features (B, C, h, w)."""
        return self.standardise(features.detach().float())

    def directions_and_clusters(self) -> tuple[Tensor, Tensor]:
        """The centres, (K, C), L2-normalised, and that each is a cluster of its own, (K,)."""
        return F.normalize(self.centres.float(), dim=1), torch.arange(self.num_clusters, device=self.centres.device)

    def loss(self, features: Tensor) -> dict[str, Tensor]:
        """The loss of features (B, C, h, w) as ``loss_cluster``, and how many of the clusters are the nearest for some
        pixel, as a share, ``cluster_usage``.
        """
        pixels = F.normalize(self(features), dim=1).flatten(2)
        best = (self.directions_and_clusters()[0] @ pixels).max(1)
        usage = best.indices.unique().numel() / self.num_clusters
        return dict(loss_cluster=-best.values.mean(), cluster_usage=features.new_tensor(usage))
