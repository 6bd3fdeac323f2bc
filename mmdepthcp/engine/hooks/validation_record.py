"""What validation found, from the first to the last time."""

from __future__ import annotations

from dataclasses import asdict
from operator import itemgetter
from pathlib import Path
from statistics import mean, stdev

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdepthcp.registry import HOOKS
from mmdepthcp.utils.fileio import read_json, write_json
from mmdepthcp.utils.scores import scores_of_metrics

RECORD = 'validation.json'
LAST = 5
"""How many of the last validations tell how much scores scatter."""


@HOOKS.register_module()
class ValidationRecordHook(Hook):
    """Keep the scores of every validation in ``<work_dir>/validation.json`` (:mod:`mmdepthcp.utils.scores`), and report
    the best, the last, and, of five or more, mean and sample standard deviation of the last five.

    The best is chosen with the labels that it is scored on; where a method is to learn without labels, the last is the
    fair one. A resumed training goes on with the record.

    Args:
        key: score to report, the larger the better; without the protocol in front, as ``mIoU``, which stands for
            ``linear_mIoU`` and the like too.
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
        self.record.append(dict(
            iteration=runner.iter, scores=[asdict(score) for score in scores_of_metrics(metrics or {})]))
        if is_main_process():
            write_json(Path(runner.work_dir, RECORD), self.record)

    def after_train(self, runner: Runner) -> None:
        """Report."""
        courses: dict[str, list[tuple[float, int]]] = {}
        for entry in self.record:
            for score in entry['scores']:
                if score['name'] == self.key or score['name'].endswith(f'_{self.key}'):
                    name = '/'.join(filter(None, (score['protocol'], score['name'])))
                    courses.setdefault(name, []).append((score['value'], entry['iteration']))
        for name, values in courses.items():
            (last, at_last), (best, at_best) = values[-1], max(values, key=itemgetter(0))
            recent = [value for value, _ in values[-LAST:]]
            spread = '' if len(recent) < LAST else f'; last {LAST} {mean(recent):.2f} ± {stdev(recent):.2f}'
            runner.logger.info(f'{name}: last {last} (iteration {at_last}){spread}; best {best} (iteration {at_best}), '
                               'chosen with the labels it is scored on')
