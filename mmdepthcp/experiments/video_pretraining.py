"""Pretraining from video, from files to a report: frames, measurement, plan, configs, stages."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import mmdepthcp
from mmdepthcp.config.loading import load_config
from mmdepthcp.experiments.building import read_stages
from mmdepthcp.experiments.engine import run_stages
from mmdepthcp.experiments.progress import Display, show_all, show_nothing, show_progress
from mmdepthcp.experiments.records import FINISHED, read_record, state_of
from mmdepthcp.experiments.video_configs import CONFIG, DEPTH, FIELD_OF_VIEW, Setup, configs, targets_of
from mmdepthcp.experiments.video_frames import (
    Shots,
    as_four,
    look_at_videos,
    read_shots,
    take_frames,
    write_lists,
)
from mmdepthcp.experiments.video_measure import measure, this_machine
from mmdepthcp.experiments.video_plan import describe_plan, plan
from mmdepthcp.experiments.video_request import (
    CHECKPOINT,
    DISPARITY,
    HUGGING_FACE,
    OWN,
    DepthSource,
    Request,
    network_of,
    read_depth_source,
    read_label_folder,
    read_start,
)
from mmdepthcp.experiments.video_tasks import Measured, Plan, Task, tell_time
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import atomic_path, read_json, write_json
from mmdepthcp.utils.processes import claim
from mmdepthcp.videos.camera import intrinsics_of_field_of_view

PLAN = 'plan.json'
ANEW = 'anew'


@dataclass(frozen=True)
class Pretrained:
    """What a pretraining from video has left.

    Attributes:
        out: its folder; ``report.html`` shows all.
        plan: the plan.
        checkpoint: of the pretraining, with all its parts.
        backbones: package → exported backbone.
        summary: numbers by section, as in ``summary.json``.
        verdicts: judgements of the stages, as in ``verdicts.json``.
        seconds: taken by each stage.
    """

    out: Path
    plan: Plan
    checkpoint: Path
    backbones: dict[str, Path]
    summary: dict[str, dict[str, float | None]]
    verdicts: list[dict[str, Any]]
    seconds: dict[str, float]


def pretrain(videos: Sequence[str | os.PathLike] | str | os.PathLike, out: str | os.PathLike, *,
             method: str = 'depthcp', depth: str = OWN, budget: str | float = '1h',
             labels: str | os.PathLike | None = None, ignore_index: int | None = None,
             init: str | os.PathLike | None = None, network: str = 'auto', fps: float = 10.,
             fov: float | None = None, seed: int = 0, anew: bool = False, dry_run: bool = False,
             quiet: bool = False, show: bool = False, started_in: float | None = None) -> Pretrained | None:
    """Pretrain a segmentation backbone on unlabelled street video, and report on it.

    Frames are taken out of the videos, this machine is measured for some seconds, settings that fit the time are
    written to ``out`` as ordinary configs, and their stages are run: depth, disparity, regions, pretraining, export,
    fine-tuning where there are labels, report. What has been interrupted goes on when called again in the same way.

    Args:
        videos: video files and folders of frames.
        out: folder for everything.
        method: 'depthcp', 'depth_pixpro', 'pixpro', 'swav' or 'densecl'.
        depth: 'own' (learnt from the video), 'checkpoint:FILE' (of a depth training of this package), 'hf:NAME' (a
            model of Hugging Face), or 'disparity:DIR' (16-bit PNGs named like the frames).
        budget: time for everything, such as '30m' or '6h', or seconds.
        labels: folder with ``images`` and ``labels``, masks of class indices named like the images, 255 for none;
            ``classes.txt``, ``train.txt`` and ``val.txt`` may lie there too. Without the lists every third labelled
            image is held back to score on.
        ignore_index: value of unlabelled pixels in the masks, beside 255.
        init: checkpoint that the encoder starts from.
        network: 'auto', 'r18_small' (half width), 'r18' or 'r50'.
        fps: frames a second to take of videos.
        fov: horizontal field of view in degrees, if it is known.
        seed: of all trainings.
        anew: plan anew in a folder that was planned otherwise; what still fits is kept.
        dry_run: measure, print the plan, write nothing.
        quiet: print nothing but the plan's length and the end.
        show: show all that stages put out, which is in their logs (``out/pipeline``) anyway; by default a terminal
            shows how far they are.
        started_in: seconds that this process took to start, as those of all stages will; by default a command is run to
            measure it, which takes as long.

    Returns:
        What came of it; None of a dry run.

    Raises:
        InputError: something given is missing or does not fit, or the budget is too small; the message says how much
            would do.
        StageError: a stage failed; the same call goes on from there.
    """
    request = Request.checked(
        videos, budget, method=method, depth=depth, labels=labels, ignore_index=ignore_index, init=init,
        network=network, fps=fps, fov=fov, seed=seed)
    begin = time.monotonic()
    say = (lambda text: None) if quiet else _say
    out = Path(os.path.abspath(out))
    if dry_run:
        _try_out(request, out, say, begin, started_in)
        return None
    planned = _is_planned(request, out, anew)
    if planned:
        say(f'{out / PLAN}: planned before; {CONFIG} is taken as it is')
    else:
        say(take_frames(request.videos, out, request.fps, request.fov, quiet or not sys.stdout.isatty()))
    with claim(out):
        if not planned:
            _prepare(request, out, say, begin, started_in)
        return _run(out, say, show, quiet)


def _say(text: str) -> None:
    print(text, flush=True)


def _is_planned(request: Request, out: Path, anew: bool) -> bool:
    """Whether the folder holds the plan of this request.

    Raises:
        InputError: it holds that of another one.
    """
    file = out / PLAN
    if anew or not file.is_file():
        return False
    before, now = read_json(file)['request'], _as_json(request)
    differs = [f'{key} {before.get(key)!r} then, {value!r} now' for key, value in now.items()
               if before.get(key) != value]
    if differs:
        raise InputError(f'{out}: was planned otherwise ({"; ".join(differs)}); give the same again to go on, another '
                         f'folder, or --{ANEW} to plan anew there')
    return (out / CONFIG).is_file()


def _as_json(request: Request) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(request).items()}


def _prepare(
        request: Request, out: Path, say: Callable[[str], None], begin: float, started_in: float | None) -> None:
    """Measure, plan, write the configs."""
    shots = read_shots(out / 'frames')
    work = _Work(request, shots, out / 'lists')
    measured = work.measure(say, started_in)
    made = plan(measured, shots.footage, request.budget, work.task, time.monotonic() - begin)
    say(describe_plan(made, shots.footage, measured.machine, work.task))
    setup = work.setup(made, out)
    write_lists(shots, out, made.depth_step, made.image_step, made.depth_batch)
    for name, text in configs(setup).items():
        with atomic_path(out / name) as aside:
            aside.write_text(text, encoding='utf-8')
    if work.source.kind == CHECKPOINT:
        _depth_config_of(work.source.name).dump(str(out / DEPTH))
    write_json(out / PLAN, dict(
        request=_as_json(request), plan=asdict(made), measured=asdict(measured), footage=asdict(shots.footage)))


def _try_out(
        request: Request, out: Path, say: Callable[[str], None], begin: float, started_in: float | None) -> None:
    """Measure and print the plan; everything that is written is removed again."""
    with tempfile.TemporaryDirectory(prefix='mmdepthcp-') as folder:
        shots, seconds = look_at_videos(request.videos, Path(folder) / 'frames', request.fps, request.fov)
        work = _Work(request, shots, Path(folder) / 'lists')
        measured = work.measure(say, started_in)
        made = plan(measured, shots.footage, request.budget, work.task, time.monotonic() - begin + seconds)
    _say(describe_plan(made, shots.footage, measured.machine, work.task))
    _say(f'would write {out}/: frames/, {", ".join(configs(work.setup(made, out)))}, {PLAN}, lists/, and '
         f'of the stages {", ".join(made.seconds)}: disparity/, regions/, checkpoints, logs, exported backbones, '
         'report.html. Nothing has been written')


def _depth_config_of(checkpoint: str) -> Any:
    from mmdepthcp.cli.tools import register_modules
    from mmdepthcp.config.text import config_in_checkpoint
    from mmdepthcp.utils.checkpoint import read_checkpoint

    register_modules()
    text = (read_checkpoint(checkpoint).get('meta') or {}).get('cfg')
    if not isinstance(text, str):
        raise InputError(f'{checkpoint}: holds no config; take the checkpoint of a depth training of this package')
    return config_in_checkpoint(text, checkpoint)


class _Work:
    """A request and the frames that it is about.

    Args:
        request: what is asked for.
        shots: the frames.
        lists: folder for lists of labelled images.
    """

    def __init__(self, request: Request, shots: Shots, lists: Path) -> None:
        self.request, self.shots = request, shots
        self.start = self.depth_start = self.labels = None
        kind, train, val = None, 0, 0
        if request.init is not None:
            self.start, kind = read_start(request.init)
        if self.source.kind == CHECKPOINT and self.start is None:
            self.depth_start, kind = read_start(self.source.name)
        if request.labels is not None:
            self.labels, train, val = read_label_folder(Path(request.labels), lists, request.ignore_index)
        if self.source.kind == DISPARITY:
            shots.check_disparity(Path(self.source.name))
        self.task = Task(request.method, self.source.kind, train, val, network_of(request.network, kind))

    @property
    def source(self) -> DepthSource:
        return read_depth_source(self.request.depth)

    def measure(self, say: Callable[[str], None], started_in: float | None) -> Measured:
        predictor = None
        if self.source.kind in (HUGGING_FACE, CHECKPOINT):
            predictor = self._predictor
        return measure(self.shots.sample, self.shots.footage, self.task, self.labels, predictor, say, started_in)

    def _predictor(self) -> Any:
        from mmdepthcp.preparation.depth_inference import ModelPredictor
        from mmdepthcp.preparation.foreign_depth import HuggingFacePredictor
        from mmdepthcp.utils.trees import local_device

        if self.source.kind == HUGGING_FACE:
            return HuggingFacePredictor(self.source.name, local_device())
        config = _depth_config_of(self.source.name)
        with tempfile.TemporaryDirectory() as folder:
            config.dump(f'{folder}/{DEPTH}')
            return ModelPredictor(load_config(f'{folder}/{DEPTH}'), self.source.name, local_device())

    def setup(self, made: Plan, out: Path) -> Setup:
        request = self.request
        images = out / ('frames' if made.image_step == 1 else 'images')
        disparity = Path(self.source.name) if self.source.kind == DISPARITY else out / 'disparity'
        sources = {CHECKPOINT: ('{depth_config}', self.source.name), HUGGING_FACE: ('--hf-model', self.source.name)}
        view = request.fov or FIELD_OF_VIEW
        return Setup(
            made, self.task, out, images, disparity,
            self.shots.intrinsics or as_four(intrinsics_of_field_of_view(view, self.shots.footage.size)),
            self.shots.footage.calibrated, view, sources.get(self.source.kind, ('{depth_config}', '{depth}')),
            self.start, self.depth_start or self.start, targets_of(made.network), self.labels, request.seed,
            f'Written by mmdepthcp {mmdepthcp.__version__}, pretrain_videos, for {self.shots.footage.frames} frames of '
            f'{self.shots.footage.size[0]}x{self.shots.footage.size[1]} and {tell_time(request.budget)} on '
            f'{this_machine()}')


def _run(out: Path, say: Callable[[str], None], show: bool, quiet: bool) -> Pretrained:
    """Run the stages of the config in a folder, and say how long they took."""
    path = str(out / CONFIG)
    stages = read_stages(load_config(path), path, str(out))
    planned = read_json(out / PLAN)
    with _quietly(quiet):
        run_stages(out, stages, display=_display(show, quiet))
    seconds = {stage.name: (read_record(out, stage) or {}).get('seconds', 0.) for stage in stages
               if state_of(out, stage) == FINISHED}
    say(compare_times(planned['plan']['seconds'], seconds))
    verdicts = read_json(out / 'verdicts.json')
    for verdict in verdicts:
        mark = {True: 'good', False: 'not good', None: 'open'}[verdict['good']]
        say(f'{verdict["stage"]}: {mark}: {verdict["found"]}. {verdict["advice"]}'.rstrip())
    backbones = {file.stem.removeprefix('backbone_'): file for file in sorted(out.glob('backbone_*.pth'))}
    _say('\n'.join(map(str, [*backbones.values(), out / 'report.html'])))
    made = plan_from_json(planned['plan'])
    checkpoint = next(Path(stage.outputs[0]) for stage in stages if stage.name == 'pretrain')
    return Pretrained(out, made, checkpoint, backbones, read_json(out / 'summary.json'), verdicts, seconds)


def _display(show: bool, quiet: bool) -> Display:
    if quiet or not (show or sys.stdout.isatty()):
        return show_nothing
    return show_all if show else show_progress


def plan_from_json(content: dict[str, Any]) -> Plan:
    """A plan as :data:`PLAN` holds it."""
    from mmdepthcp.apis.resnets import ResNetKind

    return Plan(**{**content, 'network': ResNetKind(**content['network']), 'view_size': tuple(content['view_size'])})


def compare_times(planned: dict[str, float], taken: dict[str, float]) -> str:
    """A table of what each stage was planned to take and took, in seconds.

    Example:
        >>> print(compare_times(dict(depth=60.0), dict(depth=90.0)))
        stage                    planned       taken
        depth                       60 s       2 min
        in all                      60 s       2 min
    """
    names = [*planned, *(name for name in taken if name not in planned)]
    rows = [(name, planned.get(name, 0.), taken.get(name, 0.)) for name in names]
    rows.append(('in all', sum(planned.values()), sum(taken.values())))
    return '\n'.join([f'{"stage":<20}{"planned":>12}{"taken":>12}',
                      *(f'{name:<20}{tell_time(one):>12}{tell_time(other):>12}' for name, one, other in rows)])


@contextlib.contextmanager
def _quietly(quiet: bool) -> Iterator[None]:
    if not quiet:
        yield
        return
    with open(os.devnull, 'w') as sink, contextlib.redirect_stdout(sink):
        yield
