"""Numba kernels of the toy renderer: noise, ray casting, shading.

Rays are given as a (6, 3) array (o, ou, ov, d, du, dv): the ray of the raster point (u, v) starts at
o + u·ou + v·ov and runs along d + u·du + v·dv. Pixel (i, j) of a raster has (u, v) = (j + 0.5, i + 0.5). For a
camera the directions are scaled so that the ray parameter is the depth.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from .scene import FAR, SKY, Ground, Material, Solid

_jit = numba.njit(cache=True, error_model='numpy')

ROAD, SIDEWALK, TERRAIN, KERB = (
    int(code) for code in (Ground.ROAD, Ground.SIDEWALK, Ground.TERRAIN, Ground.KERB)
)
CONVEX, ELLIPSOID, CYLINDER = int(Solid.CONVEX), int(Solid.ELLIPSOID), int(Solid.CYLINDER)
FACADE, ROOF, BARK, LEAF, METAL, SIGN, CAR_BODY, CAR_CABIN, WHEEL, CLOTH, SKIN = (
    int(material) for material in Material
)


@_jit
def _scramble(h):
    h = ((h & 0xFFFFFFFF) * 1274126177) & 0xFFFFFFFF
    h = ((h ^ (h >> 15)) * 1103515245) & 0xFFFFFFFF
    return ((h ^ (h >> 16)) & 0xFFFFFF) * (1 / 16777216)


@_jit
def _hash(x, y, z, seed):
    """A number in [0, 1) for integer coordinates."""
    return _scramble((x * 374761393) ^ (y * 668265263) ^ (z * 1440662683) ^ (seed * 974711))


@_jit
def _noise2(x, y, seed):
    fx, fy = math.floor(x), math.floor(y)
    a, b = x - fx, y - fy
    a, b = a * a * (3 - 2 * a), b * b * (3 - 2 * b)
    x0, y0 = int(fx) * 374761393, (int(fy) * 668265263)
    x1, y1 = x0 + 374761393, (y0 + 668265263) ^ (seed * 974711)
    y0 ^= seed * 974711
    low = _scramble(x0 ^ y0) * (1 - a) + _scramble(x1 ^ y0) * a
    high = _scramble(x0 ^ y1) * (1 - a) + _scramble(x1 ^ y1) * a
    return low * (1 - b) + high * b


@_jit
def _noise3(x, y, z, seed):
    fx, fy, fz = math.floor(x), math.floor(y), math.floor(z)
    a, b, c = x - fx, y - fy, z - fz
    a, b, c = a * a * (3 - 2 * a), b * b * (3 - 2 * b), c * c * (3 - 2 * c)
    x0, y0, z0 = int(fx) * 374761393, int(fy) * 668265263, int(fz) * 1440662683
    x1, y1, z1 = x0 + 374761393, y0 + 668265263, (z0 + 1440662683) ^ (seed * 974711)
    z0 ^= seed * 974711
    y00, y10, y01, y11 = y0 ^ z0, y1 ^ z0, y0 ^ z1, y1 ^ z1
    n00 = _scramble(x0 ^ y00) * (1 - a) + _scramble(x1 ^ y00) * a
    n10 = _scramble(x0 ^ y10) * (1 - a) + _scramble(x1 ^ y10) * a
    n01 = _scramble(x0 ^ y01) * (1 - a) + _scramble(x1 ^ y01) * a
    n11 = _scramble(x0 ^ y11) * (1 - a) + _scramble(x1 ^ y11) * a
    return (n00 * (1 - b) + n10 * b) * (1 - c) + (n01 * (1 - b) + n11 * b) * c


@_jit
def _fade(wavelength, footprint):
    """1 where a pattern of this size is seen well, 0 where pixels are coarser than it."""
    return min(1.0, max(0.0, 0.6 * wavelength / footprint - 0.6))


@_jit
def _fractal2(x, y, wavelength, octaves, footprint, seed):
    """Octaves of value noise, about −1..1, without those that pixels of size ``footprint`` cannot show."""
    total, amplitude = 0.0, 1.0
    for octave in range(octaves):
        weight = _fade(wavelength, footprint)
        if weight <= 0:
            break
        total += amplitude * weight * (_noise2(x / wavelength, y / wavelength, seed + octave) - 0.5)
        amplitude *= 0.75
        wavelength *= 0.47
    return total * 1.6


@_jit
def _fractal3(x, y, z, wavelength, octaves, footprint, seed):
    """``_fractal2`` in space."""
    total, amplitude = 0.0, 1.0
    for octave in range(octaves):
        weight = _fade(wavelength, footprint)
        if weight <= 0:
            break
        total += (
            amplitude
            * weight
            * (_noise3(x / wavelength, y / wavelength, z / wavelength, seed + octave) - 0.5)
        )
        amplitude *= 0.75
        wavelength *= 0.47
    return total * 1.8


@_jit
def ground_zone(x, y, ground):
    """Ground code at a world point, its offset from the centre line, and the index along the zones."""
    edges, zones, line = ground.edges, ground.zones, ground.line
    along = min(max((y - ground.start) / ground.step, 0.0), zones.shape[2] - 1e-6)
    i = int(along)
    part = along - i
    offset = (x - line[i, 0] - part * (line[i + 1, 0] - line[i, 0])) * (
        line[i, 1] + part * (line[i + 1, 1] - line[i, 1])
    )
    side = 0 if offset < 0 else 1
    distance = abs(offset)
    if distance < edges[side, 0]:
        return ROAD, offset, i
    band = 0 if distance < edges[side, 1] else 1 if distance < edges[side, 2] else 2
    return int(zones[side, band, i]), offset, i


@_jit
def cast_ground(rays, ground, depth, index):
    """Fill ``depth`` (inf: sky) and ``index`` with the ground: a road at z = 0 between kerbs."""
    height = ground.style[7]
    rows, columns = depth.shape
    ox, oy, oz = rays[0]
    for i in range(rows):
        for j in range(columns):
            u, v = j + 0.5, i + 0.5
            dz = rays[3, 2] + u * rays[4, 2] + v * rays[5, 2]
            depth[i, j] = np.inf
            index[i, j] = SKY
            if dz >= 0:
                continue
            dx = rays[3, 0] + u * rays[4, 0] + v * rays[5, 0]
            dy = rays[3, 1] + u * rays[4, 1] + v * rays[5, 1]
            high = (height - oz) / dz
            if high > FAR:
                continue
            code, _, _ = ground_zone(ox + high * dx, oy + high * dy, ground)
            t = high
            if code == ROAD:
                low = -oz / dz
                code, _, _ = ground_zone(ox + low * dx, oy + low * dy, ground)
                t = low
                if code != ROAD:
                    code = KERB
                    for _ in range(10):
                        t = 0.5 * (high + low)
                        at, _, _ = ground_zone(ox + t * dx, oy + t * dy, ground)
                        if at == ROAD:
                            high = t
                        else:
                            low = t
            if t <= FAR:
                depth[i, j] = t
                index[i, j] = -1 - code


@_jit
def _bounds(projection, centre, rotation, half, near, bounds):
    """Raster box (u0, u1, v0, v1, smallest depth) of a primitive, cut at ``near``; False when it lies behind."""
    corners = np.empty((8, 3))
    for k in range(8):
        sx = half[0] if k & 1 else -half[0]
        sy = half[1] if k & 2 else -half[1]
        sz = half[2] if k & 4 else -half[2]
        x = centre[0] + sx * rotation[0, 0] + sy * rotation[1, 0] + sz * rotation[2, 0]
        y = centre[1] + sx * rotation[0, 1] + sy * rotation[1, 1] + sz * rotation[2, 1]
        z = centre[2] + sx * rotation[0, 2] + sy * rotation[1, 2] + sz * rotation[2, 2]
        for r in range(3):
            corners[k, r] = (
                projection[r, 0] * x + projection[r, 1] * y + projection[r, 2] * z + projection[r, 3]
            )
    bounds[0], bounds[1], bounds[2], bounds[3], bounds[4] = np.inf, -np.inf, np.inf, -np.inf, np.inf
    seen = False
    for k in range(8):
        for bit in (0, 1, 2, 4):
            other = k ^ bit
            a, b, c = corners[k]
            if c < near:
                if bit == 0 or corners[other, 2] < near:
                    continue
                s = (near - c) / (corners[other, 2] - c)
                a += s * (corners[other, 0] - a)
                b += s * (corners[other, 1] - b)
                c = near
            elif bit:
                continue
            seen = True
            bounds[0] = min(bounds[0], a / c)
            bounds[1] = max(bounds[1], a / c)
            bounds[2] = min(bounds[2], b / c)
            bounds[3] = max(bounds[3], b / c)
            bounds[4] = min(bounds[4], c)
    return seen


@_jit
def _leafy(px, py, pz, grazing, seed):
    """Whether a crown has leaves at a point: fewer where the line of sight grazes it."""
    if grazing > 0.85:
        return True
    leaves = 0.5 * _noise3(px * 1.3, py * 1.3, pz * 1.3, seed) + 0.5 * _noise3(
        px * 3.4, py * 3.4, pz * 3.4, seed + 1
    )
    return leaves > 0.74 * (1 - grazing / 0.85)


@_jit
def cast_primitives(rays, projection, near, perspective, select, solids, depth, index):
    """Put the selected primitives into ``depth`` and ``index`` where they are closer.

    ``projection`` is (3, 4): a world point maps to (a, b, c) and the raster point (a/c, b/c).
    """
    solid, material, seed = solids.solid, solids.material, solids.seed
    centre, rotation, half = solids.centre, solids.rotation, solids.half
    planes, num_planes = solids.planes, solids.num_planes
    rows, columns = depth.shape
    bounds = np.empty(5)
    local = np.empty((6, 3))
    for p in range(centre.shape[0]):
        if not select[p] or not _bounds(projection, centre[p], rotation[p], half[p], near, bounds):
            continue
        j0, j1 = max(0.0, math.floor(bounds[0] - 0.5)), min(columns - 1.0, math.ceil(bounds[1] - 0.5))
        i0, i1 = max(0.0, math.floor(bounds[2] - 0.5)), min(rows - 1.0, math.ceil(bounds[3] - 0.5))
        nearest = bounds[4] if perspective else -np.inf
        if j0 > j1 or i0 > i1 or nearest > FAR:
            continue
        for k in range(6):
            x, y, z = rays[k]
            if k == 0:
                x, y, z = x - centre[p, 0], y - centre[p, 1], z - centre[p, 2]
            for r in range(3):
                local[k, r] = rotation[p, r, 0] * x + rotation[p, r, 1] * y + rotation[p, r, 2] * z
        hx, hy, hz = half[p]
        for i in range(int(i0), int(i1) + 1):
            v = i + 0.5
            for j in range(int(j0), int(j1) + 1):
                if nearest >= depth[i, j]:
                    continue
                u = j + 0.5
                ox = local[0, 0] + u * local[1, 0] + v * local[2, 0]
                oy = local[0, 1] + u * local[1, 1] + v * local[2, 1]
                oz = local[0, 2] + u * local[1, 2] + v * local[2, 2]
                dx = local[3, 0] + u * local[4, 0] + v * local[5, 0]
                dy = local[3, 1] + u * local[4, 1] + v * local[5, 1]
                dz = local[3, 2] + u * local[4, 2] + v * local[5, 2]
                if solid[p] == CONVEX:
                    sx, sy, sz = 1 / dx, 1 / dy, 1 / dz
                    t0 = max(-ox * sx - hx * abs(sx), -oy * sy - hy * abs(sy), -oz * sz - hz * abs(sz))
                    t1 = min(-ox * sx + hx * abs(sx), -oy * sy + hy * abs(sy), -oz * sz + hz * abs(sz))
                    for q in range(num_planes[p]):
                        along = planes[p, q, 0] * dx + planes[p, q, 1] * dy + planes[p, q, 2] * dz
                        left = (
                            planes[p, q, 3]
                            - planes[p, q, 0] * ox
                            - planes[p, q, 1] * oy
                            - planes[p, q, 2] * oz
                        )
                        if along > 0:
                            t1 = min(t1, left / along)
                        elif along < 0:
                            t0 = max(t0, left / along)
                        elif left < 0:
                            t1 = -np.inf
                else:
                    ax, ay, az = ox / hx, oy / hy, oz / hz
                    bx, by, bz = dx / hx, dy / hy, dz / hz
                    if solid[p] == CYLINDER:
                        aa, ab, bb = ax * ax + ay * ay - 1, ax * bx + ay * by, bx * bx + by * by
                    else:
                        aa = ax * ax + ay * ay + az * az - 1
                        ab = ax * bx + ay * by + az * bz
                        bb = bx * bx + by * by + bz * bz
                    root = ab * ab - aa * bb
                    if root < 0:
                        continue
                    root = math.sqrt(root)
                    t0, t1 = (-ab - root) / bb, (-ab + root) / bb
                    if solid[p] == CYLINDER:
                        s = 1 / bz
                        t0, t1 = max(t0, -az * s - abs(s)), min(t1, -az * s + abs(s))
                if not t0 <= t1:
                    continue
                t = t0 if t0 >= near else t1
                if t < near or t >= depth[i, j]:
                    continue
                if material[p] == LEAF and solid[p] == ELLIPSOID:
                    found = False
                    for t in (t0, t1):
                        if t < near or t >= depth[i, j]:
                            continue
                        nx, ny, nz = (
                            (ox + t * dx) / (hx * hx),
                            (oy + t * dy) / (hy * hy),
                            (oz + t * dz) / (hz * hz),
                        )
                        grazing = abs(nx * dx + ny * dy + nz * dz) / math.sqrt(
                            (nx * nx + ny * ny + nz * nz) * (dx * dx + dy * dy + dz * dz)
                        )
                        if _leafy(ox + t * dx, oy + t * dy, oz + t * dz, grazing, seed[p]):
                            found = True
                            break
                    if not found:
                        continue
                depth[i, j] = t
                index[i, j] = p


@_jit
def _facade(u, v, base, params, colour, colour2, footprint, seed, out):
    """A wall with rows of windows and doors.

    u, v: metres along the wall and above its foot; params: storey height, window pitch, window share, style
    (0 bricks, 1 plaster, 2 panels).
    """
    storey, pitch, share, style = params
    column, row = math.floor(u / pitch), math.floor(v / storey)
    x, y = u / pitch - column, v / storey - row
    number = _hash(int(column), int(row), 1, seed)
    shade = 1 + 0.24 * base
    if style < 0.5:
        course = math.floor(v / 0.24)
        along = u / 0.6 + 0.5 * (course % 2)
        brick = _hash(math.floor(along), int(course), 2, seed)
        joint = v / 0.24 - course < 0.16 or along - math.floor(along) < 0.08
        shade *= 1 + _fade(0.3, footprint) * ((0.3 if joint else 0.0) + 0.5 * (brick - 0.5))
    elif style > 1.5:
        joint = x < 0.05 or y < 0.05
        shade *= (
            1
            + 0.3 * (_hash(int(column), int(row), 3, seed) - 0.5)
            - (0.3 * _fade(0.2, footprint) if joint else 0.0)
        )
    if y < 0.06:
        shade *= 0.75
    shade *= 0.8 + 0.2 * min(1.0, v / 1.5)
    mix = 0.0
    dx = abs(x - 0.5) - 0.5 * share
    bottom, top = 0.3, 0.84
    door = row == 0 and number < 0.3
    if door:
        bottom, top = 0.0, 0.74
    if v < 0 or v > 200:
        dx = 1.0
    inside = dx < 0 and bottom < y < top
    if inside:
        frame = dx > -0.07 / pitch or y > top - 0.07 / storey or (y < bottom + 0.07 / storey and not door)
        frame = frame or (share * pitch > 0.9 and abs(x - 0.5) < 0.03 / pitch)
        if frame:
            mix, shade = 1.0, 1.0
        else:
            number = _hash(int(column), int(row), 4, seed)
            glass = 0.1 + 0.22 * number + 0.25 * (y - bottom) * number
            if number > 0.75 and y > 0.5:
                glass += 0.35
            tone = 0.25 if door else 0.12
            out[0] = glass * 0.9 + tone * colour2[0] * 0.5
            out[1] = glass + tone * colour2[1] * 0.5
            out[2] = glass * 1.12 + tone * colour2[2] * 0.5
            return
    elif dx < 0.04 and bottom - 0.05 < y <= bottom and not door:
        mix, shade = 1.0, 1.1
    for c in range(3):
        out[c] = (colour[c] * (1 - mix) + colour2[c] * mix) * shade


@_jit
def _sky(dx, dy, dz, light, seed, out):
    """Colour of the sky in a direction."""
    norm = math.sqrt(dx * dx + dy * dy + dz * dz)
    dx, dy, dz = dx / norm, dy / norm, dz / norm
    up = max(dz, 0.0)
    height = 1 - math.exp(-3.5 * up)
    cover = 0.0
    if light[21] > 0 and up > 0.01:
        scale = 1 / ((up + 0.12) * light[22])
        x, y = dx * scale, dy * scale
        value = 0.5 + 0.55 * _fractal2(x, y, 1.0, 5, 0.02 * scale, seed)
        cover = min(1.0, max(0.0, (value - 1 + light[21]) * 2.5)) * min(1.0, up * 8)
    sun = max(0.0, dx * light[0] + dy * light[1] + dz * light[2])
    glow = 0.25 * sun**12 * light[3]
    for c in range(3):
        clear = light[12 + c] * (1 - height) + light[9 + c] * height
        out[c] = clear * (1 - cover) + light[15 + c] * cover * (0.85 + 0.15 * up) + glow


@_jit
def _ground_colour(code, x, y, offset, tint, footprint, ground, seed, out):
    """Colour of the ground at a world point ``offset`` metres from the centre line."""
    marks, colours, style = ground.marks, ground.colours, ground.style
    if code == ROAD:
        shade = 1 + style[4] * (
            0.5 * _fractal2(x, y, 5.0, 3, footprint, seed)
            + 0.55 * _fractal2(x, y, 0.55, 4, footprint, seed + 5)
        )
        size = style[3]
        i, j = math.floor(y / size), math.floor(offset / (0.35 * size))
        if _hash(int(i), int(j), 5, seed) < 0.3:
            shade *= 0.72 + 0.5 * _hash(int(i), int(j), 6, seed)
        crack = abs(_noise2(x / 2.3, y / 2.3, seed + 9) - 0.5)
        if crack < 0.006:
            shade *= 1 - 0.35 * _fade(0.1, footprint)
        paint = 0.0
        for m in range(marks.shape[0]):
            if marks[m, 3] > 0:
                if abs(y - marks[m, 0]) < marks[m, 3] and (offset / 0.9 - math.floor(offset / 0.9)) < 0.5:
                    paint = 1.0
            elif abs(offset - marks[m, 0]) < marks[m, 1]:
                if marks[m, 2] == 0 or y / marks[m, 2] - math.floor(y / marks[m, 2]) < 0.45:
                    paint = 1.0
        if paint > 0:
            paint = 0.85 * min(1.0, max(0.0, 0.85 + 1.1 * _fractal2(x, y, 0.5, 3, footprint, seed + 11)))
        for c in range(3):
            out[c] = colours[0, c] * shade * (1 - paint) + colours[5, c] * paint
    elif code == SIDEWALK:
        row = math.floor(y / style[0])
        along = offset / style[1] + 0.5 * (row % 2) * style[2]
        column = math.floor(along)
        shade = 1 + style[5] * (
            0.8 * (_hash(int(column), int(row), 7, seed) - 0.5)
            + 0.6 * _fractal2(x, y, 2.5, 5, footprint, seed + 13)
        )
        edge = min((y / style[0] - row) * style[0], (along - column) * style[1])
        if edge < 0.06:
            shade *= 1 - 0.45 * _fade(0.6 * style[0], footprint)
        for c in range(3):
            out[c] = colours[1, c] * shade
    elif code == TERRAIN:
        mix = min(1.0, max(0.0, 0.5 + 0.9 * _fractal2(x, y, 3.5, 4, footprint, seed + 17)))
        blades = _fractal2(x * 1.7, y * 0.8, 0.5, 5, footprint, seed + 23)
        shade = (1 + style[6] * (1.0 * blades + 0.35 * _fractal2(x, y, 9.0, 2, footprint, seed + 29))) * tint
        for c in range(3):
            out[c] = (colours[2, c] * (1 - mix) + colours[3, c] * mix) * shade
    else:
        stone = _hash(math.floor(y / 1.1), 0, 8, seed)
        shade = 0.85 + 0.3 * stone + 0.2 * _fractal2(x, y, 0.6, 3, footprint, seed + 31)
        if y / 1.1 - math.floor(y / 1.1) < 0.05:
            shade *= 0.7
        for c in range(3):
            out[c] = colours[4, c] * shade


@_jit
def _object_colour(
    material, px, py, pz, wx, wy, wz, nx, ny, nz, half, colour, colour2, params, footprint, seed, out
):
    """Colour of a primitive at local point p with local normal n; w is the point that carries the texture."""
    mix, shade = 0.0, 1.0
    if material == FACADE:
        base = _fractal3(wx, wy, wz, 2.8, 4, footprint, seed)
        if abs(nz) > 0.7:
            for c in range(3):
                out[c] = 0.5 * (colour[c] + 0.3) * (0.8 + 0.3 * base)
            return
        along = py if abs(nx) > abs(ny) else px
        _facade(along + 50.0 * params[1], pz + half[2], base, params, colour, colour2, footprint, seed, out)
        return
    if material == ROOF:
        course = math.floor(pz / 0.35)
        tile = _hash(math.floor((px + py) / 0.5), int(course), 9, seed)
        shade = (
            1
            + 0.35 * _fade(0.4, footprint) * (tile - 0.5)
            + 0.3 * _fractal3(wx, wy, wz, 2.0, 4, footprint, seed)
        )
        if pz / 0.35 - course < 0.2:
            shade *= 1 - 0.3 * _fade(0.3, footprint)
    elif material == BARK:
        shade = 1 + 0.8 * _fractal3(wx * 2.5, wy * 2.5, wz * 0.6, 0.6, 4, footprint, seed)
    elif material == LEAF:
        clump = _fractal3(wx, wy, wz, 0.7, 4, footprint, seed)
        mix = min(1.0, max(0.0, 0.5 + 1.2 * _fractal3(wx, wy, wz, 2.6, 2, footprint, seed + 40)))
        shade = max(0.12, 0.95 + 1.3 * clump) * (0.82 + 0.22 * pz / half[2])
    elif material == METAL:
        band = _hash(math.floor(wz / 0.55), 0, 10, seed)
        shade = 0.9 + 0.35 * (band - 0.5) + 0.25 * _fractal3(wx, wy, wz, 0.5, 3, footprint, seed)
        if band > 0.88:
            mix = 1.0
    elif material == SIGN:
        if (nz < 0.5) if params[0] > 0.5 else (nx > -0.5):
            for c in range(3):
                out[c] = 0.45 + 0.1 * _fractal3(wx, wy, wz, 0.3, 2, footprint, seed)
            return
        y, z = py / half[1], pz / half[2]
        if params[0] > 0.5:
            y, z = px / half[0], py / half[1]
        rim = max(abs(y), abs(z)) if params[1] > 0.5 else math.sqrt(y * y + z * z)
        if rim > 0.78:
            mix = 1.0
        elif params[2] < 0.35:
            mix = 1.0 if abs(z) < 0.2 and abs(y) < 0.55 else 0.0
        elif params[2] < 0.65:
            mix = (
                1.0
                if (abs(y) < 0.16 and abs(z) < 0.55) or (abs(abs(y) - z) < 0.2 and z < 0.5 and z > 0)
                else 0.0
            )
        else:
            mix = 1.0 if _hash(math.floor(y * 3.2), math.floor(z * 2.6), 11, seed) > 0.55 else 0.0
        shade = 1.08
    elif material == CAR_BODY:
        low = pz + half[2]
        for c in range(3):
            out[c] = colour[c] * (0.9 + 0.25 * max(nz, 0.0))
        if abs(ny) > 0.6:
            if low < 0.12 * half[2]:
                shade = 0.3
            for wheel in (-params[0], params[0]):
                if (px - wheel) ** 2 + low**2 < 0.19:
                    shade = 0.12
            for door in (-0.26, 0.02, 0.27):
                if abs(px / half[0] - door) < 0.008:
                    shade *= 0.55
            if abs(pz / half[2] - 0.2) < 0.07:
                shade *= 1.16
            if abs(abs(px / half[0]) - 0.94) < 0.06 and pz > 0.1 * half[2]:
                mix = 0.8
        elif abs(nx) > 0.5:
            side = abs(py / half[1])
            if 0.62 < side < 0.93 and abs(pz / half[2] - 0.25) < 0.3:
                out[0], out[1], out[2] = (0.85, 0.85, 0.78) if nx > 0 else (0.62, 0.06, 0.05)
                return
            if side < 0.28 and abs(pz / half[2] + 0.1) < 0.17:
                out[0], out[1], out[2] = 0.8, 0.8, 0.74
                return
            if low < 0.45 * half[2]:
                shade = 0.35
        else:
            shade = 1.12
        shade *= 1 + 0.1 * _fractal3(wx, wy, wz, 0.8, 3, footprint, seed)
        for c in range(3):
            out[c] = (out[c] * (1 - mix) + colour2[c] * mix) * shade
        return
    elif material == CAR_CABIN:
        x, y, z = px / half[0], py / half[1], pz / half[2]
        glass = z < 0.72 and z > -0.85 and nz < 0.8
        if abs(ny) > 0.6:
            glass = glass and abs(abs(x + 0.05) - 0.02) > 0.05 and abs(x) < params[1]
        else:
            glass = glass and abs(y) < 0.86
        if glass:
            tone = 0.09 + 0.13 * (z + 1) + 0.12 * _fractal3(wx, wy, wz, 0.9, 2, footprint, seed)
            out[0], out[1], out[2] = tone * 0.95, tone * 1.02, tone * 1.1
            return
        shade = 0.95 + 0.25 * max(nz, 0.0) + 0.08 * _fractal3(wx, wy, wz, 0.8, 2, footprint, seed)
    elif material == WHEEL:
        radius = math.sqrt(px * px + py * py) / half[0]
        if abs(nz) > 0.5 and radius < 0.62:
            spoke = math.sin(5 * math.atan2(py, px))
            shade = 1.0 if spoke > -0.3 or radius < 0.2 else 0.35
        else:
            for c in range(3):
                out[c] = 0.07
            return
    elif material == CLOTH:
        shade = 1 + 0.5 * _fractal3(wx, wy, wz, 0.35, 3, footprint, seed)
        if params[0] > 0:
            mix = 1.0 if wz / params[0] - math.floor(wz / params[0]) < 0.4 else 0.0
    else:
        shade = 1 + 0.12 * _fractal3(wx, wy, wz, 0.15, 2, footprint, seed)
        if pz > 0.25 * half[2] or px < -0.35 * half[0]:
            mix = 1.0
    for c in range(3):
        out[c] = (colour[c] * (1 - mix) + colour2[c] * mix) * shade


@_jit
def _lit(x, y, z, bias, shadow, frame):
    """Share of the sun's light that reaches a point: 0..1, from the four nearest cells of the shadow map."""
    if shadow.shape[0] == 0:
        return 1.0
    x, y, z = x - frame[0, 0], y - frame[0, 1], z - frame[0, 2]
    u = (x * frame[1, 0] + y * frame[1, 1] + z * frame[1, 2]) / frame[4, 0] - 0.5
    v = (x * frame[2, 0] + y * frame[2, 1] + z * frame[2, 2]) / frame[4, 0] - 0.5
    distance = frame[4, 1] - (x * frame[3, 0] + y * frame[3, 1] + z * frame[3, 2]) - bias
    j, i = math.floor(u), math.floor(v)
    if i < 0 or j < 0 or i + 1 >= shadow.shape[0] or j + 1 >= shadow.shape[1]:
        return 1.0
    a, b = u - j, v - i
    lit = 0.0
    if shadow[i, j] >= distance:
        lit += (1 - a) * (1 - b)
    if shadow[i, j + 1] >= distance:
        lit += a * (1 - b)
    if shadow[i + 1, j] >= distance:
        lit += (1 - a) * b
    if shadow[i + 1, j + 1] >= distance:
        lit += a * b
    return lit


