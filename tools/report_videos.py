"""The report on a pretraining from video: verdicts, numbers, curves and pictures of every stage, as summary.json and
report.html in its work dir: the last stage of what tools/pretrain_videos.py plans.
"""

import argparse
from pathlib import Path

from mmdepthcp.cli.tools import errors_in_words, register_modules, set_work_dir
from mmdepthcp.config.loading import load_config
from mmdepthcp.config.overrides import add_cfg_options


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config.py of the experiment')
    parser.add_argument('--work-dir', help='folder of the experiment; default work_dirs/<name of the config>')
    parser.add_argument('--title', help='headline; default: the name of the work dir')
    add_cfg_options(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with errors_in_words():
        config = load_config(args.config, args.cfg_options)
        set_work_dir(config, args.config, args.work_dir)
        work_dir = Path(config.work_dir)
        register_modules()

        from mmengine.registry import init_default_scope

        from mmdepthcp.experiments.building import read_stages
        from mmdepthcp.experiments.report import write_report
        from mmdepthcp.experiments.summary import table
        from mmdepthcp.experiments.video_report import video_report

        init_default_scope(config.get('default_scope', 'mmdepthcp'))
        stages = read_stages(config, args.config, str(work_dir))
        report = video_report(config, stages, work_dir, args.title or work_dir.name)
        write_report(work_dir, report)
        print(table(report.summary))
        for sentence in report.missing:
            print(f'not found: {sentence}')
        print(work_dir / 'report.html')


if __name__ == '__main__':
    main()
