"""Mixing: origin of the values, labels, windows, and kept parts."""

import numpy as np
import pytest
import torch

from mmshapmix.functional.class_weights import class_balanced
from mmshapmix.functional.coalitions import (
    coalition_index,
    coalitions_of_sizes,
)
from mmshapmix.functional.draws import make_generator
from mmshapmix.functional.layouts import get_layout, joint_masks
from mmshapmix.functional.losses import cross_entropy, reduce_loss
from mmshapmix.functional.mixing import (
    MixPlan,
    mix_labels,
    mix_skeletons,
    partner_is_rarer,
    pasted_parts,
    rebalanced_lam,
    remix_lam,
    resample_index,
    sample_frames,
    sample_salient_parts,
)

from ..vectors import assert_is, tensors

N, CLIPS, M, T, V = 6, 2, 2, 10, 25


def provenance():
    """A batch whose values identify their origin, channel by channel.

    Channels: sample, clip, person, frame, joint.
    """
    axes = [torch.arange(n) for n in (N, CLIPS, M, T, V)]
    return torch.stack(torch.meshgrid(*axes, indexing='ij'), dim=-1).float()


def random_plan(seed=0, opacity=None):
    g = make_generator((seed,))
    window, source = sample_frames(N, T, (0.4, 0.7), generator=g)
    order = torch.randperm(N, generator=g)
    partner = torch.empty_like(order)
    partner[order] = order.roll(1)
    return MixPlan(
        partner=partner,
        joints=torch.rand(N, V, generator=g) > 0.5,
        window=window,
        source=source,
        opacity=torch.ones(N) if opacity is None else opacity,
    )


def test_a_joint_always_comes_from_the_same_joint():
    x, plan = provenance(), random_plan()
    mixed = mix_skeletons(x, plan)
    pasted = mixed[..., 0] != x[..., 0]
    # Clip, person and joint keep their places; so does the frame, where
    # nothing is pasted.
    for channel in (1, 2, 4):
        assert torch.equal(mixed[..., channel], x[..., channel])
    assert torch.equal(mixed[..., 3][~pasted], x[..., 3][~pasted])
    for n in range(N):
        mask = plan.window[n][:, None] & plan.joints[n]
        assert torch.equal(pasted[n], mask.expand(CLIPS, M, T, V))
        assert (mixed[n][pasted[n]][:, 0] == plan.partner[n]).all()
        frames = plan.source[n][:, None].expand(T, V)
        assert torch.equal(mixed[n, 0, 0][..., 3][mask], frames[mask].float())


@pytest.mark.parametrize('opacity', [1.0, 0.3])
def test_mixing_equals_a_loop_and_leaves_its_input(opacity):
    torch.manual_seed(0)
    x = torch.randn(N, CLIPS, M, T, V, 3)
    plan = random_plan(1, torch.full((N,), opacity))
    before, mixed = x.clone(), mix_skeletons(x, plan)
    assert torch.equal(x, before)
    for n in range(N):
        other = x[plan.partner[n]]
        for t in range(T):
            for v in range(V):
                expected = x[n, :, :, t, v]
                if plan.window[n, t] and plan.joints[n, v]:
                    taken = other[:, :, plan.source[n, t], v]
                    expected = (1 - opacity) * expected + opacity * taken
                torch.testing.assert_close(mixed[n, :, :, t, v], expected)


def test_the_label_weighs_the_pasted_area():
    """1 - lam is the share of T * V that comes from the partner."""
    x, plan = provenance(), random_plan()
    changed = mix_skeletons(x, plan)[..., 0] != x[..., 0]
    torch.testing.assert_close(
        1 - plan.lam, changed.float().mean((1, 2, 3, 4))
    )


def test_the_mask_of_the_vector(vectors):
    vector = vectors['skeleton.mask_lambda']
    inputs, expected = vector['inputs'], vector['expected']
    layout = get_layout('nturgb+d')
    parts = torch.tensor([[p in inputs['parts'] for p in layout.parts]])
    joints = parts.float() @ joint_masks(layout) > 0.5
    assert joints[0].nonzero().flatten().tolist() == expected['joints']
    frames = torch.arange(inputs['T'])
    start, stop = inputs['t0'], inputs['t0'] + inputs['t_len']
    plan = MixPlan(
        partner=torch.zeros(1).long(),
        joints=joints,
        window=((frames >= start) & (frames < stop))[None],
        source=frames[None],
        opacity=torch.ones(1),
    )
    lam = plan.lam.item()
    assert lam == pytest.approx(expected['label_weight_source_i'])
    assert 1 - lam == pytest.approx(expected['label_weight_pasted_j'])


