"""Figure of mixed samples, as the training gets them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..functional.layouts import Layout
from ..functional.mixing import MixPlan
from .skeletons import draw_skeleton, front_view, seen_joints

KINDS = dict(original='#4477aa', pasted='#ee7733', blended='#aa3377')
"""Origin of a joint of a mixed sample, and its colour."""
CELL = 1.3, 1.8  # width and height of a skeleton, in inches


def joint_kinds(plan: MixPlan) -> np.ndarray:
    """Origin of each joint of the mixed samples, ``(N, T, V)`` int64.

    Indices into :data:`KINDS`: 0 from the original, 1 pasted from the partner,
    2 blended of both.
    """
    inside = plan.window[:, :, None] & plan.joints[:, None]
    blended = (plan.opacity < 1)[:, None, None]
    return (inside.long() * (1 + blended.long())).cpu().numpy()


def describe_mix(
    plan: MixPlan, index: int, labels: Sequence[str], layout: Layout
) -> str:
    """Describe one sample of a mixing plan in one line.

    Args:
        plan: Plan of the batch.
        index: Index of the sample.
        labels: Class name of each sample of the batch.
        layout: The skeleton.
    """
    lam = float(plan.lam[index])
    partner = labels[int(plan.partner[index])]
    text = f'{lam:.2f} {labels[index]}  +  {1 - lam:.2f} {partner}'
    if plan.opacity[index] < 1:
        return f'{text}   (Mixup)'
    pasted = plan.joints[index].cpu().numpy()
    parts = {
        name: len(joints)
        for name, joints in layout.parts.items()
        if pasted[list(joints)].all()
    }
    what = ', '.join(parts).replace('_', ' ')
    if sum(parts.values()) != pasted.sum():
        what = f'{pasted.sum()} of {len(pasted)} joints'
    if set(pasted.nonzero()[0]) == set(layout.lower):
        what = 'lower half of the body'
    frames = int(plan.window[index].sum())
    total = plan.window.shape[1]
    return f'{text}   (pasted: {what}; {frames} of {total} frames)'


def plot_mix(
    mixed: np.ndarray,
    kinds: np.ndarray,
    titles: Sequence[str],
    layout: Layout,
    num_frames: int,
    title: str,
    path: str | Path,
) -> None:
    """Draw mixed samples, a row of skeletons over time for each.

    Args:
        mixed: ``(R, M, T, V, C)``.
        kinds: ``(R, T, V)`` int64, from :func:`joint_kinds`.
        titles: Titles of the R rows.
        layout: The skeleton.
        num_frames: Number of skeletons in a row.
        title: Title of the figure.
        path: The figure to write; its ending determines the format.
    """
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot as plt

    total = mixed.shape[2]
    frames = np.linspace(0, total - 1, min(num_frames, total)).round()
    frames = frames.astype(int)
    figure, grid = plt.subplots(
        len(mixed),
        squeeze=False,
        figsize=(CELL[0] * len(frames), (CELL[1] + 0.55) * len(mixed) + 0.8),
        layout='constrained',
    )
    views = front_view(mixed, layout)
    for row, axes in enumerate(grid[:, 0]):
        _draw_row(axes, mixed[row], views[row], kinds[row], frames, layout)
        axes.set_title(titles[row], fontsize=10, loc='left')
    handles = [
        plt.Line2D([], [], color=color, linewidth=3, label=name)
        for name, color in KINDS.items()
    ]
    figure.legend(
        handles=handles, loc='outside lower center', ncols=3, frameon=False
    )
    figure.suptitle(title, fontsize=11)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _draw_row(
    axes: Any,
    person_frames: np.ndarray,
    view: np.ndarray,
    kinds: np.ndarray,
    frames: np.ndarray,
    layout: Layout,
) -> None:
    """Draw one sample over time.

    Args:
        axes: Axes of matplotlib.
        person_frames: ``(M, T, V, C)``, the sample.
        view: ``(M, T, V, 2)``, its front view.
        kinds: ``(T, V)`` int64, the origins of its joints.
        frames: Numbers of the frames to draw.
        layout: The skeleton.
    """
    seen = seen_joints(person_frames)
    drawn = view[:, frames][seen[:, frames]]
    if not len(drawn):
        return  # no person is present
    low, high = drawn.min(0), drawn.max(0)
    middle = (low + high) / 2
    across, height = 1.1 * (high - low)
    # All rows have the same shape, whatever the extent of the bodies.
    step = max(across, height * CELL[0] / CELL[1])
    height = step * CELL[1] / CELL[0]
    colors = np.array(list(KINDS.values()))
    for column, frame in enumerate(frames):
        if kinds[frame].any():
            edges = np.array([-0.5, 0.5]) * step + column * step
            axes.axvspan(*edges, color='#f4f0e6', linewidth=0, zorder=0)
        for person in range(len(view)):
            if seen[person, frame].any():
                draw_skeleton(
                    axes,
                    view[person, frame] + (column * step, 0) - middle,
                    layout,
                    colors[kinds[frame]],
                    seen=seen[person, frame],
                )
    axes.set_xlim(-0.5 * step, (len(frames) - 0.5) * step)
    axes.set_ylim(-0.5 * height, 0.5 * height)
    axes.set_aspect('equal')
    axes.set_xticks(np.arange(len(frames)) * step, [str(f) for f in frames])
    axes.tick_params(length=0, labelsize=8, labelcolor='#666666')
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
