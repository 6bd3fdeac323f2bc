"""The report on a pretraining from video: numbers, verdicts on every stage, pictures."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmdepthcp.experiments import verdicts
from mmdepthcp.experiments.figures import (
    Figures,
    drawn_predictions,
    gather,
    segments_without_labels,
    spread,
    training_samples,
)
from mmdepthcp.experiments.report import Figure, Report
from mmdepthcp.experiments.stages import Stage
from mmdepthcp.experiments.summary import (
    LossCurve,
    collect,
    collect_curves,
    compared,
    logged_keys,
    read_loss_curve,
)
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.images import read_disparity, read_image, read_regions
from mmdepthcp.utils.walks import find_files
from mmdepthcp.visualization.maps import colorize_disparity

if TYPE_CHECKING:
    from mmengine.config import Config

LOOKED_AT = 60
"""Files that numbers about maps are taken from."""
SHOTS = 'frames.jpg'
"""Picture that the extraction of frames leaves beside them."""
TO_LNK, USAGE = '_to_lnk', '_usage'
LAST_LOGS = 3
"""Logged values that the end of a training is the mean of."""

Summary = dict[str, dict[str, Any]]


def region_figures(maps: Iterable[np.ndarray]) -> dict[str, float]:
    """Median ``number`` of regions and median share of the ``largest``.

    Args:
        maps: (H, W) ids, negative where there is none.

    Example:
        >>> region_figures([np.array([[0, 0, 0, 1]])])
        {'number': 2.0, 'largest': 0.75}
    """
    counts, shares = [], []
    for regions in maps:
        sizes = np.unique(regions[regions >= 0], return_counts=True)[1]
        counts.append(len(sizes))
        shares.append(sizes.max(initial=0) / regions.size)
    return dict(number=float(np.median(counts)), largest=float(np.median(shares)))


def relative_spread(maps: Iterable[np.ndarray]) -> float:
    """Mean over (H, W) maps of the standard deviation within a map as a share of its mean."""
    return float(np.mean([values.std() / max(values.mean(), 1e-12) for values in maps]))


def ends_of(curve: LossCurve) -> tuple[float, float]:
    """First logged value of a curve, and the mean of the last three."""
    return curve.losses[0], float(np.mean(curve.losses[-LAST_LOGS:]))


def _some(folder: Path) -> list[Path]:
    files = find_files(folder, ('.png',))
    return [folder / files[index] for index in spread(len(files), LOOKED_AT)]


def _mean_ends(train_dir: Path, suffix: str) -> tuple[float, float] | None:
    """Ends of the curves whose names end so, on average; None where there are none."""
    ends = [ends_of(read_loss_curve(train_dir, key)) for key in logged_keys(train_dir) if key.endswith(suffix)]
    return tuple(np.mean(ends, 0).tolist()) if ends else None


def video_numbers(work_dir: Path, config: Config, summary: Summary) -> None:
    """Add to the summary what no stage has written down: frames, regions, disparity, shares of ln K and of prototypes.
    """
    values = config.stage_values
    summary['frames'] = {'all': len(find_files(values.frames))}
    with contextlib.suppress(InputError):
        summary['frames']['pretrained_on'] = len(find_files(values.images))
    with contextlib.suppress(InputError):
        summary['regions'] = dict(region_figures(map(read_regions, _some(work_dir / 'regions'))))
    with contextlib.suppress(InputError):
        summary.setdefault('depth', {})['relative_spread'] = relative_spread(
            map(read_disparity, _some(Path(values.disparity))))
    with contextlib.suppress(InputError):
        for suffix, names in ((TO_LNK, ('to_lnk_first', 'to_lnk_last')), (USAGE, ('usage_first', 'usage_last'))):
            if ends := _mean_ends(work_dir / 'pretrain', suffix):
                summary.setdefault('pretrain', {}).update(zip(names, ends, strict=True))


def judge(summary: Mapping[str, Mapping[str, float | None]]) -> list[verdicts.Verdict]:
    """The verdicts that the numbers of a summary allow."""
    def known(section: str, *names: str) -> list[float] | None:
        found = [summary.get(section, {}).get(name) for name in names]
        return None if None in found else [value for value in found if value is not None]

    judged = []
    if frames := known('frames', 'all'):
        used = known('frames', 'pretrained_on') or frames
        judged.append(verdicts.judge_frames(int(frames[0]), int(used[0])))
    if depth := known('depth', 'error', 'error_flat', 'error_still', 'disparity_std', 'heading'):
        judged.append(verdicts.judge_depth(*depth))
    elif relative := known('depth', 'relative_spread'):
        judged.append(verdicts.judge_disparity(*relative))
    if regions := known('regions', 'number', 'largest'):
        judged.append(verdicts.judge_regions(*regions))
    if ratios := known('pretrain', 'to_lnk_first', 'to_lnk_last'):
        judged.append(verdicts.judge_loss_to_lnk(*ratios))
    elif losses := known('pretrain', 'loss_first', 'loss_last'):
        judged.append(verdicts.judge_loss(*losses))
    if usage := known('pretrain', 'usage_last'):
        judged.append(verdicts.judge_prototypes(*usage))
    if pretrained := known('finetuned', 'miou'):
        random = known('finetuned', 'miou_random_init')
        judged.append(verdicts.judge_finetuning(pretrained[0], random[0] if random else None))
    return judged


def video_report(config: Config, stages: Sequence[Stage], work_dir: Path, title: str) -> Report:
    """The report of an experiment. What its config names has to be imported, and its default scope set.

    Raises:
        InputError: there is no such folder.
    """
    summary, missing = collect(work_dir, stages)
    video_numbers(work_dir, config, summary)
    figures = gather(_drawings(config, stages, work_dir), missing)
    return Report(
        title, summary, collect_curves(stages), compared(config, summary), figures, missing, judge(summary))


def _drawings(config: Config, stages: Sequence[Stage], work_dir: Path) -> Iterator[Figures]:
    values = config.stage_values
    yield _frames(Path(values.frames), Path(values.disparity))
    yield training_samples(config)
    trained = {stage.name: Path(stage.outputs[0]) for stage in stages if stage.trains}
    if str(config.model.type).rpartition('.')[2] == 'DepthCP' and trained['pretrain'].is_file():
        files = find_files(values.images)
        yield segments_without_labels(
            trained['pretrain'], [Path(values.images, files[index]) for index in spread(len(files))])
    if 'finetune' in trained:
        yield drawn_predictions(
            work_dir / 'predictions', 'Fine-tuned', 'Held-back labelled images: truth and what was predicted.')


def _frames(frames: Path, disparity: Path) -> Figures:
    files = find_files(frames)
    rows = []
    for index in spread(len(files)):
        tiles = [read_image(frames / files[index])]
        file = disparity / Path(files[index]).with_suffix('.png')
        if file.is_file():
            shown = colorize_disparity(read_disparity(file))
            tiles += [shown] if shown.shape == tiles[0].shape else []
        rows.append(np.hstack(tiles))
    figures = [Figure('Frames of the video and, where there is any, their disparity (bright is close).', rows)]
    overview = frames.parent / SHOTS
    if overview.is_file():
        figures.insert(0, Figure('The shots that frames were taken from.', [read_image(overview)]))
    yield 'Frames', figures
