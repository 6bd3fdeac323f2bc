"""Pictures of a toy street with exact depth, semantic and instance labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import kernels
from .classes import TOY_CLASSES, TOY_LABEL_IDS, TOY_THINGS, TOY_TRAIN_IDS
from .scene import SKY, Camera, Ground, GroundMap, Primitives, Scene

NEAR = 0.05
SUPERSAMPLING = 2
SHOULDER = 0.7
CONTACT_RANGE = 45.0
SHADOW_CELL = 0.12
SHADOW_AHEAD = (-15.0, 110.0)
SHADOW_BESIDE = 22.0
SHADOW_ABOVE = 20.0

_TRAIN_ID = dict(zip(TOY_CLASSES, TOY_TRAIN_IDS, strict=True))
_LABEL_ID = np.full(256, 0, np.int64)
_LABEL_ID[list(TOY_TRAIN_IDS)] = TOY_LABEL_IDS
_THING_IDS = [_TRAIN_ID[name] for name in TOY_THINGS]
_GROUND_TRAIN_ID = {
    Ground.ROAD: _TRAIN_ID['road'],
    Ground.SIDEWALK: _TRAIN_ID['sidewalk'],
    Ground.TERRAIN: _TRAIN_ID['terrain'],
    Ground.KERB: _TRAIN_ID['sidewalk'],
}


@dataclass(frozen=True)
class Frame:
    """One picture and what is known about it.

    Attributes:
        image: (H, W, 3) uint8, BGR.
        depth: (H, W) float32, metres along the optical axis at the pixel's centre; 0 in the sky.
        semantic: (H, W) uint8, Cityscapes train ids.
        label: (H, W) uint8, Cityscapes label ids.
        instance: (H, W) uint16 in the Cityscapes convention: label id · 1000 + k for things, the label id for
            stuff.
    """

    image: np.ndarray
    depth: np.ndarray
    semantic: np.ndarray
    label: np.ndarray
    instance: np.ndarray


def _camera_rays(camera: Camera, pose: np.ndarray, factor: int) -> tuple[np.ndarray, np.ndarray]:
    """Rays (6, 3) and projection (3, 4) of a raster ``factor`` times finer than the image."""
    rotation = pose[:3, :3]
    rays = np.zeros((6, 3))
    rays[0] = pose[:3, 3]
    rays[3] = rotation @ [-camera.cx / camera.fx, -camera.cy / camera.fy, 1.0]
    rays[4] = rotation[:, 0] / (camera.fx * factor)
    rays[5] = rotation[:, 1] / (camera.fy * factor)
    intrinsics = np.array(
        [
            [camera.fx * factor, 0, camera.cx * factor],
            [0, camera.fy * factor, camera.cy * factor],
            [0, 0, 1.0],
        ]
    )
    return rays, intrinsics @ np.linalg.inv(pose)[:3]


def _cast(
    ground: GroundMap, solids: Primitives, rays: np.ndarray, projection: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Depth (inf: sky) and index (see ``SKY``) of what the rays hit."""
    depth, index = np.empty(shape), np.empty(shape, np.int64)
    everything = np.ones(len(solids.solid), np.bool_)
    kernels.cast_ground(rays, ground, depth, index)
    kernels.cast_primitives(rays, projection, NEAR, True, everything, solids, depth, index)
    return depth, index