def blend(lam, partner, frames=1, joints=1):
    """A plan with Mixup alone."""
    number = len(partner)
    return MixPlan(
        partner=torch.tensor(partner),
        joints=torch.ones(number, joints, dtype=torch.bool),
        window=torch.ones(number, frames, dtype=torch.bool),
        source=torch.arange(frames).expand(number, -1),
        opacity=torch.full((number,), 1 - lam, dtype=torch.float64),
    )


def test_mixup_of_the_vector(vectors):
    vector = vectors['mixup']
    inputs, params = vector['inputs'], vector['params']
    x = torch.tensor(inputs['x'], dtype=torch.float64)
    plan = blend(params['lam'], inputs['perm'], 1, 1)
    mixed = mix_skeletons(x[:, None, None, None, None], plan)
    labels = torch.nn.functional.one_hot(
        torch.tensor(inputs['labels']), params['num_classes']
    ).double()
    torch.testing.assert_close(
        mixed.flatten(1),
        torch.tensor(vector['expected']['x_mix'], dtype=torch.float64),
        atol=1e-9,
        rtol=0,
    )
    torch.testing.assert_close(
        mix_labels(labels, plan),
        torch.tensor(vector['expected']['y_mix'], dtype=torch.float64),
        atol=1e-9,
        rtol=0,
    )


def test_halves_keep_their_joints(vectors):
    """Halves are in anatomical order, not in the release's permuted order."""
    vector = vectors['brl.rpm_joints']
    x = torch.tensor([vector['inputs']['x_i'], vector['inputs']['x_j']])
    upper, lower = joint_masks(get_layout('nturgb+d'), 'halves')
    assert upper.nonzero().flatten().tolist() == vector['inputs']['upper']
    plan = MixPlan(
        partner=torch.tensor([1, 0]),
        joints=(lower > 0).expand(2, 25),
        window=torch.ones(2, 1, dtype=torch.bool),
        source=torch.zeros(2, 1).long(),
        opacity=torch.ones(2),
    )
    mixed = mix_skeletons(x[:, None, None, None, :, None], plan)
    expected = vector['expected']
    assert mixed[0].flatten().tolist() == expected['x_mix_anatomical']
    assert plan.lam[0].item() == pytest.approx(expected['lambda_x'])


def test_labels_sum_to_one_and_do_not_see_other_samples():
    labels = torch.rand(N, 7).softmax(1)
    plan = random_plan(opacity=torch.rand(N))
    mixed = mix_labels(labels, plan)
    torch.testing.assert_close(mixed.sum(1), torch.ones(N))
    for n in range(N):
        lam, partner = plan.lam[n], plan.partner[n]
        torch.testing.assert_close(
            mixed[n], lam * labels[n] + (1 - lam) * labels[partner]
        )
        # Another plan for the other samples does not change this one.
        joints = ~plan.joints
        joints[n] = plan.joints[n]
        other = MixPlan(
            plan.partner, joints, plan.window, plan.source, plan.opacity
        )
        assert torch.equal(mix_labels(labels, other)[n], mixed[n])


def test_the_resampled_frames(vectors):
    vector = vectors['stmix.temporal_index']
    inputs, expected = vector['inputs'], vector['expected']
    for clip, length, index in (
        (inputs['clip_len'], inputs['out_len'], expected['index']),
        (64, 32, expected['index_64_to_32']),
    ):
        frames = torch.arange(length)
        found = resample_index(
            frames, torch.tensor(clip), torch.tensor(length)
        )
        assert found.tolist() == index


