"""``--log-to``: TensorBoard and Weights & Biases, through MMEngine's backends."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmengine.config import Config

BACKENDS = {
    'tensorboard': ('TensorboardVisBackend', 'torch.utils.tensorboard'),
    'wandb': ('WandbVisBackend', 'wandb'),
}
"""MMEngine's class, and the module that it needs, by the name of the package to install."""


def add_trackers(parser: argparse.ArgumentParser) -> None:
    """Add ``--log-to``, for :func:`log_to`."""
    parser.add_argument('--log-to', nargs='+', choices=sorted(BACKENDS), default=[], metavar='NAME',
                        help='send losses and scores there too, beside <work dir>/<time>/vis_data: '
                             f'{", ".join(sorted(BACKENDS))}')


def log_to(config: Config, names: list[str]) -> None:
    """Have a training log to these, and where it would have done anyway.

    Raises:
        ImportError: a package is missing; the message has the command that installs it.
    """
    if not names:
        return
    visualizer = dict(config.get('visualizer') or dict(type='Visualizer', name='visualizer'))
    backends = list(visualizer.get('vis_backends') or [dict(type='LocalVisBackend')])
    for name in names:
        kind, module = BACKENDS[name]
        try:
            import_module(module)
        except ImportError as error:
            raise ImportError(f'--log-to {name} needs {name}: pip install {name} ({error})') from None
        if kind not in (backend['type'].rpartition('.')[2] for backend in backends):
            backends.append(dict(type=f'mmengine.{kind}'))
    config.visualizer = dict(visualizer, vis_backends=backends)
