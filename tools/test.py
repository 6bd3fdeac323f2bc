"""Score a model on the test set of its config."""

import argparse
import contextlib
import inspect

from mmdepthcp.cli.tools import add_launcher, add_quiet, errors_in_words, register_modules, set_launcher, set_work_dir
from mmdepthcp.config.loading import leave_out_stages, load_config
from mmdepthcp.config.overrides import add_cfg_options


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help="checkpoint file, or 'none' for the weights that the config starts from")
    parser.add_argument('--work-dir', help='where logs go; default work_dirs/<name of the config>')
    parser.add_argument('--out', metavar='FILE.json', help='write the scores to this file')
    parser.add_argument('--show-dir', help='write pictures of the predictions into this folder')
    add_cfg_options(parser)
    add_launcher(parser)
    add_quiet(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with errors_in_words(args.quiet):
        config = load_config(args.config, args.cfg_options)
        leave_out_stages(config)
        set_work_dir(config, args.config, args.work_dir)

        from mmengine.dist import is_main_process
        from mmengine.runner import Runner

        from mmdepthcp.engine.resuming import forget_beginnings
        from mmdepthcp.utils.checkpoint import check_fit, read_state_dict
        from mmdepthcp.utils.processes import claim
        from mmdepthcp.utils.scores import scores_of_metrics, write_scores

        config.resume = False
        config.load_from = None
        state = None if args.checkpoint == 'none' else read_state_dict(args.checkpoint)
        if state is not None:
            forget_beginnings(config.model)
        register_modules()
        if args.show_dir:
            show_in(config, args.show_dir)
        set_launcher(config, args)
        runner = Runner.from_cfg(config)
        model = runner.model.module if hasattr(runner.model, 'module') else runner.model
        if state is None:
            model.init_weights()
        else:
            check_fit(model, state, args.checkpoint)
            runner.load_checkpoint(args.checkpoint, map_location='cpu')
        with claim(args.show_dir) if args.show_dir and is_main_process() else contextlib.nullcontext():
            scores = runner.test()
        if args.out and is_main_process():
            write_scores(args.out, scores_of_metrics(scores))


def show_in(config, folder: str) -> None:
    """Let the metric that takes ``save_dir`` draw the pictures, or else the visualization hook."""
    from mmdepthcp.registry import METRICS
    from mmdepthcp.utils.errors import InputError

    evaluators = config.test_evaluator if isinstance(config.test_evaluator, list) else [config.test_evaluator]
    with METRICS.switch_scope_and_registry(config.get('default_scope')) as registry:
        kinds = [registry.get(evaluator['type']) for evaluator in evaluators]
    drawing = [evaluator for evaluator, kind in zip(evaluators, kinds, strict=True)
               if kind and 'save_dir' in inspect.signature(kind).parameters]
    if drawing:
        drawing[0]['save_dir'] = folder
    elif 'visualization' in config.get('default_hooks', {}):
        config.default_hooks.visualization.draw = True
        config.visualizer.save_dir = folder
    else:
        raise InputError('--show-dir needs a visualization hook in default_hooks of the config')


if __name__ == '__main__':
    main()
