r"""Saliency of body parts by class: running means and distributions from them.

Every estimator observes (class, slot, value) triples, keeps their running mean
in a table ``(K, slots)``, and has a fixed linear map from the slots to the
saliency ``(K, S)`` of S coalitions of parts. The slots are all coalitions, the
S coalitions, or the joints.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .checks import check_choice
from .coalitions import Coalitions

NORMALIZATIONS = ('l1', 'none')


def keep_parts(
    skeletons: Tensor,
    coalitions: Coalitions,
    part_joints: Tensor,
    mean_pose: Tensor,
) -> Tensor:
    """Replace absent parts by the mean pose, in all frames.

    An absent person stays absent: a mean body in the place of a missing second
    person would turn one person into a pair.

    Args:
        skeletons: ``(N, clips, M, T, V, C)``.
        coalitions: ``(N, E, P)`` bool, E coalitions for each sample.
        part_joints: ``(P, V)``, 1 where a joint belongs to a part.
        mean_pose: ``(M, V, C)``.

    Returns:
        ``(N, E, clips, M, T, V, C)``.

    Raises:
        ValueError: If the parts or the pose belong to another skeleton.
    """
    *_, persons, _, joints, channels = skeletons.shape
    expected = (persons, joints, channels)
    if mean_pose.shape != expected or part_joints.shape[1] != joints:
        raise ValueError(
            f'Expected parts and a mean pose of {expected}, persons, joints '
            f'and channels of the data, but got {part_joints.shape[1]} joints '
            f'in the parts, and a mean pose of {(*mean_pose.shape,)}. Take a '
            'checkpoint and a config of the same data.'
        )
    kept = coalitions.to(part_joints.dtype) @ part_joints > 0.5
    here = present_persons(skeletons)[..., None, None, None]
    absent = ~kept[:, :, None, None, None, :, None] & here[:, None]
    pose = mean_pose.to(skeletons.dtype)[:, None]
    return torch.where(absent, pose, skeletons[:, None])


def present_persons(skeletons: Tensor) -> Tensor:
    """Mask of the persons present in skeletons, ``(..., M)`` bool.

    A person is absent if all joints are at one point in all frames: at zero
    after padding, in a corner after the normalisation of 2-D skeletons.

    Args:
        skeletons: ``(..., M, T, V, C)``.
    """
    first = skeletons[..., :1, :1, :]
    return (skeletons != first).flatten(-3).any(-1)


def pose_sums(skeletons: Tensor) -> tuple[Tensor, Tensor]:
    """Sum the poses of each person, to compute a mean pose.

    Clips in which a person is absent do not count for that person.

    Args:
        skeletons: ``(clips, M, T, V, C)``, one sample.

    Returns:
        ``(M, V, C)`` float64 sums and ``(M,)`` float64 numbers of frames.
    """
    there = present_persons(skeletons).double()
    here = there[..., None, None, None]
    sums = (skeletons.double() * here).sum((0, 2))
    return sums, there.sum(0) * skeletons.shape[2]


def class_sums(
    labels: Tensor,
    slots: Tensor,
    values: Tensor,
    num_classes: int,
    num_slots: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Sum and count the observed values of each class and slot.

    Values that are not finite are left out.

    Args:
        labels: ``(N,)`` int64.
        slots: ``(N, E)`` int64.
        values: ``(N, E)``.
        num_classes: K.
        num_slots: Number of slots of a class.

    Returns:
        Sums, counts, and counts of the values left out, each ``(K, slots)``
        float64.
    """
    finite = torch.isfinite(values)
    cells = (labels[:, None] * num_slots + slots).flatten()
    # In double precision the order of the summation (which is arbitrary on
    # GPUs) hardly changes the table.
    zeros = values.new_zeros(num_classes * num_slots, dtype=torch.float64)
    sums, counts, skipped = (
        zeros.index_add(0, cells, part.double().flatten()).view(
            num_classes, num_slots
        )
        for part in (torch.where(finite, values, 0), finite, ~finite)
    )
    return sums, counts, skipped


