"""Mixers in MMAction2's data preprocessor, with values that show origins."""

import copy

import numpy as np
import pytest
import torch
from mmaction.models import ActionDataPreprocessor
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.registry import init_default_scope

from mmshapmix.functional.coalitions import coalition_index
from mmshapmix.functional.draws import make_generator
from mmshapmix.functional.layouts import LAYOUTS, get_layout, joint_masks
from mmshapmix.functional.saliency import coalition_distribution
from mmshapmix.models.mixers import (
    CutMix,
    Mixup,
    RebalancedPartialMix,
    Remix,
    ShapMix,
    SkeleMix,
    SkeletonMix,
    STMix,
)

MIXERS = [CutMix, Mixup, SkeleMix, SkeletonMix, STMix, ShapMix]
N, T, K = 12, 20, 5
COUNTS = torch.tensor([50, 40, 7, 7, 3])


def batch(layout='nturgb+d', number=N, frames=T, persons=2):
    """Channels identify sample, frame and joint; labels alternate."""
    joints = get_layout(layout).num_joints
    axes = [torch.arange(n) for n in (number, 1, persons, frames, joints)]
    grid = torch.meshgrid(*axes, indexing='ij')
    x = torch.stack([grid[0], grid[3], grid[4]], dim=-1).float()
    samples = [ActionDataSample().set_gt_label(i % K) for i in range(number)]
    return x, samples


def build(kind, layout='nturgb+d', seed=(0, 0, 0, 0), **options):
    mixer = kind(K, layout=layout, **options)
    mixer.step_seed = seed
    if kind is ShapMix:
        ready(mixer)
    return mixer


def ready(mixer):
    """A mixer whose table prefers one coalition in each class."""
    mixer.set_class_counts(COUNTS)
    mixer.phase = 'guided'
    torch.manual_seed(0)
    mixer.estimator.table.copy_(torch.rand_like(mixer.estimator.table))
    mixer.estimator.visits.fill_(1)


def labels_of(samples):
    return torch.stack([sample.gt_label for sample in samples])


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('kind', MIXERS)
def test_clean_then_mixed_for_every_layout(kind, layout):
    x, samples = batch(layout)
    before, before_labels = x.clone(), labels_of(samples).clone()
    y, mixed = build(kind, layout)(x, samples)
    assert y.shape == (2 * N, *x.shape[1:]) and len(mixed) == 2 * N
    assert torch.equal(y[:N], before) and torch.equal(x, before)
    assert torch.equal(labels_of(samples), before_labels)
    assert all('mixed' not in sample for sample in samples)
    for mark in ('mixed', 'added'):
        marks = [sample.get(mark) for sample in mixed]
        assert marks == [False] * N + [True] * N
    soft = labels_of(mixed)
    assert soft.shape == (2 * N, K)
    assert torch.equal(soft[:N].argmax(1), torch.arange(N) % K)
    torch.testing.assert_close(soft.sum(1), torch.ones(2 * N))
    # Joints keep their places.
    assert torch.equal(y[N:, ..., 2], x[..., 2])
    if kind is Mixup:
        return
    # Pasted parts are the partner's: its label has their share of the area.
    for i, sample in enumerate(mixed[N:]):
        source = y[N + i, ..., 0]
        other = source[source != i].unique()
        if len(other) == 1 and other.item() in range(N):
            expected = torch.zeros(K)
            share = (source != i).float().mean()
            expected[i % K] += 1 - share
            expected[int(other) % K] += share
            torch.testing.assert_close(sample.gt_label, expected)


@pytest.mark.parametrize('kind', [STMix, ShapMix, SkeletonMix])
def test_a_layout_alone_is_refused(kind):
    """Layout and number of classes are given together, or by the data."""
    with pytest.raises(ValueError, match='`num_classes` beside `layout`'):
        kind(layout='coco')


