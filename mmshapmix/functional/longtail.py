r"""Long-tailed class distributions: profiles, subsets, priors, shot groups.

The exponential profile is that of Cao et al. (LDAM, arXiv 1906.07413), which
BRL (arXiv 2308.14024, section IV-A) and Shap-Mix (arXiv 2407.12312, section
4.1) also use. The many-, medium- and few-shot groups follow these two papers:
more than 100, 20 to 100, and fewer than 20 training samples.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from .checks import check_choice

ClassCounts = np.ndarray
"""Training samples per class, ``(K,)`` int64."""

SHOT_GROUPS = ('many', 'medium', 'few')
SHOT_THRESHOLDS = (20, 100)
"""Fewest and most samples of a medium-shot class, both included."""
PROFILES = ('exp', 'step')
FREQUENCY_RULES = ('rank', 'power')


def long_tail_counts(
    num_classes: int,
    max_per_class: int,
    imbalance_ratio: float,
    profile: str = 'exp',
) -> ClassCounts:
    r"""Samples per class, from the most to the least frequent.

    .. math::
        n_k = \lfloor n_{max} \, \rho^{-k / (K - 1)} \rfloor
        \quad\text{(exp)}, \qquad
        n_k = n_{max} \text{ for } k < K / 2, \text{ else }
        \lfloor n_{max} / \rho \rfloor \quad\text{(step)}

    Args:
        num_classes: K.
        max_per_class: :math:`n_{max}`, samples of the head class.
        imbalance_ratio: :math:`\rho = n_{max} / n_{min} \ge 1`.
        profile: ``'exp'`` or ``'step'``.

    Returns:
        ``(K,)`` int64, descending.

    Raises:
        ValueError: For arguments out of range, or if a class would be empty.

    Examples:
        >>> long_tail_counts(10, 100, 10).tolist()
        [100, 77, 59, 46, 35, 27, 21, 16, 12, 10]
        >>> long_tail_counts(4, 100, 10, profile='step').tolist()
        [100, 100, 10, 10]
    """
    if num_classes < 1 or max_per_class < 1 or imbalance_ratio < 1:
        raise ValueError(
            'Expected `num_classes`, `max_per_class` and `imbalance_ratio` of '
            f'at least 1, but got {num_classes}, {max_per_class} and '
            f'{imbalance_ratio}.'
        )
    check_choice('profile', profile, PROFILES)
    if profile == 'exp':
        # 1 / ratio to a power, as the released lists were computed: dividing
        # by ratio ** x rounds differently just below an integer.
        mu, last = 1 / imbalance_ratio, max(num_classes - 1, 1)
        counts = [
            int(max_per_class * mu ** (k / last)) for k in range(num_classes)
        ]
    else:
        head = (num_classes + 1) // 2
        tail = int(max_per_class / imbalance_ratio)
        counts = [max_per_class] * head + [tail] * (num_classes - head)
    if min(counts) < 1:
        raise ValueError(
            f'Expected at least one sample in each class, but {max_per_class} '
            f'samples with an imbalance ratio of {imbalance_ratio} leave '
            'none in the tail. Raise `max_per_class` or lower '
            '`imbalance_ratio`.'
        )
    return np.array(counts, dtype=np.int64)


def select_long_tail(
    labels: Sequence[int] | np.ndarray, counts: ClassCounts, seed: int = 0
) -> np.ndarray:
    """Choose the samples of a long-tailed subset, as BRL's lists were drawn.

    One ``RandomState(seed)`` serves all classes, in ascending order; of each
    class, the samples are shuffled and the first ``counts[k]`` are kept.

    Args:
        labels: ``(N,)`` labels in file order.
        counts: ``(K,)`` samples to keep of each class, by class index. Of a
            class with fewer samples, all are kept.
        seed: Seed of the draw.

    Returns:
        Indices into ``labels``, class by class in the shuffled order, int64.

    Examples:
        >>> select_long_tail([0, 1, 0, 1, 0], np.array([2, 1])).tolist()
        [4, 2, 1]
    """
    rng = np.random.RandomState(seed)
    labels = np.asarray(labels)
    kept = []
    for label, count in enumerate(counts):
        members = np.flatnonzero(labels == label)
        rng.shuffle(members)
        kept.append(members[:count])
    return np.concatenate(kept)


def count_classes(
    labels: Sequence[int] | np.ndarray, num_classes: int
) -> ClassCounts:
    """Samples per class, ``(K,)`` int64, of ``(N,)`` labels."""
    return np.bincount(
        np.asarray(labels, dtype=np.int64), minlength=num_classes
    )


def class_numbers(
    numbers: Mapping[int, float], num_classes: int, rest: float = 1
) -> list[float]:
    """Expand a dict of class numbers to a list for all classes.

    Args:
        numbers: Number of each class that has one, by class index.
        num_classes: K.
        rest: The number of all other classes; 1, as in PYSKL's
            ``class_prob``.

    Returns:
        K numbers.

    Raises:
        ValueError: For keys that are not class indices.

    Examples:
        >>> class_numbers({1: 2.5}, 3)
        [1, 2.5, 1]
    """
    classes = range(num_classes)
    others = [key for key in numbers if key not in classes]
    if others:
        raise ValueError(
            f'Expected classes in 0..{num_classes - 1}, each with a number, '
            f'but got numbers of {others}.'
        )
    return [numbers.get(k, rest) for k in classes]


def shot_groups(
    class_counts: ClassCounts, thresholds: tuple[int, int] = SHOT_THRESHOLDS
) -> dict[str, np.ndarray]:
    """Divide the classes into many-, medium- and few-shot.

    Args:
        class_counts: ``(K,)`` training samples per class.
        thresholds: ``(low, high)``: few < low <= medium <= high < many.

    Returns:
        ``(K,)`` boolean masks by the names of :data:`SHOT_GROUPS`.

    Examples:
        >>> groups = shot_groups(np.array([101, 100, 20, 19]))
        >>> groups['medium'].tolist()
        [False, True, True, False]
    """
    low, high = thresholds
    if not 0 <= low <= high:
        raise ValueError(
            'Expected `thresholds` (low, high) with 0 <= low <= '
            f'high, but got {thresholds}.'
        )
    counts = np.asarray(class_counts)
    many, few = counts > high, counts < low
    return dict(many=many, medium=~many & ~few, few=few)


def reverse_frequency(
    class_counts: ClassCounts, rule: str = 'rank', power: float = 1.0
) -> np.ndarray:
    r"""Draws of each sample of a class per pass over the data.

    BRL, arXiv 2308.14024, section III-B2, reverse sampler. The text gives no
    formula. The released code raises the last third of the classes to the
    size of the largest; it ranks classes by index, this function by count.
    With :math:`n_{(r)}` the count of rank r, 0 for the largest:

    .. math::
        m_c = \begin{cases}
        n_{max} / n_c & n_c \le n_{(2 \lfloor K / 3 \rfloor)} \\
        1 & \text{otherwise} \end{cases}
        \quad\text{(rank)}, \qquad
        m_c = (n_{max} / n_c)^q \quad\text{(power)} .

    Args:
        class_counts: ``(K,)``, samples per class.
        rule: ``'rank'`` or ``'power'``.
        power: :math:`q \ge 0`, for ``'power'``: with 0 every sample is drawn
            once, with 1 every class equally often.

    Returns:
        ``(K,)`` float64, at least 1.

    Raises:
        ValueError: For an unknown rule, a negative power, or a class without
            samples.

    Examples:
        >>> reverse_frequency(np.array([60, 20, 30])).tolist()
        [1.0, 3.0, 1.0]
        >>> reverse_frequency(np.array([60, 15]), 'power', 0.5).tolist()
        [1.0, 2.0]
    """
    check_choice('rule', rule, FREQUENCY_RULES)
    if power < 0:
        raise ValueError(
            f'Expected `power` of at least 0, but got {power}: a negative one '
            'would draw the rare classes less.'
        )
    counts = np.asarray(class_counts)
    check_no_empty_class(counts)
    raised = counts.max() / counts
    if rule == 'power':
        return raised**power
    largest_raised = np.sort(counts)[::-1][len(counts) // 3 * 2]
    return np.where(counts <= largest_raised, raised, 1.0)


def progressive_shares(
    class_counts: ClassCounts, progress: float
) -> np.ndarray:
    r"""Share of each class in an epoch of progressively-balanced sampling.

    Kang et al., arXiv 1910.09217, section 3. At the epoch t, from 0, of T:

    .. math::
        p_c(t) = \left(1 - \frac{t}{T}\right) \frac{n_c}{\sum_j n_j}
        + \frac{t}{T} \frac{1}{K} .

    Args:
        class_counts: ``(K,)``, samples per class.
        progress: :math:`t / T` in [0, 1]: 0 gives the shares of the data, 1
            gives equal shares.

    Returns:
        ``(K,)`` float64, with a sum of 1.

    Raises:
        ValueError: For a progress outside of [0, 1], or a class without
            samples.

    Examples:
        >>> progressive_shares(np.array([6, 2]), 0.5).tolist()
        [0.625, 0.375]
    """
    if not 0 <= progress <= 1:
        raise ValueError(
            f'Expected `progress` from 0 to 1, but got {progress}: the share '
            'of the epochs that have passed.'
        )
    counts = np.asarray(class_counts)
    check_no_empty_class(counts)
    return (1 - progress) * counts / counts.sum() + progress / len(counts)


def check_no_empty_class(class_counts: ClassCounts) -> None:
    """Check that no class is empty.

    Args:
        class_counts: ``(K,)``.

    Raises:
        ValueError: If a class has no sample.
    """
    empty = np.flatnonzero(np.asarray(class_counts) <= 0).tolist()
    if empty:
        raise ValueError(
            'Expected at least one training sample in each class, but '
            f'classes {empty} have none.'
        )


def imbalance_ratio(class_counts: ClassCounts) -> float:
    r"""Imbalance ratio :math:`n_{max} / n_{min}`; infinite if one is empty."""
    counts = np.asarray(class_counts)
    return float(counts.max() / counts.min()) if counts.min() else float('inf')


def describe_counts(class_counts: ClassCounts) -> str:
    """Describe class counts in one line of text.

    Examples:
        >>> print(describe_counts(np.array([200, 50, 10])))
        Class counts: 260 samples of 3 classes, 200 (class 0) to 10 (class 2),
        imbalance ratio 20; 1 many-, 1 medium- and 1 few-shot classes.
    """
    most, least = int(class_counts.argmax()), int(class_counts.argmin())
    sizes = {k: int(v.sum()) for k, v in shot_groups(class_counts).items()}
    return (
        f'Class counts: {class_counts.sum()} samples of {len(class_counts)} '
        f'classes, {class_counts[most]} (class {most}) to '
        f'{class_counts[least]} (class {least}), imbalance ratio '
        f'{imbalance_ratio(class_counts):.4g}; {sizes["many"]} many-, '
        f'{sizes["medium"]} medium- and {sizes["few"]} few-shot classes.'
    )