def _shadow_map(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Distance from the sun's side to the first still solid, and the map's frame.

    The frame's rows are origin, two axes, direction to the sun, (cell size, distance of the rays' origin, 0).
    """
    sun = scene.light.sun_direction
    if scene.light.sun.max() <= 0:
        return np.empty((0, 0)), np.zeros((5, 3))
    across = np.cross([0.0, 0.0, 1.0], sun)
    across /= np.linalg.norm(across)
    along = np.cross(sun, across)
    ys = np.linspace(*SHADOW_AHEAD, 12)
    corners = np.array(
        [
            (scene.ground.centre(y) + side, y, z)
            for y in ys
            for side in (-SHADOW_BESIDE, SHADOW_BESIDE)
            for z in (0.0, SHADOW_ABOVE)
        ]
    )
    u, v = corners @ across, corners @ along
    origin = across * u.min() + along * v.min()
    shape = int(np.ceil(np.ptp(v) / SHADOW_CELL)), int(np.ceil(np.ptp(u) / SHADOW_CELL))
    height = 300.0
    rays = np.zeros((6, 3))
    rays[0] = origin + sun * height
    rays[1], rays[2], rays[3] = across * SHADOW_CELL, along * SHADOW_CELL, -sun
    projection = np.zeros((3, 4))
    projection[0, :3], projection[1, :3] = across / SHADOW_CELL, along / SHADOW_CELL
    projection[:2, 3] = -(projection[:2, :3] @ origin)
    projection[2, 3] = 1
    depth, index = np.full(shape, np.inf), np.empty(shape, np.int64)
    still = ~scene.primitives.velocity.any(1)
    kernels.cast_primitives(rays, projection, NEAR, False, still, scene.primitives, depth, index)
    return depth, np.array([origin, across, along, sun, (SHADOW_CELL, height, 0.0)])


def render(scene: Scene, camera: Camera, pose: np.ndarray, time: int = 0) -> Frame:
    """Render a street.

    Colours are averaged over 2 × 2 rays a pixel; depth and labels belong to the ray through its centre.

    Args:
        scene: the street; its shadow map is made at the first picture and kept.
        camera: intrinsics and size of the picture.
        pose: (4, 4) camera-to-world, metres.
        time: frame number, for things that move and for the sensor's noise.
    """
    if scene._derived is None:
        scene._derived = (scene.ground.tabulate(), *_shadow_map(scene))
    ground, shadow, shadow_frame = scene._derived
    light = scene.light
    travel = scene.primitives.velocity * time
    solids = scene.primitives._replace(centre=scene.primitives.centre + travel)
    contacts = scene.contacts.copy()
    contacts[:, :2] += travel[contacts[:, 7].astype(np.int64), :2]
    contacts = contacts[np.linalg.norm(contacts[:, :2] - pose[:2, 3], axis=1) < CONTACT_RANGE]

    fine = camera.height * SUPERSAMPLING, camera.width * SUPERSAMPLING
    rays, projection = _camera_rays(camera, pose, SUPERSAMPLING)
    depth, index = _cast(ground, solids, rays, projection, fine)
    colours = np.empty((*fine, 3))
    kernels.shade(
        rays,
        camera.fx * SUPERSAMPLING,
        depth,
        index,
        solids,
        travel,
        ground,
        contacts,
        light.pack(),
        shadow,
        shadow_frame,
        scene.seed,
        colours,
    )
    colours = colours.reshape(camera.height, SUPERSAMPLING, camera.width, SUPERSAMPLING, 3).mean((1, 3))
    bright = colours > SHOULDER
    colours[bright] = 1 - (1 - SHOULDER) * np.exp((SHOULDER - colours[bright]) / (1 - SHOULDER))
    colours += np.random.default_rng([scene.seed, time]).normal(0, light.noise, colours.shape)
    image = np.rint(np.clip(colours, 0, 1) * 255).astype(np.uint8)[..., ::-1]

    rays, projection = _camera_rays(camera, pose, 1)
    depth, index = _cast(ground, solids, rays, projection, (camera.height, camera.width))
    semantic = np.full(index.shape, _TRAIN_ID['sky'], np.uint8)
    for code, train_id in _GROUND_TRAIN_ID.items():
        semantic[index == -1 - code] = train_id
    hit = index >= 0
    semantic[hit] = solids.train_id[index[hit]]
    label = _LABEL_ID[semantic]
    instance = label.copy()
    thing = np.isin(semantic, _THING_IDS)
    instance[thing] = label[thing] * 1000 + solids.instance[index[thing]] - 1
    depth = np.where(index == SKY, 0, depth).astype(np.float32)
    return Frame(
        np.ascontiguousarray(image), depth, semantic, label.astype(np.uint8), instance.astype(np.uint16)
    )
