"""SwAV's loss with assignments that do not depend on the number of processes."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.dist import all_gather, all_reduce, get_rank, get_world_size
from mmpretrain.models.losses import SwAVLoss as MMPretrainSwAVLoss
from torch import Tensor

from mmdepthcp.models.losses.swapped_prediction import sinkhorn
from mmdepthcp.registry import MODELS


@MODELS.register_module()
class SwAVLoss(MMPretrainSwAVLoss):
    """mmpretrain's ``SwAVLoss`` (Caron et al., NeurIPS 2020) whose assignments are those of one process with the images
    of all, and whose queue is part of the checkpoint.

    mmpretrain normalises within a rank and keeps the queue, and the freezing of prototypes, in ``SwAVHook``, which must
    not be used beside this.

    Args:
        queue_length: features of each assigned crop that are kept of earlier steps, over all ranks; they take part in
            assignments, which few images alone would leave to chance. 0: none.
        queue_start: steps without the queue, for the features of the first ones change too much.
        frozen_steps: steps in which prototypes do not learn.
        kwargs: arguments of mmpretrain's loss.

    Attributes:
        usage: (K,) share of the assigned crops of the last step, over all ranks, whose best prototype is k.
    """

    def __init__(self, *args: Any, queue_length: int = 0, queue_start: int = 0, frozen_steps: int = 0,
                 **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.queue
        self.queue: Tensor
        self.register_buffer(
            'queue', torch.zeros(len(self.crops_for_assign), queue_length, self.prototypes.in_features))
        self.usage = torch.full((self.prototypes.out_features,), math.nan)
        self.steps: Tensor
        self.register_buffer('steps', torch.zeros((), dtype=torch.int64))
        self.queue_start = queue_start
        self.frozen_steps = frozen_steps

    def forward(self, x: Tensor) -> Tensor:
        """Loss of the crops of a batch, which counts as a step.

        Args:
            x: (V·B, D) features of length 1, those of the B images' first crops first.
        """
        with torch.no_grad():
            self.prototypes.weight.copy_(F.normalize(self.prototypes.weight, dim=1))
        frozen = bool(self.steps < self.frozen_steps)
        logits = F.linear(x, self.prototypes.weight.detach() if frozen else self.prototypes.weight)
        logits = logits.unflatten(0, (sum(self.num_crops), -1))
        predictions = F.log_softmax(logits / self.temperature, dim=2)
        kept = self._take_turns(x.detach().unflatten(0, logits.shape[:2]))
        best = logits.detach()[self.crops_for_assign].argmax(2)
        counts = torch.bincount(best.flatten(), minlength=logits.shape[2])
        all_reduce(counts)
        self.usage = counts / counts.sum()
        losses = []
        for crop, earlier in zip(self.crops_for_assign, kept, strict=True):
            shared = torch.cat([logits[crop].detach(), F.linear(earlier, self.prototypes.weight.detach())])
            assigned = sinkhorn(shared, self.epsilon, self.sinkhorn_iterations)[:logits.shape[1]]
            others = [view for view in range(len(logits)) if view != crop]
            losses.append(-(assigned * predictions[others]).sum(2).mean())
        return torch.stack(losses).mean()

    @torch.no_grad()
    def _take_turns(self, features: Tensor) -> Tensor:
        """This rank's share (A, N, D) of the queue as it was, N = 0 before it counts; ``features`` (V, B, D) of all
        ranks enter it.
        """
        entering = features[self.crops_for_assign].to(self.queue.dtype)
        if get_world_size() > 1:
            entering = torch.cat(all_gather(entering.contiguous()), dim=1)
        length = self.queue.shape[1]
        filled = self.steps * entering.shape[1] >= length
        counts = filled and self.steps >= self.queue_start
        share = self.queue[:, get_rank()::get_world_size()] if counts else self.queue[:, :0]
        share = share.clone()
        self.queue.copy_(torch.cat([entering, self.queue], dim=1)[:, :length])
        self.steps += 1
        return share
