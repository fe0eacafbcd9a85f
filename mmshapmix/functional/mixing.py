r"""Mixing of skeletons: draw a plan, apply it to skeletons and to labels.

One mechanism for all mixers: of its partner, a sample gets some joints, in a
window of frames, with some opacity. Pasting parts is opacity 1; Mixup is a
window of all joints and frames with opacity :math:`1 - \lambda`. The weight of
the original's label is

.. math::
    \lambda_i = 1 - o_i \frac{|J_i|}{V} \frac{N_{t,i}}{T} ,

the share that it keeps of the joint-frame area (Shap-Mix, arXiv 2407.12312,
section 3.1: the mean of the mask). Rebalanced mixing has a weight of its own
for labels, :func:`rebalanced_lam`.
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
    """Everything random about mixing a batch, or its last N samples.

    Args:
        partner: ``(N,)`` int64, the sample of the batch that is mixed in.
        joints: ``(N, V)`` bool, the joints that come from the partner.
        window: ``(N, T)`` bool, the frames in which they do.
        source: ``(N, T)`` int64, the partner's frame for each frame.
        opacity: ``(N,)``, with which weight they cover the original.
        lam_y: ``(N,)``, weight of the original's label; none: that of its
            area.
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
        """The same for fewer of the last samples."""
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
    """A window for each sample, and the partner's frames that fill it.

    The window has :math:`N_t` of the T frames, uniform within ``share``, at a
    uniform place. Resampled, a clip of the partner, uniform in length from
    :math:`N_t` to T and in place, is reduced to :math:`N_t` frames (frame
    ``i * length // N_t``). Otherwise the partner's same frames are taken.

    Args:
        num_samples: N.
        num_frames: T.
        share: Shortest and longest window, of 1.
        resampled: Whether to reduce a longer clip.
        device: Of the result.
        generator: On that device; none: the global one.

    Returns:
        ``(N, T)`` bool window and ``(N, T)`` int64 source.
    """
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
    """Nearest frame of a clip reduced to ``length``: ``frame*clip//length``.

    int64, elementwise.
    """
    return torch.div(frame * clip, length, rounding_mode='floor')


def partner_is_rarer(
    labels: Tensor, partner: Tensor, class_counts: Tensor
) -> Tensor:
    """Whether the partner's class has fewer training samples, ``(N,)`` bool.

    Args:
        labels: ``(N,)`` int64.
        partner: ``(N,)`` int64.
        class_counts: ``(K,)``.
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
    """Parts to paste, such that the rarer class keeps what makes it.

    Shap-Mix, section 3.3: a coalition is drawn from the distribution of the
    rarer of the two classes. Where that is the partner's, these parts are
    pasted; else, also in a tie, all others are.

    Args:
        labels: ``(N,)`` int64.
        partner: ``(N,)`` int64.
        class_counts: ``(K,)`` training samples per class.
        distribution: ``(K, S)``, how probable each coalition is.
        coalitions: ``(S, P)`` bool.
        generator: On their device; none: the global one.

    Returns:
        ``(N, P)`` bool.
    """
    rarer = partner_is_rarer(labels, partner, class_counts)
    guide = torch.where(rarer, labels[partner], labels)
    drawn = sample_categories(distribution[guide], generator)
    return pasted_parts(coalitions[drawn], rarer)


def pasted_parts(salient: Coalitions, rarer: Tensor) -> Coalitions:
    """The salient parts of a rarer partner, else all but the own ones.

    Args:
        salient: ``(N, P)`` bool, drawn for the rarer class.
        rarer: ``(N,)`` bool, whether that is the partner's.
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
        partner_counts: ``(N,)`` those of the partners' classes.
        lam_x: ``(N,)`` shares of the originals' skeletons.
        k: From which ratio on the rarer class takes the label.

    Returns:
        ``(N,)``, the weight of the original's label.

    Examples:
        >>> counts = torch.tensor([600, 6, 50])
        >>> rebalanced_lam(counts, counts.flip(0), torch.tensor(0.5)).tolist()
        [0.0, 0.5, 1.0]
    """
    # Products, since quotients round.
    lam = lam_x.masked_fill(counts > k * partner_counts, 0)
    return lam.masked_fill(k * counts <= partner_counts, 1)


def remix_lam(
    counts: Tensor,
    partner_counts: Tensor,
    lam_x: Tensor,
    kappa: float = 3.0,
    tau: float = 0.5,
) -> Tensor:
    r"""Label weights that favour the rarer class, if it is seen well enough.

    Remix, Chou et al., arXiv 2007.03943:

    .. math::
        \lambda_y = \begin{cases}
        0 & n_i / n_j \ge \kappa \text{ and } \lambda_x < \tau \\
        1 & n_i / n_j \le 1 / \kappa \text{ and } 1 - \lambda_x < \tau \\
        \lambda_x & \text{otherwise} \end{cases}

    Args:
        counts: ``(N,)`` training samples of the originals' classes.
        partner_counts: ``(N,)`` those of the partners' classes.
        lam_x: ``(N,)`` shares of the originals' skeletons.
        kappa: From which ratio on the rarer class takes the label.
        tau: Share of the more frequent class below which it does.

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
    """The mixed skeletons. Joint j always comes from a joint j.

    All M persons are mixed, as in the release: where the partner lacks a
    person, that person loses the pasted joints, and the label counts them.

    Args:
        skeletons: ``(B, clips, M, T, V, C)``, the batch; stays as it is.
        plan: What to take from where, for the last N samples.

    Returns:
        ``(N, clips, M, T, V, C)``.
    """
    # (N, T, clips, M, V, C), since the indices are apart.
    taken = skeletons[plan.partner[:, None], :, :, plan.source]
    pasted = plan.window[:, :, None] & plan.joints[:, None]
    weight = pasted * plan.opacity[:, None, None]
    # Of finite values, lerp is exact at weights 0 and 1.
    return torch.lerp(
        skeletons[len(skeletons) - len(plan.partner) :],
        taken.movedim(1, 3),
        weight[:, None, None, :, :, None].to(skeletons.dtype),
    )


def mix_labels(labels: Tensor, plan: MixPlan) -> Tensor:
    """The mixed soft labels.

    Args:
        labels: ``(B, K)`` soft labels of the batch; stay as they are.
        plan: What to take from where, for the last N samples.

    Returns:
        ``(N, K)`` soft labels.
    """
    lam = plan.lam[:, None].to(labels.dtype)
    originals = labels[len(labels) - len(plan.partner) :]
    return lam * originals + (1 - lam) * labels[plan.partner]
