"""A mean teacher follows its student, and is told of where it is the worse of the two."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner

from mmdepthcp.engine.models import plain_model
from mmdepthcp.registry import HOOKS
from mmdepthcp.utils.errors import InputError


@HOOKS.register_module()
class TeacherUpdateHook(Hook):
    """Move the teacher of :class:`mmdepthcp.models.MeanTeacherSegmentor` towards its student after every step of the
    optimiser, and score it beside the student.

    The teacher's number of updates lies in the checkpoint. Its parameters are taken out of the optimiser. At validation
    it is given the same images; its scores are logged as ``val/teacher_...``, with a warning where it is the worse.

    Args:
        limit: share of itself that the teacher keeps in an update, once it has made enough of them
            (:func:`mmdepthcp.engine.schedules.teacher_share`).
        score: score the teacher at validation, which so takes twice as long.
        key: the score in which the two are compared, larger is better; without the protocol in front.

    Raises:
        InputError: the model has no teacher; before training.
    """

    # after the hook that draws the student's predictions, whose samples the teacher overwrites; before the logger
    priority = 'NORMAL'

    def __init__(self, limit: float = 0.99, score: bool = True, key: str = 'mIoU') -> None:
        if not 0 <= limit <= 1:
            raise InputError(f'TeacherUpdateHook: limit {limit} must lie in 0..1')
        self.limit, self.score, self.key = limit, score, key
        self.evaluator: Evaluator | None = None

    def before_run(self, runner: Runner) -> None:
        """Take the teacher out of the optimiser."""
        model = plain_model(runner)
        if not hasattr(model, 'update_teacher'):
            raise InputError(f'TeacherUpdateHook: {type(model).__name__} has no teacher; set model.type to '
                             'mmdepthcp.MeanTeacherSegmentor, and model.segmentor to what it was')
        if isinstance(runner.optim_wrapper, OptimWrapper):
            frozen = {id(parameter) for parameter in model.teacher.parameters()}
            for group in runner.optim_wrapper.optimizer.param_groups:
                group['params'] = [parameter for parameter in group['params'] if id(parameter) not in frozen]

    def before_train(self, runner: Runner) -> None:
        """Begin with the student's weights."""
        plain_model(runner).start_teacher()

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                         outputs: dict[str, Any] | None = None) -> None:
        """Update the teacher, if the student was."""
        if runner.optim_wrapper.should_update():
            plain_model(runner).update_teacher(self.limit)

    def before_val_epoch(self, runner: Runner) -> None:
        """Prepare to score the teacher, with the metrics of the config."""
        settings = runner.cfg.get('val_evaluator')
        self.evaluator = None
        if self.score and isinstance(settings, (Mapping, Sequence)):
            self.evaluator = runner.build_evaluator(copy.deepcopy(settings))
            self.evaluator.dataset_meta = getattr(runner.val_dataloader.dataset, 'metainfo', None)

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                       outputs: Sequence | None = None) -> None:
        """Let the teacher see the images that the student saw."""
        if self.evaluator is None:
            return
        model: Any = plain_model(runner)
        found = model.teacher(**model.data_preprocessor(data_batch, False), mode='predict')
        self.evaluator.process(data_samples=found, data_batch=data_batch)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Log what the teacher scores, and warn where the student scores more."""
        if self.evaluator is None:
            return
        runner.logger.info('the teacher:')
        scores = self.evaluator.evaluate(len(runner.val_dataloader.dataset))
        for name, value in scores.items():
            runner.message_hub.update_scalar(f'val/teacher_{name}', value)
        for name, value in (metrics or {}).items():
            if name.rpartition('/')[2] == self.key and scores[name] < value:
                runner.logger.warning(
                    f'the teacher is worse than its student: {name} {scores[name]} against {value}. Its labels hold '
                    'the student back. Early in training that passes; later, the usual causes are a teacher that '
                    'follows too slowly (limit), too few labels, or unlabelled images unlike those of validation')
