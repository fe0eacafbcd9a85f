"""The figures of saliency and of mixed samples show the right numbers."""

import numpy as np
import pytest
import torch

from mmshapmix.analysis.mix_figure import (
    KINDS,
    describe_mix,
    joint_kinds,
    plot_mix,
)
from mmshapmix.analysis.saliency import part_saliency
from mmshapmix.analysis.saliency_figure import choose_classes, plot_saliency
from mmshapmix.analysis.skeletons import body_pose
from mmshapmix.functional.layouts import get_layout
from mmshapmix.functional.mixing import MixPlan, mix_skeletons
from mmshapmix.functional.saliency import saliency_shares

from .test_saliency import make_mixer

NTU = get_layout('nturgb+d')


@pytest.fixture
def figure(monkeypatch):
    """The figure that a function draws and would close."""
    from matplotlib import pyplot as plt

    shown = []
    close = plt.close
    monkeypatch.setattr(plt, 'close', shown.append)
    yield shown
    close('all')


@pytest.fixture
def plan():
    """An arm of 1 pasted into 0, 2 blended into 1, a joint of 0 in 2."""
    joints = torch.zeros(3, 25, dtype=torch.bool)
    joints[0, list(NTU.parts['right_arm'])] = True
    joints[1] = True
    joints[2, 7] = True
    window = torch.zeros(3, 6, dtype=torch.bool)
    window[0, 2:5] = True
    window[1] = True
    window[2, 0] = True
    source = torch.arange(6).repeat(3, 1)
    source[0, 2:5] = torch.tensor([0, 2, 4])
    return MixPlan(
        partner=torch.tensor([1, 2, 0]),
        joints=joints,
        window=window,
        source=source,
        opacity=torch.tensor([1, 0.25, 1]),
    )


@pytest.fixture
def skeletons():
    """Values are 1000 * (sample + 1) + 10 * frame + joint / 100."""
    sample, frame, joint = np.ogrid[1:4, :6, :25]
    values = 1000 * sample + 10 * frame + joint / 100
    return torch.tensor(values)[:, None, None, ..., None].expand(
        -1, 1, 2, 6, 25, 3
    )


# Mixed samples ---------------------------------------------------------------


def test_kinds_say_where_each_joint_of_the_mixed_samples_is_from(
    plan, skeletons
):
    mixed = mix_skeletons(skeletons, plan)[:, 0, 0, :, :, 0].numpy()
    clean = skeletons[:, 0, 0, :, :, 0].numpy()
    kinds = joint_kinds(plan)
    assert list(KINDS) == ['original', 'pasted', 'blended']
    for n, t, v in np.ndindex(3, 6, 25):
        other = clean[plan.partner[n], plan.source[n, t], v]
        expected = (
            clean[n, t, v],
            other,
            0.75 * clean[n, t, v] + 0.25 * other,
        )
        assert mixed[n, t, v] == pytest.approx(expected[kinds[n, t, v]])
    arm = list(NTU.parts['right_arm'])
    assert (kinds[0, 2:5][:, arm] == 1).all() and kinds[0].sum() == 3 * 6
    assert (kinds[1] == 2).all() and kinds[2].sum() == 1


def test_titles_say_labels_weights_and_parts(plan):
    def title(index):
        return describe_mix(plan, index, ['wave', 'bow', 'sit'], NTU)

    area = 6 * 3 / (25 * 6)
    assert plan.lam[0] == pytest.approx(1 - area)
    assert title(0) == (
        '0.88 wave  +  0.12 bow   (pasted: right arm; 3 of 6 frames)'
    )
    assert title(1) == '0.75 bow  +  0.25 sit   (Mixup)'
    assert '1.00' in title(2) or '0.99' in title(2)
    assert title(2).endswith('(pasted: 1 of 25 joints; 1 of 6 frames)')


