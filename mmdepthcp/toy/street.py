"""Random streets, and drives through them.

Colours are drawn from the same few families (greys, earths, greens, vivid ones) for every class, so that they overlap
between classes; layout, light and camera vary from drive to drive, so that the place in the image does not tell the
class either.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

from .classes import TOY_CLASSES, TOY_TRAIN_IDS
from .scene import Ground, GroundPlan, Light, Material, Scene, SceneBuilder, Solid, camera_pose, local_axes

_TRAIN_ID = dict(zip(TOY_CLASSES, TOY_TRAIN_IDS, strict=True))
BUILDING, POLE, SIGN = _TRAIN_ID['building'], _TRAIN_ID['pole'], _TRAIN_ID['traffic sign']
VEGETATION, PERSON, CAR = _TRAIN_ID['vegetation'], _TRAIN_ID['person'], _TRAIN_ID['car']

STREET_START, STREET_END = -20.0, 190.0
PARKING_WIDTH = 2.3

_FAMILIES: dict[str, tuple[tuple[float, float, float, float], tuple[float, float]]] = {
    # chances of grey, earth, green, vivid; range of brightness
    'road': ((0.68, 0.27, 0.05, 0.00), (0.22, 0.68)),
    'sidewalk': ((0.56, 0.37, 0.07, 0.00), (0.26, 0.80)),
    'terrain': ((0.14, 0.40, 0.46, 0.00), (0.22, 0.55)),
    'building': ((0.40, 0.38, 0.10, 0.12), (0.28, 0.88)),
    'leaf': ((0.07, 0.30, 0.60, 0.03), (0.26, 0.70)),
    'pole': ((0.60, 0.18, 0.17, 0.05), (0.18, 0.80)),
    'car': ((0.52, 0.12, 0.10, 0.26), (0.12, 0.80)),
    'cloth': ((0.40, 0.20, 0.10, 0.30), (0.10, 0.85)),
    'sign': ((0.25, 0.10, 0.15, 0.50), (0.45, 0.95)),
}


@dataclass(frozen=True)
class _Side:
    """How one side of a street is built."""

    verge: float
    walk: float
    setback: float
    heights: tuple[float, float]
    lot_widths: tuple[float, float]
    gap: float
    built: float  # share of lots with a building
    green: float  # share of lots whose ground is terrain
    trees: float  # street trees per 10 m
    bushes: float
    gabled: float


def _colour(rng: np.random.Generator, kind: str) -> np.ndarray:
    chances, (low, high) = _FAMILIES[kind]
    family = rng.choice(4, p=chances)
    value = rng.uniform(low, high)
    hue, saturation = (
        (rng.random(), rng.uniform(0, 0.12)),
        (rng.uniform(0.01, 0.13), rng.uniform(0.2, 0.6)),
        (rng.uniform(0.16, 0.37), rng.uniform(0.2, 0.6)),
        (rng.random(), rng.uniform(0.4, 0.8)),
    )[family]
    return np.array(colorsys.hsv_to_rgb(hue, saturation, value))


def _near(rng: np.random.Generator, colour: np.ndarray, spread: float) -> np.ndarray:
    return np.clip(colour * rng.uniform(1 - spread, 1 + spread) + rng.normal(0, spread * 0.12, 3), 0.02, 1)


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(1, 1 << 20))


def _up(height: float) -> np.ndarray:
    return np.array((0.0, 0.0, height))


def _side(rng: np.random.Generator, kind: str) -> _Side:
    uniform = rng.uniform
    if kind == 'urban':
        return _Side(
            verge=0.0 if rng.random() < 0.7 else uniform(0.8, 1.6),
            walk=uniform(2.2, 5),
            setback=uniform(0, 2),
            heights=(8, 24),
            lot_widths=(9, 22),
            gap=0.0,
            built=0.85,
            green=0.15,
            trees=uniform(0, 0.7),
            bushes=0.1,
            gabled=0.2,
        )
    if kind == 'residential':
        return _Side(
            verge=0.0 if rng.random() < 0.5 else uniform(1, 3),
            walk=uniform(1.5, 3),
            setback=uniform(2, 9),
            heights=(4.5, 9),
            lot_widths=(11, 18),
            gap=uniform(2, 5),
            built=0.85,
            green=0.75,
            trees=uniform(0.1, 0.8),
            bushes=0.8,
            gabled=0.75,
        )
    if kind == 'park':
        return _Side(
            verge=0.0 if rng.random() < 0.4 else uniform(1, 4),
            walk=0.0 if rng.random() < 0.3 else uniform(1.2, 3.5),
            setback=uniform(5, 14),
            heights=(5, 14),
            lot_widths=(14, 30),
            gap=6.0,
            built=0.25,
            green=0.9,
            trees=uniform(0.5, 1.2),
            bushes=0.8,
            gabled=0.4,
        )
    return _Side(
        verge=uniform(1, 4),
        walk=uniform(1.8, 4),
        setback=uniform(2, 10),
        heights=(7, 28),
        lot_widths=(14, 34),
        gap=uniform(0, 6),
        built=0.75,
        green=0.5,
        trees=uniform(0.2, 1.0),
        bushes=0.4,
        gabled=0.1,
    )


def _light(rng: np.random.Generator) -> Light:
    elevation, azimuth = np.radians(rng.uniform(22, 62)), rng.uniform(0, 2 * np.pi)
    direction = np.array(
        [np.cos(elevation) * np.sin(azimuth), np.cos(elevation) * np.cos(azimuth), np.sin(elevation)]
    )
    warmth = rng.uniform(-0.06, 0.06)
    gain = rng.uniform(0.95, 1.4) * np.array([1 + warmth, 1.0, 1 - warmth])
    kind = rng.choice(4, p=(0.45, 0.3, 0.13, 0.12))
    brightness = rng.uniform(0.6, 0.95)
    if kind == 0:
        zenith, horizon = np.array((0.32, 0.52, 0.85)), np.array((0.72, 0.82, 0.93))
        sun, ambient, cloudiness = rng.uniform(0.5, 0.75), rng.uniform(0.42, 0.58), rng.uniform(0, 0.75)
    elif kind == 1:
        zenith, horizon = np.full(3, 0.68), np.full(3, 0.84)
        sun, ambient, cloudiness = 0.0, rng.uniform(0.85, 1.05), rng.uniform(0.4, 1.0)
    elif kind == 2:
        zenith, horizon = np.array((0.42, 0.45, 0.66)), np.array((0.95, 0.72, 0.52))
        sun, ambient, cloudiness = rng.uniform(0.5, 0.7), rng.uniform(0.4, 0.5), rng.uniform(0.2, 0.7)
    else:
        zenith, horizon = np.array((0.36, 0.40, 0.46)), np.array((0.55, 0.56, 0.56))
        sun, ambient, cloudiness = 0.0, rng.uniform(0.7, 0.85), rng.uniform(0.6, 1.0)
    tint = rng.normal(0, 0.025, 3)
    warm = np.clip((0.7 - elevation) * 0.35, 0, 0.2)
    return Light(
        sun_direction=direction,
        sun=sun * np.array((1 + 0.5 * warm, 1.0, 1 - warm)),
        ambient=ambient * np.array((0.98, 1.0, 1.04)),
        zenith=np.clip(zenith * brightness + tint, 0, 1),
        horizon=np.clip(horizon * (0.35 + 0.65 * brightness) + tint, 0, 1),
        cloud=np.clip(np.full(3, rng.uniform(0.62, 0.98)) * (0.4 + 0.6 * brightness) + tint, 0, 1),
        cloudiness=cloudiness,
        cloud_size=rng.uniform(0.5, 1.6),
        visibility=float(np.exp(rng.uniform(np.log(180), np.log(1200)))),
        gain=gain,
        noise=rng.uniform(0.003, 0.012),
    )


def _add_building(
    builder: SceneBuilder,
    rng: np.random.Generator,
    x: float,
    y: float,
    yaw: float,
    length: float,
    depth: float,
    height: float,
    gabled: bool,
    wall: np.ndarray,
    left: bool,
) -> None:
    """A house whose front (towards the road) is ``length`` metres long."""
    seed = _seed(rng)
    trim = np.clip(_near(rng, np.full(3, rng.choice([0.25, 0.6, 0.85])), 0.15), 0, 1)
    storey = rng.uniform(2.7, 3.6)
    height = max(1, round(height / storey)) * storey + 0.4
    style = float(rng.choice([0, 1, 1, 2]))
    params = (storey, rng.uniform(1.7, 3.4), rng.uniform(0.38, 0.68), style)
    builder.add(
        Solid.CONVEX,
        Material.FACADE,
        BUILDING,
        (x, y, height / 2),
        (length / 2, depth / 2, height / 2),
        wall,
        yaw=yaw,
        colour2=trim,
        params=params,
        seed=seed,
    )
    roof = _near(rng, _colour(rng, 'building'), 0.2) * 0.75
    if gabled:
        rise = rng.uniform(0.3, 0.5) * depth
        along_front = rng.random() < 0.6
        across, eaves = (depth / 2 + 0.4, 1) if along_front else (length / 2 + 0.4, 0)
        planes = []
        for sign in (-1, 1):
            normal = np.zeros(4)
            normal[eaves], normal[2], normal[3] = sign * rise, across, across * rise / 2
            planes.append(normal)
        builder.add(
            Solid.CONVEX,
            Material.ROOF,
            BUILDING,
            (x, y, height + rise / 2),
            (length / 2 + 0.3, depth / 2 + 0.4, rise / 2),
            roof,
            yaw=yaw,
            planes=planes,
            seed=seed + 1,
        )
        if rng.random() < 0.6:
            builder.add(
                Solid.CONVEX,
                Material.ROOF,
                BUILDING,
                (x + rng.uniform(-1, 1), y + rng.uniform(-2, 2), height + rise * 0.8),
                (0.4, 0.4, rise * 0.5 + 0.4),
                wall * 0.7,
                yaw=yaw,
                seed=seed + 2,
            )
    else:
        builder.add(
            Solid.CONVEX,
            Material.ROOF,
            BUILDING,
            (x, y, height + 0.15),
            (length / 2 + 0.2, depth / 2 + 0.25, 0.2),
            trim,
            yaw=yaw,
            seed=seed + 1,
        )
    axes = local_axes(yaw)
    front = -1.0 if left else 1.0
    for _ in range(rng.poisson(0.1 * length)):
        level = rng.integers(1, max(2, round(height / storey)))
        along, out = rng.uniform(-0.42, 0.42) * length, front * (depth / 2 + 0.45)
        centre = np.array([x, y, level * storey + 0.5]) + along * axes[0] + out * axes[1]
        builder.add(
            Solid.CONVEX,
            Material.ROOF,
            BUILDING,
            centre,
            (rng.uniform(0.8, 1.6), 0.5, 0.55),
            _near(rng, trim, 0.2),
            yaw=yaw,
            seed=seed + 3,
        )
    if height > 7 and rng.random() < 0.35:
        centre = np.array([x, y, storey * 0.92]) + front * (depth / 2 + 0.6) * axes[1]
        builder.add(
            Solid.CONVEX,
            Material.ROOF,
            BUILDING,
            centre,
            (length * rng.uniform(0.2, 0.45), 0.7, 0.12),
            _colour(rng, 'car'),
            yaw=yaw,
            seed=seed + 4,
        )


def _add_tree(
    builder: SceneBuilder, rng: np.random.Generator, x: float, y: float, height: float, palette: list
) -> None:
    seed = _seed(rng)
    leaf, leaf2 = palette[rng.integers(len(palette))]
    leaf, leaf2 = _near(rng, leaf, 0.2), _near(rng, leaf2, 0.2)
    bark = _near(rng, np.array((0.36, 0.30, 0.25)), 0.4)
    radius = 0.016 * height + rng.uniform(0.03, 0.12)
    kind = rng.choice(3, p=(0.66, 0.17, 0.17))
    clear = height * (rng.uniform(0.28, 0.42) if kind == 0 else rng.uniform(0.08, 0.2))
    builder.add(
        Solid.CYLINDER,
        Material.BARK,
        VEGETATION,
        (x, y, height * 0.35),
        (radius, radius, height * 0.35),
        bark,
        seed=seed,
    )

    def add_clump(centre, half) -> None:
        builder.add(
            Solid.ELLIPSOID,
            Material.LEAF,
            VEGETATION,
            centre,
            half,
            _near(rng, leaf, 0.14),
            yaw=rng.uniform(0, 6.28),
            colour2=leaf2,
            seed=seed + 1 + len(builder.rows) % 64,
        )

    if kind == 1:
        for level in np.linspace(0, 1, 7):
            width = height * rng.uniform(0.18, 0.23) * (1 - 0.85 * level) + 0.15
            add_clump((x, y, clear + level * (height - clear)), (width, width, height * 0.11))
        return
    spread = height * (rng.uniform(0.22, 0.36) if kind == 0 else 0.12)
    middle = clear + 0.5 * (height - clear)
    tall = 0.5 * (height - clear)
    for _ in range(rng.integers(9, 15)):
        direction = rng.normal(size=3)
        direction *= 0.78 * rng.random() ** 0.4 / np.linalg.norm(direction)
        size = spread * rng.uniform(0.32, 0.62)
        add_clump(
            (x + spread * direction[0], y + spread * direction[1], middle + tall * direction[2]),
            (
                size,
                size * rng.uniform(0.8, 1.2),
                min(size * rng.uniform(0.7, 1.1) * max(1, 0.6 * tall / spread), tall * 0.6),
            ),
        )


def _add_bush(builder: SceneBuilder, rng: np.random.Generator, x: float, y: float, palette: list) -> None:
    leaf, leaf2 = palette[rng.integers(len(palette))]
    for _ in range(rng.integers(1, 4)):
        size = rng.uniform(0.4, 1.0)
        builder.add(
            Solid.ELLIPSOID,
            Material.LEAF,
            VEGETATION,
            (x + rng.normal(0, 0.5), y + rng.normal(0, 0.7), size * 0.7),
            (size, size * 1.1, size * rng.uniform(0.8, 1.1)),
            _near(rng, leaf, 0.25),
            colour2=_near(rng, leaf2, 0.2),
            yaw=rng.uniform(0, 6.28),
            seed=_seed(rng),
        )


def _add_hedge(
    builder: SceneBuilder,
    rng: np.random.Generator,
    x: float,
    y: float,
    yaw: float,
    half_length: float,
    palette: list,
) -> None:
    leaf, leaf2 = palette[rng.integers(len(palette))]
    tall = rng.uniform(0.5, 0.9)
    builder.add(
        Solid.CONVEX,
        Material.LEAF,
        VEGETATION,
        (x, y, tall),
        (half_length, 0.4, tall),
        _near(rng, leaf, 0.2),
        yaw=yaw,
        colour2=leaf2,
        seed=_seed(rng),
    )


def _add_car(
    builder: SceneBuilder, rng: np.random.Generator, x: float, y: float, yaw: float, speed: float = 0.0
) -> None:
    """A car that heads ``yaw`` at ``speed`` metres a frame."""
    van = rng.random() < 0.2
    length, width = rng.uniform(4.6, 5.6) if van else rng.uniform(3.7, 4.8), rng.uniform(1.68, 1.95)
    body_height, cabin_height = (
        (rng.uniform(0.95, 1.1), rng.uniform(0.75, 1.0))
        if van
        else (rng.uniform(0.6, 0.78), rng.uniform(0.48, 0.66))
    )
    floor, wheel = 0.2, rng.uniform(0.3, 0.36)
    paint, seed, axes = _colour(rng, 'car'), _seed(rng), local_axes(yaw)
    trim = np.clip(1.1 - paint, 0.1, 0.9) * rng.uniform(0.2, 0.9)
    velocity = speed * axes[0]
    instance = builder.new_instance()
    origin = np.array([x, y, 0.0])
    common = dict(yaw=yaw, instance=instance, velocity=velocity, seed=seed)
    builder.add_contact(x, y, yaw, length / 2 - 0.1, width / 2 - 0.1, 0.6)
    hx, hy, hz = length / 2, width / 2, body_height / 2
    hood = 0.5 if van else 1.1
    planes: list[tuple[float, ...]] = [
        (hz * 0.8, 0, hood, hz * 0.8 * hx + hood * hz * 0.2),
        (-hz * 0.8, 0, 0.35, hz * 0.8 * hx + 0.35 * hz * 0.2),
    ]
    builder.add(
        Solid.CONVEX,
        Material.CAR_BODY,
        CAR,
        origin + _up(floor + hz),
        (hx, hy, hz),
        paint,
        colour2=trim,
        params=(0.31 * length,),
        planes=planes,
        **common,
    )
    shift, cabin = (
        (-0.25, hx * 0.88)
        if van
        else (-0.12 * length + rng.uniform(-0.1, 0.25), length * rng.uniform(0.27, 0.36))
    )
    cz = cabin_height / 2
    front, rear = rng.uniform(0.5, 0.9), rng.uniform(0.08, 0.25) if van else rng.uniform(0.15, 0.6)
    planes = [
        (2 * cz, 0, front, 2 * cz * cabin - front * cz),
        (-2 * cz, 0, rear, 2 * cz * cabin - rear * cz),
        (0, 2 * cz, 0.16, 2 * cz * (hy - 0.04) - 0.16 * cz),
        (0, -2 * cz, 0.16, 2 * cz * (hy - 0.04) - 0.16 * cz),
    ]
    builder.add(
        Solid.CONVEX,
        Material.CAR_CABIN,
        CAR,
        origin + shift * axes[0] + _up(floor + body_height + cz - 0.02),
        (cabin, hy - 0.04, cz),
        paint,
        planes=planes,
        params=(0.0, rng.uniform(0.4, 0.9) if van else 0.9),
        **common,
    )
    rotation = np.array([axes[0], axes[2], axes[1]])
    for along in (-0.31 * length, 0.31 * length):
        for side in (-1, 1):
            builder.add(
                Solid.CYLINDER,
                Material.WHEEL,
                CAR,
                origin + along * axes[0] + side * (hy - 0.09) * axes[1] + _up(wheel),
                (wheel, wheel, 0.11),
                (0.68, 0.68, 0.7),
                rotation=rotation,
                instance=instance,
                velocity=velocity,
                seed=seed,
            )


def _add_person(
    builder: SceneBuilder,
    rng: np.random.Generator,
    x: float,
    y: float,
    yaw: float,
    speed: float = 0.0,
    ground: float = 0.0,
) -> None:
    height, axes, seed = rng.uniform(1.5, 1.95), local_axes(yaw), _seed(rng)
    wide = rng.uniform(0.9, 1.25)
    instance, velocity = builder.new_instance(), speed * local_axes(yaw)[0]
    trousers, jacket = _colour(rng, 'cloth'), _colour(rng, 'cloth')
    skin = np.array((0.85, 0.65, 0.52)) * rng.uniform(0.45, 1.1)
    hair = np.array((0.35, 0.25, 0.16)) * rng.uniform(0.2, 2.0)
    origin = np.array([x, y, ground])
    common = dict(yaw=yaw, instance=instance, velocity=velocity, seed=seed)
    builder.add_contact(x, y, yaw, 0.2, 0.2, 0.5)
    stride = rng.uniform(0.03, 0.2)
    for side in (-1, 1):
        swing = stride * side * height
        lean = axes.copy()
        lean[2] = axes[2] * 1.0 - axes[0] * swing * 1.1
        lean[2] /= np.linalg.norm(lean[2])
        lean[0] = np.cross(lean[1], lean[2])
        builder.add(
            Solid.CYLINDER,
            Material.CLOTH,
            PERSON,
            origin + side * 0.1 * wide * axes[1] + swing * 0.5 * axes[0] + _up(0.25 * height),
            (0.088 * wide, 0.088 * wide, 0.25 * height),
            trousers,
            rotation=lean,
            instance=instance,
            velocity=velocity,
            seed=seed,
        )
        builder.add(
            Solid.CYLINDER,
            Material.CLOTH,
            PERSON,
            origin + side * 0.25 * wide * axes[1] - swing * 0.3 * axes[0] + _up(0.63 * height),
            (0.06, 0.06, 0.17 * height),
            jacket * 0.85,
            **common,
        )
    stripes = rng.uniform(0.12, 0.3) if rng.random() < 0.4 else 0.0
    builder.add(
        Solid.ELLIPSOID,
        Material.CLOTH,
        PERSON,
        origin + _up(0.645 * height),
        (0.15 * wide, 0.23 * wide, 0.215 * height),
        jacket,
        colour2=_colour(rng, 'cloth'),
        params=(stripes,),
        **common,
    )
    builder.add(
        Solid.ELLIPSOID,
        Material.SKIN,
        PERSON,
        origin + _up(0.925 * height),
        (0.11, 0.095, 0.13),
        skin,
        colour2=hair,
        **common,
    )


def _add_lamp(
    builder: SceneBuilder,
    rng: np.random.Generator,
    x: float,
    y: float,
    yaw: float,
    left: bool,
    colour: np.ndarray,
    height: float,
) -> None:
    seed, radius, axes = _seed(rng), rng.uniform(0.08, 0.13), local_axes(yaw)
    builder.add(
        Solid.CYLINDER,
        Material.METAL,
        POLE,
        (x, y, height / 2),
        (radius, radius, height / 2),
        colour,
        colour2=np.clip(1 - colour, 0, 0.9),
        seed=seed,
    )
    builder.add(
        Solid.CYLINDER,
        Material.METAL,
        POLE,
        (x, y, 0.5),
        (radius * 1.7, radius * 1.7, 0.5),
        colour * 0.85,
        colour2=colour,
        seed=seed + 1,
    )
    towards = -axes[1] if left else axes[1]
    reach = rng.uniform(0.8, 2.0)
    rotation = np.array([axes[0], axes[2], axes[1]])
    builder.add(
        Solid.CYLINDER,
        Material.METAL,
        POLE,
        np.array([x, y, height]) + towards * reach / 2,
        (radius * 0.7, radius * 0.7, reach / 2),
        colour,
        rotation=rotation,
        seed=seed,
    )
    builder.add(
        Solid.CONVEX,
        Material.METAL,
        POLE,
        np.array([x, y, height]) + towards * reach,
        (0.16, 0.35, 0.1),
        colour,
        yaw=yaw,
        seed=seed,
    )


def _add_sign(
    builder: SceneBuilder, rng: np.random.Generator, x: float, y: float, yaw: float, colour: np.ndarray
) -> None:
    """A traffic sign on its pole; it faces against its heading ``yaw``."""
    seed, height, axes = _seed(rng), rng.uniform(2.2, 3.0), local_axes(yaw)
    face, rim = _colour(rng, 'sign'), _colour(rng, 'sign')
    if np.abs(face - rim).sum() < 0.6:
        rim = np.where(face > 0.5, face * 0.2, 0.92)
    kind = rng.choice(4, p=(0.35, 0.2, 0.25, 0.2))
    size = rng.uniform(0.38, 0.52) if kind < 3 else rng.uniform(0.5, 0.66)
    centre = np.array([x, y, height + size * 0.2]) - 0.12 * axes[0]
    pole = height + size
    builder.add(
        Solid.CYLINDER,
        Material.METAL,
        POLE,
        (x, y, pole / 2),
        (0.075, 0.075, pole / 2),
        colour,
        colour2=colour * 0.8,
        seed=seed,
    )
    look = rng.random()
    if kind == 0:
        rotation = np.array([axes[1], axes[2], -axes[0]])
        builder.add(
            Solid.CYLINDER,
            Material.SIGN,
            SIGN,
            centre,
            (size, size, 0.03),
            face,
            rotation=rotation,
            colour2=rim,
            params=(1.0, 0.0, look),
            seed=seed,
        )
        return
    half = (0.03, size * (1.35 if kind == 3 else 1.0), size)
    planes = [(0, 2, 1, size), (0, -2, 1, size)] if kind == 1 else []
    builder.add(
        Solid.CONVEX,
        Material.SIGN,
        SIGN,
        centre,
        half,
        face,
        yaw=yaw,
        colour2=rim,
        planes=planes,
        params=(0.0, 1.0, look),
        seed=seed,
    )


def _plan(
    rng: np.random.Generator, sides: tuple[_Side, _Side], widths: tuple[float, float], marks: np.ndarray
) -> GroundPlan:
    if rng.random() < 0.35:
        line = np.array([(rng.uniform(0, 0.4), 2 * np.pi / 90, rng.uniform(0, 6.28))])
    else:
        waves = rng.uniform((110, 70), (260, 120))
        slopes = rng.uniform((0.12, 0), (0.34, 0.07))
        line = np.array(
            [
                (slope * wave / 6.28, 2 * np.pi / wave, rng.uniform(0, 6.28))
                for wave, slope in zip(waves, slopes, strict=True)
            ]
        )
    kerbs = np.array(widths)
    edges = np.stack(
        [kerbs, kerbs + [side.verge for side in sides], kerbs + [side.verge + side.walk for side in sides]], 1
    )
    length = int((STREET_END - STREET_START) / 0.5)
    zones = np.empty((2, 3, length), np.int64)
    zones[:, 0], zones[:, 1], zones[:, 2] = Ground.TERRAIN, Ground.SIDEWALK, Ground.SIDEWALK
    road, walk, grass = (_colour(rng, kind) for kind in ('road', 'sidewalk', 'terrain'))
    grass2 = _near(rng, grass, 0.25) if rng.random() < 0.5 else 0.5 * grass + 0.5 * _colour(rng, 'terrain')
    paint = np.array((0.9, 0.9, 0.88)) if rng.random() < 0.75 else np.array((0.85, 0.68, 0.2))
    colours = np.array([road, walk, grass, grass2, _near(rng, _colour(rng, 'sidewalk'), 0.1), paint])
    style = np.array(
        [
            rng.uniform(0.5, 1.4),
            rng.uniform(0.5, 1.2),
            float(rng.random() < 0.5),
            rng.uniform(3, 9),
            rng.uniform(0.35, 0.6),
            rng.uniform(0.3, 0.5),
            rng.uniform(0.8, 1.15),
            rng.uniform(0.1, 0.18),
        ]
    )
    return GroundPlan(line, edges, zones, np.ones((2, length)), marks, colours, style, STREET_START, 0.5)


def _marks(
    rng: np.random.Generator,
    widths: tuple[float, float],
    middle: bool,
    parking: tuple[bool, bool],
    lane: float,
) -> np.ndarray:
    rows: list[tuple[float, float, float, float]] = []
    if rng.random() < 0.85:
        if middle:
            rows.append((0.0, 0.08, 0.0 if rng.random() < 0.3 else rng.uniform(4, 9), 0.0))
        for sign, width, park in zip((-1, 1), widths, parking, strict=True):
            border = width - (PARKING_WIDTH if park else 0.35)
            if rng.random() < 0.6:
                rows.append((sign * border, 0.08, 0.0, 0.0))
            for offset in np.arange(lane, border - 1.8, lane):
                rows.append((float(sign * offset), 0.08, 6.0, 0.0))
    if rng.random() < 0.5:
        rows.append((rng.uniform(6, 60), 0.0, 0.0, 1.6))
    return np.array(rows).reshape(-1, 4)


@dataclass(frozen=True)
class _Palette:
    """Colours that the houses and the plants of one street share."""

    walls: list[np.ndarray]
    leaves: list[tuple[np.ndarray, np.ndarray]]

    def wall(self, rng: np.random.Generator) -> np.ndarray:
        return _near(rng, self.walls[rng.integers(len(self.walls))], 0.2)


def _add_lots(
    builder: SceneBuilder,
    rng: np.random.Generator,
    ground: GroundPlan,
    s: int,
    side: _Side,
    palette: _Palette,
) -> None:
    """Houses with gardens, parks and a side street along one side; sets the ground's zones there."""
    sign, left = (-1, True) if s == 0 else (1, False)
    end = float(ground.edges[s, 2])
    ys = ground.start + ground.step * (np.arange(ground.zones.shape[2]) + 0.5)
    crossing = rng.uniform(8, 90) if rng.random() < 0.65 else STREET_END
    y = STREET_START + rng.uniform(0, 8)
    while y < STREET_END - 12:
        width = rng.uniform(*side.lot_widths)
        if y > crossing:
            crossing, width = STREET_END, rng.uniform(6, 10)
            ground.zones[s][:, (ys > y) & (ys < y + width)] = Ground.ROAD
            y += width
            continue
        inside = (ys > y) & (ys <= y + width)
        green = rng.random() < side.green
        ground.zones[s, 2, inside] = Ground.TERRAIN if green else Ground.SIDEWALK
        ground.tint[s, inside] = rng.uniform(0.75, 1.2)
        built = rng.random() < side.built
        setback, depth = side.setback * rng.uniform(0.7, 1.3), rng.uniform(8, 14)

        def place(nearest: float, farthest: float, y: float = y, width: float = width) -> tuple[float, float]:
            return ground.place(y + rng.uniform(0, width), sign * (end + rng.uniform(nearest, farthest)))[:2]

        if built:
            px, py, yaw = ground.place(y + width / 2, sign * (end + setback + depth / 2 + 0.3))
            height, gabled = rng.uniform(*side.heights), rng.random() < side.gabled
            _add_building(
                builder, rng, px, py, yaw, width - side.gap, depth, height, gabled, palette.wall(rng), left
            )
            if side.gap > 1.5 and rng.random() < 0.5:
                driveway = (ys > y + width - side.gap * 0.8) & (ys < y + width)
                ground.zones[s][0, driveway] = Ground.SIDEWALK
                ground.zones[s][2, driveway] = Ground.SIDEWALK
                if setback > 4.5 and rng.random() < 0.6:
                    px, py, yaw = ground.place(y + width - side.gap * 0.4, sign * (end + 3.0))
                    _add_car(builder, rng, px, py, yaw + np.pi / 2 * rng.choice([-1, 1]))
        else:
            for _ in range(rng.integers(2, 7)):
                _add_tree(builder, rng, *place(2.5, 18), rng.uniform(4, 11), palette.leaves)
        if green and (setback > 2 or not built):
            for _ in range(rng.poisson(side.bushes * 2)):
                _add_bush(builder, rng, *place(1.0, max(1.1, setback)), palette.leaves)
            if rng.random() < 0.3 * side.bushes:
                px, py, yaw = ground.place(y + width / 2, sign * (end + 0.6))
                _add_hedge(builder, rng, px, py, yaw, 0.35 * width, palette.leaves)
            if setback > 5 and rng.random() < 0.4:
                _add_tree(builder, rng, *place(1.5, setback - 1.5), rng.uniform(3, 7), palette.leaves)
        y += width


