"""How parameters are handed to optimisers."""

from __future__ import annotations

import copy
from typing import Any

from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from torch import nn

from mmdepthcp.registry import OPTIM_WRAPPER_CONSTRUCTORS, OPTIM_WRAPPERS, OPTIMIZERS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class OneDimensionalExclude:
    """Leave parameters of one dimension, which are all biases and all weights of normalisations, without weight decay
    and without the layer-wise rates of LARS (You et al., "Large batch training of convolutional networks", 2017), by
    their shape: MMPretraining's way, by parts of their names, misses those in an ``nn.Sequential``.

    Args:
        optim_wrapper_cfg: the wrapper, with its ``optimizer``.
        paramwise_cfg: must be empty.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        if paramwise_cfg:
            raise ValueError(f'OneDimensionalExclude takes no paramwise_cfg, got {paramwise_cfg}')
        self.settings = copy.deepcopy(optim_wrapper_cfg)
        self.settings.setdefault('type', 'OptimWrapper')

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """The wrapped optimiser of a model."""
        module = model.module if is_model_wrapper(model) else model
        learnt = [parameter for parameter in module.parameters() if parameter.requires_grad]
        groups: list[dict[str, Any]] = [
            dict(params=[parameter for parameter in learnt if parameter.ndim > 1]),
            dict(params=[parameter for parameter in learnt if parameter.ndim <= 1], weight_decay=0.,
                 lars_exclude=True)]
        settings = copy.deepcopy(self.settings)
        settings['optimizer'] = OPTIMIZERS.build({**settings['optimizer'], 'params': groups})
        return OPTIM_WRAPPERS.build(settings)
