"""Pretrained backbones as the modules of other packages."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from mmdepthcp.apis.resnets import ResNetKind
from mmdepthcp.apis.targets import Source, backbone_settings, fill_target, open_source
from mmdepthcp.utils.errors import notice
from mmdepthcp.utils.requirements import require

if TYPE_CHECKING:
    from torch import nn


def load_backbone(path: str | os.PathLike, framework: str = 'timm') -> nn.Module:
    """The pretrained backbone of a checkpoint as another package's own class, in evaluation mode.

    What it gives is up to the package: timm's and torchvision's ResNets one vector an image (``forward_features`` of
    timm's: the last map; torchvision's ``create_feature_extractor`` any), those of OpenMMLab the maps of four stages.
    Images go in normalised, ``mean`` and ``std`` as :func:`mmdepthcp.export_backbone` notes them.

    Args:
        path: a checkpoint of a training or an exported file, see :func:`mmdepthcp.export_backbone`.
        framework: ``'timm'``, ``'torchvision'``, ``'mmseg'``, ``'mmdet'`` or ``'mmpretrain'``. torchvision has
            ResNets of full width only; those of half width go to the others.

    Raises:
        InputError: the checkpoint is unusable, or the framework has no such backbone; the message says which have.
        ImportError: the framework is missing; the message says what to do.
    """
    source = open_source(path)
    backbone = backbone_of(source, framework)
    settings = backbone_settings(source.content)
    if settings.get('dilated') or any(step != 1 for step in settings.get('dilations') or ()):
        notice(f'{path}: was trained with dilation in place of strides; the {source.kind} of {framework} has strides, '
               'so its maps are coarser', logging.INFO)
    return backbone


def backbone_of(source: Source, framework: str) -> nn.Module:
    """The same of a checkpoint that has been read; see :func:`load_backbone`."""
    if framework == 'mmdet':  # whose file needs no mmdet
        require('mmdet.models')
    filled = fill_target(source, framework)
    backbone, fit = filled.modules['backbone'], filled.fits['backbone']
    backbone.load_state_dict({name: filled.states['backbone'][name] for name in fit.matched}, strict=False)
    if fit.faults():
        notice(f'{source.path}: {fit.faults()}')
    if framework == 'mmpretrain' and isinstance(source.kind, ResNetKind):
        backbone.out_indices = (0, 1, 2, 3)  # by default the last stage alone
    backbone.eval()  # OpenMMLab's return nothing
    return backbone
