"""Base class of the saliency estimators: a running table by class."""

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

from ...functional.saliency import class_sums, fill_unvisited, running_mean


class SaliencyEstimator(nn.Module):
    """A running table ``(K, slots)`` and its linear map to the saliency.

    :class:`~mmshapmix.engine.hooks.SaliencyHook` calls :meth:`observe` on a
    batch, and :meth:`update` with the observations. Checkpoints contain the
    table. All ranks hold the same table: the sums and counts of a step are
    all-reduced, and each cell gets one update by the step's mean.

    Args:
        num_classes: K.
        coalitions: ``(S, P)`` bool, the coalitions whose saliency is
            estimated.
        part_joints: ``(P, V)``, 1 where a joint belongs to a part.
        to_saliency: ``(S, slots)``, the linear map.
        momentum: Momentum of the running mean.
    """

    draw_stream = 1  # see SeedHook

    coalitions: Tensor
    part_joints: Tensor
    to_saliency: Tensor
    table: Tensor
    visits: Tensor
    mean_pose: Tensor | None
    skipped: Tensor

    def __init__(
        self,
        num_classes: int,
        coalitions: Tensor,
        part_joints: Tensor,
        to_saliency: Tensor,
        momentum: float,
    ) -> None:
        super().__init__()
        if not 0 <= momentum < 1:
            raise ValueError(
                f'Expected `momentum` in [0, 1), but got {momentum}.'
            )
        self.num_classes = num_classes
        self.momentum = momentum
        # Float, since MMEngine averages buffers over the ranks.
        constants = dict(
            coalitions=coalitions,
            part_joints=part_joints,
            to_saliency=to_saliency,
        )
        for name, value in constants.items():
            self.register_buffer(name, value.float(), persistent=False)
        shape = num_classes, to_saliency.shape[1]
        self.register_buffer('table', torch.zeros(shape))
        self.register_buffer('visits', torch.zeros(shape))
        # (M, V, C), or (0, V, 0) before it is measured; None if the estimator
        # does not need it.
        self.register_buffer('mean_pose', None)
        # Number of observed values that were not finite; SaliencyHook reports
        # and resets it.
        self.register_buffer('skipped', torch.zeros(()), persistent=False)

    def _load_from_state_dict(self, state_dict, prefix, *args) -> None:
        # A checkpoint of another recipe has no table; that is no error.
        if f'{prefix}table' in state_dict:
            super()._load_from_state_dict(state_dict, prefix, *args)

    def reset(self) -> None:
        """Forget all observations."""
        self.table.zero_()
        self.visits.zero_()

    def observe(
        self,
        model: nn.Module,
        inputs: Tensor,
        labels: Tensor,
        generator: torch.Generator | None,
    ) -> tuple[Tensor, Tensor]:
        """Observe values of a batch; the model is in evaluation mode.

        Args:
            model: The recognizer, without a distributed wrapper.
            inputs: ``(N, clips, M, T, V, C)``.
            labels: ``(N,)`` int64.
            generator: Generator of this step; ``None``: the global generator.

        Returns:
            ``(N, E)`` int64 slots and their ``(N, E)`` values.
        """
        raise NotImplementedError

    def update(self, labels: Tensor, slots: Tensor, values: Tensor) -> None:
        """Update the table by the observations of a step from all ranks.

        Args:
            labels: ``(N,)`` int64.
            slots: ``(N, E)`` int64.
            values: ``(N, E)``; values that are not finite are left out.
        """
        observed = torch.stack(
            class_sums(labels, slots, values, *self.table.shape)
        )
        all_reduce(observed)
        sums, counts, skipped = observed
        table, visits = running_mean(
            self.table, self.visits, sums, counts, self.momentum
        )
        # In place: other objects may hold references to these buffers.
        self.table.copy_(table)
        self.visits.copy_(visits)
        self.skipped += skipped.sum()

    def saliency(self) -> Tensor:
        """Saliency of the coalitions, ``(K, S)``; unseen classes have 0."""
        table = fill_unvisited(self.table, self.visits)
        with torch.autocast(table.device.type, enabled=False):
            return table @ self.to_saliency.T