@pytest.mark.parametrize('share', [(0.4, 0.7), (0.3, 0.6), (0.5, 0.5)])
def test_windows_are_as_long_as_promised(share):
    number, frames = 20_000, 64
    window, source = sample_frames(
        number, frames, share, generator=make_generator((0,))
    )
    length = window.sum(1)
    low, high = int(np.ceil(share[0] * 64)), int(share[1] * 64)
    assert length.min() == low and length.max() == high
    counts = torch.bincount(length - low).float() / number
    uniform = 1 / (high - low + 1)
    error = 4 * (uniform * (1 - uniform) / number) ** 0.5
    assert ((counts - uniform).abs() <= error).all()
    # One run of frames, at any place.
    edges = (window[:, 1:] != window[:, :-1]).sum(1)
    assert (edges <= 2).all() and window.any(0).all()
    # Pasted frames are in order and inside the sequence.
    for n in range(200):
        taken = source[n][window[n]]
        assert 0 <= taken[0] and taken[-1] < frames
        assert (taken.diff() >= 1).all()
    identity = torch.arange(frames)
    assert torch.equal(source[~window], identity.expand(number, -1)[~window])
    # Clips have every length up to all frames.
    span = (
        source.masked_fill(~window, -1).max(1).values
        - source.masked_fill(~window, frames).min(1).values
    )
    assert span.max() >= 61 and (span < length).any()


def test_copied_frames_stay_in_their_place():
    window, source = sample_frames(50, 64, (0.4, 0.7), resampled=False)
    assert window.any()
    assert torch.equal(source, torch.arange(64).expand(50, -1))


@pytest.mark.parametrize('frames', [1, 2, 3])
def test_short_sequences_have_a_window(frames):
    window, source = sample_frames(100, frames, (0.4, 0.7))
    assert (window.sum(1) >= 1).all()
    assert (source >= 0).all() and (source < frames).all()


def test_the_tail_aware_choice(vectors):
    vector = vectors['shapmix.tail_choice']
    inputs, expected = vector['inputs'], vector['expected']
    counts = torch.tensor(inputs['n_i'] + inputs['n_j'])
    labels = torch.arange(6)
    partner = torch.tensor([3, 4, 5, 0, 1, 2])
    rarer = partner_is_rarer(labels, partner, counts)[:3]
    assert [('i', 'j')[r] for r in rarer] == expected['distribution_of']
    table = coalitions_of_sizes(5, (2, 3))
    pasted = pasted_parts(table[inputs['sampled_combo']], rarer)
    rows = coalition_index(table).tolist()
    assert [rows.index(i) for i in coalition_index(pasted).tolist()] == (
        expected['pasted_combo']
    )


def test_the_rarer_class_keeps_its_salient_parts():
    """Each class has one coalition, which is kept or pasted."""
    table = coalitions_of_sizes(5, (2, 3))
    counts = torch.tensor([100, 10, 10])
    distribution = torch.nn.functional.one_hot(
        torch.tensor([0, 7, 12]), len(table)
    ).float()
    labels = torch.tensor([0, 1, 2, 0])
    partner = torch.tensor([1, 0, 1, 3])
    pasted = sample_salient_parts(labels, partner, counts, distribution, table)
    expected = [table[7], ~table[7], ~table[12], ~table[0]]
    assert torch.equal(pasted, torch.stack(expected))


def test_draws_follow_the_distribution_of_the_rarer_class():
    number = 20_000
    table = coalitions_of_sizes(5, (2, 3))
    torch.manual_seed(0)
    distribution = torch.rand(2, 20).softmax(1)
    labels = torch.tensor([0, 1]).repeat(number)
    partner = torch.arange(2 * number) ^ 1
    pasted = sample_salient_parts(
        labels,
        partner,
        torch.tensor([5, 50]),
        distribution,
        table,
        make_generator((0,)),
    )
    # Class 0 is the rarer one: its parts are kept, or pasted.
    kept = torch.where((labels == 0)[:, None], ~pasted, pasted)
    rows = coalition_index(table)
    share = (coalition_index(kept)[:, None] == rows).float().mean(0)
    error = 4 * (distribution[0] * (1 - distribution[0]) / 2 / number).sqrt()
    assert ((share - distribution[0]).abs() < error).all()


# Rebalanced partial mixup ---------------------------------------------------


