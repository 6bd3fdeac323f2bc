"""Whether data sets and model agree on the classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from mmdepthcp.engine.models import plain_model
from mmdepthcp.registry import HOOKS
from mmdepthcp.utils.checkpoint import read_checkpoint
from mmdepthcp.utils.errors import InputError


def predicted_classes(model: nn.Module) -> Iterator[tuple[str, int]]:
    """Name and number of classes of every head of a model that has one, except region proposals."""
    for name, module in model.named_modules():
        number = getattr(module, 'num_classes', None)
        if isinstance(number, int) and 'rpn' not in name and name:
            yield name, number


@HOOKS.register_module()
class ClassListHook(Hook):
    """Compare the classes of the data that a model learns from, is scored on, and predicts, or has learnt.

    Raises:
        InputError: a data set names other classes, or in another order, than the training set (at test: than the
            checkpoint), or a head has another number of classes; before training and test.
    """

    def before_train(self, runner: Runner) -> None:
        """Check the training set against the model, and the validation set against the training set."""
        self._check_heads(runner, runner.train_dataloader.dataset)
        if runner.val_loop is not None:
            learnt = runner.train_dataloader.dataset
            self._check_same(learnt.metainfo.get('classes') or (), f'the training set ({type(learnt).__name__})',
                             runner.val_dataloader.dataset, 'validation')

    def before_test(self, runner: Runner) -> None:
        """Check the test set against the model and its checkpoint."""
        scored = runner.test_dataloader.dataset
        self._check_heads(runner, scored)
        if runner._load_from:
            meta = (read_checkpoint(runner._load_from).get('meta') or {}).get('dataset_meta') or {}
            self._check_same(meta.get('classes') or scored.metainfo['classes'], runner._load_from, scored, 'test')

    def _check_heads(self, runner: Runner, dataset: Any) -> None:
        model = plain_model(runner)
        classes = tuple(dataset.metainfo.get('classes') or ())
        for name, number in predicted_classes(model):
            if number != len(classes):
                raise InputError(
                    f'model.{name}.num_classes is {number}, but {type(dataset).__name__} has {len(classes)} classes '
                    f'({", ".join(classes) or "it names none"}); set one to fit the other')

    def _check_same(self, learnt: Sequence[str], where: str, other: Any, what: str) -> None:
        scored = other.metainfo.get('classes') or ()
        if tuple(learnt) != tuple(scored):
            raise InputError(
                f'{where} has the classes {", ".join(learnt)}, the {what} set ({type(other).__name__}) '
                f'{", ".join(scored)}; they must be the same, in the same order')
