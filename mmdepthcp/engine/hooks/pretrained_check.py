"""Whether pretrained weights really arrived in the model."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from mmengine.hooks import Hook
from mmengine.model import BaseAveragedModel
from mmengine.runner import Runner
from torch import Tensor, nn

from mmdepthcp.engine.models import plain_model
from mmdepthcp.registry import HOOKS
from mmdepthcp.utils.checkpoint import Fit, compare_weights, load_from_strict, name_some
from mmdepthcp.utils.errors import InputError, notice

BLOCK = re.compile(r'layers\.\d+\.')


class Origin(NamedTuple):
    """A part of the model and the file that its weights should come from.

    Attributes:
        name: name of the part in the model, such as ``backbone``; empty for the whole model.
        module: the part.
        checkpoint: file or address.
        prefix: what the names in the file start with.
    """

    name: str
    module: nn.Module
    checkpoint: str
    prefix: str


def pretrained_parts(model: nn.Module) -> Iterator[Origin]:
    """The parts of a model whose ``init_cfg`` names a checkpoint; a whole model counts as its children. Averages of
    other parts (momentum networks) begin with the weights of these.
    """
    averages = tuple(f'{name}.' for name, module in model.named_modules() if isinstance(module, BaseAveragedModel))
    for name, module in model.named_modules():
        if name.startswith(averages):
            continue
        settings = getattr(module, 'init_cfg', None) or []
        for setting in [settings] if isinstance(settings, Mapping) else settings:
            kind = setting.get('type')
            if getattr(kind, '__name__', kind) != 'PretrainedInit' and kind != 'Pretrained':
                continue
            prefix = setting.get('prefix') or ''
            prefix = f'{prefix.rstrip(".")}.' if prefix else ''
            if name:
                yield Origin(name, module, setting['checkpoint'], prefix)
            else:
                yield from whole_model(module, setting['checkpoint'], prefix)


def whole_model(model: nn.Module, checkpoint: str, prefix: str = '') -> Iterator[Origin]:
    """The children of a model that is filled from one file."""
    for name, child in model.named_children():
        if child.state_dict():
            yield Origin(name, child, checkpoint, f'{prefix}{name}.')


def arrived(module: nn.Module, state: Mapping[str, Tensor]) -> Fit:
    """Like :func:`mmdepthcp.utils.checkpoint.compare_weights`; tensors of other values than in the file are missing.

    What a module makes of weights while it loads them (its ``adapt_weights``) counts as the file's.
    """
    wanted = module.state_dict()
    state = module.adapt_weights(state) if hasattr(module, 'adapt_weights') else state
    fit = compare_weights(wanted, state)
    same = [name for name in fit.matched if torch.equal(wanted[name].cpu(), state[name].to(wanted[name].dtype).cpu())]
    differing = tuple(name for name in fit.matched if name not in set(same))
    return Fit(tuple(same), fit.missing + differing, fit.other_shape, fit.unexpected)


def transformer_faults(fit: Fit) -> str:
    """Why weights are those of another transformer, and which setting of the backbone says so; empty where they fit.

    Most tensors fit where patches have another size, blocks are missing or features would be scaled in each.

    Args:
        fit: of weights under the names of MMPretraining.
    """
    alien = [name for name in fit.unexpected if BLOCK.match(name)]
    scales = [name for name in alien if '.gamma' in name]
    patches = [name for name in fit.other_shape if name.startswith('patch_embed.')]
    others = [name for name in fit.other_shape if name not in patches]
    faults = [
        (not others and patches, 'patches of another size: set patch_size'),
        (others, 'another width: set arch'),
        (scales, 'blocks that scale what they add: set layer_scale_init_value (1.0 for DINOv2)'),
        ([name for name in alien if name not in scales], 'other or more blocks: set arch'),
        (all('.gamma' in name for name in fit.missing) and fit.missing,
         'blocks that do not scale what they add: leave layer_scale_init_value out')]
    return '; '.join(f'{words} ({name_some(names)})' for names, words in faults if names)


@HOOKS.register_module()
class PretrainedCheckHook(Hook):
    """Compare the model at the start of training with the files that its weights should come from.

    MMEngine loads what fits and goes on with random numbers where nothing does. This hook looks at every part with
    ``init_cfg=dict(type='Pretrained', ...)``, or at the whole model where ``load_from`` names a file, and logs how many
    tensors are those of the file. A resumed training is left alone. In a config of MMSegmentation or MMDetection::

        custom_imports = dict(imports=['mmdepthcp.engine'])
        custom_hooks = [dict(type='mmdepthcp.PretrainedCheckHook')]

    Args:
        min_share: share of a backbone's tensors that must have arrived, 0..1. Of other parts (necks, heads), which
            often have a new classifier, one tensor is enough.
        whole: what parts are called, after the last dot, of which that share must have arrived.

    Raises:
        InputError: a file is missing or unreadable or has nothing under the prefix, before weights are set; fewer
            arrived, at the start of training, or those of another transformer (:func:`transformer_faults`).
    """

    def __init__(self, min_share: float = 0.99, whole: Sequence[str] = ('backbone',)) -> None:
        if not 0 <= min_share <= 1:
            raise InputError(f'PretrainedCheckHook: min_share {min_share} must lie in 0..1')
        self.min_share = min_share
        self.whole = tuple(whole)

    def before_run(self, runner: Runner) -> None:
        """Check that the files are there and have what the prefixes name."""
        for origin, weights in self._origins(plain_model(runner), runner._load_from):
            if not runner._load_from and not any(name.startswith(origin.prefix) for name in weights):
                raise InputError(
                    f'{origin.checkpoint}: nothing in it starts with {origin.prefix!r}, the prefix for {origin.name} '
                    f'in init_cfg; in the file: {name_some(weights)}. Name another prefix, or leave it out if the '
                    'file has none (torchvision, timm)')

    def before_train(self, runner: Runner) -> None:
        """Check all parts."""
        if runner.iter == 0:
            self.check(plain_model(runner), runner._load_from)

    def check(self, model: nn.Module, load_from: str | None = None) -> None:
        """Check all parts of a model that has its weights.

        Args:
            model: the model.
            load_from: file of the whole model; None: the parts say where their weights come from (``init_cfg``).
        """
        for origin, weights in self._origins(model, load_from):
            self._check(origin, weights)

    @staticmethod
    def _origins(model: nn.Module, load_from: str | None) -> Iterator[tuple[Origin, dict[str, Tensor]]]:
        """All parts with the weights in the files that they come from."""
        read: dict[str, dict[str, Tensor]] = {}
        for origin in whole_model(model, load_from) if load_from else pretrained_parts(model):
            if origin.checkpoint not in read:
                read[origin.checkpoint] = dict(load_from_strict(origin.checkpoint, 'cpu')['state_dict'])
            yield origin, read[origin.checkpoint]

    def _check(self, origin: Origin, weights: Mapping[str, Tensor]) -> None:
        state = {
            name.removeprefix(origin.prefix): tensor
            for name, tensor in weights.items() if name.startswith(origin.prefix)}
        fit = arrived(origin.module, state)
        if origin.name.rpartition('.')[2] in self.whole:
            too_few = fit.share < self.min_share
        else:
            too_few = bool(state) and not fit.matched
        report = f'{origin.name}: {len(fit.matched)} of {fit.wanted} tensors come from {origin.checkpoint}'
        is_ours = all(hasattr(origin.module, name) for name in ('adapt_weights', 'patch_embed'))
        if is_ours and (others := transformer_faults(fit)):
            raise InputError(f'{report}, which are those of another transformer: {others} (PretrainedCheckHook)')
        if too_few:
            raise InputError(
                f'{report}, which is too few (PretrainedCheckHook). {fit.faults()}. In the file: '
                f'{name_some(weights)}. Usual causes: another prefix than {origin.prefix!r}, another depth or width, '
                'another kind of ResNet (ResNetV1c has another stem), another normalisation; '
                'tools/export_backbone.py says what a file fits')
        if faults := fit.faults():
            notice(f'{report}; {faults}')
        else:
            notice(report, logging.INFO)