def test_the_label_weights_of_brl_are_the_vector(vectors):
    vector = vectors['brl.lambda_y']
    counts = torch.tensor(vector['inputs']['cases_ni_nj'])
    lam_x = torch.tensor(vector['params']['lambda_x'], dtype=torch.float64)
    lam_y = rebalanced_lam(
        counts[:, 0], counts[:, 1], lam_x, vector['params']['k']
    )
    assert lam_y.tolist() == vector['expected']['lambda_y']
    # The release differs if n_i / n_j is 1/k: it has a strict <.
    released = vector['expected']['lambda_y_published_code']
    differs = [i for i in range(8) if released[i] != lam_y[i]]
    assert counts[differs].tolist() == [[100, 300]]


def test_the_upper_body_on_the_lower_is_the_vector(vectors):
    """Joints keep their places; the release permutes them."""
    vector = vectors['brl.rpm_joints']
    pair = torch.tensor([vector['inputs'][key] for key in ('x_i', 'x_j')])
    masks = joint_masks(get_layout('nturgb+d'), 'halves').bool()
    names = ('upper', 'lower')
    for mask, name in zip(masks, names, strict=True):
        assert mask.nonzero().flatten().tolist() == vector['inputs'][name]
    plan = MixPlan(
        partner=torch.tensor([1, 0]),
        joints=masks[1].expand(2, -1),
        window=torch.ones(2, 1, dtype=torch.bool),
        source=torch.zeros(2, 1, dtype=torch.int64),
        opacity=torch.ones(2),
    )
    mixed = mix_skeletons(pair.reshape(2, 1, 1, 1, 25, 1), plan)
    expected = vector['expected']
    assert mixed[0].flatten().tolist() == expected['x_mix_anatomical']
    assert plan.lam_x[0].item() == pytest.approx(expected['lambda_x'])
    assert mixed[0].flatten().tolist() != expected['x_mix_published_code']


def test_the_label_weights_of_remix_are_the_vector(vectors):
    vector = vectors['remix.lambda_y']
    cases = torch.tensor(
        vector['inputs']['cases_lam_ni_nj'], dtype=torch.float64
    )
    lam_y = remix_lam(cases[:, 1], cases[:, 2], cases[:, 0], 3, 0.5)
    assert lam_y.tolist() == vector['expected']['lambda_y']


def test_the_loss_of_remix_is_the_vector(vectors):
    """Soft labels, class-balanced weights inside, and a plain mean."""
    vector = vectors['remix.loss']
    inputs, params = vector['inputs'], vector['params']
    logits, labels, counts = tensors(vector)
    partners = torch.tensor(inputs['labels_b'])
    lam = torch.full((4,), params['lam'], dtype=torch.float64)
    lam_y = remix_lam(
        counts[labels], counts[partners], lam, params['kappa'], params['tau']
    )
    assert_is(lam_y, vector['expected']['lambda_y'])
    eye = torch.eye(3, dtype=torch.float64)
    soft = lam_y[:, None] * eye[labels] + (1 - lam_y[:, None]) * eye[partners]
    weight = class_balanced(counts, params['beta_drw'])
    for w, key in ((None, 'loss_stage1'), (weight, 'loss_stage2')):
        loss = reduce_loss(*cross_entropy(logits, soft, w), 'mean')
        assert_is(loss, vector['expected'][key])


@pytest.mark.parametrize('number', [0, 1, 4, N])
def test_the_last_samples_alone(number):
    """A part of the plan gives a part of the result of the whole plan."""
    x, labels = provenance(), torch.eye(N)
    plan = random_plan(opacity=torch.rand(N))
    last = plan.last(number)
    first = N - number
    assert torch.equal(mix_skeletons(x, last), mix_skeletons(x, plan)[first:])
    assert torch.equal(
        mix_labels(labels, last), mix_labels(labels, plan)[first:]
    )


def test_labels_may_have_a_weight_of_their_own():
    plan = MixPlan(
        partner=torch.tensor([1, 0]),
        joints=torch.tensor([[True, False], [True, False]]),
        window=torch.ones(2, 1, dtype=torch.bool),
        source=torch.zeros(2, 1, dtype=torch.int64),
        opacity=torch.ones(2),
        lam_y=torch.tensor([0.0, 0.25]),
    )
    assert plan.lam_x.tolist() == [0.5, 0.5]
    assert mix_labels(torch.eye(2), plan).tolist() == [[0, 1], [0.75, 0.25]]
