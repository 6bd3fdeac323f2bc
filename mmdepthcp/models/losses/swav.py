"""SwAV's loss with assignments that do not depend on the number of processes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmpretrain.models.losses import SwAVLoss as MMPretrainSwAVLoss
from torch import Tensor

from mmdepthcp.models.losses.swapped_prediction import sinkhorn
from mmdepthcp.registry import MODELS


@MODELS.register_module()
class SwAVLoss(MMPretrainSwAVLoss):
    """mmpretrain's ``SwAVLoss`` with :func:`sinkhorn`, which sums over all ranks in every iteration (Caron et al.,
    NeurIPS 2020). Without a queue: mmpretrain keeps it outside of the checkpoint.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Loss of the crops of a batch.

        Args:
            x: (V·B, D) features of length 1, those of the B images' first crops first.
        """
        with torch.no_grad():
            self.prototypes.weight.copy_(F.normalize(self.prototypes.weight, dim=1))
        logits = self.prototypes(x).unflatten(0, (sum(self.num_crops), -1))
        predictions = F.log_softmax(logits / self.temperature, dim=2)
        losses = []
        for crop in self.crops_for_assign:
            assigned = sinkhorn(logits[crop].detach(), self.epsilon, self.sinkhorn_iterations)
            others = [view for view in range(len(logits)) if view != crop]
            losses.append(-(assigned * predictions[others]).sum(2).mean())
        return torch.stack(losses).mean()
