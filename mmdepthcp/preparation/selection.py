"""Which images of a folder to label: those that lie far from each other in the features of a network, and those on
which a student of depth fails (Hoyer et al., "Three Ways to Improve Semantic Segmentation with Self-Supervised Depth
Estimation", CVPR 2021).
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import mmdepthcp
from mmdepthcp.datasets.lists import find_listed, write_list
from mmdepthcp.datasets.subsets import clip_names
from mmdepthcp.preparation.contact_sheet import Card, write_contact_sheet
from mmdepthcp.preparation.depth_students import DepthStudents
from mmdepthcp.preparation.features import Parts
from mmdepthcp.preparation.frozen_networks import FrozenNetwork
from mmdepthcp.sampling import channel_moments, greedy_selection, largest_first, standardised
from mmdepthcp.utils.digests import digest_of_settings
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import atomic_path, read_json, write_json
from mmdepthcp.utils.processes import WHOLE, claim
from mmdepthcp.utils.trees import image_key
from mmdepthcp.utils.walks import IMAGE_SUFFIXES, MADE_BY, find_files

METHODS = ('both', 'diversity', 'difficulty', 'random', 'entropy')
ROUNDS = (25, 50, 100, 200, 372, 744)
"""Images chosen after each round, by Hoyer et al."""
ERROR_WEIGHT = 1000.
ROWS = 512
SELECTION, SHEET, PARTS = 'selection.json', 'selection.html', 'parts'


@dataclass(frozen=True)
class Plan:
    """How to choose.

    Attributes:
        method: ``diversity``: far from what is chosen; ``difficulty``: where the student fails most; ``both``: by the
            sum of distance and weighted error; ``random``; ``entropy``: where a segmentor is least sure.
        budget: how many images to choose, beside those that have labels.
        rounds: how many are chosen after each round, ascending, the last one the budget. What was chosen is listed
            for each; a student learns anew for each but the first.
        seed: of the first images and of the students.
        error_weight: λ_E, of ``both``.

    Raises:
        InputError: there is no such method, or rounds and budget do not fit.
    """

    method: str
    budget: int
    rounds: tuple[int, ...] = ()
    seed: int = 0
    error_weight: float = ERROR_WEIGHT

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f'method {self.method!r}: must be one of {", ".join(METHODS)}')
        rounds = tuple(self.rounds) or tuple(number for number in ROUNDS if number < self.budget)
        rounds = rounds if rounds[-1:] == (self.budget,) else (*rounds, self.budget)
        if rounds[0] < 1 or list(rounds) != sorted(set(rounds)):
            raise InputError(f'rounds {" ".join(map(str, rounds))}: must be numbers of images above 0 that grow, up to '
                             f'the budget of {self.budget}')
        object.__setattr__(self, 'rounds', rounds)


@dataclass(frozen=True)
class Candidates:
    """The images there are.

    Attributes:
        root: their folder.
        names: relative to it, sorted.
        labelled: indices of those that have labels and count as chosen, in the order of their list.
    """

    root: Path
    names: tuple[str, ...]
    labelled: tuple[int, ...] = ()

    @classmethod
    def find(cls, root: str | os.PathLike, among: str | os.PathLike | None = None,
             labelled: str | os.PathLike | None = None, leave_out: Iterable[str | os.PathLike] = ()) -> Candidates:
        """All images of a folder and its sub-folders, or those of a list.

        Args:
            root: the folder.
            among: a list of images (:func:`mmdepthcp.datasets.lists.find_listed`) to choose from; None: all.
            labelled: a list of those that have labels.
            leave_out: folders that hold no images to choose from.

        Raises:
            InputError: there is no image, or a list names one that is not there.
        """
        root = Path(root)
        names = {file.as_posix() for file in find_files(root, leave_out=leave_out)} if among is None else set(
            find_listed(among, root, IMAGE_SUFFIXES))
        known = find_listed(labelled, root, IMAGE_SUFFIXES) if labelled else []
        order = sorted(names | set(known))
        places = {name: place for place, name in enumerate(order)}
        return cls(root, tuple(order), tuple(places[name] for name in known))

    def path(self, index: int) -> str:
        """The file of an image."""
        return str(self.root / self.names[index])


@dataclass(frozen=True)
class Choice:
    """An image that was chosen.

    Attributes:
        image: its name.
        round: in which, from 1.
        distance: to the nearest image chosen before; None where nothing was measured.
        error: E, of the student; None where there was none.
        entropy: of the segmentor; None where there was none.
    """

    image: str
    round: int
    distance: float | None = None
    error: float | None = None
    entropy: float | None = None

    def why(self, error_weight: float = 0.) -> str:
        """In words."""
        words = [f'round {self.round}']
        if self.distance is not None:
            words.append(f'distance {self.distance:.4g}')
        if self.error is not None:
            words.append(f'depth error {self.error:.4g}')
            if error_weight:
                words[-1] += f' (counts {error_weight * self.error:.4g})'
        if self.entropy is not None:
            words.append(f'entropy {self.entropy:.4g}')
        return ', '.join(words if len(words) > 1 else [*words, 'at random'])


class ImageSelection:
    """The selection in a folder of its own: ``selection.json``, ``selected_<number>.txt`` for every round, a contact
    sheet ``selection.html``. What is done lies below ``parts`` until all is complete: an interrupted selection goes on,
    and several processes share features and errors.

    Args:
        candidates: the images.
        out: the folder.
        plan: how to choose.
        network: whose features tell how far images are from each other, of ``both`` and ``diversity``; whose entropy
            counts, of ``entropy``.
        students: of ``both`` and ``difficulty``.

    Raises:
        InputError: there are fewer images than the budget asks for.
    """

    def __init__(self, candidates: Candidates, out: str | os.PathLike, plan: Plan,
                 network: FrozenNetwork | None = None, students: DepthStudents | None = None) -> None:
        left = len(candidates.names) - len(candidates.labelled)
        if plan.budget > left:
            raise InputError(f'{candidates.root}: a budget of {plan.budget} images, but there are {left} '
                             f'without labels (of {len(candidates.names)}); choose at most so many')
        self.candidates, self.out, self.plan = candidates, Path(out), plan
        self.network, self.students = network, students
        self.parts = self.out / PARTS
        self.made_of: dict[str, Any] = dict(
            asdict(plan), rounds=list(plan.rounds), images=str(candidates.root), number=len(candidates.names),
            names_digest=digest_of_settings(candidates.names),
            labelled=[candidates.names[index] for index in candidates.labelled],
            network=network.settings if network else None, student=students.settings if students else None)

    def run(self, shard: tuple[int, int] = WHOLE) -> bool:
        """Do the part of a shard ``(i, n)``; whether the selection is complete.

        Raises:
            InputError: the folder holds another selection; images or disparity are missing or unusable.
        """
        with claim(self.out, shard):
            if self._is_complete():
                return True
            choices = self._choose(shard)
            if choices is None:
                return False
            self._write(choices)
        shutil.rmtree(self.parts, ignore_errors=True)  # another shard may do the same
        return True

    def _is_complete(self) -> bool:
        file = self.out / SELECTION
        if not file.exists():
            return False
        known = read_json(file)
        other = [f'{key} was {known.get(key)!r}, is {value!r}' for key, value in self.made_of.items()
                 if known.get(key) != value]
        if other:
            raise InputError(f'{file}: holds a selection made in another way ({"; ".join(other)}); choose another '
                             'folder or remove this one')
        return True

    def _choose(self, shard: tuple[int, int]) -> list[Choice] | None:
        """All choices in their order; None if parts of other shards are missing."""
        plan, names = self.plan, self.candidates.names
        if self.students and not self.students.prepare(self.parts, shard):
            return None
        looked: Any = self._look(shard) if self.network else None
        if self.network and looked is None:
            return None
        features = looked if plan.method in ('both', 'diversity') else None
        lucky = np.random.default_rng(plan.seed).permutation(len(names))
        chosen = list(self.candidates.labelled)
        choices: list[Choice] = []
        trainings = 0
        for number, total in enumerate(plan.rounds, 1):
            errors = None
            if self.students and chosen:
                errors = self.students.errors(self.parts, trainings, chosen, shard)
                trainings += 1
                if errors is None:
                    return None
            while len(choices) < total:
                missing, distances = total - len(choices), None
                if plan.method == 'entropy':
                    found = largest_first(looked, missing, chosen)
                elif plan.method == 'difficulty' and errors is not None:
                    found = largest_first(errors, missing, chosen)
                elif features is not None and chosen:
                    bias = None if errors is None else plan.error_weight * errors
                    found, distances = greedy_selection(features, missing, chosen, bias)
                    # further digits depend on where in memory the features lie
                    distances = np.array([float(f'{distance:.6g}') for distance in distances])
                else:  # where distances count, one image is enough to begin with
                    found = lucky[~np.isin(lucky, chosen)][:1 if features is not None else missing]
                values = dict(distance=distances, error=None if errors is None else errors[found],
                              entropy=looked[found] if plan.method == 'entropy' else None)
                choices += [Choice(names[index], number, **{
                    key: None if column is None else float(column[place]) for key, column in values.items()})
                    for place, index in enumerate(found)]
                chosen += found.tolist()
        return choices

    def _look(self, shard: tuple[int, int]) -> np.ndarray | None:
        """What the network sees in all images: standardised features (N, D) in a mapped file, or entropies (N,); None
        if parts of other shards are missing."""
        assert self.network is not None
        network, names = self.network, self.candidates.names
        folder = self.parts / f'looked_{digest_of_settings(network.settings)[:12]}'
        parts = Parts(len(names), ROWS)

        def paths(start: int) -> list[str]:
            return [self.candidates.path(index) for index in range(start, min(start + ROWS, len(names)))]

        def files(start: int) -> list[Path]:
            return [folder / f'part_{start:09}.npy']

        if not parts.run(shard, files, lambda start: [network.look(paths(start), 'what the network sees')], paths):
            return None
        stored = [np.load(files(start)[0], mmap_mode='r') for start in parts.starts]
        if stored[0].ndim == 1:
            return np.concatenate(stored)
        mean, std = channel_moments(stored)
        whole = folder / f'standardised_{shard[0]}.npy'
        with atomic_path(whole) as aside:
            rows = np.lib.format.open_memmap(
                aside, 'w+', np.float32, (len(names), stored[0][0].size))
            for start, part in zip(parts.starts, stored, strict=True):
                rows[start:start + len(part)] = standardised(part, mean, std)
            rows.flush()
        return np.load(whole, mmap_mode='r')

    def _write(self, choices: Sequence[Choice]) -> None:
        labelled = self.made_of['labelled']
        for total in self.plan.rounds:
            new = [choice.image for choice in choices[:total]]
            write_list(self.out / f'selected_{total}.txt', new)
            if labelled:
                write_list(self.out / f'labelled_{total}.txt', [*labelled, *new])
        drives = count_drives(self.candidates.names, [choice.image for choice in choices])
        weight = self.plan.error_weight if self.plan.method == 'both' else 0.
        cards = [Card.of(self.candidates.root, choice.image, choice.why(weight)) for choice in choices]
        write_contact_sheet(self.out / SHEET, f'{len(choices)} images to label', self.summary(), drives, cards)
        write_json(self.out / SELECTION, {
            **MADE_BY, 'version': mmdepthcp.__version__, **self.made_of, 'drives': drives,
            'selected': [asdict(choice) for choice in choices]})

    def summary(self) -> str:
        """How the images are chosen, in a sentence."""
        plan, number, labelled = self.plan, len(self.candidates.names), len(self.candidates.labelled)
        known = f', beside {labelled} that have labels' if labelled else ''
        return (f'{plan.budget} of {number} images in {self.candidates.root}{known}; method {plan.method}, rounds '
                f'{" ".join(map(str, plan.rounds))}, seed {plan.seed}.')


def count_drives(names: Sequence[str], chosen: Sequence[str]) -> dict[str, dict[str, int]]:
    """Drive → how many of its images were ``chosen``, of ``all``. A drive is a folder; where all images lie in one, a
    clip by their names, if these tell (:func:`mmdepthcp.datasets.subsets.clip_names`).
    """
    drives = {name: name.rpartition('/')[0] for name in names}
    if len(set(drives.values())) == 1:
        with contextlib.suppress(InputError):
            clips = clip_names([image_key(name) for name in names])
            if 2 * len(set(clips)) <= len(names):
                drives = {name: clip.strip('/') for name, clip in zip(names, clips, strict=True)}
    totals, taken = Counter(drives.values()), Counter(drives[name] for name in chosen)
    return {drive: dict(chosen=taken[drive], all=totals[drive]) for drive in sorted(totals)}