@pytest.mark.parametrize('kind', MIXERS)
def test_mixed_alone(kind):
    x, samples = batch()
    both, both_samples = build(kind)(x, samples)
    y, mixed = build(kind, output='mixed')(x, samples)
    assert torch.equal(y, both[N:])
    assert torch.equal(labels_of(mixed), labels_of(both_samples[N:]))
    assert all(s.mixed and not s.added for s in mixed)


@pytest.mark.parametrize('kind', MIXERS)
def test_what_a_step_draws_depends_on_its_seed_alone(kind):
    x, samples = batch()
    state = torch.get_rng_state()
    one, other, third = (
        build(kind, seed=seed)(x, samples)[0]
        for seed in ((0, 0, 5, 0), (0, 0, 5, 0), (0, 0, 6, 0))
    )
    assert torch.equal(one, other) and not torch.equal(one, third)
    if kind is not ShapMix:  # the stand-in table makes random draws
        assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize('kind', MIXERS)
def test_not_while_it_is_off_or_not_training(kind):
    x, samples = batch()
    mixer = build(kind)
    mixer.phase = 'clean'
    y, same = mixer(x, samples)
    assert y is x and same is samples


def test_the_preprocessor_mixes_in_training_only():
    init_default_scope('mmaction')
    config = dict(type='mmshapmix.STMix', num_classes=K, layout='coco')
    preprocessor = MODELS.build(
        dict(type='ActionDataPreprocessor', blending=config)
    )
    assert isinstance(preprocessor, ActionDataPreprocessor)
    x, samples = batch('coco')
    data = dict(inputs=list(x), data_samples=samples)
    assert len(preprocessor(copy.deepcopy(data))['inputs']) == N
    mixed = preprocessor(data, training=True)
    assert len(mixed['inputs']) == len(mixed['data_samples']) == 2 * N
    assert labels_of(samples).shape == (N, 1)


