"""Lists of frames: the project's own, and those of KITTI that Zhou and Monodepth2 have made customary."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from mmdepthcp.datasets.clips import Clip
from mmdepthcp.datasets.lists import comparable, read_list, report_repeated, split_suffix
from mmdepthcp.utils.errors import InputError, notice
from mmdepthcp.utils.walks import IMAGE_SUFFIXES

Frame = tuple[int, int]
"""Index of the clip, number of the frame."""

CLIP_AND_NUMBER = re.compile(r'(.+?)\s+([0-9]+)')
CLIP_NUMBER_AND_SIDE = re.compile(r'(.+?)\s+([0-9]+)(?:\s+(?:image_)?([lrLR]|0?[0-3]))?')
SIDES = {'l': (2, 0), 'r': (3, 1)}
"""Cameras of a letter, colour before grey."""


class FrameList:
    """What the lines of a list may name among the frames of a data set.

    A line is a clip (``A``, or ``A/`` where a frame has that name too), a clip with the number of a frame
    (``A 12``), and for KITTI with the camera (``A 12 l``, ``A 12 03``, and Zhou's ``A_03 12``), or the path or name
    of an image, with or without suffix.

    Args:
        clips: the clips.
        root: folder of the images.
        cameras: cameras that lines without a side mean, the first that a clip has; empty where cameras have no
            numbers.
        numbered: clips are named by a number, which may be written without leading zeros.
    """

    def __init__(self, clips: Sequence[Clip], root: Path, cameras: Sequence[int] = (),
                 numbered: bool = False) -> None:
        self.clips = clips
        self.root = root
        self.cameras = cameras
        self.available = {clip.camera for clip in clips}
        self.numbered = numbered
        self.by_clip: dict[str, list[int]] = defaultdict(list)
        self.by_path: dict[str, set[Frame]] = defaultdict(set)
        self.by_name: dict[str, set[Frame]] = defaultdict(set)
        for index, clip in enumerate(clips):
            for name in {clip.name, clip.name.rpartition('/')[2]} if cameras else {clip.name}:
                self.by_clip[self._key(name)].append(index)
            for number, path in clip.frames.items():
                stem = path.relative_to(root).with_suffix('')
                self.by_path[comparable(stem.as_posix())].add((index, number))
                for name in {stem.name, stem.name.removesuffix('_leftImg8bit')}:
                    if not cameras or clip.camera in cameras:
                        self.by_name[comparable(name)].add((index, number))

    def read(self, path: str | os.PathLike) -> set[Frame]:
        """The frames that a list names.

        Lines that name a camera of which the data set takes no frame at all are left out, and counted in the log.

        Raises:
            InputError: the list is missing or empty, a line names nothing or several things, or all lines are of
                cameras of which there is no frame.
        """
        chosen: set[Frame] = set()
        repeated, elsewhere = [], []
        entries = read_list(path)
        for place, text in entries:
            found = self._find(text, place)
            if found is None:
                elsewhere.append(place)
                continue
            if not found:
                raise InputError(f"{place}: names '{text}', but {self.root} holds no such clip or frame")
            repeated += [place] if found <= chosen else []
            chosen |= found
        report_repeated(path, repeated)
        if elsewhere:
            taken = ', '.join(map(str, sorted(self.available)))
            message = (f'{path}: {len(elsewhere)} of {len(entries)} lines name another camera than {taken}, of which '
                       f'frames are taken, such as {elsewhere[0]}')
            remedy = 'lines of both cameras need camera=None and the images of both (image_02 and image_03)'
            if not chosen:
                raise InputError(f'{message}; {remedy}')
            notice(f'{message}; they are left out; {remedy}')
        return chosen

    def _find(self, text: str, place: str) -> set[Frame] | None:
        """The frames that a line names; None where it names a camera of which there are none."""
        path = comparable(split_suffix(text, IMAGE_SUFFIXES)[0])
        if path in self.by_path:
            return self.by_path[path]
        if self.cameras and (match := CLIP_NUMBER_AND_SIDE.fullmatch(text)):
            return self._of_camera(match[1], int(match[2]), match[3], place)
        if not self.cameras and (match := CLIP_AND_NUMBER.fullmatch(text)):
            return self._of_clip(match[1], int(match[2]), (), place)
        meanings = [{(index, number) for number in self.clips[index].frames}
                    for index in self._clips(text.rstrip('/'), self.cameras)]
        if not text.endswith('/'):
            meanings += [{frame} for frame in sorted(self.by_name.get(path, ()))]
        return self._only_one(meanings, text, place)

    def _of_camera(self, name: str, number: int, side: str | None, place: str) -> set[Frame] | None:
        if self._key(name) not in self.by_clip and (match := re.fullmatch(r'(.+)_0([0-3])', name)):
            name, side = match[1], side or match[2]
        cameras = self.cameras if side is None else SIDES.get(side.lower()) or (int(side),)
        if not self.available.intersection(cameras):
            return None
        return self._of_clip(name, number, cameras, place)

    def _of_clip(self, name: str, number: int, cameras: Sequence[int], place: str) -> set[Frame]:
        meanings = [{(index, number)} for index in self._clips(name, cameras) if number in self.clips[index].frames]
        return self._only_one(meanings, f'{name} {number}', place)

    def _clips(self, name: str, cameras: Sequence[int]) -> list[int]:
        """The clips of a name, of each drive that of the first of ``cameras`` that it has; all if these are empty."""
        found: dict[str, list[int]] = defaultdict(list)
        for index in self.by_clip.get(self._key(name), ()):
            found[self.clips[index].name].append(index)
        if not cameras:
            return [index for indices in found.values() for index in indices]
        of_cameras = ([index for camera in cameras for index in indices if self.clips[index].camera == camera]
                      for indices in found.values())
        return [indices[0] for indices in of_cameras if indices]

    def _key(self, name: str) -> str:
        return str(int(name)) if self.numbered and re.fullmatch('[0-9]+', name) else comparable(name)

    def _only_one(self, meanings: Sequence[set[Frame]], text: str, place: str) -> set[Frame]:
        if len(meanings) > 1:
            shown = [self._describe(meaning) for meaning in meanings[:4]] + ['...'] * (len(meanings) > 4)
            raise InputError(f"{place}: '{text}' may be any of {', '.join(shown)} in {self.root}; write the path")
        return meanings[0] if meanings else set()

    def _describe(self, meaning: set[Frame]) -> str:
        index, number = min(meaning)
        clip = self.clips[index]
        path = clip.frames[number].relative_to(self.root).as_posix()
        return path if len(meaning) == 1 else f'the clip {clip.name}/'
