r"""Mixing of skeletons: draw a plan, apply it to skeletons and to labels.

All mixers share one mechanism: a sample gets some joints of its partner, in a
window of frames, with some opacity. Pasting parts has opacity 1; Mixup takes
all joints and frames with opacity :math:`1 - \lambda`. The weight of the
original's label is

.. math::
    \lambda_i = 1 - o_i \frac{|J_i|}{V} \frac{N_{t,i}}{T} ,

the share of the joint-frame area that the original keeps (Shap-Mix, arXiv
2407.12312, section 3.1: the mean of the mask). Rebalanced mixing has a label
weight of its own, :func:`rebalanced_lam`.
"""

import math
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from .coalitions import Coalitions
from .draws import sample_categories, sample_integers


@dataclass(frozen=True)
class MixPlan:
    """All random choices of mixing a batch, or its last N samples.

    Args:
        partner: ``(N,)`` int64, index of the sample that is mixed in.
        joints: ``(N, V)`` bool, the joints that come from the partner.
        window: ``(N, T)`` bool, the frames in which they do.
        source: ``(N, T)`` int64, the partner's frame for each frame.
        opacity: ``(N,)``, weight of the partner where it is mixed in.
        lam_y: ``(N,)``, weight of the original's label; ``None``: the
            original's share of the area, ``lam_x``.
    """

    partner: Tensor
    joints: Tensor
    window: Tensor
    source: Tensor
    opacity: Tensor
    lam_y: Tensor | None = None

    @property
    def lam_x(self) -> Tensor:
        """Share of the joint-frame area that the original keeps, ``(N,)``."""
        dtype = self.opacity.dtype
        area = self.joints.to(dtype).mean(1) * self.window.to(dtype).mean(1)
        return 1 - self.opacity * area

    @property
    def lam(self) -> Tensor:
        """Weight of the original sample's label, ``(N,)``."""
        return self.lam_x if self.lam_y is None else self.lam_y

    def last(self, number: int) -> 'MixPlan':
        """Return the plan of only the last ``number`` samples."""
        first = len(self.partner) - number

        def cut(row: Any) -> Any:
            return None if row is None else row[first:]

        return MixPlan(*(cut(getattr(self, f.name)) for f in fields(self)))