def plans(mixer, frames=64, number=400):
    """A plan for many samples."""
    labels = torch.eye(K).repeat(number // K, 1)
    return mixer.sample_plan(labels, frames, make_generator((0, 1)))


def parts_of(plan, layout='nturgb+d'):
    """Share of the joints of each part that are pasted, ``(N, P)``."""
    masks = joint_masks(get_layout(layout))
    return plan.joints.float() @ masks.T / masks.sum(1)


def pasted_only(mixer, **kwargs):
    plan = plans(mixer, **kwargs)
    keep = plan.opacity == 1
    return plan, keep & ~plan.window.all(1)


def test_what_each_mixer_pastes():
    """Parts or joints, their number, and whether the clip is resampled."""
    frames = torch.arange(64)
    for kind, whole_parts, resampled in (
        (STMix, True, True),
        (ShapMix, True, True),
        (SkeleMix, True, False),
        (CutMix, False, False),
    ):
        plan, keep = pasted_only(build(kind))
        shares = parts_of(plan)[keep]
        length = plan.window.sum(1)[keep]
        assert ((shares == 0) | (shares == 1)).all() == whole_parts
        low, high = (26, 44) if resampled else (28, 44)
        assert (length.min(), length.max()) == (low, high)
        moved = (plan.source != frames).any(1)[keep]
        assert moved.float().mean() > 0.9 if resampled else not moved.any()
        if whole_parts:
            number = shares.sum(1)
            assert number.unique().tolist() == [2, 3]
            assert 0.4 < (number == 2).float().mean() < 0.6
        else:
            number = plan.joints.sum(1)
            assert (number.min(), number.max()) == (10, 15)


def test_skeleton_mix_has_the_upper_body_and_takes_the_lower():
    plan = plans(build(SkeletonMix))
    upper, lower = joint_masks(get_layout('nturgb+d'), 'halves') > 0
    assert (plan.joints == lower).all() and plan.window.all()
    torch.testing.assert_close(plan.lam, torch.full((400,), 16 / 25))


BALANCE = torch.tensor([60, 30, 20, 7, 6])


def partial_mix(number, seed=(0, 0, 0, 0), **options):
    """Input and output of the mixer for a sequence of classes."""
    x, samples = batch(number=number)
    mixer = build(RebalancedPartialMix, seed=seed, **options)
    mixer.set_class_counts(BALANCE)
    return x, *mixer(x, samples)


def test_partial_mixup_of_one_sample_in_sixteen():
    x, y, mixed = partial_mix(32)
    assert y.shape == x.shape and len(mixed) == 32
    changed = (y != x).flatten(1).any(1)
    assert changed.tolist() == [False] * 30 + [True] * 2
    assert [s.mixed for s in mixed] == changed.tolist()
    assert not any(s.added for s in mixed)
    assert torch.equal(labels_of(mixed)[:30].argmax(1), torch.arange(30) % K)
    assert (labels_of(mixed)[:30].max(1).values == 1).all()


@pytest.mark.parametrize('number', [1, 8, 24])
def test_a_fraction_of_a_sample_is_one_as_often(number):
    counts = []
    for step in range(300):
        mixer = build(RebalancedPartialMix, seed=(0, 0, step, 0))
        counts.append(mixer.num_mixed(number))
    expected = number / 16
    assert set(counts) == {int(expected), int(expected) + 1}
    assert np.mean(counts) == pytest.approx(expected, abs=0.09)


@pytest.mark.parametrize('output', ['mixed', 'both'])
def test_partial_mixup_by_a_naive_loop(output):
    """Pasted legs and the label of Eq. (5), for each sample."""
    n = 40
    x, y, mixed = partial_mix(n, fraction=0.5, output=output)
    upper, lower = joint_masks(get_layout('nturgb+d'), 'halves').bool()
    begin = n if output == 'both' else 20
    assert len(y) == begin + 20
    rules = set()
    for place, i in enumerate(range(20, n), begin):
        sample = mixed[place]
        assert (sample.mixed, sample.added) == (True, output == 'both')
        partner = y[place, 0, 0, 0, lower, 0].unique()
        assert len(partner) == 1 and partner != i
        j = int(partner)
        assert torch.equal(y[place][..., upper, :], x[i][..., upper, :])
        assert torch.equal(y[place][..., lower, :], x[j][..., lower, :])
        ratio = BALANCE[i % K] / BALANCE[j % K]
        lam = 0 if ratio > 3 else 1 if ratio <= 1 / 3 else 16 / 25
        expected = torch.zeros(K)
        expected[i % K] += lam
        expected[j % K] += 1 - lam
        torch.testing.assert_close(sample.gt_label, expected)
        rules.add(lam)
    assert rules == {0, 1, 16 / 25}


def test_one_mixed_sample_does_not_change_the_labels_of_others():
    """One sample gets another class, other counts, and so another rule."""
    x, samples = batch(number=16)
    mixer = build(RebalancedPartialMix, fraction=1.0)
    mixer.set_class_counts(BALANCE)
    before = labels_of(mixer(x, samples)[1])
    plan = mixer.sample_plan(
        torch.eye(K)[torch.arange(16) % K], T, make_generator((0,) * 4)
    )
    samples[5].set_gt_label(4)  # the rarest class; before, the most frequent
    after = labels_of(mixer(x, samples)[1])
    changed = (before != after).any(1)
    touched = (torch.arange(16) == 5) | (plan.partner == 5)
    assert changed.any() and not changed[~touched].any()
    assert len({tuple(row) for row in before[~touched].tolist()}) > 4


def test_partial_mixup_needs_the_counts():
    x, samples = batch()
    with pytest.raises(RuntimeError, match='class counts in RebalancedPart'):
        build(RebalancedPartialMix)(x, samples)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(k=0.5), '`k` of at least 1, but got 0.5'),
        (dict(fraction=0), '`fraction` above 0, up to 1, but got 0'),
        (dict(fraction=1.5), '`fraction` above 0, up to 1, but got 1.5'),
        (
            dict(layout=dict(joints=2, inward=[(1, 0)], center=0)),
            'halves of the body',
        ),
    ],
)
def test_bad_partial_mixup_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        RebalancedPartialMix(K, **options)


