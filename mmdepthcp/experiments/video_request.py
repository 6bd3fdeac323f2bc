"""What a user asks for when pretraining from video, read and checked before anything is done."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmdepthcp.apis.resnets import ResNetKind, recognise_resnet
from mmdepthcp.datasets.lists import find_listed
from mmdepthcp.experiments.video_configs import Labels, Start
from mmdepthcp.experiments.video_tasks import METHODS, NETWORKS, parse_budget
from mmdepthcp.utils.checkpoint import model_weights, read_checkpoint
from mmdepthcp.utils.errors import InputError
from mmdepthcp.utils.fileio import atomic_path, read_text
from mmdepthcp.utils.images import read_labels, write_png
from mmdepthcp.utils.labels import IGNORED
from mmdepthcp.utils.walks import IMAGE_SUFFIXES, find_files, in_any_letters

OWN, CHECKPOINT, HUGGING_FACE, DISPARITY = 'own', 'checkpoint', 'hf', 'disparity'
HELD_BACK = 3
"""Every third labelled image is held back where no lists say which."""


class DepthSource(NamedTuple):
    """Where depth comes from.

    Attributes:
        kind: 'own' (learnt from the video), 'checkpoint', 'hf' or 'disparity'.
        name: the checkpoint, the model's name, the folder.
    """

    kind: str
    name: str = ''


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        videos: files and folders of frames.
        method: one of :data:`~mmdepthcp.experiments.video_tasks.METHODS`.
        depth: where depth comes from: ``own``, ``checkpoint:FILE``, ``hf:NAME``, ``disparity:DIR``.
        budget: seconds.
        labels: folder with ``images`` and ``labels``.
        ignore_index: value of unlabelled pixels beside 255.
        init: checkpoint that the encoder starts from.
        network: ``auto``, or a key of :data:`~mmdepthcp.experiments.video_tasks.NETWORKS`.
        fps: frames a second to take of videos.
        fov: horizontal field of view in degrees, if it is known.
        seed: of all trainings.
    """

    videos: tuple[str, ...]
    method: str = 'depthcp'
    depth: str = OWN
    budget: float = 3600.
    labels: str | None = None
    ignore_index: int | None = None
    init: str | None = None
    network: str = 'auto'
    fps: float = 10.
    fov: float | None = None
    seed: int = 0

    @classmethod
    def checked(cls, videos: Sequence[str | os.PathLike] | str | os.PathLike, budget: float | str = '1h', *,
                fov: float | None = None, labels: str | os.PathLike | None = None,
                init: str | os.PathLike | None = None, **more: Any) -> Request:
        """A request that makes sense, its paths absolute.

        Raises:
            InputError: a file is missing, or a word or number is none that is known.
        """
        given = [videos] if isinstance(videos, (str, os.PathLike)) else list(videos)
        if not given:
            raise InputError('no video: name files or folders of frames')
        for video in given:
            if not Path(video).exists():
                raise InputError(f'{video}: no such video or folder of frames')
        request = cls(
            tuple(os.path.abspath(video) for video in given), budget=parse_budget(budget) if isinstance(
                budget, str) else float(budget), fov=fov, labels=os.path.abspath(labels) if labels else None,
            init=os.path.abspath(init) if init else None, **more)
        for name, value, known in (('method', request.method, METHODS), ('network', request.network,
                                                                        {'auto', *NETWORKS})):
            if value not in known:
                raise InputError(f'{name} {value!r}: choose one of {", ".join(sorted(known))}')
        if fov is not None and not 1 < fov < 179:
            raise InputError(f'fov {fov}: a horizontal field of view lies between 1 and 179 degrees; dash cameras have '
                             '60 to 120')
        if not 0 < request.fps <= 240:
            raise InputError(f'fps {request.fps}: give frames a second, 10 for most streets')
        if request.budget <= 0:
            raise InputError(f'budget {request.budget}: give seconds above 0, or a text such as 30m')
        read_depth_source(request.depth)
        return request


def read_depth_source(text: str) -> DepthSource:
    """Where depth comes from, by ``own``, ``checkpoint:FILE``, ``hf:NAME`` or ``disparity:DIR``.

    Raises:
        InputError: it is none of these, or there is no such file or folder.
    """
    kind, _, name = str(text).partition(':')
    if text == OWN:
        return DepthSource(OWN)
    if kind not in (CHECKPOINT, HUGGING_FACE, DISPARITY) or not name:
        raise InputError(f'depth {text!r}: write own, checkpoint:FILE, hf:NAME or disparity:DIR')
    if kind == CHECKPOINT and not Path(name).is_file():
        raise InputError(f'{name}: no such checkpoint file of a depth network')
    if kind == DISPARITY and not Path(name).is_dir():
        raise InputError(f'{name}: no such folder of disparity')
    return DepthSource(kind, name if kind == HUGGING_FACE else os.path.abspath(name))


