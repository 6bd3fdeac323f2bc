"""The compiled part of rendering: which layer shows at a pixel, and its colour there.

The maps from view to source have no rotation, so positions advance along a row in fixed point (32 bits of
fraction), and the three channels of a pixel are interpolated or averaged together in one 64-bit integer, see
``RegionPool.packed``. All compiled functions stand in one file: numba's cache does not see changes in others.
"""

from __future__ import annotations

import numba
import numpy as np

from mmdepthcp.mixing.regions import LANE_BITS
from mmdepthcp.utils.images import NO_REGION

NO_COPY = -1
"""Label of a pixel that shows no region."""

_FRACTION_BITS = 32
ONE = 1 << _FRACTION_BITS
_FRACTION = ONE - 1
_UNIT = np.float32(1 / ONE)
_WEIGHT_BITS = 6
WEIGHT = 1 << _WEIGHT_BITS
TOTAL_WEIGHT = WEIGHT * WEIGHT
_CHANNEL = (1 << LANE_BITS) - 1
_BYTES = 255 | 255 << LANE_BITS | 255 << 2 * LANE_BITS
_HALVES = (TOTAL_WEIGHT // 2) * (1 | 1 << LANE_BITS | 1 << 2 * LANE_BITS)
_ROUND_WEIGHT = 1 << (_FRACTION_BITS - _WEIGHT_BITS - 1)


@numba.njit(nogil=True)
def _interpolate(packed, stride, base, u, v):
    """Bilinear packed colour at fixed-point (u, v); each channel is scaled by ``TOTAL_WEIGHT``."""
    u += _ROUND_WEIGHT
    v += _ROUND_WEIGHT
    at = np.uint64(base + (v >> _FRACTION_BITS) * stride + (u >> _FRACTION_BITS))
    fx = (u >> (_FRACTION_BITS - _WEIGHT_BITS)) & (WEIGHT - 1)
    fy = (v >> (_FRACTION_BITS - _WEIGHT_BITS)) & (WEIGHT - 1)
    both = fx * fy
    below = at + np.uint64(stride)
    one = np.uint64(1)
    return (
        packed[at] * (TOTAL_WEIGHT - WEIGHT * (fx + fy) + both)
        + packed[at + one] * (WEIGHT * fx - both)
        + packed[below] * (WEIGHT * fy - both)
        + packed[below + one] * both)


@numba.njit(nogil=True)
def _clamp(value, length):
    """Keep a fixed-point position between the edges of an image of this width or height."""
    return min(max(value, ONE >> 1), length * ONE + (ONE >> 1))


@numba.njit(nogil=True)
def _average(packed, size, base, u, v, box):
    """Like ``_interpolate``, the exact mean over a box about (u, v); ``box``: fixed-point width and height, and the
    weights of a length of 1 along each.

    A box of one source pixel would give what interpolation gives. Beyond the border its pixels are repeated.
    """
    width, height, column_weight, row_weight = box
    last_row, last_column = size[0] + 1, size[1] + 1
    left, top = u - (width >> 1) + (ONE >> 1), v - (height >> 1) + (ONE >> 1)
    right, bottom = left + width, top + height
    first, last = left >> _FRACTION_BITS, (right - 1) >> _FRACTION_BITS
    first_weight = int(np.float32(ONE - (left & _FRACTION)) * _UNIT * column_weight)
    whole_weight = int(column_weight)
    last_weight = max(TOTAL_WEIGHT - first_weight - max(last - first - 1, 0) * whole_weight, 0)
    first_at, last_at = min(max(first, 0), last_column), min(max(last, 0), last_column)
    blue = green = red = np.float32(0.5)
    for y in range(top >> _FRACTION_BITS, ((bottom - 1) >> _FRACTION_BITS) + 1):
        row = base + min(max(y, 0), last_row) * (last_column + 1)
        inner = 0
        for x in range(first + 1, last):
            inner += packed[np.uint64(row + min(max(x, 0), last_column))]
        total = (packed[np.uint64(row + first_at)] * first_weight + inner * whole_weight
                 + packed[np.uint64(row + last_at)] * last_weight)
        covered = min((y + 1) << _FRACTION_BITS, bottom) - max(y << _FRACTION_BITS, top)
        weight = np.float32(covered) * _UNIT * row_weight
        blue += weight * np.float32(np.int32(total & _CHANNEL))
        green += weight * np.float32(np.int32((total >> LANE_BITS) & _CHANNEL))
        red += weight * np.float32(np.int32(total >> (2 * LANE_BITS)))
    return np.int64(blue) | np.int64(green) << LANE_BITS | np.int64(red) << (2 * LANE_BITS)


@numba.njit(nogil=True)
def _load_box(boxes, layer):
    """A layer's box for ``_average``."""
    width, height = boxes[layer]
    one = np.float32(ONE)
    return width, height, np.float32(TOTAL_WEIGHT) * one / np.float32(width), one / np.float32(height)


@numba.njit(nogil=True)
def _add_sample(total, value, i, j, side):
    """Add a sample of a blur."""
    middle = WEIGHT - 2 * side
    value = ((value + _HALVES) >> (2 * _WEIGHT_BITS)) & _BYTES
    return total + value * ((side if i != 0 else middle) * (side if j != 0 else middle))


@numba.njit(nogil=True)
def _interpolate_blurred(packed, size, base, u, v, blur):
    """Like ``_interpolate`` after a 5×5 Gaussian, as 3×3 samples; ``blur``: see ``blur_samples``."""
    du, dv, side = blur
    total = 0
    for i in range(-1, 2):
        row = _clamp(v + i * dv, size[0])
        for j in range(-1, 2):
            value = _interpolate(packed, size[1] + 2, base, _clamp(u + j * du, size[1]), row)
            total = _add_sample(total, value, i, j, side)
    return total


@numba.njit(nogil=True)
def _average_blurred(packed, size, base, u, v, box, blur):
    """Like ``_interpolate_blurred``, of the means over boxes."""
    du, dv, side = blur
    total = 0
    for i in range(-1, 2):
        row = _clamp(v + i * dv, size[0])
        for j in range(-1, 2):
            value = _average(packed, size, base, _clamp(u + j * du, size[1]), row, box)
            total = _add_sample(total, value, i, j, side)
    return total


@numba.njit(nogil=True)
def _load_blur(blurs, layer):
    """A layer's blur, see ``blur_samples``."""
    return blurs[layer, 0], blurs[layer, 1], blurs[layer, 2]


@numba.njit(nogil=True)
def _sample(packed, size, base, u, v, boxes, blurs, layer):
    """A layer's packed colour at fixed-point (u, v), however it is sampled."""
    shrunk, blurred = boxes[layer, 0] > 0, blurs[layer, 2] > 0
    if shrunk and blurred:
        return _average_blurred(packed, size, base, u, v, _load_box(boxes, layer), _load_blur(blurs, layer))
    if shrunk:
        return _average(packed, size, base, u, v, _load_box(boxes, layer))
    if blurred:
        return _interpolate_blurred(packed, size, base, u, v, _load_blur(blurs, layer))
    return _interpolate(packed, size[1] + 2, base, u, v)


@numba.njit(nogil=True)
def _recolour(value, matrix):
    """A packed colour of ``_interpolate`` changed by a 3×4 matrix: B, G, R within 0..255."""
    blue = np.float32(np.int32(value & _CHANNEL))
    green = np.float32(np.int32((value >> LANE_BITS) & _CHANNEL))
    red = np.float32(np.int32(value >> (2 * LANE_BITS)))
    (bb, bg, br, b1), (gb, gg, gr, g1), (rb, rg, rr, r1) = matrix
    least, most = np.float32(0), np.float32(255)
    return (
        min(max(bb * blue + bg * green + br * red + b1, least), most),
        min(max(gb * blue + gg * green + gr * red + g1, least), most),
        min(max(rb * blue + rg * green + rr * red + r1, least), most))


@numba.njit(nogil=True)
def _load_matrix(matrices, layer):
    """A layer's 3×4 matrix as tuples, which stay in registers."""
    m = matrices[layer]
    return ((m[0, 0], m[0, 1], m[0, 2], m[0, 3]), (m[1, 0], m[1, 1], m[1, 2], m[1, 3]),
            (m[2, 0], m[2, 1], m[2, 2], m[2, 3]))


@numba.njit(nogil=True)
def _store(image, y, x, colour):
    """Write B, G, R, rounded."""
    half = np.float32(0.5)
    image[0, y, x] = np.uint8(np.int32(colour[0] + half))
    image[1, y, x] = np.uint8(np.int32(colour[1] + half))
    image[2, y, x] = np.uint8(np.int32(colour[2] + half))


@numba.njit(nogil=True)
def _blend_rows(disparity, at, stride, position, scale, count, out):
    """``out[i]``: disparity at ``at + i`` and one row below, interpolated at fixed-point ``position``, times scale.

    Between equal values that is their product with ``scale`` without rounding, here and along the row: what is
    equally close everywhere ties everywhere.
    """
    fraction = np.float32(position & _FRACTION) * _UNIT
    upper = np.uint64(at + (position >> _FRACTION_BITS) * stride)
    lower = upper + np.uint64(stride)
    for i in range(count):
        above = disparity[upper + np.uint64(i)]
        out[i] = scale * (above + fraction * (disparity[lower + np.uint64(i)] - above))


@numba.njit(nogil=True)
def _fill_background(disparity, stride, base, position, row, out):
    """Bilinear disparity of the background over a whole view."""
    u0, du, v0, dv = position
    height, width = out.shape
    column, fraction = np.empty(width, np.int32), np.empty(width, np.float32)
    for x in range(width):
        u = u0 + du * x
        column[x] = u >> _FRACTION_BITS
        fraction[x] = np.float32(u & _FRACTION) * _UNIT
    for y in range(height):
        _blend_rows(disparity, base, stride, v0 + dv * y, np.float32(1), stride, row)
        for x in range(width):
            at = np.uint64(column[x])
            out[y, x] = row[at] + fraction[x] * (row[at + np.uint64(1)] - row[at])


@numba.njit(nogil=True)
def _paste(disparity, stride, base, position, inverse, scale, runs, layer, row, nearest, winner):
    """Let one paste compete for the pixels of its runs: those whose centre lies in the run in the source."""
    u0, du, v0, dv = position
    height, width = nearest.shape
    # the centre of pixel x is at source s where x = (s - bx) / ax - 0.5
    x_scale, y_scale = 1 / inverse[0], 1 / inverse[2]
    x_shift, y_shift = -inverse[1] * x_scale - 0.5, -inverse[3] * y_scale - 0.5
    for i in range(len(runs)):
        y0 = max(int(np.ceil(runs[i, 0] * y_scale + y_shift)), 0)
        y1 = min(int(np.ceil((runs[i, 0] + 1) * y_scale + y_shift)), height)
        if y0 >= y1:
            continue
        if x_scale > 0:
            x0, x1 = np.ceil(runs[i, 1] * x_scale + x_shift), np.ceil(runs[i, 2] * x_scale + x_shift)
        else:
            x0, x1 = np.floor(runs[i, 2] * x_scale + x_shift) + 1, np.floor(runs[i, 1] * x_scale + x_shift) + 1
        first, last = max(int(x0), 0), min(int(x1), width) - 1
        if first > last:
            continue
        start, end = u0 + du * first, u0 + du * last
        left = min(start, end) >> _FRACTION_BITS
        count = (max(start, end) >> _FRACTION_BITS) + 2 - left
        start -= left << _FRACTION_BITS
        for y in range(y0, y1):
            _blend_rows(disparity, base + left, stride, v0 + dv * y, scale, count, row)
            u = start
            for x in range(first, last + 1):
                at = np.uint64(u >> _FRACTION_BITS)
                value = row[at] + np.float32(u & _FRACTION) * _UNIT * (row[at + np.uint64(1)] - row[at])
                u += du
                if value > nearest[y, x]:
                    nearest[y, x] = value
                    winner[y, x] = layer


@numba.njit(nogil=True)
def _fetch(packed, regions, size, positions, boxes, blurs, matrices, layer_image, layer_label, first_region,
           copies_per_region, winner, image, labels):
    """Colour and label of every pixel of a view from the layer that won it.

    The background of round r has the label −1 − r: its pixels take their own region's copy r.
    """
    height, width = winner.shape
    source_height, source_width = size
    stride = source_width + 2
    half = ONE >> 1
    for y in range(height):
        x = 0
        while x < width:
            layer = winner[y, x]
            end = x + 1
            while end < width and winner[y, end] == layer:
                end += 1
            m = layer_image[layer]
            base = m * (source_height + 2) * stride
            u0, du = positions[layer, 0], positions[layer, 1]
            v = positions[layer, 2] + positions[layer, 3] * y
            matrix = _load_matrix(matrices, layer)
            shrunk, blurred = boxes[layer, 0] > 0, blurs[layer, 2] > 0
            if shrunk and blurred:
                box, blur = _load_box(boxes, layer), _load_blur(blurs, layer)
                for i in range(x, end):
                    value = _average_blurred(packed, size, base, u0 + du * i, v, box, blur)
                    _store(image, y, i, _recolour(value, matrix))
            elif shrunk:
                box = _load_box(boxes, layer)
                for i in range(x, end):
                    value = _average(packed, size, base, u0 + du * i, v, box)
                    _store(image, y, i, _recolour(value, matrix))
            elif blurred:
                blur = _load_blur(blurs, layer)
                for i in range(x, end):
                    value = _interpolate_blurred(packed, size, base, u0 + du * i, v, blur)
                    _store(image, y, i, _recolour(value, matrix))
            else:
                for i in range(x, end):
                    value = _interpolate(packed, stride, base, u0 + du * i, v)
                    _store(image, y, i, _recolour(value, matrix))
            label = layer_label[layer]
            if label >= 0:
                for i in range(x, end):
                    labels[y, i] = label
            else:
                row = (m * source_height + ((v - half) >> _FRACTION_BITS)) * source_width
                for i in range(x, end):
                    region = regions[row + ((u0 + du * i - half) >> _FRACTION_BITS)]
                    if region == NO_REGION:
                        labels[y, i] = NO_COPY
                    else:
                        labels[y, i] = (first_region[m] + region) * copies_per_region - 1 - label
            x = end


@numba.njit(nogil=True)
def _mark_edges(winner, y, changes, edges):
    """``edges[x]`` is 1 where a pixel of row y may have another winner among its 3×3 neighbours, else 0."""
    height, width = winner.shape
    own, above, below = winner[y], winner[max(y - 1, 0)], winner[min(y + 1, height - 1)]
    for x in range(width):
        changes[x] = (above[x] != own[x]) | (below[x] != own[x])
    for x in range(1, width - 1):
        edges[x] = changes[x - 1] | changes[x] | changes[x + 1] | (own[x - 1] != own[x]) | (own[x + 1] != own[x])
    edges[0] = edges[width - 1] = 1


@numba.njit(nogil=True)
def _soften_edges(packed, size, positions, boxes, blurs, matrices, layer_image, kernel, winner, image):
    """Blend colours where the winner changes within a pixel's 3×3 neighbours: the sum over the neighbours of the
    Gaussian's weight times the colour that the neighbour's layer has *at this pixel*. Pixels outside the view repeat
    those at its edge.
    """
    height, width = winner.shape
    source_height, source_width = size
    stride = source_width + 2
    others, weights = np.empty(8, np.int64), np.empty(8, np.float32)
    changes = np.zeros(width, np.uint8)
    edges = np.zeros((width + 7) // 8 * 8, np.uint8)
    eight_edges = edges.view(np.uint64)
    for y in range(height):
        _mark_edges(winner, y, changes, edges[:width])
        for eighth in range(len(eight_edges)):
            if eight_edges[eighth] == 0:
                continue
            for x in range(8 * eighth, min(8 * eighth + 8, width)):
                if edges[x] == 0:
                    continue
                own = winner[y, x]
                found, own_weight = 0, np.float32(0)
                for i in range(-1, 2):
                    row = min(max(y + i, 0), height - 1)
                    for j in range(-1, 2):
                        layer = winner[row, min(max(x + j, 0), width - 1)]
                        weight = kernel[i + 1, j + 1]
                        if layer == own:
                            own_weight += weight
                            continue
                        k = 0
                        while k < found and others[k] != layer:
                            k += 1
                        if k == found:
                            others[k], weights[k] = layer, 0
                            found += 1
                        weights[k] += weight
                if found == 0:
                    continue
                blue, green, red = own_weight * image[0, y, x], own_weight * image[1, y, x], own_weight * image[2, y, x]
                for k in range(found):
                    layer = others[k]
                    base = layer_image[layer] * (source_height + 2) * stride
                    u = _clamp(positions[layer, 0] + positions[layer, 1] * x, source_width)
                    v = _clamp(positions[layer, 2] + positions[layer, 3] * y, source_height)
                    value = _sample(packed, size, base, u, v, boxes, blurs, layer)
                    colour = _recolour(value, _load_matrix(matrices, layer))
                    blue += weights[k] * colour[0]
                    green += weights[k] * colour[1]
                    red += weights[k] * colour[2]
                _store(image, y, x, (blue, green, red))


@numba.njit(cache=True, nogil=True)
def rasterise(packed, disparity, regions, size, first_region, copies_per_region, run_start, runs, inverses,
              positions, boxes, blurs, matrices, layer_image, layer_label, layer_region, layer_scale, first_layer,
              kernel, images, labels, nearest):
    """Render all views. Layer v is the background of view v; ``first_layer`` (V+1,) bounds each view's pastes.

    ``positions`` (L, 4) int64: fixed-point u of the first pixel centre and step of u per pixel, then the same of v, in
    the bordered source; ``inverses`` (L, 4) float64: the same map as (ax, bx, ay, by); ``boxes`` (L, 2) and ``blurs``
    (L, 3) int64: see :mod:`mmdepthcp.mixing.layers`.
    """
    num_views, _, height, width = images.shape
    source_height, source_width = size
    stride = source_width + 2
    winner = np.empty((height, width), np.int32)
    row = np.empty(stride, np.float32)
    for view in range(num_views):
        base = layer_image[view] * (source_height + 2) * stride
        _fill_background(disparity, stride, base, positions[view], row, nearest[view])
        winner[:] = view
        for layer in range(first_layer[view], first_layer[view + 1]):
            region = layer_region[layer]
            _paste(
                disparity, stride, layer_image[layer] * (source_height + 2) * stride, positions[layer], inverses[layer],
                layer_scale[layer], runs[run_start[region]:run_start[region + 1]], layer, row, nearest[view], winner)
        _fetch(
            packed, regions, size, positions, boxes, blurs, matrices, layer_image, layer_label, first_region,
            copies_per_region, winner, images[view], labels[view])
        _soften_edges(packed, size, positions, boxes, blurs, matrices, layer_image, kernel, winner, images[view])