def _add_backdrop(
    builder: SceneBuilder,
    rng: np.random.Generator,
    ground: GroundPlan,
    sides: tuple[_Side, _Side],
    palette: _Palette,
) -> None:
    """A second row of houses and trees on both sides, and what closes the view at the street's end."""

    def add(px: float, py: float, yaw: float, length: float, gabled: float, left: bool) -> None:
        if rng.random() < 0.5:
            _add_tree(builder, rng, px, py, rng.uniform(8, 14), palette.leaves)
        else:
            height = rng.uniform(6, 20)
            _add_building(
                builder, rng, px, py, yaw, length, 12, height, rng.random() < gabled, palette.wall(rng), left
            )

    for sign, side, edges in zip((-1, 1), sides, ground.edges, strict=True):
        for y in np.arange(-10, 150, rng.uniform(10, 18)):
            px, py, yaw = ground.place(y + rng.uniform(-4, 4), sign * (edges[2] + rng.uniform(24, 40)))
            add(px, py, yaw, rng.uniform(10, 20), side.gabled, sign < 0)
    close = rng.uniform(75, 185)
    for offset in np.arange(-60, 61, 15.0):
        px, py, yaw = ground.place(close + rng.uniform(0, 4), offset)
        add(px, py + 8, yaw + np.pi / 2, 15, 0.4, True)


