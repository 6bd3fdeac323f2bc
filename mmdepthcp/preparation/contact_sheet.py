"""One HTML file that shows chosen images in their order, and why each was chosen: for those who label them."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
from jinja2 import Environment, PackageLoader, StrictUndefined

from mmdepthcp.datasets.transforms.loading import resize_image
from mmdepthcp.utils.fileio import atomic_path
from mmdepthcp.utils.images import read_image

WIDTH = 280
QUALITY = 80


@dataclass(frozen=True)
class Card:
    """An image of the sheet.

    Attributes:
        image: its name.
        why: it was chosen, in words.
        picture: JPEG, base64.
    """

    image: str
    why: str
    picture: str

    @classmethod
    def of(cls, root: Path, image: str, why: str) -> Card:
        """Read and shrink an image.

        Raises:
            InputError: it cannot be read.
        """
        pixels = read_image(root / image)
        height = max(1, round(WIDTH * pixels.shape[0] / pixels.shape[1]))
        small = resize_image(pixels, (WIDTH, height))
        content = cv2.imencode('.jpg', small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
        return cls(image, why, base64.b64encode(content).decode())


def write_contact_sheet(path: str | os.PathLike, title: str, summary: str, drives: Mapping[str, Mapping[str, int]],
                        cards: Sequence[Card]) -> None:
    """Write the sheet.

    Args:
        path: ``.html``; it needs no other file.
        title: its headline.
        summary: a sentence on how the images were chosen.
        drives: name → how many images were ``chosen``, of ``all``.
        cards: the images in their order.
    """
    environment = Environment(
        loader=PackageLoader('mmdepthcp.preparation'), autoescape=True, undefined=StrictUndefined)
    text = environment.get_template('contact_sheet.html').render(
        title=title, summary=summary, drives=drives, cards=cards, width=WIDTH)
    with atomic_path(path) as aside:
        aside.write_text(text, encoding='utf-8', errors='replace')
