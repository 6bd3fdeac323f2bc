"""Check an environment and its machine.

Prints the versions found, what works with them, what the machine has, and what to do about what does not work or is
scarce. With a config also whether its num_workers fit the cores. The exit code is 1 when the main job (depth, regions,
copy-paste, pretraining, unsupervised segmentation) cannot run.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import logging
import os
import platform
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mmdepthcp
from mmdepthcp.cli.tools import errors_in_words
from mmdepthcp.config.loading import load_config
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.machine import GIB, free_space, gpus, memory, nvidia_driver, usable_cores
from mmdepthcp.utils.requirements import installed_version, remedy_for

OLDEST_PYTHON = (3, 10)
LEAST_DISK, LEAST_MEMORY, LEAST_SHARED = 5 * GIB, 4 * GIB, GIB // 2
"""Free bytes below which trainings of the small configs are at risk."""


@dataclass
class Finding:
    """The outcome of one check.

    Attributes:
        name: what was checked.
        good: whether it works.
        needed: whether the main job needs it.
        detail: version, or the reason why it does not work.
        remedy: what to do; empty when nothing is to be done.
    """

    name: str
    good: bool
    needed: bool
    detail: str = ''
    remedy: str = ''


@dataclass
class Check:
    """One thing to look at: a module that must import and, where given, an action that must succeed after it."""

    name: str
    module: str
    needed: bool = True
    action: Callable[[], str] | None = None
    remedy: str | None = None


def _torch_computes() -> str:
    import torch
    torch.ones(2, 2).matmul(torch.ones(2, 2))
    return f'{torch.get_num_threads()} threads'


def _torchvision_ops() -> str:
    import torch
    import torchvision
    torchvision.ops.nms(torch.tensor([[0., 0., 1., 1.]]), torch.ones(1), 0.5)
    return ''


def _gpus() -> str:
    import torch
    built, driver = torch.version.cuda, nvidia_driver()
    found = gpus()
    if not found:
        reason = 'there is no NVIDIA driver'
        if driver and built:
            reason = f'the driver {driver[0]} runs CUDA up to {driver[1]}, torch is built for {built}'
        elif driver:
            reason = f'torch is built without CUDA; the driver {driver[0]} runs it up to {driver[1]}'
        raise RuntimeError(f'torch finds no GPU, everything runs on the CPU: {reason}')
    return f'{"; ".join(map(str, found))}; CUDA {built}, driver {driver[0] if driver else "unknown"}'


def _numba_compiles() -> str:
    import numba
    numba.njit(lambda x: x + 1)(1)
    return ''


def _models_build() -> str:
    from mmpretrain.models import ResNet
    from mmseg.models import FPN
    ResNet(18)
    FPN([8, 8], 8, 2)
    return ''


PACKAGES = ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmseg', 'mmpretrain', 'mmdet', 'cv2', 'numpy', 'scipy',
            'sklearn', 'numba', 'matplotlib')

CHECKS = (
    Check('torch', 'torch', action=_torch_computes),
    Check('torchvision ops', 'torchvision', action=_torchvision_ops,
          remedy='torch and torchvision are of different builds; take both from the same index'),
    Check('OpenCV', 'cv2'),
    Check('mmengine', 'mmengine.runner'),
    Check('mmcv', 'mmcv.transforms'),
    Check('mmsegmentation models', 'mmseg.models'),
    Check('mmpretrain models', 'mmpretrain.models', action=_models_build),
    Check('numpy', 'numpy'),
    Check('scipy', 'scipy.optimize'),
    Check('scikit-learn', 'sklearn.cluster'),
    Check('numba', 'numba', action=_numba_compiles),
    Check('matplotlib', 'matplotlib.pyplot'),
    Check('mmcv compiled ops', 'mmcv.ops', needed=False,
          remedy="needed by mmdetection and some mmsegmentation models; 'make test' compiles and installs them"),
    Check('GPU', 'torch', needed=False, action=_gpus,
          remedy='for real data sets use a machine with a GPU, its driver, and a torch build that the driver runs'),
    Check('Hugging Face depth models', 'transformers', needed=False,
          remedy="needed by tools/infer_depth.py --hf-model; pip install -e '.[hf]'"),
)


def examine(check: Check) -> Finding:
    """Run one check; whatever goes wrong becomes a finding."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            importlib.import_module(check.module)
            detail = check.action() if check.action else ''
    except Exception as error:
        absent = isinstance(error, ModuleNotFoundError) and error.name == check.module.partition('.')[0]
        reason = 'not installed' if absent else f'{type(error).__name__}: {error}'.strip().splitlines()[0]
        known = check.remedy and not (absent and check.needed)
        remedy = check.remedy if known else remedy_for(check.module, error)
        return Finding(check.name, False, check.needed, reason, remedy or '')
    return Finding(check.name, True, check.needed, detail)


