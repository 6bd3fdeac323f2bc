"""Mixing the images of a group by copy-paste, and sampling what matches in the views."""

from __future__ import annotations

from mmcv.transforms import BaseTransform

from mmdepthcp.datasets.seeded import require_rng
from mmdepthcp.mixing.matches import sample_pixel_matches, sample_region_matches
from mmdepthcp.mixing.pastes import PasteSettings, sample_pastes
from mmdepthcp.mixing.regions import pool_regions
from mmdepthcp.mixing.zbuffer import render_views
from mmdepthcp.registry import TRANSFORMS
from mmdepthcp.utils.errors import InputError
from mmdepthcp.views.colour import NO_COLOUR_CHANGE, ColourSettings, sample_colours
from mmdepthcp.views.crops import ViewSettings, sample_view_crops


def _with_colour(settings: dict | None) -> dict:
    """Settings as a dict, its ``colour`` built; ``colour=None`` switches colour changes off."""
    settings = dict(settings or {})
    if 'colour' in settings:
        colour = settings['colour']
        settings['colour'] = NO_COLOUR_CHANGE if colour is None else ColourSettings(**colour)
    return settings


@TRANSFORMS.register_module()
class CopyPaste(BaseTransform):
    """Mix the images of a group: every depth region is pasted several times into other images, in front of
    what is farther away (Zeng et al., BMVC 2022); each view is resized, cropped, flipped and recoloured on
    its own.

    Required keys: ``group``, a list of M dicts with ``img``, ``disparity``, ``regions`` of one size; ``rng``.

    Added keys: ``views`` (V, H, W, 3) uint8 BGR, V = rounds·M, in the order of rounds; ``labels`` (V, H, W)
        int32, the copy
        that a pixel shows; ``view_disparity`` (V, H, W) float32; ``copies``, the table of copies
        (:class:`mmdepthcp.mixing.Copies`).

    Args:
        pastes: Arguments of :class:`mmdepthcp.mixing.PasteSettings` (``cp_times``, ``scale_range``, ...),
            lengths in pixels for the size of the images.
        views: Arguments of :class:`mmdepthcp.views.crops.ViewSettings` (``size``, ``area_range``, ...).
            In both, ``colour`` holds arguments of :class:`mmdepthcp.views.ColourSettings`; None leaves
            colours alone.

    Raises:
        InputError: the images of a group, or an image and its maps, differ in size; a map is missing.
    """

    def __init__(self, pastes: dict | None = None, views: dict | None = None) -> None:
        pastes = _with_colour(pastes)
        if 'cp_times' in pastes:
            pastes['cp_times'] = tuple(pastes['cp_times'])
        self.pastes = PasteSettings(**pastes)
        self.views = ViewSettings(**_with_colour(views))

    def transform(self, results: dict) -> dict:
        rng, group = require_rng(results), results['group']
        for member in group:
            for key, remedy in (('regions', 'LoadRegions'), ('disparity', 'LoadDisparity')):
                if key not in member:
                    raise InputError(f"{member.get('img_path')}: CopyPaste needs its {key}; add {remedy} to the "
                                     'pipeline of the images')
        pool = pool_regions(*([member[key] for member in group] for key in ('img', 'regions', 'disparity')))
        num_views = self.pastes.num_rounds * len(group)
        pastes = sample_pastes(rng, pool, self.pastes)
        crops = sample_view_crops(rng, num_views, pool.size, self.views)
        colours = sample_colours(rng, num_views, self.views.colour)
        mixed = render_views(
            pool, pastes, crops, self.views.size or pool.size, colours, self.pastes.copies_per_region)
        results.update(views=mixed.images, labels=mixed.labels, view_disparity=mixed.disparity, copies=mixed.copies)
        return results


@TRANSFORMS.register_module()
class SampleMatches(BaseTransform):
    """Sample the positions in mixed views on which the loss works.

    Required keys: ``labels``, ``copies``, ``rng``. Added keys: ``region_matches``, ``pixel_matches``
    (:class:`mmdepthcp.mixing.Matches`).

    Args:
        region_points: Uniform positions per view that are grouped by region.
        pixel_points: Uniform positions per view that are looked up in all other views.
    """

    def __init__(self, region_points: int = 7200, pixel_points: int = 4000) -> None:
        self.region_points = region_points
        self.pixel_points = pixel_points

    def transform(self, results: dict) -> dict:
        rng, labels, copies = require_rng(results), results['labels'], results['copies']
        results['region_matches'] = sample_region_matches(rng, labels, copies, self.region_points)
        results['pixel_matches'] = sample_pixel_matches(rng, labels, copies, self.pixel_points)
        return results
