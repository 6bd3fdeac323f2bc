"""Images with labels and without on their way into a segmentor that learns from both."""

from __future__ import annotations

from typing import Any

from mmengine.model import BaseDataPreprocessor
from torch import nn

from mmdepthcp.models.data_preprocessors.segmentation import depth_unknown_where_padded
from mmdepthcp.registry import MODELS
from mmdepthcp.utils.errors import InputError

BRANCHES = ('labelled', 'unlabelled')


@MODELS.register_module()
class SemiDataPreprocessor(BaseDataPreprocessor):
    """Training: give each of the ``labelled`` and ``unlabelled`` images of a batch to a segmentor's own preprocessor;
    ``inputs`` and ``data_samples`` become dicts of both. Testing: that preprocessor.

    Args:
        preprocessor: config, such as that of ``SegDataPreProcessor``, or the preprocessor.

    Raises:
        InputError: in training, the data set is not :class:`mmdepthcp.datasets.LabelledUnlabelledDataset`.
    """

    def __init__(self, preprocessor: dict | nn.Module) -> None:
        super().__init__()
        self.preprocessor = MODELS.build(preprocessor) if isinstance(preprocessor, dict) else preprocessor

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        """See the class."""
        if not training:
            return self.preprocessor(data, training)
        if not all(branch in data for branch in BRANCHES):
            raise InputError(f'SemiDataPreprocessor: a batch of {", ".join(data)} has not both labelled and unlabelled '
                             'images; set train_dataloader.dataset.type to mmdepthcp.LabelledUnlabelledDataset')
        batches = {branch: self.preprocessor(data[branch], training) for branch in BRANCHES}
        depth_unknown_where_padded(batches['unlabelled']['data_samples'])
        return {key: {branch: batch[key] for branch, batch in batches.items()} for key in ('inputs', 'data_samples')}
