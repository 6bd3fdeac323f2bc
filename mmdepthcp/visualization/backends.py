"""Where MMEngine's visualizers put their pictures."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from mmengine.visualization import LocalVisBackend as MMEngineLocalVisBackend
from mmengine.visualization.vis_backend import force_init_env

from mmdepthcp.registry import VISBACKENDS
from mmdepthcp.utils.images import write_png


@VISBACKENDS.register_module()
class LocalVisBackend(MMEngineLocalVisBackend):
    """MMEngine's, for pictures of any name: OpenCV, which writes them there, ends the program at one that is not
    UTF-8.
    """

    @force_init_env
    def add_image(self, name: str, image: np.ndarray, step: int = 0, **kwargs: Any) -> None:
        """Write ``image`` (H, W, 3) uint8 RGB to ``<name>_<step>.png`` in the folder of pictures."""
        write_png(os.path.join(self._img_save_dir, f'{name}_{step}.png'), np.ascontiguousarray(image[..., ::-1]))