def test_remix_by_a_naive_loop():
    """Skeletons are mixed as in Mixup; labels depend on kappa and tau."""
    x, samples = batch(number=40)
    options = dict(output='mixed')
    y, plain = build(Mixup, **options)(x, samples)
    mixer = build(Remix)
    mixer.set_class_counts(BALANCE)
    z, mixed = mixer(x, samples)
    assert torch.equal(y, z)
    plan = mixer.sample_plan(
        torch.eye(K)[torch.arange(40) % K], T, make_generator((0,) * 4)
    )
    rules = []
    for i, sample in enumerate(mixed):
        j, lam = int(plan.partner[i]), float(plan.lam_x[i])
        ratio = BALANCE[i % K] / BALANCE[j % K]
        rules.append('both')
        if ratio >= 3 and lam < 0.5:
            lam, rules[-1] = 0, 'theirs'
        elif ratio <= 1 / 3 and 1 - lam < 0.5:
            lam, rules[-1] = 1, 'own'
        expected = torch.zeros(K)
        expected[i % K] += lam
        expected[j % K] += 1 - lam
        torch.testing.assert_close(sample.gt_label, expected)
    assert set(rules) == {'both', 'theirs', 'own'}


@pytest.mark.parametrize('options', [dict(kappa=0.5), dict(tau=1.5)])
def test_bad_remix_is_refused(options):
    with pytest.raises(ValueError, match='`kappa` of at least 1 and `tau`'):
        Remix(K, **options)


def test_mixup_blends_everything():
    plan = plans(build(Mixup, alpha=2.0))
    assert plan.joints.all() and plan.window.all()
    assert (plan.source == torch.arange(64)).all()
    assert plan.lam.mean() == pytest.approx(0.5, abs=0.05)
    assert plan.lam.var() == pytest.approx(1 / 20, rel=0.25)


def test_the_probability_of_mixup():
    for probability in (0.0, 0.25, 1.0):
        plan = plans(build(STMix, mixup_prob=probability))
        blended = (plan.opacity < 1).float().mean()
        assert blended == pytest.approx(probability, abs=0.09)


def test_the_ablations_are_options():
    """Options of Tables 7, 10 and 11."""
    plan, _ = pasted_only(build(STMix, spatial='joints'))
    shares = parts_of(plan)
    assert ((shares > 0) & (shares < 1)).any()
    plan, _ = pasted_only(build(STMix, temporal='copied'))
    assert (plan.source == torch.arange(64)).all()
    plan, keep = pasted_only(build(STMix, num_parts=(3, 4)))
    assert parts_of(plan)[keep].sum(1).unique().tolist() == [3, 4]
    plan, keep = pasted_only(build(STMix, window=(0.5, 0.8)))
    length = plan.window.sum(1)[keep]
    assert (length.min(), length.max()) == (32, 51)


def shapley_mixer(**options):
    mixer = build(ShapMix, mixup_prob=0.0, **options)
    return mixer


def test_the_distribution_is_that_of_the_options():
    """Table 12, and the released one, with |b| in joints of the layout."""
    for layout, joints in (('nturgb+d', 11), ('coco', 8)):
        mixer = shapley_mixer(layout=layout)
        sizes = mixer.coalitions @ joint_masks(get_layout(layout)).sum(1)
        assert sizes[0] == joints  # trunk or head, and the right arm
        for options in (
            dict(),
            dict(temperature=0.05),
            dict(normalize='none', scale=10),
        ):
            mixer = shapley_mixer(layout=layout, **options)
            torch.testing.assert_close(
                mixer.distribution(),
                coalition_distribution(
                    mixer.estimator.saliency(), sizes, **options
                ),
            )


def test_a_guided_sample_keeps_what_makes_the_rarer_class():
    mixer = shapley_mixer(temperature=1e-4)
    best = mixer.coalitions[mixer.distribution().argmax(1)] > 0.5
    plan, _ = pasted_only(mixer)
    pasted = parts_of(plan) > 0.5
    labels = torch.arange(400) % K
    partner_labels = labels[plan.partner]
    checked = 0
    for i in range(400):
        own, other = COUNTS[labels[i]], COUNTS[partner_labels[i]]
        if own > other:
            assert torch.equal(pasted[i], best[partner_labels[i]])
        else:
            assert torch.equal(pasted[i], ~best[labels[i]])
        checked += own > other
    assert 100 < checked < 300