@_jit
def shade(
    rays, focal, depth, index, solids, travel, ground, contacts, light, shadow, shadow_frame, seed, image
):
    """Fill ``image`` (rows, columns, 3; RGB) with the light that comes along the rays.

    ``focal`` is the focal length in raster pixels; ``travel`` (N, 3) how far each primitive has moved since
    time 0.
    """
    solid, material, seeds, params = solids.solid, solids.material, solids.seed, solids.params
    centre, rotation, half = solids.centre, solids.rotation, solids.half
    planes, num_planes, colour, colour2 = solids.planes, solids.num_planes, solids.colour, solids.colour2
    rows, columns = depth.shape
    out = np.empty(3)
    haze = np.empty(3)
    for i in range(rows):
        for j in range(columns):
            u, v = j + 0.5, i + 0.5
            dx = rays[3, 0] + u * rays[4, 0] + v * rays[5, 0]
            dy = rays[3, 1] + u * rays[4, 1] + v * rays[5, 1]
            dz = rays[3, 2] + u * rays[4, 2] + v * rays[5, 2]
            p = index[i, j]
            if p == SKY:
                _sky(dx, dy, dz, light, seed, out)
                for c in range(3):
                    image[i, j, c] = out[c] * light[18 + c]
                continue
            t = depth[i, j]
            x, y, z = rays[0, 0] + t * dx, rays[0, 1] + t * dy, rays[0, 2] + t * dz
            norm = math.sqrt(dx * dx + dy * dy + dz * dz)
            footprint = t / focal
            dark, gloss, bias = 1.0, 0.0, 0.12
            if p < 0:
                code = -1 - p
                nx, ny, nz = 0.0, 0.0, 1.0
                _, offset, k = ground_zone(x, y, ground)
                side = 0 if offset < 0 else 1
                if code == KERB:
                    nx = -1.0 if offset > 0 else 1.0
                    nz = 0.0
                footprint *= math.sqrt(norm / max(0.02, -dz))
                _ground_colour(code, x, y, offset, ground.tint[side, k], footprint, ground, seed, out)
                for b in range(contacts.shape[0]):
                    cx, cy = x - contacts[b, 0], y - contacts[b, 1]
                    if cx * cx + cy * cy > 16:
                        continue
                    a = max(0.0, abs(cx * contacts[b, 3] + cy * contacts[b, 2]) - contacts[b, 4])
                    w = max(0.0, abs(cx * contacts[b, 2] - cy * contacts[b, 3]) - contacts[b, 5])
                    near = 1 - math.sqrt(a * a + w * w) / 0.5
                    if near > 0:
                        dark *= 1 - contacts[b, 6] * near
            else:
                lx, ly, lz = x - centre[p, 0], y - centre[p, 1], z - centre[p, 2]
                r = rotation[p]
                px = r[0, 0] * lx + r[0, 1] * ly + r[0, 2] * lz
                py = r[1, 0] * lx + r[1, 1] * ly + r[1, 2] * lz
                pz = r[2, 0] * lx + r[2, 1] * ly + r[2, 2] * lz
                hx, hy, hz = half[p]
                ax, ay, az = 0.0, 0.0, 0.0
                if solid[p] == CONVEX:
                    best = abs(px) - hx
                    ax = 1.0 if px > 0 else -1.0
                    if abs(py) - hy > best:
                        best = abs(py) - hy
                        ax, ay = 0.0, 1.0 if py > 0 else -1.0
                    if abs(pz) - hz > best:
                        best = abs(pz) - hz
                        ax, ay, az = 0.0, 0.0, 1.0 if pz > 0 else -1.0
                    for q in range(num_planes[p]):
                        over = (
                            planes[p, q, 0] * px
                            + planes[p, q, 1] * py
                            + planes[p, q, 2] * pz
                            - planes[p, q, 3]
                        )
                        if over > best:
                            best = over
                            ax, ay, az = planes[p, q, 0], planes[p, q, 1], planes[p, q, 2]
                else:
                    ax, ay, az = px / (hx * hx), py / (hy * hy), pz / (hz * hz)
                    if solid[p] == CYLINDER:
                        if abs(abs(pz) - hz) < 1e-4 * hz:
                            ax, ay, az = 0.0, 0.0, 1.0 if pz > 0 else -1.0
                        else:
                            az = 0.0
                    length = math.sqrt(ax * ax + ay * ay + az * az)
                    ax, ay, az = ax / length, ay / length, az / length
                nx = r[0, 0] * ax + r[1, 0] * ay + r[2, 0] * az
                ny = r[0, 1] * ax + r[1, 1] * ay + r[2, 1] * az
                nz = r[0, 2] * ax + r[1, 2] * ay + r[2, 2] * az
                facing = abs(nx * dx + ny * dy + nz * dz) / norm
                footprint /= math.sqrt(max(0.1, facing))
                kind = material[p]
                _object_colour(
                    kind,
                    px,
                    py,
                    pz,
                    x - travel[p, 0],
                    y - travel[p, 1],
                    z - travel[p, 2],
                    ax,
                    ay,
                    az,
                    half[p],
                    colour[p],
                    colour2[p],
                    params[p],
                    footprint,
                    seeds[p],
                    out,
                )
                if kind == LEAF:
                    bias = 0.5
                    rough = 1.6 * _fade(0.6, footprint)
                    nx += rough * (_noise3(x * 1.9, y * 1.9, z * 1.9, seeds[p] + 50) - 0.5)
                    nz += rough * (_noise3(x * 1.9, y * 1.9, z * 1.9, seeds[p] + 51) - 0.5)
                elif kind == CAR_BODY or kind == CAR_CABIN:
                    along = 2 * (nx * dx + ny * dy + nz * dz) / norm
                    mx, my, mz = dx / norm - along * nx, dy / norm - along * ny, dz / norm - along * nz
                    fresnel = 0.1 + 0.35 * (1 - facing) ** 3
                    if mz > 0:
                        _sky(mx, my, mz, light, seed, haze)
                        for c in range(3):
                            out[c] += fresnel * 0.7 * haze[c]
                    gloss = max(0.0, mx * light[0] + my * light[1] + mz * light[2]) ** 24
            facing = nx * light[0] + ny * light[1] + nz * light[2]
            if p >= 0 and material[p] == LEAF:
                facing = 0.5 + 0.5 * facing
            lit = 0.0
            if facing > 0:
                lit = _lit(x + 0.05 * nx, y + 0.05 * ny, z + 0.05 * nz, bias, shadow, shadow_frame)
            facing = max(0.0, facing) * lit
            above = 0.72 + 0.28 * nz
            veil = 1 - math.exp(-t * norm / light[23])
            for c in range(3):
                value = (
                    max(0.0, out[c]) * dark * (light[6 + c] * above + light[3 + c] * facing)
                    + gloss * lit * light[3 + c] * 0.6
                )
                image[i, j, c] = (value * (1 - veil) + light[12 + c] * veil) * light[18 + c]
