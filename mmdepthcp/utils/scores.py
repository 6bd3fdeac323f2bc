"""The one form in which every tool writes down scores: name, value, unit and protocol, and what else is to be known.

::

    {"scores": [{"name": "mIoU", "value": 21.3, "unit": "%", "protocol": "toy9"}, ...], "about": {"images": 50}}
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import read_json, write_json

FRACTION, PERCENT = '1', '%'
UNITS = {
    **dict.fromkeys(('Acc', 'aAcc', 'mAcc', 'mIoU', 'mDice', 'mFscore', 'mPrecision', 'mRecall'), PERCENT),
    **dict.fromkeys(('rmse', 'rmse_median_scaled'), 'm'),
}
"""Units of what the metrics of MMEngine's evaluators return; all others are fractions or plain numbers."""


@dataclass(frozen=True)
class Score:
    """One number.

    Attributes:
        name: what it is, such as ``mIoU``.
        value: the number.
        unit: ``'%'``, ``'m'``, or ``'1'`` for fractions and plain numbers.
        protocol: what it was measured by, such as ``cityscapes19@768x384``; may be empty.
    """

    name: str
    value: float
    unit: str = FRACTION
    protocol: str = ''

    def in_unit(self, unit: str) -> float:
        """The value in another unit.

        Raises:
            InputError: the units do not go together.
        """
        if unit == self.unit:
            return self.value
        if (self.unit, unit) == (FRACTION, PERCENT):
            return 100 * self.value
        if (self.unit, unit) == (PERCENT, FRACTION):
            return self.value / 100
        raise InputError(f'{self.name} is measured in {self.unit!r}, which is not {unit!r}')


def scores_of_metrics(metrics: Mapping[str, Any]) -> list[Score]:
    """What an evaluator of MMEngine returns: ``{'toy9/mIoU': 21.3}``."""
    found = []
    for key, value in metrics.items():
        protocol, _, name = key.rpartition('/')
        unit = UNITS.get(name) or UNITS.get(name.rpartition('_')[2], FRACTION)  # linear_mIoU is a mIoU
        found.append(Score(name, float(value), unit, protocol))
    return found


def write_scores(path: str | os.PathLike, scores: Iterable[Score], about: Mapping[str, Any] | None = None) -> None:
    """Write scores to a JSON file.

    Args:
        path: the file.
        scores: the scores.
        about: what else is to be known of them, as content for JSON.
    """
    write_json(path, {'scores': [asdict(score) for score in scores], 'about': dict(about or {})})


def read_scores(path: str | os.PathLike) -> list[Score]:
    """Read scores from a JSON file.

    Raises:
        InputError: the file is missing or holds no scores in this form.
    """
    content = read_json(path)
    try:
        return [Score(**entry) for entry in content['scores']]
    except (TypeError, KeyError):
        raise InputError(f'{path}: holds no scores in the form {{"scores": [{{"name": ..., "value": ..., "unit": ..., '
                         '"protocol": ...}]}; make it again') from None


def find_score(scores: Iterable[Score], name: str, where: str | os.PathLike) -> Score:
    """The score of a name.

    Raises:
        InputError: there is none; the message begins with ``where`` and shows what there is.
    """
    scores = list(scores)
    for score in scores:
        if score.name == name:
            return score
    raise InputError(f'{where}: holds no {name}, only {", ".join(score.name for score in scores)}')