def test_unguided_it_is_st_mix():
    mixer = shapley_mixer(temperature=1e-4)
    mixer.phase = 'unguided'
    plain = build(STMix, mixup_prob=0.0)
    one, other = plans(mixer), plans(plain)
    assert torch.equal(one.joints, other.joints)
    assert torch.equal(one.source, other.source)
    free = ShapMix(K, mixup_prob=0.0, guidance='random')
    assert free.estimator is None
    assert torch.equal(plans(free).joints, other.joints)


def test_an_unseen_class_is_mixed_uniformly():
    mixer = shapley_mixer()
    mixer.estimator.reset()
    torch.testing.assert_close(mixer.distribution(), torch.full((K, 20), 0.05))
    plan, _ = pasted_only(mixer, number=20_000)
    index = coalition_index(parts_of(plan) > 0.5)
    counts = index.unique(return_counts=True)[1]
    assert len(counts) == 20
    assert counts.min() > 850 and counts.max() < 1150


def test_the_size_of_coalitions_follows_the_numbers_of_parts():
    mixer = shapley_mixer(num_parts=(1, 2))
    assert mixer.coalitions.sum(1).unique().tolist() == [1, 2]
    plan, _ = pasted_only(mixer)
    assert set(parts_of(plan).sum(1).tolist()) == {1, 2, 3, 4}


def test_other_numbers_of_parts():
    """A custom skeleton with three parts."""
    layout = dict(
        joints=6,
        inward=[(1, 0), (2, 1), (3, 0), (4, 3), (5, 0)],
        center=0,
        parts=dict(middle=[0, 5], left=[1, 2], right=[3, 4]),
    )
    mixer = shapley_mixer(layout=layout, num_parts=(1, 2), temperature=1e-4)
    assert mixer.estimator.table.shape == (K, 8)
    assert mixer.distribution().shape == (K, 6)
    plan, keep = pasted_only(mixer)
    sizes = plan.joints[keep].sum(1)
    assert sizes.unique().tolist() == [2, 4]


def test_a_batch_of_one_is_mixed_with_itself():
    x, samples = batch(number=1)
    for kind in MIXERS:
        with pytest.warns(UserWarning, match='batch of one has no partner'):
            y, mixed = build(kind)(x, samples)
        assert (y[..., 0] == 0).all()
        torch.testing.assert_close(
            labels_of(mixed), torch.eye(K)[:1].repeat(2, 1)
        )


def test_blending_always_needs_no_guidance():
    mixer = shapley_mixer()
    mixer.mixup_prob = 1.0
    plan = plans(mixer)
    assert plan.joints.all() and (plan.opacity < 1).all()
    assert ShapMix(K, mixup_prob=1.0).estimator.table.shape == (K, 32)


def test_soft_labels_are_mixed_too():
    x, samples = batch()
    soft = torch.rand(N, K).softmax(1)
    for sample, label in zip(samples, soft, strict=True):
        sample.set_gt_label(label)
    _, mixed = build(Mixup)(x, samples)
    assert torch.equal(labels_of(mixed)[:N], soft)
    torch.testing.assert_close(labels_of(mixed)[N:].sum(1), torch.ones(N))


