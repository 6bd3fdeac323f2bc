"""What the package needs from its environment, and what to say when that is missing or does not fit."""

from __future__ import annotations

import importlib
from importlib import metadata

DISTRIBUTIONS = {
    'torch': ('torch',),
    'torchvision': ('torchvision',),
    'mmengine': ('onedl-mmengine', 'mmengine'),
    'mmcv': ('onedl-mmcv', 'mmcv', 'mmcv-lite'),
    'mmseg': ('onedl-mmsegmentation', 'mmsegmentation'),
    'mmpretrain': ('onedl-mmpretrain', 'mmpretrain'),
    'mmdet': ('onedl-mmdetection', 'mmdet'),
    'cv2': ('opencv-python', 'opencv-python-headless', 'opencv-contrib-python', 'opencv-contrib-python-headless'),
    'sklearn': ('scikit-learn',),
}

INSTALL_LINES = (
    "the maintained continuation: pip install -e '.[onedl]'",
    "the original packages:       pip install -e '.[openmmlab]'   (Python 3.10; see README)",
)

SYSTEM_LIBRARIES = {
    'libGL.so.1': 'apt-get install libgl1, or: pip install --force-reinstall --no-deps opencv-python-headless',
    'libgthread-2.0.so.0': 'apt-get install libglib2.0-0',
    'libglib-2.0.so.0': 'apt-get install libglib2.0-0',
}


def installed_version(module: str) -> str | None:
    """Distribution and version that bring an import name, such as 'onedl-mmcv 2.3.6'; None if none is installed."""
    for distribution in DISTRIBUTIONS.get(module, (module,)):
        try:
            return f'{distribution} {metadata.version(distribution)}'
        except metadata.PackageNotFoundError:
            continue
    return None


def remedy_for(module: str, error: BaseException) -> str:
    """What to do about a module that cannot be imported because of ``error``."""
    for library, remedy in SYSTEM_LIBRARIES.items():
        if library in str(error):
            return remedy
    package = module.partition('.')[0]
    if package == 'mmpretrain' and isinstance(error, TypeError):
        return "mmpretrain does not work with transformers 5: pip install 'transformers<5'"
    if package == 'mmpretrain' and 'GenerationMixin' in str(error):
        return "mmpretrain 1.2.0 does not work with transformers 4.51 and later: pip install 'transformers<4.51'"
    if isinstance(error, ModuleNotFoundError) and error.name and error.name.partition('.')[0] not in DISTRIBUTIONS:
        return f'pip install {error.name.partition(".")[0]}'
    if package == 'mmcv' and '_ext' in str(error):
        return "mmcv is installed without compiled ops; 'make test' compiles and installs them"
    if package in DISTRIBUTIONS and package not in ('cv2', 'sklearn'):
        return 'install one OpenMMLab family that fits together:\n' + '\n'.join(f'  {line}' for line in INSTALL_LINES)
    return f'pip install {DISTRIBUTIONS.get(package, (package,))[0]}'


def require(*modules: str) -> None:
    """Import every module, or say in words what is missing.

    Raises:
        ImportError: a module is missing, or is there and does not fit the others. The message names it, its version,
            its own complaint and the remedy.
    """
    for module in modules:
        try:
            importlib.import_module(module)
        except (ImportError, AssertionError, OSError, AttributeError, TypeError) as error:
            package = module.partition('.')[0]
            version = installed_version(package)
            state = f'{version} is installed but cannot be used' if version else f'{package} is not installed'
            raise ImportError(
                f'mmdepthcp needs {module}: {state} ({error}).\n{remedy_for(module, error)}\n'
                "'python -m mmdepthcp.doctor' checks the whole environment.") from error
