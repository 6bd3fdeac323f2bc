"""Batch normalisation over all processes where there is no GPU: PyTorch's own needs one."""

from __future__ import annotations

from typing import Any

from mmengine.dist import get_world_size
from mmengine.model import MMDistributedDataParallel
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmdepthcp.models.ranks import sum_over_ranks
from mmdepthcp.registry import MODEL_WRAPPERS


class AllRanksBatchNorm(_BatchNorm):
    """Normalise by mean and variance over the batches of all ranks together, as one process would that has them all.

    Ioffe & Szegedy, "Batch normalization", ICML 2015, with the sums added up over the ranks; the same parameters and
    buffers as PyTorch's batch normalisation.
    """

    def _check_input_dim(self, inputs: Tensor) -> None:
        if inputs.dim() < 2:
            raise ValueError(f'expected an input of two or more dimensions, got {inputs.dim()}')

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalised inputs (B, C, ...), of the same shape."""
        if not self.training or get_world_size() == 1:
            return super().forward(inputs)
        self._check_input_dim(inputs)
        dims = [0, *range(2, inputs.dim())]
        shape = [1, -1, *[1] * (inputs.dim() - 2)]
        count = sum_over_ranks(inputs.new_tensor([inputs.numel() / inputs.shape[1]]))
        mean = sum_over_ranks(inputs.sum(dims)) / count
        centred = inputs - mean.reshape(shape)
        variance = sum_over_ranks(centred.square().sum(dims)) / count
        if self.track_running_stats:
            self._track(mean.detach(), variance.detach() * count / (count - 1))
        scale = (variance + self.eps).rsqrt() * (1 if self.weight is None else self.weight)
        normalised = centred * scale.reshape(shape)
        return normalised if self.bias is None else normalised + self.bias.reshape(shape)

    def _track(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)


def over_all_ranks(module: nn.Module) -> nn.Module:
    """A module with its batch normalisations turned into :class:`AllRanksBatchNorm`, which keep their tensors."""
    if isinstance(module, _BatchNorm) and not isinstance(module, AllRanksBatchNorm):
        other = AllRanksBatchNorm(
            module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats)
        for name, tensor in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
            setattr(other, name, tensor)
        return other.train(module.training)
    for name, child in module.named_children():
        setattr(module, name, over_all_ranks(child))
    return module


@MODEL_WRAPPERS.register_module()
class CPUDataParallel(MMDistributedDataParallel):
    """MMEngine's wrapper for several processes, for processes without a GPU.

    Args:
        module: the model.
        sync_bn: normalise over the batches of all processes.
        kwargs: arguments of ``MMDistributedDataParallel``.
    """

    def __init__(self, module: nn.Module, sync_bn: bool = False, **kwargs: Any) -> None:
        super().__init__(over_all_ranks(module) if sync_bn else module, **kwargs)