def _add_roadside(
    builder: SceneBuilder,
    rng: np.random.Generator,
    ground: GroundPlan,
    s: int,
    side: _Side,
    palette: _Palette,
) -> None:
    """Street trees, lamps and traffic signs along one kerb."""
    sign, left, kerb = (-1, True, ground.edges[0, 0]) if s == 0 else (1, False, ground.edges[1, 0])
    for y in np.arange(rng.uniform(-5, 10), 120, 10 / max(0.05, side.trees)):
        px, py, _ = ground.place(y + rng.uniform(-1, 1), sign * (kerb + max(0.8, 0.3 + 0.5 * side.verge)))
        _add_tree(builder, rng, px, py, rng.uniform(4.5, 8.5), palette.leaves)
    colour, height = _colour(rng, 'pole'), rng.uniform(4.5, 8)
    for y in np.arange(rng.uniform(4, 25), 120, rng.uniform(14, 32)):
        px, py, yaw = ground.place(y, sign * (kerb + 0.45))
        _add_lamp(builder, rng, px, py, yaw, left, colour, height)
    for y in np.arange(rng.uniform(8, 20), 90, rng.uniform(12, 26)):
        px, py, yaw = ground.place(y + rng.uniform(-3, 3), sign * (kerb + 0.7))
        away = np.pi if rng.random() < 0.15 else 0.0
        _add_sign(builder, rng, px, py, yaw + rng.normal(0, 0.12) + away, _colour(rng, 'pole'))


