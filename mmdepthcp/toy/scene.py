"""What a toy street is made of: solids with materials, a ground plan, light, a camera.

World: metres, right-handed, x to the right of the drive's start, y forward, z up, the road at z = 0. Camera: x
right, y down, z forward. Colours are RGB in 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

import numpy as np

FAR = 250.0
"""Ground ends at this depth (metres); everything in a scene is closer, the sky has none."""


class Solid(IntEnum):
    """Shape of a primitive within its half sizes (hx, hy, hz)."""

    CONVEX = 0  # a box, cut by up to four more planes
    ELLIPSOID = 1
    CYLINDER = 2  # along the local z axis


class Material(IntEnum):
    """Texture of a surface; codes below zero mark the ground and the sky in index maps."""

    FACADE = 0
    ROOF = 1
    BARK = 2
    LEAF = 3
    METAL = 4
    SIGN = 5
    CAR_BODY = 6
    CAR_CABIN = 7
    WHEEL = 8
    CLOTH = 9
    SKIN = 10


class Ground(IntEnum):
    """Codes of the ground in a ground plan."""

    ROAD = 0
    SIDEWALK = 1
    TERRAIN = 2
    KERB = 3


SKY = -10
"""Index of the sky in index maps; ground is −1 − ``Ground``, primitives are 0, 1, …"""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera.

    Attributes:
        width, height: size of the image in pixels.
        fx, fy, cx, cy: focal lengths and principal point in pixels; pixel centres lie at +0.5.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float


class GroundMap(NamedTuple):
    """A ground plan as the kernels take it.

    Attributes:
        line: (L + 1, 2) x of the centre line and cosine of its heading at the borders of the L steps of y.
        edges, zones, tint, marks, colours, style, start, step: as in ``GroundPlan``.
    """

    line: np.ndarray
    edges: np.ndarray
    zones: np.ndarray
    tint: np.ndarray
    marks: np.ndarray
    colours: np.ndarray
    style: np.ndarray
    start: float
    step: float


@dataclass
class GroundPlan:
    """Which ground lies where, along a curved centre line x = Σ a·sin(k·y + φ).

    Attributes:
        line: (N, 3) rows (a, k, φ) of the centre line.
        edges: (2, 3) distances from the centre line, left and right, of the kerb and of the ends of
            the verge and the walk.
        zones: (2, 3, L) ``Ground`` codes of verge, walk and lot, left and right, in steps of
            ``step`` metres of y from ``start``.
        tint: (2, L) brightness of the lots.
        marks: (M, 4) lane markings: offset from the centre line, half width, dash period (0: solid), zebra
            half length (0: a line along the road; else a crossing whose offset is a y).
        colours: (6, 3) of road, sidewalk, terrain, second terrain, kerb, markings.
        style: (8,) slab length, slab width, running bond (0 or 1), size of asphalt patches,
            contrast of road, sidewalk, terrain, kerb height.
    """

    line: np.ndarray
    edges: np.ndarray
    zones: np.ndarray
    tint: np.ndarray
    marks: np.ndarray
    colours: np.ndarray
    style: np.ndarray
    start: float = -20.0
    step: float = 0.5

    @property
    def kerb_height(self) -> float:
        return float(self.style[7])

    def centre(self, y: float | np.floating) -> float:
        """x of the centre line at ``y``."""
        return float(np.sum(self.line[:, 0] * np.sin(self.line[:, 1] * y + self.line[:, 2])))

    def heading(self, y: float | np.floating) -> float:
        """Angle of the centre line against the y axis at ``y``, radians, to the right positive."""
        slope = np.sum(self.line[:, 0] * self.line[:, 1] * np.cos(self.line[:, 1] * y + self.line[:, 2]))
        return float(np.arctan(slope))

    def tabulate(self) -> GroundMap:
        """The plan for the kernels, its centre line as a table."""
        ys = self.start + self.step * np.arange(self.zones.shape[2] + 1)
        line = np.array([(self.centre(y), np.cos(self.heading(y))) for y in ys])
        return GroundMap(
            line,
            self.edges,
            self.zones,
            self.tint,
            self.marks,
            self.colours,
            self.style,
            self.start,
            self.step,
        )

    def place(self, y: float | np.floating, offset: float | np.floating) -> tuple[float, float, float]:
        """World x, y of the point ``offset`` metres right of the centre line at ``y``, and the heading there."""
        angle = self.heading(y)
        return self.centre(y) + offset * np.cos(angle), y - offset * np.sin(angle), angle


@dataclass
class Light:
    """Sun, sky and air of one drive.

    Attributes:
        sun_direction: (3,) unit vector towards the sun.
        sun, ambient: (3,) their strengths.
        zenith, horizon, cloud: (3,) colours of the sky.
        cloudiness: share of the sky under clouds, 0..1.
        cloud_size: width of clouds at unit height.
        visibility: distance in metres at which haze covers 63 %.
        gain: (3,) exposure times white balance.
        noise: standard deviation of the sensor's noise, 0..1.
    """

    sun_direction: np.ndarray
    sun: np.ndarray
    ambient: np.ndarray
    zenith: np.ndarray
    horizon: np.ndarray
    cloud: np.ndarray
    cloudiness: float
    cloud_size: float
    visibility: float
    gain: np.ndarray
    noise: float

    def pack(self) -> np.ndarray:
        """All numbers but the noise as one (24,) array for the kernels."""
        return np.concatenate(
            [
                self.sun_direction,
                self.sun,
                self.ambient,
                self.zenith,
                self.horizon,
                self.cloud,
                self.gain,
                [self.cloudiness, self.cloud_size, self.visibility],
            ]
        ).astype(np.float64)


class Primitives(NamedTuple):
    """Solids as arrays over N.

    Attributes:
        solid, material, train_id, seed: (N,) int64; shape, texture, Cityscapes train id, seed of the texture.
        instance: (N,) int64, 0 for stuff, else 1, 2, … over all things of the scene.
        centre: (N, 3) at time 0; velocity: (N, 3) in metres a frame.
        rotation: (N, 3, 3), rows are the local axes in the world.
        half: (N, 3) half sizes along the local axes.
        planes: (N, 4, 4) rows (n, d) cutting a convex solid to n·p ≤ d (local).
        num_planes: (N,) how many of them count.
        colour, colour2: (N, 3); params: (N, 4), meaning depends on the material.
    """

    solid: np.ndarray
    material: np.ndarray
    train_id: np.ndarray
    seed: np.ndarray
    instance: np.ndarray
    centre: np.ndarray
    velocity: np.ndarray
    rotation: np.ndarray
    half: np.ndarray
    planes: np.ndarray
    num_planes: np.ndarray
    colour: np.ndarray
    colour2: np.ndarray
    params: np.ndarray


@dataclass
class Scene:
    """A street: solids on a ground plan under a light.

    Attributes:
        contacts: (B, 8) soft dark footprints on the ground: x, y, cos, sin of the heading, half length, half
            width, strength, index of the primitive whose motion they follow.
        seed: seed of the ground's and the sky's textures and of the sensor's noise.
        lane: offset from the centre line of the middle of the lane to drive in, metres.
    """

    primitives: Primitives
    ground: GroundPlan
    light: Light
    contacts: np.ndarray
    seed: int
    lane: float
    _derived: tuple | None = field(default=None, repr=False, compare=False)


@dataclass
class SceneBuilder:
    """Collects primitives and contacts; ``build`` turns them into a ``Scene``."""

    rows: list[tuple] = field(default_factory=list)
    contacts: list[tuple] = field(default_factory=list)
    instances: int = 0

    def new_instance(self) -> int:
        self.instances += 1
        return self.instances

    def add(
        self,
        solid: Solid,
        material: Material,
        train_id: int,
        centre,
        half,
        colour,
        *,
        yaw: float = 0.0,
        rotation=None,
        colour2=None,
        params=(),
        planes=(),
        instance: int = 0,
        velocity=(0.0, 0.0, 0.0),
        seed: int = 0,
    ) -> None:
        """Add one primitive; its axes are (forward, left, up) at heading ``yaw`` unless ``rotation`` gives them."""
        if rotation is None:
            rotation = local_axes(yaw)
        cut = np.zeros((4, 4))
        for i, plane in enumerate(planes):
            norm = np.linalg.norm(plane[:3])
            cut[i] = np.asarray(plane, float) / norm
        self.rows.append(
            (
                int(solid),
                int(material),
                train_id,
                seed,
                instance,
                centre,
                velocity,
                rotation,
                half,
                cut,
                len(planes),
                colour,
                colour if colour2 is None else colour2,
                tuple(params) + (0.0,) * (4 - len(params)),
            )
        )

    def add_contact(
        self, x: float, y: float, yaw: float, half_length: float, half_width: float, strength: float
    ) -> None:
        """Darken the ground under the primitive that is added next."""
        self.contacts.append(
            (x, y, np.cos(yaw), np.sin(yaw), half_length, half_width, strength, len(self.rows))
        )

    def build(self, ground: GroundPlan, light: Light, seed: int, lane: float) -> Scene:
        columns = list(zip(*self.rows, strict=True))
        integers = {0, 1, 2, 3, 4, 10}
        arrays = [
            np.ascontiguousarray(column, dtype=np.int64 if i in integers else np.float64)
            for i, column in enumerate(columns)
        ]
        names = (
            'solid',
            'material',
            'train_id',
            'seed',
            'instance',
            'centre',
            'velocity',
            'rotation',
            'half',
            'planes',
            'num_planes',
            'colour',
            'colour2',
            'params',
        )
        contacts = np.array(self.contacts, dtype=np.float64).reshape(-1, 8)
        return Scene(Primitives(**dict(zip(names, arrays, strict=True))), ground, light, contacts, seed, lane)


def local_axes(yaw: float) -> np.ndarray:
    """(3, 3) rows forward, left, up in the world of a thing that heads ``yaw`` radians right of +y."""
    sin, cos = np.sin(yaw), np.cos(yaw)
    return np.array([[sin, cos, 0.0], [-cos, sin, 0.0], [0.0, 0.0, 1.0]])


def camera_pose(position, yaw: float, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """(4, 4) camera-to-world matrix.

    Args:
        position: (3,) world coordinates of the camera's centre, metres.
        yaw: heading, radians to the right of +y.
        pitch: radians, downwards positive.
        roll: radians, clockwise positive.
    """
    forward = np.array([np.sin(yaw) * np.cos(pitch), np.cos(yaw) * np.cos(pitch), -np.sin(pitch)])
    right = np.array([np.cos(yaw), -np.sin(yaw), 0.0])
    down = np.cross(forward, right)
    pose = np.eye(4)
    pose[:3, 0] = np.cos(roll) * right + np.sin(roll) * down
    pose[:3, 1] = np.cos(roll) * down - np.sin(roll) * right
    pose[:3, 2] = forward
    pose[:3, 3] = position
    return pose
