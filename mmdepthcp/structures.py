"""Data samples of this package."""

from __future__ import annotations

from typing import Any

from mmengine.structures import BaseDataElement


class MatchDict(dict):
    """The tensors of matching positions, moved between devices together, as ``BaseDataElement.to``
    expects."""

    def to(self, *args: Any, **kwargs: Any) -> MatchDict:
        """All tensors moved by ``Tensor.to``."""
        return MatchDict({name: tensor.to(*args, **kwargs) for name, tensor in self.items()})


class MixedViewsSample(BaseDataElement):
    """What is known of the V mixed views of one item.

    Attributes:
        region_matches: positions grouped by the region shown.
        pixel_matches: positions grouped by the source point shown.

    Both are dicts of the tensors ``points`` (N, 2) float32, (x, y) in pixels of the view, centres at +0.5;
    ``views`` (N,) int64 in 0..V−1; ``groups`` (N,) int64 in 0..G−1, each used.
    """

    @property
    def region_matches(self) -> MatchDict:
        return self._region_matches

    @region_matches.setter
    def region_matches(self, value: MatchDict) -> None:
        self.set_field(value, '_region_matches', dtype=MatchDict)

    @region_matches.deleter
    def region_matches(self) -> None:
        del self._region_matches

    @property
    def pixel_matches(self) -> MatchDict:
        return self._pixel_matches

    @pixel_matches.setter
    def pixel_matches(self, value: MatchDict) -> None:
        self.set_field(value, '_pixel_matches', dtype=MatchDict)

    @pixel_matches.deleter
    def pixel_matches(self) -> None:
        del self._pixel_matches
