"""Gather the results of an experiment: a table here, summary.json and report.html in its work dir.

Reads what the stages of the config's pipeline wrote into the work dir (scores, times, logs) and draws samples of its
training set.
What is missing is named, and null in summary.json.
"""

import argparse
from pathlib import Path

from mmdepthcp.cli.tools import errors_in_words, register_modules, set_work_dir
from mmdepthcp.config.loading import load_config
from mmdepthcp.config.overrides import add_cfg_options

SEGMENTATION = ('Image, truth, and the clusters of the prototypes in the colours of the classes that they were matched '
                'to (black: not labelled, grey: a cluster without a class).')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='the pretraining config')
    parser.add_argument('--work-dir', help='folder of the experiment; default work_dirs/<name of the config>')
    parser.add_argument('--title', help='headline of the report; default: the name of the work dir')
    add_cfg_options(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with errors_in_words():
        config = load_config(args.config, args.cfg_options)
        set_work_dir(config, args.config, args.work_dir)
        work_dir = Path(config.work_dir)

        from mmengine.registry import init_default_scope

        from mmdepthcp.experiments.building import read_stages
        from mmdepthcp.experiments.figures import drawn_predictions, gather, training_samples
        from mmdepthcp.experiments.report import Report, write_report
        from mmdepthcp.experiments.summary import collect, collect_curves, compared, table

        stages = read_stages(config, args.config, str(work_dir)) if config.get('pipeline') else []
        summary, missing = collect(work_dir, stages)
        register_modules()
        init_default_scope(config.get('default_scope', 'mmdepthcp'))
        figures = gather([training_samples(config), drawn_predictions(
            work_dir / 'segmentation', 'Unsupervised segmentation', SEGMENTATION)], missing)
        write_report(work_dir, Report(
            args.title or work_dir.name, summary, collect_curves(stages), compared(config, summary), figures, missing))
        print(table(summary))
        for sentence in missing:
            print(f'not found: {sentence}')
        print(f'{work_dir / "summary.json"}\n{work_dir / "report.html"}')


if __name__ == '__main__':
    main()
