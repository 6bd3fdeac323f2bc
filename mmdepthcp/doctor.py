"""Check an environment: ``python -m mmdepthcp.doctor``.

Prints the versions found, what works with them, and what to do about what does not. The exit code is 1 when the main
job (depth, regions, copy-paste, pretraining, unsupervised segmentation) cannot run.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import logging
import platform
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mmdepthcp
from mmdepthcp.cli.tools import errors_in_words
from mmdepthcp.utils.requirements import installed_version, remedy_for

OLDEST_PYTHON = (3, 10)


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


def _cuda() -> str:
    import torch
    if not torch.cuda.is_available():
        raise RuntimeError('torch finds no CUDA device; everything runs on the CPU')
    return ', '.join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))


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
    Check('CUDA', 'torch', needed=False, action=_cuda,
          remedy='for real data sets use a machine with a GPU and a torch build for it'),
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
    argparse.ArgumentParser(prog='python -m mmdepthcp.doctor', description=__doc__).parse_args(argv)
    warnings.filterwarnings('ignore')
    logging.disable(logging.WARNING)
    with errors_in_words():
        findings = [check_python(), *(examine(check) for check in CHECKS)]
        print(report(findings))
    return int(any(finding.needed and not finding.good for finding in findings))


if __name__ == '__main__':
    sys.exit(main())
