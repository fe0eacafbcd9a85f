"""Saliency of coalitions of body parts: running tables and exact values."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import torch
from mmengine.model import BaseModel
from scipy.stats import rankdata
from torch import Tensor

from ..engine.hooks.saliency_hook import evaluating
from ..functional.coalitions import (
    Coalitions,
    all_coalitions,
    coalition_index,
    coalitions_of_sizes,
)
from ..functional.saliency import (
    class_sums,
    fill_unvisited,
    saliency_shares,
)
from ..functional.shapley import shapley_values
from ..models.estimators import (
    CoalitionValues,
    MarginalContributions,
    SaliencyEstimator,
    ShapleyEstimator,
)
from ..models.labels import labels_of
from ..models.mixers import ShapMix
from .checkpoints import group_names

# --- tables ------------------------------------------------------------------


def coalition_names(coalitions: Coalitions, parts: Sequence[str]) -> list[str]:
    """Names of the coalitions: the names of their parts, joined by ``+``.

    Args:
        coalitions: ``(S, P)`` bool.
        parts: Names of the P parts.
    """
    return [
        '+'.join(name for name, here in zip(parts, row, strict=True) if here)
        for row in coalitions.tolist()
    ]


def part_saliency(mixer: ShapMix) -> tuple[Tensor, str]:
    """Saliency of the single parts, and its definition in words.

    Args:
        mixer: A mixer with an estimator.

    Returns:
        ``(K, P)`` saliency, and a short text that defines it.
    """
    estimator = mixer.estimator
    assert estimator is not None
    if isinstance(estimator, CoalitionValues):
        worth = fill_unvisited(estimator.table, estimator.visits)
        parts = torch.eye(len(mixer.groups), dtype=torch.bool)
        return shapley_values(worth, parts), 'Shapley value of the part'
    members = mixer.coalitions / mixer.coalitions.sum(0)
    return (
        estimator.saliency() @ members,
        'mean saliency of the combinations with the part',
    )


def coalition_visits(estimator: SaliencyEstimator) -> Tensor | None:
    """Number of updates of each coalition's own value, ``(K, S)``.

    ``None`` for an estimator that has no values of coalitions.
    """
    if isinstance(estimator, CoalitionValues):
        index = coalition_index(estimator.coalitions > 0.5)
        return estimator.visits[:, index]
    if isinstance(estimator, MarginalContributions):
        return estimator.visits
    return None


def saliency_rows(
    mixer: ShapMix, names: Sequence[str], class_counts: Sequence[int] | None
) -> list[dict[str, Any]]:
    """Make a table of a mixer's saliency of all classes and coalitions.

    Args:
        mixer: A mixer with an estimator.
        names: Names of the K classes.
        class_counts: ``(K,)`` training samples, if known.
    """
    estimator, layout = mixer.estimator, mixer.layout
    assert estimator is not None
    assert layout is not None
    saliency = estimator.saliency()
    joints = mixer.coalition_joints
    shares, odds = saliency_shares(saliency, joints), mixer.distribution()
    visits = coalition_visits(estimator)
    groups = group_names(class_counts, len(names))
    labels = coalition_names(mixer.coalitions > 0.5, list(layout.parts))
    return [
        dict(
            class_id=k,
            name=names[k],
            train_samples='' if class_counts is None else class_counts[k],
            group=groups[k],
            coalition=label,
            num_joints=int(joints[s]),
            saliency=float(saliency[k, s]),
            normalised=float(shares[k, s]),
            probability=float(odds[k, s]),
            visits='' if visits is None else int(visits[k, s]),
        )
        for k in range(len(names))
        for s, label in enumerate(labels)
    ]


# --- exact values ------------------------------------------------------------


@torch.no_grad()
def exact_coalition_values(
    estimator: ShapleyEstimator,
    model: BaseModel,
    batches: Iterable[dict[str, Any]],
    at_once: int = 8,
) -> Tensor:
    """Mean worth of every coalition over the samples of each class.

    Args:
        estimator: Estimator with the parts and the mean pose.
        model: The recognizer; it is in evaluation mode during the computation.
        batches: Batches of a data loader.
        at_once: Number of coalitions per sample in one batch of the model.

    Returns:
        ``(K, 2^P)`` float64; NaN for a class without samples, or with
        predictions that are not finite.
    """
    device = estimator.part_joints.device
    coalitions = all_coalitions(len(estimator.part_joints)).to(device)
    numbers = torch.arange(len(coalitions), device=device)
    shape = estimator.num_classes, len(coalitions)
    total = torch.zeros(3, *shape, dtype=torch.float64, device=device)
    with evaluating(model):
        for data in batches:
            batch = model.data_preprocessor(data)
            labels = labels_of(batch['data_samples'])
            for slots in numbers.split(at_once):
                seen = coalitions[slots].expand(len(labels), -1, -1)
                values = estimator.worth(model, batch['inputs'], labels, seen)
                slots = slots.expand(len(labels), -1)
                total += torch.stack(class_sums(labels, slots, values, *shape))
    sums, counts, skipped = total.cpu()
    return torch.where(skipped > 0, torch.nan, sums / counts)


def top_combination(worth: Tensor, size: int) -> tuple[Tensor, Coalitions]:
    """Find the coalition of a given size with the largest value, by class.

    Args:
        worth: ``(K, 2^P)``.
        size: Number of parts of the coalition.

    Returns:
        ``(K,)`` values, and ``(K, P)`` bool parts.
    """
    num_parts = worth.shape[1].bit_length() - 1
    rows = coalitions_of_sizes(num_parts, [min(size, num_parts)])
    value, index = shapley_values(worth, rows).max(1)
    return value, rows[index]


def finds_salient(
    pair: set[str], triple: set[str], salient: set[str]
) -> bool | None:
    """Return whether the top pair or triple finds the salient parts.

    One of the two must contain every salient part; if there are more than
    three salient parts, one of the two must contain only salient parts.
    ``None`` for a class without salient parts.
    """
    if not salient:
        return None
    if len(salient) > len(triple):
        return pair <= salient or triple <= salient
    return salient <= pair or salient <= triple


def chance_to_find(parts: Sequence[str], salient: set[str]) -> float:
    """Probability that a random pair and triple pass :func:`finds_salient`.

    Example:
        >>> round(chance_to_find('abcde', {'a', 'b'}), 2)
        0.37
    """
    drawn = [
        finds_salient(set(pair), set(triple), salient)
        for pair in combinations(parts, min(2, len(parts)))
        for triple in combinations(parts, min(3, len(parts)))
    ]
    return drawn.count(True) / len(drawn)


def rank_correlation(a: Tensor, b: Tensor) -> Tensor:
    """Spearman's rank correlation of each row; ties get their mean rank.

    Args:
        a: ``(K, S)``.
        b: ``(K, S)``.

    Returns:
        ``(K,)``; NaN where a row of either is constant or NaN.
    """
    ranks = (torch.from_numpy(rankdata(x, axis=1)) for x in (a, b))
    a, b = (rank - rank.mean(1, keepdim=True) for rank in ranks)
    scale = (a.square().sum(1) * b.square().sum(1)).sqrt()
    return (a * b).sum(1) / scale


def compare_tables(running: Tensor, exact: Tensor) -> dict[str, float]:
    """Compare the estimated saliency with the exact one.

    Args:
        running: ``(K, S)``.
        exact: ``(K, S)``; classes with NaN are left out.

    Returns:
        ``rmse`` over all values, ``rank_correlation``, the mean over the
        classes (NaN if no class has one), and ``num_classes``, the number of
        classes compared.
    """
    known = exact.isfinite().all(1)
    running, exact = running[known].double(), exact[known].double()
    return dict(
        rmse=float((running - exact).square().mean().sqrt()),
        rank_correlation=float(rank_correlation(running, exact).nanmean()),
        num_classes=int(known.sum()),
    )


def exact_rows(
    worth: Tensor,
    mixer: ShapMix | None,
    estimator: ShapleyEstimator,
    parts: Sequence[str],
    names: Sequence[str],
    samples: Sequence[int],
) -> list[dict[str, Any]]:
    """Make a table of the exact values of all classes and coalitions.

    Args:
        worth: ``(K, 2^P)``.
        mixer: Mixer whose running saliency is an additional column, or
            ``None``.
        estimator: Estimator with the parts, and the S coalitions to mix.
        parts: Names of the P parts.
        names: Names of the K classes.
        samples: ``(K,)``, number of samples of each class.
    """
    rows = all_coalitions(len(parts))
    slots = coalition_index(estimator.coalitions > 0.5).tolist()
    joints = rows.float() @ estimator.part_joints.sum(1).cpu()
    saliency = shapley_values(worth, rows[1:])
    saliency = torch.cat([torch.zeros(len(worth), 1), saliency], dim=1)
    columns = dict(
        normalised=saliency_shares(saliency[:, slots], joints[slots]),
    )
    if mixer is not None:
        assert mixer.estimator is not None
        columns['running'] = mixer.estimator.saliency().cpu()
    labels = coalition_names(rows, parts)
    return [
        dict(
            class_id=k,
            name=names[k],
            samples=int(samples[k]),
            coalition=label or 'none',
            num_joints=int(joints[i]),
            worth=float(worth[k, i]),
            saliency=float(saliency[k, i]),
        )
        | {
            column: float(values[k, slots.index(i)]) if i in slots else ''
            for column, values in columns.items()
        }
        for k in range(len(names))
        for i, label in enumerate(labels)
    ]