def _add_parked_cars(
    builder: SceneBuilder, rng: np.random.Generator, ground: GroundPlan, s: int, hand: int
) -> None:
    sign, with_traffic = (-1, hand < 0) if s == 0 else (1, hand > 0)
    y = rng.uniform(-10, 6)
    while y < 95:
        if rng.random() < 0.55:
            px, py, yaw = ground.place(y, sign * (ground.edges[s, 0] - 1.12))
            turned = 0.0 if with_traffic or rng.random() < 0.3 else np.pi
            _add_car(builder, rng, px, py, yaw + rng.normal(0, 0.02) + turned)
        y += rng.uniform(5.8, 7.5)


def _add_people(
    builder: SceneBuilder, rng: np.random.Generator, ground: GroundPlan, s: int, side: _Side, mean: float
) -> None:
    """``mean`` people and pairs of people, on average, on one sidewalk."""
    sign = -1 if s == 0 else 1
    for _ in range(rng.poisson(mean)):
        y = rng.uniform(4, 34) if rng.random() < 0.6 else rng.uniform(34, 80)
        across = ground.edges[s, 1] + rng.uniform(0.35, 0.9) * max(0.8, side.walk)
        px, py, yaw = ground.place(y, sign * across)
        speed = rng.uniform(0.04, 0.09) if rng.random() < 0.35 else 0.0
        for k in range(1 + (rng.random() < 0.25)):
            turned = 0.0 if rng.random() < 0.5 else np.pi
            turned += 0.0 if speed else rng.uniform(-0.8, 0.8)
            _add_person(builder, rng, px + 0.65 * k, py, yaw + turned, speed, ground.kerb_height)


