"""Whether neighbours are those that the features of the model find."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdepthcp.engine.models import plain_model
from mmdepthcp.registry import HOOKS
from mmdepthcp.sampling import read_made_of
from mmdepthcp.utils.digests import digest_of_settings, digest_of_weights
from mmdepthcp.utils.errors import InputError

NOT_IMAGES = ('LoadDisparity', 'NoteDepthRange', 'LoadLabels', 'LoadRegions')
WORDS = dict(images='images, or another view of them', backbone='settings of the backbone', weights='weights')


def image_config(dataset: Any) -> Any:
    """The config of a data set whose pipelines load images and nothing else."""
    alone = {key: [step for step in value if str(step.get('type')).rpartition('.')[2] not in NOT_IMAGES]
             for key, value in dataset.items() if key == 'pipeline'}
    inner = {key: image_config(value) for key, value in dataset.items() if key == 'dataset'}
    return {**dataset, **alone, **inner}


def _one_folder(dataset: Any) -> Any:
    """The config of a data set without the folders of what lies beside the images."""
    folders = {key: value.get('img_path') for key, value in dataset.items() if key == 'data_prefix'}
    inner = {key: _one_folder(value) for key, value in dataset.items() if key == 'dataset'}
    return {**dataset, **folders, **inner}


@HOOKS.register_module()
class NeighbourCheckHook(Hook):
    """Refuse to train on neighbours (:class:`mmdepthcp.datasets.NeighbourPairDataset`) that were found with another
    backbone, other weights or another view than those of the config, or with the mean of the features left in where it
    is to be taken out (``centred``), or the other way round.

    Raises:
        InputError: they were, at the start of training; the message says what differs.
    """

    priority = 'HIGH'

    def before_train(self, runner: Runner) -> None:
        """Compare what the file says of itself."""
        pairs: Any = runner.train_dataloader.dataset
        file = getattr(pairs, 'neighbour_file', None)
        if file is None:
            return
        made_of = read_made_of(file)
        wanted = self.made_of(
            runner.cfg.train_dataloader.dataset.dataset, runner.cfg.model, pairs.names, plain_model(runner))
        differing = [f'with other {WORDS[key]}' for key, digest in wanted.items() if made_of.get(key) != digest]
        if not made_of:
            differing = ['by an older version, which did not note with what']
        elif made_of['centred'] != pairs.centred:
            differing.append('without --raw' if made_of['centred'] else 'with --raw')
        if differing:
            raw = '' if pairs.centred else ' --raw'
            raise InputError(f'{file}: neighbours that were found {" and ".join(differing)}; find others: python '
                             f'tools/nearest_neighbours.py {runner.cfg.filename} {file}{raw}, with the --cfg-options '
                             'of this training')

    @staticmethod
    def made_of(dataset: Any, model_config: Any, names: Sequence[str], model: Any) -> dict[str, str]:
        """What neighbours depend on beside ``centred``, as digests of ``images``, ``backbone`` and ``weights``.

        Args:
            dataset: config of the images; what is loaded with them does not count.
            model_config: of the model; its backbone and preprocessing count.
            names: of the images.
            model: the model, with its weights.
        """
        return dict(
            images=digest_of_settings(
                _one_folder(image_config(dataset)), model_config.get('data_preprocessor'), names),
            backbone=digest_of_settings(model_config['backbone']),
            weights=digest_of_weights(model.backbone))