def check_python(version: Sequence[int] = tuple(sys.version_info[:3])) -> Finding:
    """Whether Python is recent enough."""
    found = '.'.join(str(part) for part in version)
    good = tuple(version[:2]) >= OLDEST_PYTHON
    return Finding('Python', good, True, found, '' if good else 'use Python 3.10 or newer')


def check_machine(folder: str | os.PathLike = '.') -> list[Finding]:
    """Whether disk, memory and shared memory suffice for trainings at all.

    Args:
        folder: where results go.
    """
    space, known, shared = free_space(folder), memory(), free_space('/dev/shm')
    found = []
    if space is not None:
        found.append(Finding(
            'disk', space >= LEAST_DISK, False, f'{space / GIB:.1f} GiB free here',
            'results go to work_dirs below the current folder; make room, or work on a larger disk'))
    if known is not None:
        found.append(Finding(
            'memory', known[1] >= LEAST_MEMORY, False, f'{known[1] / GIB:.1f} of {known[0] / GIB:.1f} GiB free',
            'end other programs, or use fewer processes (num_workers) and smaller batches (batch_size)'))
    if shared is not None:
        found.append(Finding(
            'shared memory', shared >= LEAST_SHARED, False, f'{shared / GIB:.2f} GiB free in /dev/shm',
            'batches go through it: docker run --shm-size=8g, or num_workers=0 in the loaders of the config'))
    return found


def check_workers(path: str | None = None) -> Finding:
    """Whether the processes that load data for a training fit the cores.

    Args:
        path: config of the training; None says how many would fit.
    """
    cores, trainings = usable_cores(), max(1, len(gpus()) if installed_version('torch') else 0)
    fit = max(0, cores // trainings - 1)
    detail = f'{cores} cores, {trainings} process{"es" if trainings > 1 else ""} that train{"s"[trainings > 1:]}'
    if path is None:
        return Finding('cores', True, False, f'{detail}: num_workers up to {fit} fits')
    try:
        loader = load_config(path).get('train_dataloader') or {}
    except (InputError, ImportError) as error:
        return Finding('cores', False, False, f'{detail}; the config cannot be read', str(error))
    workers = loader.get('num_workers', 0)
    return Finding('cores', workers <= max(1, fit), False, f'{detail}, num_workers={workers} in {path}',
                   f'--cfg-options train_dataloader.num_workers={max(1, fit)}; more than fit slow each other down')


def report(findings: Sequence[Finding]) -> str:
    """The findings as text."""
    lines = [f'mmdepthcp {mmdepthcp.__version__} on {platform.system()} {platform.machine()}', '', 'Installed']
    for package in PACKAGES:
        lines.append(f'  {package:<14}{installed_version(package) or "-"}')
    lines += ['', 'Works']
    for finding in findings:
        mark = 'ok' if finding.good else ('NO' if finding.needed else 'no')
        lines.append(f'  {mark}  {finding.name:<28}{finding.detail}'.rstrip())
    broken = [finding for finding in findings if not finding.good]
    remedies: dict[str, list[str]] = {}
    for finding in broken:
        name = finding.name if finding.needed else f'{finding.name} (optional)'
        remedies.setdefault(finding.remedy, []).append(name)
    if remedies:
        lines += ['', 'What to do']
    for remedy, names in remedies.items():
        lines += [f'  {", ".join(names)}:', *(f'    {line}' for line in remedy.splitlines())]
    runs = not any(finding.needed for finding in broken)
    lines += ['', 'The main job runs here.' if runs else 'The main job cannot run here.']
    return '\n'.join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the report; return 0 when the main job can run, else 1."""
    parser = argparse.ArgumentParser(prog='mmdepthcp doctor', description=__doc__)
    parser.add_argument('config', nargs='?', help='config of a training')
    args = parser.parse_args(argv)
    warnings.filterwarnings('ignore')
    logging.disable(logging.WARNING)
    with errors_in_words():
        findings = [check_python(), *(examine(check) for check in CHECKS), *check_machine(), check_workers(args.config)]
        print(report(findings))
    return int(any(finding.needed and not finding.good for finding in findings))


if __name__ == '__main__':
    sys.exit(main())
