"""Running tables against loops, and the distribution against the vectors."""

import numpy as np
import pytest
import torch
from mmengine.registry import TRANSFORMS

from mmshapmix.functional.layouts import get_layout, joint_masks
from mmshapmix.functional.saliency import (
    class_sums,
    coalition_distribution,
    fill_unvisited,
    grad_cam,
    keep_parts,
    pose_sums,
    present_persons,
    running_mean,
)


def double(values):
    return torch.tensor(values, dtype=torch.float64)


def test_parts_are_kept_and_others_get_the_mean_pose():
    """Compared with a loop over samples, coalitions, persons and joints."""
    torch.manual_seed(0)
    layout = get_layout('coco')
    x = torch.randn(3, 2, 2, 4, 17, 3)
    x[1, :, 1] = 0  # the second person of the second sample is absent
    pose = torch.randn(2, 17, 3)
    coalitions = torch.rand(3, 4, 5) > 0.5
    before = x.clone()
    kept = keep_parts(x, coalitions, joint_masks(layout), pose)
    assert kept.shape == (3, 4, 2, 2, 4, 17, 3)
    parts = list(layout.parts.values())
    for n in range(3):
        for e in range(4):
            expected = x[n].clone()
            for m in range(2):
                if (n, m) == (1, 1):
                    continue
                for p, joints in enumerate(parts):
                    if not coalitions[n, e, p]:
                        for v in joints:
                            expected[:, m, :, v] = pose[m, v]
            assert torch.equal(kept[n, e], expected)
    assert torch.equal(x, before)


def test_who_is_there():
    x = torch.zeros(2, 2, 3, 5, 4)
    x[0, 1, 2, 3, 1] = -1
    assert present_persons(x).tolist() == [[False, True], [False, False]]


def test_who_is_there_after_2d_normalisation():
    """It puts an absent person into a corner, with a score of 0."""
    x = np.random.default_rng(0).uniform(1, 99, (2, 4, 17, 2))
    x[1] = 0
    normalized = TRANSFORMS.build(dict(type='mmaction.PreNormalize2D'))(
        dict(keypoint=x, img_shape=(100, 100))
    )
    scores = np.stack([np.full((4, 17, 1), 0.9), np.zeros((4, 17, 1))])
    clip = torch.from_numpy(
        np.concatenate([normalized['keypoint'], scores], -1)
    )
    assert (clip[1, ..., :2] == clip[1, 0, 0, 0]).all()
    assert present_persons(clip).tolist() == [True, False]
    pose = torch.full((2, 17, 3), 5.0)
    nothing = torch.zeros(1, 1, 5, dtype=torch.bool)
    masks = joint_masks(get_layout('coco'))
    kept = keep_parts(clip.float()[None, None], nothing, masks, pose)[0, 0, 0]
    assert (kept[0] == 5).all()
    torch.testing.assert_close(kept[1], clip[1].float())
    sums, frames = pose_sums(clip[None])
    assert frames.tolist() == [4, 0] and not sums[1].any()


def test_the_mean_pose_is_over_frames_of_present_persons():
    x = torch.zeros(2, 2, 3, 4, 3)
    x[:, 0] = torch.arange(2 * 3 * 4 * 3.0).view(2, 3, 4, 3) + 1
    # The second person is in the second clip only, in the corner in the first.
    x[0, 1] = -1
    x[1, 1] = torch.arange(4.0)[:, None] + 5
    sums, frames = pose_sums(x)
    assert frames.tolist() == [6, 3]
    torch.testing.assert_close(sums[0] / 6, x[:, 0].double().mean((0, 1)))
    torch.testing.assert_close(sums[1] / 3, x[1, 1].double().mean(0))


def test_class_sums_equal_a_loop_and_leave_out_what_is_not_finite():
    torch.manual_seed(0)
    labels = torch.tensor([0, 2, 2, 0, 1, 2])
    slots = torch.randint(4, (6, 3))
    values = torch.randn(6, 3)
    values[1, 0], values[4, 2] = float('nan'), float('inf')
    sums, counts, skipped = class_sums(labels, slots, values, 4, 4)
    expected = torch.zeros(3, 4, 4, dtype=torch.float64)
    for n in range(6):
        for e in range(3):
            value = values[n, e]
            cell = labels[n], slots[n, e]
            if value.isfinite():
                expected[0][cell] += value.double()
                expected[1][cell] += 1
            else:
                expected[2][cell] += 1
    torch.testing.assert_close(torch.stack([sums, counts, skipped]), expected)
    assert skipped.sum() == 2 and not counts[3].any()


