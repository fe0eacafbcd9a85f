"""The skeleton graph that the backbones share, for any layout."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from mmaction.models.utils import Graph

from mmshapmix.functional.checks import check_choice
from mmshapmix.functional.layouts import Layout, get_layout


class LayoutGraph(Graph):
    """MMAction2's graph, extended to all layouts of mmshapmix.

    Args:
        layout: A name in the table of :mod:`mmshapmix.functional.layouts`, a
            dict of its fields, or MMAction2's dict of ``num_node``,
            ``inward`` and ``center``.
        mode: MMAction2's ``'spatial'``, ``'stgcn_spatial'`` or
            ``'binary_adj'``, or ``'random'``.
        max_hop: Largest distance of neighbours in mode ``'stgcn_spatial'``.
        num_filter: Number of matrices in mode ``'random'``.
        init_off: Mean of the entries of the random matrices.
        init_std: Standard deviation of the entries of the random matrices.

    Attributes:
        bones: Pairs ``(joint, parent)``; the edges if the layout has no bones.
        origin: The joint at the origin; the centre if the layout has none.
        dims: Coordinates of a joint; with 2, its score is a third channel.

    Raises:
        ValueError: For an unknown layout or mode.
    """

    MODES = ('spatial', 'stgcn_spatial', 'binary_adj', 'random')

    def __init__(
        self,
        layout: str | Mapping[str, Any] | Layout = 'coco',
        mode: str = 'spatial',
        max_hop: int = 1,
        num_filter: int = 3,
        init_off: float = 0.04,
        init_std: float = 0.02,
    ) -> None:
        check_choice('mode', mode, self.MODES)
        self.num_filter = num_filter
        self.init_off, self.init_std = init_off, init_std
        if isinstance(layout, Mapping) and 'num_node' in layout:
            row, graph = None, dict(layout)
        else:
            row = get_layout(layout)
            graph = row.graph()
        super().__init__(graph, mode, max_hop)
        self.bones = (row and row.bones) or self.inward
        origin = None if row is None else row.origin
        self.origin = self.center if origin is None else origin
        self.dims = row.dims if row else 3

    def random(self) -> np.ndarray:
        """Draw ``num_filter`` random matrices, the initial graph of DG-STGCN.

        The draws come from numpy's global generator, once when the model is
        built, just as other weights come from torch's global generator.
        """
        shape = (self.num_filter, self.num_node, self.num_node)
        return self.init_off + self.init_std * np.random.standard_normal(shape)
