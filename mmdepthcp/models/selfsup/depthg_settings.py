"""Settings of STEGO and DepthG: where codes are compared, and what each term of the loss weighs."""

from __future__ import annotations

from dataclasses import dataclass

from mmdepthcp.models.losses.correlation import DEPTH_MODES
from mmdepthcp.utils.errors import InputError

LEGACY = 'legacy'


def check_shift(key: str, value: object, word: str) -> None:
    """Raise an InputError unless a shift is a number or what else it may be."""
    if isinstance(value, bool) or not (value == word or isinstance(value, (int, float))):
        raise InputError(f'{key} {value!r}: must be a number or {word!r}')


@dataclass(frozen=True)
class PointSettings:
    """Where features and codes are compared.

    Attributes:
        kind: 'random', anywhere in the image; 'farthest', cells that lie far from each other in space.
        side: s; there are s² points.
        field_of_view: of what the model sees, in degrees, (horizontal, vertical) or one for both. For 'farthest',
            ``depth.mode='euclid3d'`` and hidden positives by depth.
        max_depth: what is farther away counts as this far, in the unit of 1 / disparity.
        legacy: as the published code of Sick et al.: depth of :func:`picture_depth` (within the range of the
            photographs where their pipeline has ``NoteDepthRange``, else of the images), geometry of
            :func:`cell_points`, coordinates of :func:`to_grid`, and images that do not belong together compared at
            points of a third one.
        decay, decay_interval, decay_at_start: see :func:`mmdepthcp.engine.schedules.shrunk`.
    """

    kind: str = 'random'
    side: int = 11
    field_of_view: float | tuple[float, float] = 90.
    max_depth: float = 40.
    legacy: bool = False
    decay: float = 1.
    decay_interval: int = 0
    decay_at_start: bool = False

    def __post_init__(self) -> None:
        if self.kind not in ('random', 'farthest'):
            raise InputError(f"points.kind {self.kind!r}: must be 'random' or 'farthest'")
        if self.side < 1:
            raise InputError(f'points.side {self.side!r}: must be at least 1')
        angles = self.field_of_view if isinstance(self.field_of_view, (list, tuple)) else 2 * [self.field_of_view]
        if len(angles) != 2 or not all(isinstance(angle, (int, float)) and 0 < angle < 180 for angle in angles):
            raise InputError(f'points.field_of_view {self.field_of_view!r}: must be an angle above 0 and below 180 '
                             'degrees, or two, (horizontal, vertical)')


@dataclass(frozen=True)
class TermSettings:
    """A term of the loss that makes codes follow features.

    Attributes:
        weight: λ.
        shift: b, the correlation of features from which on codes are to be alike; 'auto': the quantile below of
            correlations seen before training (:class:`mmdepthcp.engine.hooks.CalibrationHook`).
        quantile: for 'auto'.
        draws: how many of them the mean is taken over, for 'negative'.
    """

    weight: float
    shift: float | str = 'auto'
    quantile: float = 0.6
    draws: int = 1


@dataclass(frozen=True)
class DepthSettings:
    """The term of the loss that makes codes follow depth.

    Attributes:
        weight: λ_D; 0: STEGO.
        mode: see :func:`depth_correlation`, of log disparity brought to 0..1 in every image; 'legacy':
            :func:`legacy_depth_correlation`.
        centre: see :func:`centre`.
        shift: b_D; 'mean': of the correlations of the batch.
        sigma: for 'gauss'.
        integers: cut depth to integers where the published code is followed, by 'legacy' and by ``points.legacy``: what
            it computes on Potsdam, see :func:`mmdepthcp.geometry.points.picture_depth`.
        decay, decay_interval: of the weight, see :func:`mmdepthcp.engine.schedules.decayed`.
        shift_decays: whether the shift decays with it.
    """

    weight: float = 0.
    mode: str = 'abs'
    centre: bool = True
    shift: float | str = 'mean'
    sigma: float = 0.2
    integers: bool = False
    decay: float = 1.
    decay_interval: int = 0
    shift_decays: bool = False

    def __post_init__(self) -> None:
        if self.mode not in (*DEPTH_MODES, LEGACY):
            raise InputError(f'depth.mode {self.mode!r}: must be one of {", ".join((*DEPTH_MODES, LEGACY))}')
        check_shift('depth.shift', self.shift, 'mean')
        if self.mode == LEGACY and (self.centre or self.shift == 'mean'):
            raise InputError("depth.mode='legacy': its correlations are all 1 and teach nothing if they are centred or "
                             'their mean is the shift; set depth.centre=False and depth.shift=0.03, as published, or '
                             'another number')


@dataclass(frozen=True)
class HiddenPositiveSettings:
    """The same loss on codes mixed from cells that belong together (Seong et al., CVPR 2023).

    Attributes:
        weight: of all terms once more; 0: left out.
        by: 'depth', cells that are near to each other in space; 'attention', those that the last block of a transformer
            attends to.
        share: see :func:`depth_neighbours` and :func:`attention_neighbours`.
        legacy: see :func:`attention_neighbours` and :func:`propagate`; their projection stays as it began.
    """

    weight: float = 0.
    by: str = 'depth'
    share: float = 0.01
    legacy: bool = False

    def __post_init__(self) -> None:
        if self.by not in ('depth', 'attention'):
            raise InputError(f"hidden_positives.by {self.by!r}: must be 'depth' or 'attention'")
