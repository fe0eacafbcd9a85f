"""Shap-Mix and ST-Mix, Zhang et al., arXiv 2407.12312."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ...functional.checks import check_choice
from ...functional.coalitions import coalitions_of_sizes
from ...functional.layouts import Layout
from ...functional.mixing import sample_salient_parts
from ...functional.saliency import NORMALIZATIONS, coalition_distribution
from ...registry import MODELS
from .base import Mixer

GUIDANCE: dict[str, dict | None] = {
    'shapley': dict(type='mmshapmix.CoalitionValues'),
    'grad-cam': dict(type='mmshapmix.GradCAM'),
    'random': None,
}
"""Estimators of the ``guidance`` names, which Table 8 compares."""


@MODELS.register_module()
class STMix(Mixer):
    """ST-Mix, section 3.2: pastes 2 or 3 parts of a reduced clip in a window.

    With probability ``mixup_prob``, a sample has Mixup instead.
    ``spatial='joints'`` and ``temporal='copied'`` give the ablations of Table
    7, ``num_parts`` and ``window`` those of Tables 10 and 11.

    Args:
        num_classes: K; ``None``: K and the layout of the training data.
        layout: Name or dict of the skeleton.
        num_parts: Fewest and most parts.
        window: Shortest and longest window, as shares of the frames.
        mixup_prob: Probability of Mixup; the paper does not give its p, the
            released code uses 0.25.
        **kwargs: Arguments of :class:`Mixer`.
    """

    def __init__(
        self,
        num_classes: int | None = None,
        layout: str | Mapping | None = None,
        num_parts: Sequence[int] = (2, 3),
        window: Sequence[float] = (0.4, 0.7),
        mixup_prob: float = 0.25,
        **kwargs,
    ) -> None:
        super().__init__(
            num_classes,
            layout,
            num_parts=num_parts,
            window=window,
            mixup_prob=mixup_prob,
            **kwargs,
        )


@MODELS.register_module()
class ShapMix(STMix):
    """Shap-Mix, section 3.3: the rarer class keeps its salient parts.

    ST-Mix whose parts are drawn by the saliency of the rarer of the two
    classes, Eq. (3). :class:`~mmshapmix.engine.hooks.SaliencyHook` estimates
    the saliency during training, and
    :class:`~mmshapmix.engine.hooks.ClassCountsHook` measures which class is
    rarer.

    Args:
        num_classes: K; ``None``: K and the layout of the training data.
        layout: Name or dict of the skeleton.
        num_parts: Fewest and most parts of the coalitions to draw from.
        guidance: ``'shapley'``, ``'grad-cam'``, ``'random'`` (ST-Mix), or the
            config of an estimator of :mod:`mmshapmix.models.estimators`.
        temperature: Temperature of the distribution over coalitions, Table 12.
        normalize: ``'l1'`` as in the paper, or ``'none'``.
        scale: Factor on the normalised values. The released distribution is
            ``normalize='none', scale=10``.
        **kwargs: Arguments of :class:`STMix`.
    """

    coalitions: Tensor

    def __init__(
        self,
        num_classes: int | None = None,
        layout: str | Mapping | None = None,
        num_parts: Sequence[int] = (2, 3),
        guidance: str | dict = 'shapley',
        temperature: float = 0.2,
        normalize: str = 'l1',
        scale: float = 1.0,
        **kwargs,
    ) -> None:
        super().__init__(num_parts=num_parts, **kwargs)
        check_choice('spatial', self.spatial, ('parts',))
        check_choice('normalize', normalize, NORMALIZATIONS)
        if temperature <= 0:
            raise ValueError(
                f'Expected `temperature` above 0, but got {temperature}.'
            )
        self.temperature = temperature
        self.normalize = normalize
        self.scale = scale
        if isinstance(guidance, str):
            check_choice('guidance', guidance, tuple(GUIDANCE))
            self.guidance = GUIDANCE[guidance]
        else:
            self.guidance = guidance
        self._set_given_data(num_classes, layout)

    def prepare(self, layout: Layout) -> None:
        """Make also the coalitions and the estimator."""
        super().prepare(layout)
        low, high = self.num_parts
        coalitions = coalitions_of_sizes(
            len(self.groups), range(low, high + 1)
        )
        self.register_buffer(
            'coalitions', coalitions.float(), persistent=False
        )
        if self.guidance:
            self.estimator = MODELS.build(
                dict(
                    num_classes=self.num_classes,
                    part_joints=self.groups,
                    coalitions=coalitions,
                    **self.guidance,
                )
            )

    @property
    def coalition_joints(self) -> Tensor:
        """Number of joints of each coalition, ``(S,)`` float."""
        return self.coalitions @ self.groups.sum(1)

    def distribution(self) -> Tensor:
        """Probability of each coalition for each class, ``(K, S)``."""
        assert self.estimator is not None  # only called with guidance
        return coalition_distribution(
            self.estimator.saliency(),
            self.coalition_joints,
            self.temperature,
            self.normalize,
            self.scale,
        )

    def sample_groups(
        self,
        labels: Tensor,
        partner: Tensor,
        generator: torch.Generator | None,
    ) -> Tensor:
        """Draw the parts to paste, ``(N, P)`` bool."""
        if self.estimator is None or self.phase == 'unguided':
            return super().sample_groups(labels, partner, generator)
        counts = self.known_class_counts()
        if self.phase is None:
            raise RuntimeError(
                'Expected an estimated saliency in ShapMix, but no hook '
                "estimates it. Set saliency=dict(type='mmshapmix."
                "SaliencyHook') in `default_hooks`."
            )
        return sample_salient_parts(
            labels.argmax(1),
            partner,
            counts,
            self.distribution(),
            self.coalitions > 0.5,
            generator,
        )
