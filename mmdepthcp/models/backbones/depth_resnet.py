"""ResNet that also gives the stem's feature map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmseg.models.backbones import ResNet
from torch import Tensor

from mmdepthcp.registry import MODELS


@MODELS.register_module()
class DepthResNet(ResNet):
    """ResNet encoder of the depth and pose networks, with five outputs.

    Parameter names are those of torchvision and OpenMMLab, so ``init_cfg=dict(type='Pretrained',
    checkpoint='torchvision://resnet18')`` and OpenMMLab checkpoints (with ``prefix='backbone.'``) load. When
    the checkpoint's first convolution sees one image and this one sees n images stacked on the channel axis,
    its kernel is repeated n times and divided by n (Godard et al., ICCV 2019, supplementary material).

    Args:
        depth: 18, 34, 50, 101 or 152.
        in_channels: channels of the input, 3 per image.
        dilated: give the last stage dilation 2 in place of its stride, so that the last two outputs have one
            size (Hoyer et al., "Three Ways to Improve Semantic Segmentation with Self-Supervised Depth
            Estimation", CVPR 2021).
        **kwargs: arguments of mmseg's ResNet, such as ``base_channels``, ``norm_cfg``, ``norm_eval``,
            ``frozen_stages``.
    """

    def __init__(self, depth: int = 18, in_channels: int = 3, dilated: bool = False, **kwargs: Any) -> None:
        if dilated:
            kwargs.update(strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2), contract_dilation=True)
        super().__init__(depth=depth, in_channels=in_channels, **kwargs)
        self.feature_channels = (self.stem_channels, *(
            self.base_channels * self.block.expansion * 2 ** stage for stage in range(4)))

    def adapt_weights(self, state: Mapping[str, Tensor], prefix: str = '') -> dict[str, Tensor]:
        """Weights with the first kernel spread over the images, as they are loaded.

        Args:
            state: weights by name.
            prefix: what the names of this module's weights start with.
        """
        adapted = dict(state)
        name = f'{prefix}conv1.weight'
        if name in state:
            images, rest = divmod(self.conv1.in_channels, state[name].shape[1])
            if images > 1 and rest == 0:
                adapted[name] = state[name].repeat(1, images, 1, 1) / images
        return adapted

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *args: Any) -> None:
        state_dict.update(self.adapt_weights(state_dict, prefix))
        super()._load_from_state_dict(state_dict, prefix, *args)

    def train(self, mode: bool = True) -> DepthResNet:
        """Set training mode and return self, which mmseg's version does not."""
        super().train(mode)
        return self

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Features of an image.

        Args:
            x: (B, in_channels, H, W), H and W multiples of 32.

        Returns:
            f0 after the stem, before pooling (stride 2), f1..f4 after the stages (strides 4, 8, 16, 32; 16 at
            last when dilated), with ``feature_channels`` channels.
        """
        x = self.relu(self.norm1(self.conv1(x)))
        features = [x]
        x = self.maxpool(x)
        for name in self.res_layers:
            x = getattr(self, name)(x)
            features.append(x)
        return tuple(features)