def running_mean(
    mean: Tensor, visits: Tensor, sums: Tensor, counts: Tensor, momentum: float
) -> tuple[Tensor, Tensor]:
    r"""Update the running means once, :math:`m + w (\bar{x} - m)`.

    The weight of a step's mean is :math:`w = \max(1 - \alpha, 1 / n)` at the
    n-th visit of a cell: first a plain mean, which needs no burn-in, then an
    exponential moving average.

    Args:
        mean: ``(K, slots)``, the means so far.
        visits: ``(K, slots)``, updates of each cell so far.
        sums: ``(K, slots)``, sums of this step's values over all ranks.
        counts: ``(K, slots)``, numbers of those values.
        momentum: :math:`\alpha`.

    Returns:
        The new ``mean`` and ``visits``.
    """
    seen = counts > 0
    visits = visits + seen
    weight = (1 / visits.clamp_min(1)).clamp_min(1 - momentum) * seen
    step = (sums / counts.clamp_min(1)).to(mean.dtype)
    return mean + weight * (step - mean), visits


def fill_unvisited(mean: Tensor, visits: Tensor) -> Tensor:
    """Put the mean of a class's visited cells into its unvisited cells.

    As long as few cells are known, the unknown ones then contribute nothing to
    the saliency. A class without any visit gets zeros.

    Args:
        mean: ``(K, slots)``.
        visits: ``(K, slots)``.
    """
    seen = visits > 0
    number = seen.sum(1, keepdim=True).clamp_min(1)
    known = torch.where(seen, mean, 0).sum(1, keepdim=True) / number
    return torch.where(seen, mean, known)


def saliency_shares(saliency: Tensor, num_joints: Tensor) -> Tensor:
    r"""Saliency per joint, :math:`v_b / |b|`, :math:`l_1`-normalised.

    The mean of the absolute values is 1 / S (Shap-Mix, Fig. 5).

    Args:
        saliency: ``(..., S)``, the :math:`v_b`.
        num_joints: ``(S,)``, :math:`|b|` in joints of the layout.

    Returns:
        ``(..., S)``; zeros where all saliency is zero.

    Examples:
        >>> saliency_shares(torch.tensor([3., -2.]), torch.tensor([1., 2.]))
        tensor([ 0.7500, -0.2500])
    """
    return F.normalize(saliency / num_joints, p=1, dim=-1)


def coalition_distribution(
    saliency: Tensor,
    num_joints: Tensor,
    temperature: float = 0.2,
    normalize: str = 'l1',
    scale: float = 1.0,
) -> Tensor:
    r"""Probability of each coalition to be drawn.

    Shap-Mix, Eq. (3): :math:`d = \mathrm{softmax}(\mathrm{norm}(v_b / |b|) /
    \tau)`, with l1 normalisation over the coalitions. The released code has no
    normalisation and a factor of 10 instead: ``normalize='none', scale=10``.

    Args:
        saliency: ``(..., S)``, the :math:`v_b`. If all are zero, the
            distribution is uniform.
        num_joints: ``(S,)``, :math:`|b|` in joints of the layout.
        temperature: :math:`\tau`.
        normalize: ``'l1'`` or ``'none'``.
        scale: A factor on the normalised values.

    Returns:
        ``(..., S)``, rows that sum to 1.
    """
    check_choice('normalize', normalize, NORMALIZATIONS)
    values = (
        saliency_shares(saliency, num_joints)
        if normalize == 'l1'
        else saliency / num_joints
    )
    return (values * scale / temperature).softmax(-1)


def grad_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    r"""Grad-CAM, Selvaraju et al., arXiv 1610.02391, Eq. (1) and (2).

    .. math::
        \mathrm{ReLU}\Big(\sum_c \bar{g}_c A_c\Big), \qquad
        \bar{g}_c = \frac{1}{T V} \sum_{t,v} \frac{\partial z_y}
        {\partial A_{ctv}} .

    Args:
        activation: ``(..., C, T, V)``, :math:`A`.
        gradient: ``(..., C, T, V)``, of the true class's logit.

    Returns:
        ``(..., T, V)``.
    """
    weight = gradient.mean((-2, -1), keepdim=True)
    return (weight * activation).sum(-3).relu()
