"""Whether data sets and model agree on the classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmdepthcp.fileio import InputError
from mmdepthcp.registry import HOOKS


def predicted_classes(model: nn.Module) -> Iterator[tuple[str, int]]:
    """Name and number of classes of every head of a model that has one, except region proposals."""
    for name, module in model.named_modules():
        number = getattr(module, 'num_classes', None)
        if isinstance(number, int) and 'rpn' not in name and name:
            yield name, number


@HOOKS.register_module()
class ClassListHook(Hook):
    """Compare the classes of the data that a model learns from, is scored on, and predicts.

    Raises:
        InputError: a data set names other classes, or in another order, than the training set, or a head has
            another number of classes; before training, validation and test.
    """

    def before_train(self, runner: Runner) -> None:
        """Check the training set against the model, and the validation set against the training set."""
        self._check_heads(runner, runner.train_dataloader.dataset)
        if runner.val_loop is not None:
            self._check_same(runner.train_dataloader.dataset, runner.val_dataloader.dataset, 'validation')

    def before_test(self, runner: Runner) -> None:
        """Check the test set against the model."""
        self._check_heads(runner, runner.test_dataloader.dataset)

    def _check_heads(self, runner: Runner, dataset: Any) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        classes = tuple(dataset.metainfo.get('classes') or ())
        for name, number in predicted_classes(model):
            if number != len(classes):
                raise InputError(
                    f'model.{name}.num_classes is {number}, but {type(dataset).__name__} has {len(classes)} classes '
                    f'({", ".join(classes) or "it names none"}); set one to fit the other')

    def _check_same(self, train: Any, other: Any, what: str) -> None:
        learnt, scored = (tuple(dataset.metainfo.get('classes') or ()) for dataset in (train, other))
        if learnt != scored:
            raise InputError(
                f'the training set ({type(train).__name__}) has the classes {", ".join(learnt)}, the {what} set '
                f'({type(other).__name__}) {", ".join(scored)}; they must be the same, in the same order')
