"""What validation found, from the first to the last time."""

from __future__ import annotations

from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdepthcp.registry import HOOKS
from mmdepthcp.utils.fileio import read_json, write_json

RECORD = 'validation.json'


@HOOKS.register_module()
class ValidationRecordHook(Hook):
    """Keep the scores of every validation in ``<work_dir>/validation.json``, and report both the best and the last.

    The best is chosen with the labels that it is scored on; where a method is to learn without labels, the last is the
    fair one. A resumed training goes on with the record.

    Args:
        key: score that tells which is the best, the largest; without the protocol in front, as ``mIoU``.
    """

    def __init__(self, key: str = 'mIoU') -> None:
        self.key = key
        self.record: list[dict] = []

    def before_train(self, runner: Runner) -> None:
        """Take up the record of a resumed training."""
        file = Path(runner.work_dir, RECORD)
        before = read_json(file) if runner.iter and file.exists() else []
        self.record = [entry for entry in before if entry['iteration'] <= runner.iter]

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Add to the record."""
        self.record.append(dict(iteration=runner.iter, scores=dict(metrics or {})))
        if is_main_process():
            write_json(Path(runner.work_dir, RECORD), self.record)

    def after_train(self, runner: Runner) -> None:
        """Report."""
        names = [name for name in (self.record[-1]['scores'] if self.record else ()) if name.rpartition('/')[2]
                 == self.key]
        for name in names:
            best = max(self.record, key=lambda entry: entry['scores'].get(name, float('-inf')))
            last = self.record[-1]
            runner.logger.info(
                f'{name}: last {last["scores"][name]} (iteration {last["iteration"]}); best {best["scores"][name]} '
                f'(iteration {best["iteration"]}), chosen with the labels it is scored on')