def test_the_running_mean_of_the_vector(vectors):
    """A plain exponential average, as after many updates."""
    vector = vectors['shapmix.ema']
    mean = double([[vector['inputs']['init']]])
    visits, values = double([[1e6]]), []
    for value in vector['inputs']['observations']:
        mean, visits = running_mean(
            mean,
            visits,
            double([[value]]),
            double([[1]]),
            vector['params']['alpha'],
        )
        values.append(mean.item())
    assert values == pytest.approx(vector['expected']['values'], abs=1e-9)


def test_the_first_visits_make_a_plain_mean():
    mean, visits = torch.zeros(1, 1), torch.zeros(1, 1)
    seen = [0.9, 0.3, 0.6, 0.2]
    for n, value in enumerate(seen, 1):
        mean, visits = running_mean(
            mean, visits, double([[value]]), double([[1]]), momentum=0.9
        )
        assert mean.item() == pytest.approx(sum(seen[:n]) / n, abs=1e-6)
    assert visits.item() == 4


def test_one_update_for_each_class_and_step():
    """Several samples of a class in a step count only with their mean."""
    mean, visits = torch.full((2, 2), 0.5), torch.full((2, 2), 1e6)
    sums, counts, _ = class_sums(
        torch.tensor([0, 0, 0]),
        torch.tensor([[0], [0], [1]]),
        torch.tensor([[1.0], [0.0], [0.9]]),
        2,
        2,
    )
    new, _ = running_mean(mean, visits, sums, counts, momentum=0.9)
    torch.testing.assert_close(new, torch.tensor([[0.5, 0.54], [0.5, 0.5]]))


def test_the_table_depends_neither_on_order_nor_on_ranks():
    torch.manual_seed(0)
    labels, slots = torch.randint(5, (64,)), torch.randint(8, (64, 2))
    values = torch.rand(64, 2)
    whole = torch.stack(class_sums(labels, slots, values, 5, 8))
    order = torch.randperm(64)
    shuffled = torch.stack(
        class_sums(labels[order], slots[order], values[order], 5, 8)
    )
    ranks = sum(
        torch.stack(class_sums(labels[r::3], slots[r::3], values[r::3], 5, 8))
        for r in range(3)
    )
    start = torch.rand(5, 8), torch.randint(9, (5, 8)).float()
    tables = [
        running_mean(*start, sums, counts, 0.9)[0]
        for sums, counts, _ in (whole, shuffled, ranks)
    ]
    assert torch.equal(tables[0], tables[1])
    assert torch.equal(tables[0], tables[2])


def test_unvisited_cells_get_the_mean_of_the_class():
    table = torch.tensor([[0.2, 9.0, 0.6], [7.0, 8.0, 9.0]])
    visits = torch.tensor([[1.0, 0.0, 3.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(
        fill_unvisited(table, visits),
        torch.tensor([[0.2, 0.4, 0.6], [0.0, 0.0, 0.0]]),
    )


@pytest.mark.parametrize(
    ('values', 'tau', 'expected'),
    [
        ('v', 0.2, 'd'),
        ('v', 0.1, 'd_tau0p1'),
        ('v_with_negatives', 0.2, 'd_with_negatives'),
    ],
)
def test_the_distribution(vectors, values, tau, expected):
    vector = vectors['shapmix.distribution']
    drawn = coalition_distribution(
        double(vector['inputs'][values]),
        double(vector['inputs']['joints']),
        temperature=tau,
    )
    assert drawn.tolist() == pytest.approx(
        vector['expected'][expected], abs=1e-9
    )


def test_the_released_distribution(vectors):
    vector = vectors['shapmix.distribution']
    drawn = coalition_distribution(
        double(vector['inputs']['v']),
        double(vector['inputs']['joints']),
        temperature=0.2,
        normalize='none',
        scale=10,
    )
    assert drawn.tolist() == pytest.approx(
        vector['expected']['d_published_code'], abs=1e-9
    )
    paper = vector['expected']['d']
    assert max(drawn) / min(drawn) > 4 > 1.4 > max(paper) / min(paper)


def test_an_unseen_class_and_equal_values_are_uniform():
    joints = torch.full((20,), 10.0)
    for values in (torch.zeros(20), torch.full((20,), 0.3)):
        for options in (dict(), dict(normalize='none', scale=10)):
            drawn = coalition_distribution(values, joints, **options)
            torch.testing.assert_close(drawn, torch.full((20,), 0.05))


def test_grad_cam(vectors):
    vector = vectors['gradcam_fsa']
    activation = double(vector['inputs']['activation'])
    gradient = double(vector['inputs']['grad'])
    torch.testing.assert_close(
        grad_cam(activation, gradient), double(vector['expected']['cam'])
    )
    # Mean over batches, and the ReLU.
    both = grad_cam(
        torch.stack([activation, -activation]),
        torch.stack([gradient, gradient]),
    )
    torch.testing.assert_close(both[0], double(vector['expected']['cam']))
    assert not both[1].any()