def sample_frames(
    num_samples: int,
    num_frames: int,
    share: tuple[float, float],
    resampled: bool = True,
    device: torch.device | str = 'cpu',
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Draw a window for each sample, and the partner's frames that fill it.

    The length of the window, N_t of the T frames, is uniform within ``share``,
    and so is its start. If ``resampled``, a clip of the partner, with uniform
    length from N_t to T and uniform start, is reduced to N_t frames (frame
    ``i * length // N_t``). Otherwise the partner's same frames are taken.

    Args:
        num_samples: N.
        num_frames: T.
        share: Shortest and longest window, as shares of T.
        resampled: Whether to reduce a longer clip of the partner.
        device: Device of the result.
        generator: A generator on that device; ``None``: the global generator.

    Returns:
        ``(N, T)`` bool window and ``(N, T)`` int64 source.
    """
    # 1e-9 keeps the rounding of the product from adding or losing a frame.
    low = max(math.ceil(share[0] * num_frames - 1e-9), 1)
    high = max(math.floor(share[1] * num_frames + 1e-9), low)

    def full(value: int) -> Tensor:
        return torch.full((num_samples, 1), value, device=device)

    def uniform(low: Tensor, high: Tensor) -> Tensor:
        return sample_integers(low, high, generator)

    length = uniform(full(low), full(high))
    start = uniform(full(0), num_frames - length)
    frames = torch.arange(num_frames, device=device)
    window = (frames >= start) & (frames < start + length)
    if not resampled:
        return window, frames.expand(num_samples, -1)
    clip = uniform(length, full(num_frames))
    first = uniform(full(0), num_frames - clip)
    source = first + resample_index(frames - start, clip, length)
    return window, torch.where(window, source, frames)


def resample_index(frame: Tensor, clip: Tensor, length: Tensor) -> Tensor:
    """Frame of a clip for each frame of its reduction to ``length`` frames.

    ``frame * clip // length``, int64, elementwise.
    """
    return torch.div(frame * clip, length, rounding_mode='floor')


def partner_is_rarer(
    labels: Tensor, partner: Tensor, class_counts: Tensor
) -> Tensor:
    """Mask of samples whose partner is of a rarer class, ``(N,)`` bool.

    Args:
        labels: ``(N,)`` int64.
        partner: ``(N,)`` int64, indices into ``labels``.
        class_counts: ``(K,)`` training samples per class.
    """
    counts = class_counts[labels]
    return counts > counts[partner]


def sample_salient_parts(
    labels: Tensor,
    partner: Tensor,
    class_counts: Tensor,
    distribution: Tensor,
    coalitions: Coalitions,
    generator: torch.Generator | None = None,
) -> Coalitions:
    """Draw the parts to paste, so that the rarer class keeps its salient ones.

    Shap-Mix, section 3.3: a coalition is drawn from the distribution of the
    rarer of the two classes. If the partner's class is the rarer one, the
    coalition is pasted; otherwise, and in a tie, all other parts are.

    Args:
        labels: ``(N,)`` int64.
        partner: ``(N,)`` int64, indices into ``labels``.
        class_counts: ``(K,)`` training samples per class.
        distribution: ``(K, S)``, probability of each coalition.
        coalitions: ``(S, P)`` bool.
        generator: A generator on the device of ``labels``; ``None``: the
            global generator.

    Returns:
        ``(N, P)`` bool.
    """
    rarer = partner_is_rarer(labels, partner, class_counts)
    guide = torch.where(rarer, labels[partner], labels)
    drawn = sample_categories(distribution[guide], generator)
    return pasted_parts(coalitions[drawn], rarer)


def pasted_parts(salient: Coalitions, rarer: Tensor) -> Coalitions:
    """Parts to paste: a rarer partner's salient ones, else all non-salient.

    Args:
        salient: ``(N, P)`` bool, parts drawn for the rarer class.
        rarer: ``(N,)`` bool, whether the partner's class is the rarer one.
    """
    return salient == rarer[:, None]


def rebalanced_lam(
    counts: Tensor, partner_counts: Tensor, lam_x: Tensor, k: float = 3.0
) -> Tensor:
    r"""Label weights that favour the rarer class of a pair.

    BRL, arXiv 2308.14024, Eq. (5):

    .. math::
        \lambda_y = \begin{cases}
        0 & n_i / n_j > k \\
        1 & n_i / n_j \le 1 / k \\
        \lambda_x & \text{otherwise} \end{cases}

    Args:
        counts: ``(N,)`` training samples of the originals' classes.
        partner_counts: ``(N,)`` training samples of the partners' classes.
        lam_x: ``(N,)`` shares of the originals' skeletons.
        k: Ratio of counts from which on the rarer class takes the label.

    Returns:
        ``(N,)``, the weight of the original's label.

    Examples:
        >>> counts = torch.tensor([600, 6, 50])
        >>> rebalanced_lam(counts, counts.flip(0), torch.tensor(0.5)).tolist()
        [0.0, 0.5, 1.0]
    """
    # Products, since quotients of counts would be rounded.
    lam = lam_x.masked_fill(counts > k * partner_counts, 0)
    return lam.masked_fill(k * counts <= partner_counts, 1)


def remix_lam(
    counts: Tensor,
    partner_counts: Tensor,
    lam_x: Tensor,
    kappa: float = 3.0,
    tau: float = 0.5,
) -> Tensor:
    r"""Label weights that favour a rarer class with a large enough share.

    Remix, Chou et al., arXiv 2007.03943:

    .. math::
        \lambda_y = \begin{cases}
        0 & n_i / n_j \ge \kappa \text{ and } \lambda_x < \tau \\
        1 & n_i / n_j \le 1 / \kappa \text{ and } 1 - \lambda_x < \tau \\
        \lambda_x & \text{otherwise} \end{cases}

    Args:
        counts: ``(N,)`` training samples of the originals' classes.
        partner_counts: ``(N,)`` training samples of the partners' classes.
        lam_x: ``(N,)`` shares of the originals' skeletons.
        kappa: Ratio of counts from which on the rarer class can take the
            label.
        tau: Share of the more frequent class's skeleton below which the rarer
            class takes the label.

    Returns:
        ``(N,)``, the weight of the original's label.

    Examples:
        >>> counts, partners = torch.tensor([600, 600]), torch.tensor([6, 6])
        >>> remix_lam(counts, partners, torch.tensor([0.25, 0.75])).tolist()
        [0.0, 0.75]
    """
    loses = (counts >= kappa * partner_counts) & (lam_x < tau)
    wins = (kappa * counts <= partner_counts) & (1 - lam_x < tau)
    return lam_x.masked_fill(loses, 0).masked_fill(wins, 1)


def mix_skeletons(skeletons: Tensor, plan: MixPlan) -> Tensor:
    """Mix skeletons by a plan; joint j always comes from a joint j.

    All M persons are mixed, as in the released code: if the partner lacks the
    second person, the original's second person loses the pasted joints, and
    the label counts them all the same.

    Args:
        skeletons: ``(B, clips, M, T, V, C)``, the batch; not changed.
        plan: The plan of the last N samples.

    Returns:
        ``(N, clips, M, T, V, C)``.
    """
    # (N, T, clips, M, V, C): index arrays that are not adjacent put their
    # dimensions first.
    taken = skeletons[plan.partner[:, None], :, :, plan.source]
    pasted = plan.window[:, :, None] & plan.joints[:, None]
    weight = pasted * plan.opacity[:, None, None]
    # For finite values, lerp is exact at the weights 0 and 1.
    return torch.lerp(
        skeletons[len(skeletons) - len(plan.partner) :],
        taken.movedim(1, 3),
        weight[:, None, None, :, :, None].to(skeletons.dtype),
    )


def mix_labels(labels: Tensor, plan: MixPlan) -> Tensor:
    """Mix soft labels by a plan.

    Args:
        labels: ``(B, K)`` soft labels of the batch; not changed.
        plan: The plan of the last N samples.

    Returns:
        ``(N, K)`` soft labels.
    """
    lam = plan.lam[:, None].to(labels.dtype)
    originals = labels[len(labels) - len(plan.partner) :]
    return lam * originals + (1 - lam) * labels[plan.partner]
