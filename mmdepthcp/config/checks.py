"""What MMEngine passes over in silence in a config, or takes badly: misspelt settings, loaders without processes."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from typing import Any

from mmdepthcp.utils.errors import InputError

KNOWN = frozenset('''
    model work_dir train_dataloader val_dataloader test_dataloader bank_dataloader train_cfg val_cfg test_cfg
    auto_scale_lr optim_wrapper param_scheduler val_evaluator test_evaluator default_hooks custom_hooks
    data_preprocessor load_from resume launcher env_cfg log_processor log_level visualizer default_scope randomness
    experiment_name custom_imports test_pipeline sync_bn find_unused_parameters model_wrapper_cfg tta_model
    tta_pipeline activation_checkpointing efficient_conv_bn_eval pipeline pretrainings comparisons stages stage_values
    title seeds prepare tasks
'''.split())
"""Settings that something reads; every other name is a variable of the config's own."""
NEITHER = frozenset('models text_cfg text_pipeline pipelines pretraining work_dirs needs masks'.split())
"""Near to them, but names that people give to variables."""


def distance(first: str, second: str) -> int:
    """How many letters to add, leave out, replace, or swap with a neighbour, to make one word of the other."""
    before: list[int] = []
    row = list(range(len(second) + 1))
    for place, letter in enumerate(first, 1):
        above, row = row, [place]
        for column, other in enumerate(second, 1):
            cost = min(above[column] + 1, row[-1] + 1, above[column - 1] + (letter != other))
            if place > 1 and column > 1 and letter == second[column - 2] and first[place - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            row.append(cost)
        before = above
    return row[-1]


def check_keys(config: Mapping[str, Any], path: str | os.PathLike) -> None:
    """Refuse a config with a setting that is almost one which something reads: ``train_cgf``.

    Raises:
        InputError: there is one; the message names the right one.
    """
    for key in config:
        if key in KNOWN or key in NEITHER or key.startswith('_'):
            continue
        allowed = 2 if len(key) > 9 else 1 if len(key) > 4 else 0
        far, name = min((distance(key, name), name) for name in KNOWN)
        if far <= allowed:
            raise InputError(f'{path}: {key} is no setting; {name} is meant? A variable of your own needs a name '
                             'that is less like it, or starts with an underscore')


def fit_workers(config: MutableMapping[str, Any]) -> None:
    """Take out of every ``*_dataloader`` without processes, in place, what only loaders with processes may have."""
    for key, loader in config.items():
        if key.endswith('_dataloader') and isinstance(loader, MutableMapping) and not loader.get('num_workers'):
            if loader.get('persistent_workers'):
                loader['persistent_workers'] = False
            for name in ('prefetch_factor', 'multiprocessing_context', 'timeout'):
                loader.pop(name, None)