def read_start(file: str) -> tuple[Start, ResNetKind]:
    """Weights to start an encoder from, and the network that they are of.

    Raises:
        InputError: the file holds no plain ResNet.
    """
    weights = model_weights(read_checkpoint(file), file)
    prefix = next((prefix for prefix in ('', 'backbone.') if f'{prefix}layer1.0.conv1.weight' in weights), None)
    kind = None if prefix is None else recognise_resnet(
        {name.removeprefix(prefix): tensor for name, tensor in weights.items() if name.startswith(prefix)})
    if prefix is None or kind is None or kind.deep_stem:
        raise InputError(f'{file}: holds no plain ResNet, as it is or under backbone., to start an encoder from')
    return Start(file, prefix), kind


def network_of(name: str, start: ResNetKind | None) -> ResNetKind | None:
    """The network that is asked for; that of the weights to start from where none is; None: what fits the machine.

    Raises:
        InputError: the two differ.
    """
    asked = None if name == 'auto' else NETWORKS[name]
    if asked is not None and start is not None and asked != start:
        raise InputError(f'--init holds a {start}, --network {name} is a {asked}; leave out one of the two')
    return asked or start


def read_label_folder(root: Path, lists: Path, ignore_index: int | None = None) -> tuple[Labels, int, int]:
    """Labelled images ``root/images`` with ``root/labels``, and how many there are to learn from and to score on.

    ``classes.txt`` names the classes, one a line; without it they are numbered as far as the labels go. ``train.txt``
    and ``val.txt`` say what to learn from and what to score on; without them every third labelled image is held back.

    Args:
        root: the folder.
        lists: folder for the lists; where ``ignore_index`` is given, the labels are written anew beside it.
        ignore_index: value of unlabelled pixels, beside 255.

    Raises:
        InputError: something is missing, or too few images are labelled.
    """
    from mmdepthcp.apis.segmentation_inference import distinct_colours

    images, labels = root / 'images', root / 'labels'
    for folder in (images, labels):
        if not folder.is_dir():
            raise InputError(f'{folder}: no such folder; --labels needs DIR/images and DIR/labels, masks of class '
                             'indices named like the images')
    names = _labelled(images, labels)
    train, val = _split(root, images, names)
    found = np.unique(np.concatenate([np.unique(read_labels(_mask(labels, name))) for name in [*train, *val]]))
    values = [int(value) for value in found if value not in (IGNORED, ignore_index)]
    if not values:
        raise InputError(f'{labels}: no pixel of {len(names)} masks has a class')
    classes = _classes(root, max(values))
    if ignore_index is not None and ignore_index != IGNORED:
        labels = _without(labels, ignore_index, [*train, *val], lists.parent / 'labels')
    lists.mkdir(parents=True, exist_ok=True)
    for name, chosen in (('labelled_train', train), ('labelled_val', val)):
        with atomic_path(lists / f'{name}.txt') as aside:
            aside.write_text('\n'.join(chosen) + '\n', encoding='utf-8')
    return Labels(images, labels, classes, distinct_colours(len(classes)), lists / 'labelled_train.txt',
                  lists / 'labelled_val.txt'), len(train), len(val)


def _mask(labels: Path, name: str) -> Path:
    return in_any_letters(labels / Path(name).with_suffix('.png'), '.png')


def _labelled(images: Path, labels: Path) -> list[str]:
    """Images that have a mask."""
    names = [name.as_posix() for name in find_files(images) if _mask(labels, name.as_posix()).is_file()]
    if len(names) < 2:
        raise InputError(f'{labels}: {len(names)} of the images in {images} have a mask there; masks are PNGs named '
                         'like the images, and at least two are needed, to learn from and to score on')
    return names


def _split(root: Path, images: Path, names: list[str]) -> tuple[list[str], list[str]]:
    files = [root / 'train.txt', root / 'val.txt']
    if not any(file.is_file() for file in files):
        held = names[HELD_BACK - 1::HELD_BACK] or names[-1:]
        return [name for name in names if name not in held], held
    listed = [sorted(find_listed(file, images, IMAGE_SUFFIXES)) if file.is_file() else None for file in files]
    train, val = ([name for name in names if name not in (listed[1 - place] or [])] if chosen is None else chosen
                  for place, chosen in enumerate(listed))
    for chosen in (train, val):
        if missing := [name for name in chosen if name not in names]:
            raise InputError(f'{root}: {len(missing)} listed images have no mask in labels, such as {missing[0]}')
    if not train or not val or set(train) & set(val):
        raise InputError(f'{root}: train.txt and val.txt have to name different images, at least one each')
    return train, val


def _classes(root: Path, largest: int) -> list[str]:
    file = root / 'classes.txt'
    if not file.is_file():
        return [str(index) for index in range(largest + 1)]
    classes = [line.strip() for line in read_text(file).splitlines() if line.strip()]
    if largest >= len(classes):
        raise InputError(f'{file}: names {len(classes)} classes, but the labels hold {largest}; if that stands for '
                         f'no class, say --ignore-index {largest}')
    return classes


def _without(labels: Path, ignore_index: int, names: Sequence[str], out: Path) -> Path:
    """Masks written anew, in which 255 takes the place of a value."""
    for name in names:
        mask = read_labels(_mask(labels, name))
        write_png(out / Path(name).with_suffix('.png'),
                  np.where(mask == ignore_index, IGNORED, mask).astype(np.uint8))
    return out
