"""Figure of body parts' saliency by class, as in Shap-Mix's Fig. 3 and 5."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ..functional.layouts import Layout
from ..functional.saliency import saliency_shares
from ..models.mixers import ShapMix
from .saliency import coalition_names, part_saliency
from .skeletons import draw_skeleton

TOP = 5  # coalitions shown for each class
COLUMNS = 4
COLORS = 'coolwarm'


def choose_classes(
    wanted: Sequence[str], names: Sequence[str], groups: Sequence[str]
) -> dict[str, list[int]]:
    """Choose the classes to show, and return their numbers by shot group.

    Args:
        wanted: Names or numbers of classes; if empty, the first three of each
            group.
        names: Names of the K classes.
        groups: Groups of the K classes, see
            :func:`~.checkpoints.group_names`.

    Raises:
        ValueError: For an unknown class.
    """
    chosen = [_find_class(name, names) for name in wanted]
    rows: dict[str, list[int]] = {}
    for group in ('', 'many', 'medium', 'few'):
        members = [k for k, name in enumerate(groups) if name == group]
        if wanted:
            members = [k for k in chosen if k in members]
        else:
            members = members[:3]
        if members:
            rows[group] = members
    return rows


def _find_class(wanted: str, names: Sequence[str]) -> int:
    if wanted in names:
        return names.index(wanted)
    if wanted.isdecimal() and int(wanted) < len(names):
        return int(wanted)
    raise ValueError(
        f'Expected a class of {list(names)} or its number, but got {wanted!r}.'
    )


def plot_saliency(
    mixer: ShapMix,
    rows: Mapping[str, Sequence[int]],
    titles: Sequence[str],
    pose: np.ndarray,
    path: str | Path,
) -> None:
    """Draw, for some classes, the salient parts and part combinations.

    Args:
        mixer: A mixer with an estimator.
        rows: Classes to show, by group.
        titles: Titles of the K classes.
        pose: ``(V, 2)``, the body to draw.
        path: The figure to write; its ending determines the format.
    """
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import colors
    from matplotlib import pyplot as plt

    assert mixer.estimator is not None
    assert mixer.layout is not None
    values, meaning = part_saliency(mixer)
    parts = _shares(values, values.new_ones(values.shape[1]))
    shares = _shares(mixer.estimator.saliency(), mixer.coalition_joints)
    labels = coalition_names(mixer.coalitions > 0.5, list(mixer.layout.parts))
    cells = _grid(rows)
    columns = max(len(row) for _, row in cells)
    figure = plt.figure(
        figsize=(max(4.1 * columns, 6.5), 2.6 * len(cells) + 1.5),
        layout='constrained',
    )
    panels = figure.add_gridspec(
        len(cells), 2 * columns, width_ratios=[0.75, 1] * columns
    )
    shown = [k for _, row in cells for k in row]
    limit = abs(parts[shown]).max() or 1
    scale = plt.cm.ScalarMappable(colors.Normalize(-limit, limit), COLORS)
    ends = _bar_limits(shares[shown])
    for i, (group, row) in enumerate(cells):
        for j, k in enumerate(row):
            body = figure.add_subplot(panels[i, 2 * j])
            bars = figure.add_subplot(panels[i, 2 * j + 1], xlim=ends)
            _draw_body(body, pose, mixer.layout, scale.to_rgba(parts[k]))
            _draw_bars(bars, shares[k], labels)
            body.set_title(titles[k], fontsize=10, loc='left')
            if j == 0 and group:
                body.set_ylabel(f'{group}-shot', fontsize=11)
    _explain(figure, scale, meaning, shares.shape[1])
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _shares(saliency: Tensor, joints: Tensor) -> np.ndarray:
    return saliency_shares(saliency, joints).cpu().numpy()


def _bar_limits(shares: np.ndarray) -> tuple[float, float]:
    """Limits of the x axis, equal for all classes, with room for values.

    The numbers are written to the right of the bars.
    """
    top = -np.sort(-shares, axis=1)[:, :TOP]
    return min(top.min(), 0), 1.25 * max(top.max(), 1.5 / shares.shape[1])


def _explain(figure: Any, scale: Any, meaning: str, number: int) -> None:
    """Add a colour bar and a title that explain colours and bars."""
    figure.colorbar(
        scale,
        ax=figure.get_axes(),
        location='bottom',
        aspect=70,
        shrink=0.6,
        label=f'colour: {meaning}, $l_1$-normalised over the parts',
    )
    figure.suptitle(
        f'The {TOP} most salient part combinations: $v_b/|b|$, '
        f'$l_1$-normalised over all {number}\n(dashed: 1/{number}, the mean '
        'size). Bodies face you.',
        fontsize=10,
    )


def _grid(rows: Mapping[str, Sequence[int]]) -> list[tuple[str, list[int]]]:
    """Divide the groups into rows of the figure."""
    return [
        (group, list(members[start : start + COLUMNS]))
        for group, members in rows.items()
        for start in range(0, len(members), COLUMNS)
    ]


def _draw_body(
    axes: Any, pose: np.ndarray, layout: Layout, part_colors: np.ndarray
) -> None:
    """Draw the body with its parts in ``(P, 4)`` colours."""
    colors = np.full((len(pose), 4), 0.5)
    for color, joints in zip(part_colors, layout.parts.values(), strict=True):
        colors[list(joints)] = color
    # A grey rim, since parts that are not salient are pale.
    rim = ['#a0a0a0'] * len(pose)
    draw_skeleton(axes, pose, layout, rim, width=8, zorder=1)
    draw_skeleton(axes, pose, layout, colors, width=6)
    axes.set_aspect('equal', adjustable='datalim')
    axes.margins(0.12)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _draw_bars(axes: Any, shares: np.ndarray, labels: Sequence[str]) -> None:
    """Draw bars of the coalitions with the largest of the ``(S,)`` shares."""
    order = np.argsort(-shares, kind='stable')[:TOP]
    places = np.arange(len(order))
    axes.barh(places, shares[order], height=0.32, color='#8c8c8c')
    over = dict(facecolor='white', edgecolor='none', pad=0.8)
    for place, s in zip(places, order, strict=True):
        text = labels[s].replace('_', ' ').replace('+', ' + ')
        axes.text(
            0,
            place - 0.22,
            text,
            fontsize=8,
            va='bottom',
            bbox=over,
        )
        axes.text(
            max(shares[s], 0) + 0.004,
            place,
            f'{shares[s]:.3f}',
            fontsize=7,
            va='center',
            color='#555555',
            bbox=over,
            zorder=0.5,
        )
    axes.axvline(1 / len(shares), color='#aa3377', ls='--', lw=0.8, zorder=0)
    axes.set_ylim(len(order) - 0.5, -0.8)
    axes.set_yticks([])
    axes.locator_params(axis='x', nbins=4)
    axes.tick_params(labelsize=7)
    axes.spines[['top', 'right', 'left']].set_visible(False)
