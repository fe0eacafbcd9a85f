"""Base class of the mixers: draw a plan, apply it to skeletons and labels."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmaction.structures import ActionDataSample
from torch import Tensor, nn

from ...functional.checks import check_choice
from ...functional.draws import (
    make_generator,
    sample_beta,
    sample_partners,
    sample_rounded,
    sample_subsets,
)
from ...functional.layouts import Layout, get_layout, joint_masks
from ...functional.losses import soft_labels
from ...functional.mixing import (
    MixPlan,
    mix_labels,
    mix_skeletons,
    sample_frames,
)
from ..estimators import SaliencyEstimator
from ..labels import labels_of

OUTPUTS = ('both', 'mixed')
SPATIAL = ('parts', 'joints', 'halves')
TEMPORAL = ('resampled', 'copied')


class Mixer(nn.Module):
    """A blending for ``model.data_preprocessor.blending``.

    A sample either gets some of its partner's joints in a window of frames, or
    is, with some probability, blended with the whole partner (Mixup). All
    draws are separate for each sample. The mixers differ in the joints that
    they paste; :mod:`mmshapmix.functional.mixing` contains the formulas.

    :class:`~mmshapmix.engine.hooks.SeedHook` makes the draws depend only on
    (seed, rank, iteration) and the kind of device.
    :class:`~mmshapmix.models.MixedGCNHead` computes the losses of the clean
    and the mixed samples. A batch of one has no partner: it is mixed with
    itself, which does not change its label.

    Args:
        num_classes: K; ``None``: K and the layout are taken from the training
            data, by :class:`~mmshapmix.engine.hooks.ClassCountsHook`.
        layout: Name or dict of the skeleton; beside ``num_classes``,
            ``nturgb+d`` without it.
        spatial: Kind of the pasted joints: ``'parts'`` of the body,
            ``'joints'`` at random, or ``'halves'``, always the lower half.
        num_parts: Fewest and most parts, for ``'parts'``.
        joint_share: Smallest and largest share of the joints, for
            ``'joints'``.
        window: Shortest and longest window, as shares of the frames.
        temporal: ``'resampled'``: a longer clip of the partner is reduced to
            the window; ``'copied'``: the partner's same frames are taken.
        mixup_prob: Probability of Mixup instead of pasting.
        alpha: Mixup's weight is drawn from Beta(alpha, alpha); 1: uniform.
        output: ``'both'``: the clean batch, then the mixed samples;
            ``'mixed'``: mixed samples replace clean ones.
        fraction: Share of a batch that is mixed, above 0, up to 1. The last
            samples of a batch are mixed: batches are shuffled, so these are a
            random choice, and it needs no synchronisation with the device. If
            the share is 1.5 samples, one or two are mixed, each in half of the
            steps.

    Raises:
        ValueError: For a value out of range, or a layout that lacks the parts
            or halves that are needed.
    """

    draw_stream = 0  # see SeedHook

    groups: Tensor
    class_counts: Tensor | None

    def __init__(
        self,
        num_classes: int | None = None,
        layout: str | Mapping | None = None,
        spatial: str = 'parts',
        num_parts: Sequence[int] = (2, 3),
        joint_share: Sequence[float] = (0.4, 0.6),
        window: Sequence[float] = (0.4, 0.7),
        temporal: str = 'resampled',
        mixup_prob: float = 0.0,
        alpha: float = 1.0,
        output: str = 'both',
        fraction: float = 1.0,
    ) -> None:
        super().__init__()
        check_choice('spatial', spatial, SPATIAL)
        check_choice('temporal', temporal, TEMPORAL)
        check_choice('output', output, OUTPUTS)
        _check_range('joint_share', joint_share, 0, 1)
        _check_range('window', window, 0, 1)
        _check_range('mixup_prob', (mixup_prob, mixup_prob), 0, 1)
        if alpha <= 0:
            raise ValueError(f'Expected `alpha` above 0, but got {alpha}.')
        if not 0 < fraction <= 1:
            raise ValueError(
                f'Expected `fraction` above 0, up to 1, but got {fraction}.'
            )
        self.num_classes: int | None = None
        self.layout: Layout | None = None
        self.spatial = spatial
        self.num_parts = tuple(num_parts)
        self.joint_share = tuple(joint_share)
        self.window = (window[0], window[1])
        self.temporal = temporal
        self.mixup_prob = mixup_prob
        self.alpha = alpha
        self.output = output
        self.fraction = fraction
        # Set by hooks: the phase, 'clean', 'unguided' or 'guided' (None: no
        # hook estimates the saliency), and the seed of a step.
        self.phase: str | None = None
        self.step_seed: tuple[int, ...] | None = None
        self.estimator: SaliencyEstimator | None = None
        self.register_buffer('groups', None, persistent=False)
        self.register_buffer('class_counts', None, persistent=False)
        self._set_given_data(num_classes, layout)

    def _set_given_data(
        self, num_classes: int | None, layout: str | Mapping | None
    ) -> None:
        """Take what a config says of the data, if it says anything."""
        if num_classes is not None:
            self.set_data(num_classes, layout or 'nturgb+d')
        elif layout is not None:
            raise ValueError(
                f'Expected `num_classes` beside `layout` in '
                f'{type(self).__name__}, but got a layout alone. Give both, '
                'or none: then both are taken from the training data.'
            )

    def set_data(
        self, num_classes: int, layout: str | Mapping | Layout
    ) -> None:
        """Take the number of classes and the layout of the training data.

        Args:
            num_classes: K.
            layout: Layout of the skeletons.

        Raises:
            ValueError: If the mixer was given other values, or if the layout
                lacks the parts or halves that are needed.
        """
        layout = get_layout(layout)
        if self.layout is None:
            self.num_classes, self.layout = num_classes, layout
            self.prepare(layout)
        elif (num_classes, layout) != (self.num_classes, self.layout):
            raise ValueError(
                f'Expected training data of {self.num_classes} classes and '
                f'layout {self.layout.name!r}, as set in '
                f'{type(self).__name__}, but got {num_classes} and '
                f'{layout.name!r}. Leave `num_classes` and `layout` of the '
                'mixer out.'
            )

    def prepare(self, layout: Layout) -> None:
        """Make the buffers that depend on the classes and the layout."""
        groups, self.size_range = self._groups(layout)
        # Float, since MMEngine averages buffers over the ranks.
        self.register_buffer('groups', groups, persistent=False)

    def __deepcopy__(self, memo: dict) -> 'Mixer':
        # A mixer belongs to the run: the copy of the model that EMAHook
        # averages shares the mixer and its state.
        return self

    def set_class_counts(self, class_counts: Tensor) -> None:
        """Take the measured training samples per class, ``(K,)``."""
        # In testing no hook sets the number of classes.
        if self.num_classes not in (None, len(class_counts)):
            raise ValueError(
                f'Expected counts of {self.num_classes} classes, but got '
                f'{len(class_counts)}. Set `num_classes` of the mixer to that '
                'of the head.'
            )
        self.class_counts = class_counts

    def _groups(self, layout: Layout) -> tuple[Tensor, tuple[int, int]]:
        """Return the groups of joints that are pasted as a whole.

        Returns:
            ``(G, V)`` groups, and the (fewest, most) of them to paste.
        """
        if self.spatial == 'joints':
            total = layout.num_joints
            low, high = (round(share * total) for share in self.joint_share)
            return torch.eye(total), (low, high)
        if self.spatial == 'halves':
            return joint_masks(layout, 'halves')[1:], (1, 1)  # the lower half
        masks = joint_masks(layout, 'parts')
        _check_range('num_parts', self.num_parts, 1, len(masks))
        fewest, most = self.num_parts
        return masks, (fewest, most)

    def sample_groups(
        self,
        labels: Tensor,
        partner: Tensor,
        generator: torch.Generator | None,
    ) -> Tensor:
        """Draw the groups of joints to paste, ``(N, G)`` bool.

        Args:
            labels: ``(N, K)`` soft labels.
            partner: ``(N,)`` int64.
            generator: Generator of this step; ``None``: the global generator.
        """
        shape, device = (len(partner), len(self.groups)), partner.device
        low, high = (
            torch.full(shape[:1], size, device=device)
            for size in self.size_range
        )
        available = torch.ones(shape, dtype=torch.bool, device=device)
        return sample_subsets(available, low, high, generator)

    def sample_plan(
        self,
        labels: Tensor,
        num_frames: int,
        generator: torch.Generator | None,
    ) -> MixPlan:
        """Draw the plan of one step.

        Args:
            labels: ``(N, K)`` soft labels.
            num_frames: T.
            generator: Generator of this step; ``None``: the global generator.
        """
        place: dict[str, Any] = dict(device=labels.device, generator=generator)
        size = len(labels)
        partner = sample_partners(size, **place)
        groups = self.sample_groups(labels, partner, generator)
        window, source = sample_frames(
            size,
            num_frames,
            self.window,
            resampled=self.temporal == 'resampled',
            **place,
        )
        blend = torch.rand(size, **place) < self.mixup_prob
        lam = sample_beta(self.alpha, size, **place)
        frames = torch.arange(num_frames, device=labels.device)
        everything = blend[:, None]
        return MixPlan(
            partner=partner,
            joints=everything | (groups.float() @ self.groups > 0.5),
            window=everything | window,
            source=torch.where(everything, frames, source),
            opacity=torch.where(blend, 1 - lam, 1.0),
        )

    def forward(
        self, inputs: Tensor, data_samples: list[ActionDataSample]
    ) -> tuple[Tensor, list[ActionDataSample]]:
        """Mix a batch; neither argument is changed.

        Args:
            inputs: ``(N, clips, M, T, V, C)``.
            data_samples: N samples with a hard or soft ``gt_label``.

        Returns:
            ``(2N, clips, M, T, V, C)``, or N samples with ``output='mixed'``,
            and as many data samples with soft labels ``(K,)``, whose meta
            information says whether they are ``mixed``, and ``added`` to the
            batch. With a ``fraction`` below 1, 2N stands for N plus the number
            of mixed samples.
        """
        if self.phase == 'clean':
            return inputs, data_samples
        number = self.num_mixed(len(inputs))
        if number and len(inputs) == 1:
            warnings.warn(
                'A batch of one has no partner to mix with: it is mixed with '
                'itself. Set `drop_last=True` in the data loader, or a '
                'larger batch.',
                stacklevel=2,
            )
        self._check_inputs(inputs)
        labels = self._soft_labels(data_samples, inputs.device)
        generator = None
        if self.step_seed is not None:
            generator = make_generator(self.step_seed, inputs.device)
        plan = self.sample_plan(labels, inputs.shape[3], generator)
        plan = plan.last(number)
        added = self.output == 'both'
        first = len(inputs) - number
        kept = len(inputs) if added else first
        mixed = _labelled(
            data_samples[first:],
            mix_labels(labels, plan),
            dict(mixed=True, added=added),
        )
        clean = _labelled(
            data_samples[:kept], labels[:kept], dict(mixed=False, added=False)
        )
        skeletons = torch.cat([inputs[:kept], mix_skeletons(inputs, plan)])
        return skeletons, clean + mixed

    def num_mixed(self, size: int) -> int:
        """Number of samples of a batch that this step mixes.

        The draw is on the CPU, so it needs no synchronisation.
        """
        if self.fraction == 1:
            return size
        generator = None
        if self.step_seed is not None:
            generator = make_generator((*self.step_seed, 0))
        return sample_rounded(self.fraction * size, generator)

    def known_class_counts(self) -> Tensor:
        """Return the class counts.

        Raises:
            RuntimeError: If no hook has set the counts.
        """
        if self.class_counts is None:
            raise RuntimeError(
                f'Expected class counts in {type(self).__name__}, but they '
                'are not set. Keep class_counts=dict(type='
                "'mmshapmix.ClassCountsHook') in `default_hooks`."
            )
        return self.class_counts

    def _check_inputs(self, inputs: Tensor) -> None:
        if self.layout is None:
            raise RuntimeError(
                f'Expected a layout in {type(self).__name__}, but it is not '
                "set. Keep class_counts=dict(type='mmshapmix."
                "ClassCountsHook') in `default_hooks`, or give the mixer "
                '`num_classes` and `layout`.'
            )
        joints = self.layout.num_joints
        if inputs.ndim != 6 or inputs.shape[4] != joints:
            raise ValueError(
                f'Expected skeletons (N, clips, M, T, {joints}, C) of layout '
                f'{self.layout.name!r}, but got {tuple(inputs.shape)}.'
            )

    def _soft_labels(
        self, data_samples: list[ActionDataSample], device: torch.device
    ) -> Tensor:
        """Soft labels of the samples, ``(N, K)`` float32."""
        assert self.num_classes is not None  # set together with the layout
        labels = labels_of(data_samples).to(device)
        return soft_labels(labels, self.num_classes)


def _check_range(
    name: str, value: Sequence[float], low: float, high: float
) -> None:
    if len(value) != 2 or not low <= value[0] <= value[1] <= high:
        raise ValueError(
            f'Expected `{name}` as (smallest, largest) between {low} and '
            f'{high}, but got {value!r}.'
        )


def _labelled(
    data_samples: list[ActionDataSample], labels: Tensor, marks: dict
) -> list[ActionDataSample]:
    """Copy samples with other labels and marks."""
    copies = []
    for sample, label in zip(data_samples, labels, strict=True):
        copy = sample.new().set_gt_label(label)
        copy.set_metainfo(marks)
        copies.append(copy)
    return copies
