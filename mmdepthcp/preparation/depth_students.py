"""Students that learn depth from the images that are chosen so far, and the images on which they fail."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmdepthcp.datasets.lists import write_list
from mmdepthcp.engine.resuming import forget_beginnings, go_on_from, latest_checkpoint
from mmdepthcp.models.depth import DepthNetwork, DepthRegressor
from mmdepthcp.preparation.depth_inference import ModelPredictor, infer_tree
from mmdepthcp.preparation.exports import digest_of
from mmdepthcp.preparation.features import Parts
from mmdepthcp.preparation.frozen_networks import alike, batches_of, load_network
from mmdepthcp.registry import DATASETS
from mmdepthcp.utils.checkpoint import name_some
from mmdepthcp.utils.digests import digest_of_settings
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.processes import WHOLE

ROWS = 512


class DepthStudents:
    """A student for each round, trained anew on what was chosen before.

    Args:
        config: with a :class:`DepthRegressor` as ``model``, ``train_dataloader``, ``score_pipeline``, and
            ``round_iters``, the lengths of the trainings in their order; the last stands for all further ones. Images
            and disparity are put into it here.
        root: folder of the images.
        names: of all images, relative to it.
        teacher: what they learn from: a folder of disparity files as ``tools/infer_depth.py`` writes them, or a depth
            network, which writes them.
        seed: of the trainings.
        device: of the students that are asked; those that learn take the one that MMEngine finds.
        batch_size: images at once, when they are asked.
        num_workers: processes that load images then.

    Raises:
        InputError: the config is none of a student, or the network gives no disparity.
    """

    def __init__(self, config: Any, root: Path, names: Sequence[str], teacher: Path | ModelPredictor,
                 seed: int = 0, device: str = 'cpu', batch_size: int = 1, num_workers: int = 0) -> None:
        if config.get('model', {}).get('type', '').rpartition('.')[2] != DepthRegressor.__name__ or not all(
                config.get(key) for key in ('score_pipeline', 'round_iters')):
            raise InputError(f'{config.filename}: no config of a student; it needs a DepthRegressor as model, '
                             'score_pipeline and round_iters, as configs/selection/depth_student_cityscapes.py has')
        if isinstance(teacher, ModelPredictor) and not isinstance(teacher.model, DepthNetwork):
            raise InputError(f'{teacher.settings["source"]}: {type(teacher.model).__name__} gives no disparity for the '
                             'student to learn; name a folder of disparity (--disparity), which tools/infer_depth.py '
                             'makes, or a depth network')
        self.config, self.root, self.names, self.teacher = config, root, names, teacher
        self.disparity = teacher if isinstance(teacher, Path) else Path()
        self.seed, self.device, self.batch_size, self.num_workers = seed, device, batch_size, num_workers
        self.settings = dict(config=Path(config.filename).name, digest=digest_of_settings(
            config.model, config.train_dataloader, config.score_pipeline, config.optim_wrapper, config.param_scheduler,
            config.round_iters), disparity=teacher.settings if isinstance(teacher, ModelPredictor) else str(teacher))

    def disparity_file(self, name: str) -> Path:
        """The disparity of an image."""
        return self.disparity / Path(name).with_suffix('.png')

    def prepare(self, folder: Path, shard: tuple[int, int] = WHOLE) -> bool:
        """Have the teacher write its disparity into a folder, unless it is stored elsewhere; whether that of all images
        is there.

        Raises:
            InputError: images cannot be used, or stored disparity is missing.
        """
        if isinstance(self.teacher, ModelPredictor):
            self.disparity = folder / f'disparity_{digest_of_settings(self.teacher.settings)[:12]}'
            failures, tried = infer_tree(self.teacher, self.root, self.disparity, batch_size=self.batch_size,
                                         num_workers=self.num_workers, shard=shard, files=list(map(Path, self.names)))
            if failures:
                raise InputError(f'{len(failures)} of {tried} images cannot be used: '
                                 f'{name_some(failure.message for failure in failures)}; mend or remove them')
        missing = [name for name in self.names if not self.disparity_file(name).is_file()]
        if missing and self.disparity == self.teacher:
            raise InputError(f'{self.disparity}: {len(missing)} of {len(self.names)} images have no disparity there, '
                             f'such as {self.disparity_file(missing[0])}; make the files with tools/infer_depth.py')
        return not missing

    def errors(self, folder: Path, number: int, chosen: Sequence[int], shard: tuple[int, int] = WHOLE
               ) -> np.ndarray | None:
        """The error E of all images (:func:`mmdepthcp.sampling.depth_error`), (N,) float64, 0 of those chosen; None if
        parts of other shards are missing.

        Args:
            folder: of what is kept.
            number: of the training, from 0.
            chosen: indices of the images to learn from.
            shard: ``(i, n)``; the first trains.
        """
        learnt = [self.names[index] for index in chosen]
        sources = [self.root / name for name in learnt] + [self.disparity_file(name) for name in learnt]
        digest = digest_of_settings(self.settings, learnt, digest_of(sources), self.seed)
        work_dir = folder / f'student_{number}_{digest[:12]}'
        final = work_dir / f'iter_{self._iterations(number)}.pth'
        if not final.exists():
            if shard[0]:
                return None
            self._train(number, learnt, work_dir)
        return self._score(final, set(chosen), shard)

    def _iterations(self, number: int) -> int:
        return self.config.round_iters[min(number, len(self.config.round_iters) - 1)]

    def _dataset(self, settings: dict, names: Sequence[str], file: Path) -> dict:
        """The settings of a data set with some of the images, which a file names."""
        write_list(file, names)
        return dict(settings, data_root='', ann_file=str(file.resolve()), data_prefix=dict(
            img_path=str(self.root.resolve()), disparity_path=str(self.disparity.resolve())))

    def _train(self, number: int, learnt: Sequence[str], work_dir: Path) -> None:
        iterations = self._iterations(number)
        print(f'student {number + 1}: {iterations} iterations on {len(learnt)} images', flush=True)
        config = copy.deepcopy(self.config)
        config.work_dir, config.experiment_name = str(work_dir), work_dir.name
        for step in config.param_scheduler:
            if step.get('end', 0) >= config.train_cfg.max_iters:
                step.end += iterations - config.train_cfg.max_iters
        config.train_cfg.max_iters = iterations
        seed = int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0])
        config.randomness = dict(config.get('randomness') or {}, seed=seed)
        config.train_dataloader.dataset = self._dataset(
            config.train_dataloader.dataset, learnt, work_dir / 'images.txt')
        config.custom_hooks = [*(config.get('custom_hooks') or []), dict(type='mmdepthcp.FiniteLossHook')]
        go_on_from(config, latest_checkpoint(work_dir))
        Runner.from_cfg(config).train()

    def _score(self, checkpoint: Path, chosen: set[int], shard: tuple[int, int]) -> np.ndarray | None:
        config = copy.deepcopy(self.config)
        forget_beginnings(config.model)
        init_default_scope(config.get('default_scope', 'mmdepthcp'))
        model = load_network(config, checkpoint, self.device)
        dataset = DATASETS.build(dict(
            self._dataset(config.train_dataloader.dataset, self.names, checkpoint.with_name(f'all_{shard[0]}.txt')),
            pipeline=config.score_pipeline))
        parts = Parts(len(self.names), ROWS)

        def indices(start: int) -> range:
            return range(start, min(start + ROWS, len(self.names)))

        def score(start: int) -> list[np.ndarray]:
            asked = [index for index in indices(start) if index not in chosen]
            values = np.zeros(len(indices(start)))
            found: list[float] = []
            for items in batches_of(dataset, asked, self.batch_size, self.num_workers, 'errors of the student'):
                of_batch = np.zeros(len(items))
                for places in alike(items):
                    of_batch[places] = model.difficulty(pseudo_collate([items[place] for place in places])).cpu()
                found += of_batch.tolist()
            values[np.array(asked, int) - start] = found
            return [values]

        def sources(start: int) -> list[str]:
            names = [self.names[index] for index in indices(start)]
            return [str(checkpoint), *(str(self.root / name) for name in names),
                    *(str(self.disparity_file(name)) for name in names)]

        def files(start: int) -> list[Path]:
            return [checkpoint.with_name(f'errors_{start:09}.npy')]

        if not parts.run(shard, files, score, sources):
            return None
        return np.concatenate([np.load(files(start)[0]) for start in parts.starts])
