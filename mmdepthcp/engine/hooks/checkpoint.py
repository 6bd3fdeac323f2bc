"""Checkpoints that are there whenever a training is killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook as MMEngineCheckpointHook
from mmengine.runner import Runner

from mmdepthcp.registry import HOOKS


@HOOKS.register_module()
class CheckpointHook(MMEngineCheckpointHook):
    """MMEngine's, which removes an outdated checkpoint before it writes the new one, so that for a while there may be
    none; here after. What a checkpoint of elsewhere says about files to remove is left alone.
    """

    max_keep_ckpts: int

    def before_train(self, runner: Runner) -> None:
        """Remember which checkpoints are there, of those in this folder."""
        known = runner.message_hub.runtime_info
        if 'keep_ckpt_ids' in known and not all(isinstance(number, int) for number in known['keep_ckpt_ids']):
            known.pop('keep_ckpt_ids')
        for key in [key for key in known if key.startswith('best_ckpt')]:
            if Path(str(known[key])).resolve().parent != Path(self.out_dir or runner.work_dir).resolve():
                known.pop(key)
        super().before_train(runner)

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict[str, Any]) -> None:
        outdated = None
        limit = self.max_keep_ckpts
        if limit > 0 and (not self.keep_ckpt_ids or self.keep_ckpt_ids[-1] != step):
            outdated = self.keep_ckpt_ids.popleft() if len(self.keep_ckpt_ids) == limit else None
            self.keep_ckpt_ids.append(step)
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        self.max_keep_ckpts = -1
        try:
            super()._save_checkpoint_with_step(runner, step, meta)
        finally:
            self.max_keep_ckpts = limit
        if outdated is not None and outdated != step and is_main_process():
            file = self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(outdated))
            if self.file_backend.isfile(file):
                self.file_backend.remove(file)
