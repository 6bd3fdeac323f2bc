import logging
from statistics import mean, stdev
from types import SimpleNamespace

import pytest

from mmdepthcp.engine.hooks import ValidationRecordHook
from mmdepthcp.utils.fileio import read_json

SCORES = [20., 24.5, 22., 23., 21., 25., 22.5]


@pytest.mark.parametrize('times', [7, 5, 4])
def test_what_validation_found_is_told(tmp_path, caplog, times):
    runner = SimpleNamespace(work_dir=str(tmp_path), iter=0, logger=logging.getLogger('validation'))
    hook = ValidationRecordHook()
    hook.before_train(runner)
    for number, score in enumerate(SCORES[:times], 1):
        runner.iter = 10 * number
        hook.after_val_epoch(runner, {'toy10/mIoU': score, 'toy10/areas_mIoU': score - 1, 'toy10/Acc': 60.})
    with caplog.at_level(logging.INFO):
        hook.after_train(runner)
    last = SCORES[:times][-5:]
    spread = f'; last 5 {mean(last):.2f} ± {stdev(last):.2f}' if times >= 5 else ''
    best, at_best = max((score, 10 * number) for number, score in enumerate(SCORES[:times], 1))
    assert caplog.messages[0] == (
        f'toy10/mIoU: last {last[-1]} (iteration {10 * times}){spread}; best {best} (iteration {at_best}), chosen with '
        'the labels it is scored on')
    assert caplog.messages[1].startswith(f'toy10/areas_mIoU: last {last[-1] - 1} ') and len(caplog.messages) == 2
    assert [entry['iteration'] for entry in read_json(tmp_path / 'validation.json')] == [
        10 * number for number in range(1, times + 1)]