def _add_traffic(
    builder: SceneBuilder, rng: np.random.Generator, ground: GroundPlan, lane: float, oncoming: list[float]
) -> None:
    """Cars on the lanes ``oncoming``, sometimes one ahead and somebody crossing the road."""
    y = rng.uniform(15, 60)
    while oncoming and y < 120 and rng.random() < 0.75:
        px, py, yaw = ground.place(y, oncoming[rng.integers(len(oncoming))])
        _add_car(builder, rng, px, py, yaw + np.pi, rng.uniform(0.3, 0.9))
        y += rng.uniform(14, 40)
    if rng.random() < 0.2:
        px, py, yaw = ground.place(rng.uniform(14, 30), lane)
        _add_car(builder, rng, px, py, yaw, rng.uniform(0.7, 1.3))
    if rng.random() < 0.15:
        px, py, yaw = ground.place(rng.uniform(30, 55), rng.uniform(-2, 2))
        _add_person(builder, rng, px, py, yaw + np.pi / 2 * rng.choice([-1, 1]), rng.uniform(0.04, 0.09))


def make_street(rng: np.random.Generator) -> Scene:
    """A random street along +y, from y = −20 m to 190 m, for a drive that starts at y = 0.

    Args:
        rng: source of all randomness.
    """
    kinds = ('urban', 'residential', 'park', 'wide')
    kind = kinds[rng.choice(4, p=(0.32, 0.32, 0.2, 0.16))]
    other = kinds[rng.integers(4)] if rng.random() < 0.35 else kind
    sides = _side(rng, kind), _side(rng, other)
    lane_width, hand = rng.uniform(2.8, 3.5), 1 if rng.random() < 0.7 else -1
    parking = bool(rng.random() < 0.42), bool(rng.random() < 0.42)
    two_way = bool(rng.random() < 0.7)
    lanes = 2 if kind == 'wide' or rng.random() < 0.1 else 1
    half = lanes * lane_width if two_way else 0.5 * lane_width + 0.3
    left, right = (half + 0.3 + PARKING_WIDTH * park + rng.uniform(0, 0.4) for park in parking)
    centres = [lane_width * (k + 0.5) for k in range(lanes)]
    lane = hand * centres[rng.integers(lanes)] if two_way else 0.0

    ground = _plan(rng, sides, (left, right), _marks(rng, (left, right), two_way, parking, lane_width))
    palette = _Palette(
        [_colour(rng, 'building') for _ in range(5)],
        [
            (leaf, 0.6 * leaf + 0.4 * _colour(rng, 'leaf'))
            for leaf in (_colour(rng, 'leaf') for _ in range(3))
        ],
    )
    builder = SceneBuilder()
    for s, side in enumerate(sides):
        _add_lots(builder, rng, ground, s, side, palette)
        _add_roadside(builder, rng, ground, s, side, palette)
        if parking[s]:
            _add_parked_cars(builder, rng, ground, s, hand)
        _add_people(builder, rng, ground, s, side, 9 if kind == 'urban' else 6)
    _add_backdrop(builder, rng, ground, sides, palette)
    _add_traffic(builder, rng, ground, lane, [-hand * centre for centre in centres] if two_way else [])
    return builder.build(ground, _light(rng), _seed(rng), lane)