@pytest.mark.parametrize(
    ('kind', 'options', 'message'),
    [
        (STMix, dict(spatial='legs'), "Expected `spatial` in .*got 'legs'"),
        (STMix, dict(temporal='fast'), 'Expected `temporal` in'),
        (STMix, dict(output='all'), 'Expected `output` in'),
        (STMix, dict(num_parts=(2, 6)), r'between 1 and 5, but got \(2, 6\)'),
        (STMix, dict(num_parts=(3, 2)), 'Expected `num_parts` as'),
        (STMix, dict(window=(0.7, 0.4)), 'Expected `window` as'),
        (STMix, dict(mixup_prob=1.5), 'Expected `mixup_prob` as'),
        (Mixup, dict(alpha=0), 'Expected `alpha` above 0, but got 0'),
        (ShapMix, dict(temperature=0), 'Expected `temperature` above 0'),
        (ShapMix, dict(normalize='l2'), "Expected `normalize` .*got 'l2'"),
        (ShapMix, dict(guidance='luck'), "Expected `guidance` .*got 'luck'"),
        (ShapMix, dict(spatial='joints'), r"Expected `spatial` in \('parts',"),
        (
            ShapMix,
            dict(guidance=dict(type='mmshapmix.GradCAM', momentum=1)),
            r'Expected `momentum` in \[0, 1\), but got 1',
        ),
    ],
)
def test_bad_options(kind, options, message):
    with pytest.raises(ValueError, match=message):
        kind(K, **options)


@pytest.mark.parametrize(
    ('kind', 'groups'),
    [(STMix, 'parts'), (ShapMix, 'parts'), (SkeletonMix, 'halves')],
)
def test_a_layout_without_parts(kind, groups):
    layout = dict(joints=3, inward=[(1, 0), (2, 1)], center=0)
    with pytest.raises(ValueError, match=f'Expected a layout with {groups}'):
        kind(K, layout)
    Mixup(K, layout=layout)
    CutMix(K, layout)


def test_bad_input():
    x, samples = batch('coco')
    with pytest.raises(ValueError, match=r'\(N, clips, M, T, 25, C\).*17'):
        build(STMix)(x, samples)
    for kind in MIXERS:
        with pytest.raises(ValueError, match='Expected counts of 5 .*but.*7'):
            build(kind).set_class_counts(torch.ones(7))
    mixer = ShapMix(K, layout='coco')
    with pytest.raises(RuntimeError, match='mmshapmix.ClassCountsHook'):
        mixer(x, samples)
    mixer.set_class_counts(COUNTS)
    with pytest.raises(RuntimeError, match='mmshapmix.SaliencyHook'):
        mixer(x, samples)


def test_autocast_changes_no_plan():
    """The preprocessor runs under mixed precision, too."""
    mixer = shapley_mixer()
    plan = plans(mixer)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        half = plans(mixer)
        x, samples = batch()
        assert mixer(x, samples)[0].dtype == torch.float32
    assert torch.equal(plan.joints, half.joints)
    assert torch.equal(plan.lam, half.lam)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize('kind', [*MIXERS, RebalancedPartialMix])
def test_mixing_does_not_wait_for_the_gpu(kind):
    x, samples = batch()
    mixer = build(kind, output='both', fraction=1.0).cuda()
    mixer.set_class_counts(COUNTS.cuda())
    x = x.cuda()
    samples = [sample.cuda() for sample in samples]
    mixer(x, samples)
    torch.cuda.set_sync_debug_mode('error')
    try:
        y, mixed = mixer(x, samples)
    finally:
        torch.cuda.set_sync_debug_mode('default')
    assert y.is_cuda and torch.equal(y[:N], x)
    torch.testing.assert_close(
        labels_of(mixed).sum(1), torch.ones(2 * N, device='cuda')
    )


@pytest.mark.parametrize('kind', [ShapMix, RebalancedPartialMix])
def test_a_mixer_takes_what_the_data_have(kind):
    """The values are set once; values that were set before must agree."""
    mixer = kind()
    mixer.set_class_counts(torch.ones(K))  # in testing
    with pytest.raises(RuntimeError, match=f'a layout in {kind.__name__}'):
        mixer(torch.zeros(2, 1, 1, 8, 17, 3), [])
    mixer.set_data(K, 'coco')
    told = kind(K, 'coco')
    assert torch.equal(mixer.groups, told.groups)
    assert mixer.state_dict().keys() == told.state_dict().keys()
    mixer.set_data(K, 'coco')
    for other in ((K + 1, 'coco'), (K, 'nturgb+d')):
        with pytest.raises(ValueError, match=f"{K} classes and layout 'coco'"):
            mixer.set_data(*other)
