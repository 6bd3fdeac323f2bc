"""Average precision of objects, for MMDetection. Not imported by default, because MMDetection is not required."""

from __future__ import annotations

from collections.abc import Sequence

from mmdet.evaluation import CocoMetric
from pycocotools import mask as rle

from mmdepthcp.registry import METRICS
from mmdepthcp.utils.fileio import read_json, write_json


@METRICS.register_module()
class StreetCocoMetric(CocoMetric):
    """COCO's average precision against the objects of the samples, small, medium and large by the area of masks.

    Of objects from samples mmdet takes the area of the box, which for a mask of the same object is larger (COCO's
    limits are 32² and 96² pixels, of the mask).
    """

    def gt_to_coco_json(self, gt_dicts: Sequence[dict], outfile_prefix: str) -> str:
        """Write the truth as mmdet does, with the areas of masks.

        Args:
            gt_dicts: ``width``, ``height``, ``img_id`` and ``anns`` of every image.
            outfile_prefix: start of the name of the file.

        Returns:
            The file.
        """
        path = super().gt_to_coco_json(gt_dicts, outfile_prefix)
        truth = read_json(path)
        sizes = {image['id']: (image['height'], image['width']) for image in truth['images']}
        for item in truth.get('annotations', ()):
            if 'segmentation' in item:
                item['area'] = _mask_area(item['segmentation'], *sizes[item['image_id']])
        write_json(path, truth)
        return path


def _mask_area(mask: dict | list, height: int, width: int) -> int:
    """Pixels of polygons, or of a mask in COCO's run lengths."""
    if isinstance(mask, list) or isinstance(mask['counts'], list):
        mask = rle.frPyObjects(mask, height, width)
    return int(rle.area(rle.merge(mask) if isinstance(mask, list) else mask))