def test_the_figure_of_mixed_samples(plan, figure, tmp_path):
    """Colours follow frame and joint; absent persons are not drawn."""
    from matplotlib import colors

    body = np.zeros((3, 1, 2, 6, 25, 3), np.float32)
    body[..., [0, 2]] = body_pose(NTU)
    body[:, :, 1] += 0.5
    body[1:, :, 1] = 0
    mixed = mix_skeletons(torch.tensor(body), plan)[:2, 0].numpy()
    path = tmp_path / 'mix.png'
    plot_mix(mixed, joint_kinds(plan)[:2], ['one', 'two'], NTU, 3, 'all', path)
    assert path.read_bytes().startswith(b'\x89PNG')
    rows = figure[0].axes
    assert [axes.get_title('left') for axes in rows] == ['one', 'two']
    assert figure[0].get_suptitle() == 'all'
    labels = [t.get_text() for t in rows[0].get_xticklabels()]
    assert labels == ['0', '2', '5']  # evenly spaced, with both ends
    # One collection of bones and one of joints for each person and frame.
    dots = rows[0].collections[1::2]
    assert len(dots) == 6 and len(rows[1].collections) == 6
    palette = [colors.to_rgba(c) for c in KINDS.values()]
    kinds = joint_kinds(plan)
    arm = NTU.parts['right_arm']
    for i, frame in enumerate((0, 0, 2, 2, 5, 5)):
        # The partner has no second person, and so no arm for ours.
        gone = arm if i == 3 else ()
        expected = [
            palette[k] for v, k in enumerate(kinds[0, frame]) if v not in gone
        ]
        np.testing.assert_allclose(dots[i].get_facecolors(), expected)
    assert len(rows[0].patches) == 1  # the frame inside the window


def test_nobody_at_all_is_an_empty_row(plan, figure, tmp_path):
    nobody = np.zeros((1, 2, 6, 25, 3))
    path = tmp_path / 'mix.png'
    plot_mix(nobody, joint_kinds(plan)[:1], [''], NTU, 3, '', path)
    assert path.read_bytes().startswith(b'\x89PNG')
    (axes,) = figure[0].axes
    assert not axes.collections and not axes.patches


# Saliency --------------------------------------------------------------------

NAMES = [f'action {k}' for k in range(9)]
GROUPS = ['many'] * 4 + ['few'] * 5


def test_classes_to_show():
    rows = choose_classes([], NAMES, GROUPS)
    assert rows == dict(many=[0, 1, 2], few=[4, 5, 6])
    rows = choose_classes(['8', 'action 1', 'action 7'], NAMES, GROUPS)
    assert rows == dict(many=[1], few=[8, 7])
    assert choose_classes([], NAMES, [''] * 9) == {'': [0, 1, 2]}
    assert choose_classes(['2'], NAMES, [''] * 9) == {'': [2]}


@pytest.mark.parametrize('wanted', ['9', '-1', 'jump'])
def test_a_class_that_there_is_not(wanted):
    with pytest.raises(ValueError, match=f"number, but got '{wanted}'"):
        choose_classes([wanted], NAMES, GROUPS)


@pytest.mark.parametrize('guidance', ['CoalitionValues', 'GradCAM'])
def test_the_figure_of_saliency(guidance, figure, tmp_path):
    mixer = make_mixer(guidance, num_classes=9)
    mixer.estimator.table[4] = 0  # no sample seen
    path = tmp_path / 'saliency.png'
    rows = dict(many=[2, 0], few=[4, 5, 6, 7, 8])
    plot_saliency(mixer, rows, NAMES, body_pose(NTU), path)
    assert path.read_bytes().startswith(b'\x89PNG')
    axes = figure[0].axes
    bodies, bars, scale = axes[:14:2], axes[1:14:2], axes[14]
    shown = [2, 0, 4, 5, 6, 7, 8]
    assert [a.get_title('left') for a in bodies] == [NAMES[k] for k in shown]
    parts, meaning = part_saliency(mixer)
    assert meaning in scale.get_xlabel()
    parts = saliency_shares(parts, torch.ones(5)).numpy()
    joints = mixer.coalitions @ mixer.groups.sum(1)
    shares = saliency_shares(mixer.estimator.saliency(), joints).numpy()
    from matplotlib import colormaps
    from matplotlib.colors import Normalize

    limit = abs(parts[shown]).max()
    colors = colormaps['coolwarm'](Normalize(-limit, limit)(parts))
    for k, body, bar in zip(shown, bodies, bars, strict=True):
        top = np.sort(shares[k])[::-1][:5]
        widths = [patch.get_width() for patch in bar.patches]
        np.testing.assert_allclose(widths, top, rtol=1e-6)
        drawn = body.collections[-1].get_facecolors()
        for p, group in enumerate(NTU.parts.values()):
            expected = np.tile(colors[k, p], (len(group), 1))
            np.testing.assert_allclose(drawn[list(group)], expected)
    best = shares[0].argmax()
    label = bars[1].texts[0].get_text()
    members = [
        name.replace('_', ' ')
        for name, here in zip(NTU.parts, mixer.coalitions[best], strict=True)
        if here
    ]
    assert label == ' + '.join(members)
    assert bars[0].get_xlim() == bars[5].get_xlim()
