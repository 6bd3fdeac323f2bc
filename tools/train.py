"""Train a model: depth, pretraining or fine-tuning, whatever the config describes."""

import argparse
import contextlib

from mmdepthcp.cli.tools import (
    add_launcher,
    add_quiet,
    errors_in_words,
    note_code_version,
    register_modules,
    set_launcher,
    set_work_dir,
)
from mmdepthcp.cli.trackers import add_trackers, log_to
from mmdepthcp.config.loading import leave_out_stages, load_config
from mmdepthcp.config.overrides import add_cfg_options


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='where logs and checkpoints go; default work_dirs/<name of the config>')
    parser.add_argument(
        '--resume', nargs='?', const='auto', metavar='CHECKPOINT',
        help='go on from this checkpoint, or without a value from the latest one in the work dir, if there is one')
    parser.add_argument('--amp', action='store_true', help='automatic mixed precision')
    parser.add_argument('--auto-scale-lr', action='store_true',
                        help='scale the learning rate by the batch size, from auto_scale_lr.base_batch_size')
    add_cfg_options(parser)
    add_launcher(parser)
    add_trackers(parser)
    add_quiet(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with errors_in_words(args.quiet):
        config = load_config(args.config, args.cfg_options)
        leave_out_stages(config)
        set_work_dir(config, args.config, args.work_dir)
        note_code_version(config)
        log_to(config, args.log_to)

        from mmengine.device import get_device
        from mmengine.runner import Runner

        from mmdepthcp.engine.resuming import go_on_from, latest_checkpoint
        from mmdepthcp.utils.errors import InputError
        from mmdepthcp.utils.processes import claim
        from mmdepthcp.utils.trees import default_shard

        if args.amp:
            config.optim_wrapper.type = 'AmpOptimWrapper'
            config.optim_wrapper.setdefault('loss_scale', 'dynamic')
        if config.get('optim_wrapper', {}).get('type') == 'AmpOptimWrapper' and get_device() == 'cpu':
            raise InputError(f'{args.config}: mixed precision needs a GPU, and none was found; leave out --amp, or add '
                             '--cfg-options optim_wrapper.type=OptimWrapper')
        if args.auto_scale_lr:
            if 'base_batch_size' not in config.get('auto_scale_lr', {}):
                raise InputError(f'{args.config}: --auto-scale-lr needs auto_scale_lr.base_batch_size in the config')
            config.auto_scale_lr.enable = True
        config.custom_hooks = [*(config.get('custom_hooks') or []), dict(type='mmdepthcp.FiniteLossHook')]
        if args.resume or config.get('resume'):
            named = args.resume or config.get('load_from') or 'auto'
            go_on_from(config, latest_checkpoint(config.work_dir) if named == 'auto' else named)
        register_modules()
        writes_alone = args.launcher == 'none' or default_shard()[0] == 0
        with claim(config.work_dir) if writes_alone else contextlib.nullcontext():
            set_launcher(config, args)
            runner = Runner.from_cfg(config)
            loader = runner.train_dataloader
            if len(loader) == 0:
                raise InputError(f'{args.config}: train_dataloader: the data set holds {len(loader.dataset)} samples, '
                                 'fewer than a batch; give it more, or make batch_size smaller')
            runner.train()


if __name__ == '__main__':
    main()