def drive(rng: np.random.Generator, scene: Scene, num_frames: int) -> np.ndarray:
    """Camera-to-world poses of a drive along a street from y = 0.

    Returns:
        (num_frames, 4, 4): 0.5 to 1.2 m between frames, following the road's turns with a slight drift in the
        lane and in the heading; pitch, height and mean heading are drawn once.
    """
    speed, height = rng.uniform(0.55, 1.15), rng.uniform(1.25, 2.0)
    offset, heading = scene.lane + rng.uniform(-0.4, 0.4), rng.normal(0, 0.06)
    pitch, roll = rng.normal(0.03, 0.065), rng.normal(0, 0.01)
    phases, drift, wobble = rng.uniform(0, 6.28, 4), rng.uniform(0.05, 0.35), rng.uniform(0.005, 0.03)
    poses, y = [], 0.0
    for k in range(num_frames):
        px, py, yaw = scene.ground.place(y, offset + drift * np.sin(0.17 * k + phases[0]))
        poses.append(
            camera_pose(
                (px, py, height + 0.012 * np.sin(1.3 * k + phases[1])),
                yaw + heading + wobble * np.sin(0.21 * k + phases[2]),
                np.clip(pitch, -0.1, 0.16) + 0.004 * np.sin(0.9 * k + phases[3]),
                roll,
            )
        )
        y += speed * (1 + 0.04 * np.sin(0.3 * k + phases[1]))
    return np.stack(poses)
