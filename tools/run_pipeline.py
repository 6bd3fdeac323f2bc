"""Run all stages of an experiment, skipping what is finished.

The stages are the entry `pipeline` of the config. A stage runs when it has not finished, when its command or config has
changed, or when a stage that it builds on ran anew. Interrupt with Ctrl-C; the same command goes on from there.
"""

import argparse
import sys
from pathlib import Path

from mmdepthcp.cli.stage_options import add_stage_options, launcher_words
from mmdepthcp.cli.tools import add_quiet, errors_in_words, set_work_dir
from mmdepthcp.config.loading import load_config
from mmdepthcp.config.overrides import add_cfg_options
from mmdepthcp.experiments.building import read_stages
from mmdepthcp.experiments.engine import run_stages
from mmdepthcp.experiments.records import state_of
from mmdepthcp.experiments.running import StageError
from mmdepthcp.experiments.stages import Stage
from mmdepthcp.utils.processes import claim


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file with an entry `pipeline`')
    parser.add_argument('--work-dir', help='where everything goes; default work_dirs/<name of the config>')
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument('--only', action='append', default=[], metavar='STAGE',
                        help='run just this stage, finished or not; may be given several times')
    choice.add_argument('--from', dest='first', metavar='STAGE',
                        help='run this stage and all after it, finished or not')
    choice.add_argument('--list', action='store_true', help='show the stages and their state, run nothing')
    add_stage_options(parser)
    add_cfg_options(parser)
    add_quiet(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with errors_in_words(args.quiet):
        config = load_config(args.config, args.cfg_options)
        set_work_dir(config, args.config, args.work_dir)
        if args.list:
            for stage in stages_of(config, args):
                print(f'{stage.name:<24}{state_of(config.work_dir, stage):<13}{stage.text}')
            return
        try:
            with claim(config.work_dir):
                run_stages(config.work_dir, stages_of(config, args), args.only, args.first, jobs=args.jobs,
                           launcher=launcher_words(args))
        except StageError as error:
            sys.exit(f'error: {error}')


def stages_of(config, args: argparse.Namespace) -> list[Stage]:
    """The stages of the config, which is written down in the work dir where it was overridden."""
    path = args.config
    if args.cfg_options:
        path = str(Path(config.work_dir, 'pipeline', Path(args.config).name))
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        config.dump(path)
    return read_stages(config, path, config.work_dir)


if __name__ == '__main__':
    main()
