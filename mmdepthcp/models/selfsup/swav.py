"""SwAV that says whether it learns."""

from __future__ import annotations

import math
from typing import Any

from mmpretrain.models import SwAV as MMPretrainSwAV
from torch import Tensor

from mmdepthcp.models.losses import perplexity
from mmdepthcp.registry import MODELS


@MODELS.register_module()
class SwAV(MMPretrainSwAV):
    """mmpretrain's ``SwAV`` with what ``SwAVMonitorHook`` watches beside its loss; the loss of its head must be
    :class:`~mmdepthcp.models.losses.SwAVLoss`.
    """

    def loss(self, inputs: list[Tensor], data_samples: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Loss of the crops.

        Args:
            inputs: B images (B, 3, H, W) for each crop, those of one size side by side.
            data_samples: not used.

        Returns:
            ``loss``, ``crops_to_lnk`` (loss / ln K) and ``crops_usage`` (perplexity of the best prototypes / K).
        """
        losses = super().loss(inputs, data_samples, **kwargs)
        usage = self.head.loss_module.usage
        return dict(
            losses, crops_to_lnk=losses['loss'].detach() / math.log(len(usage)),
            crops_usage=perplexity(usage) / len(usage))
