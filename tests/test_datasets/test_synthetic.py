import pickle
import time
from dataclasses import replace

import numpy as np
import pytest

from mmshapmix.cli import synthetic
from mmshapmix.datasets.annotations import load_pickle, save_pickle
from mmshapmix.datasets.synthetic import (
    make_dataset,
    make_sequence,
    salient_parts,
)
from mmshapmix.datasets.synthetic.actions import (
    ACTIONS,
    CLASSES,
    REST,
    find_action,
)
from mmshapmix.datasets.synthetic.body import (
    BODY,
    GESTURES,
    IMG_SHAPE,
    PARTS,
    perform,
    project,
    sample_performance,
)
from mmshapmix.functional.layouts import COCO, NTURGBD
from mmshapmix.functional.longtail import long_tail_counts

LAYOUTS = pytest.mark.parametrize(
    'layout', [NTURGBD, COCO], ids=lambda layout: layout.name
)
EACH_CLASS = pytest.mark.parametrize('action', CLASSES)


@pytest.fixture(scope='module')
def dataset():
    return make_dataset(max_per_class=4, imbalance_ratio=4, val_per_class=2)


def keypoints(dataset):
    return {a['frame_dir']: a['keypoint'] for a in dataset['annotations']}


def performance(seed=0, **changes):
    drawn = sample_performance(np.random.default_rng(seed), (60, 60))
    return replace(drawn, **changes)


def still():
    """A body of the tables' size that faces the camera and only gestures."""
    drawn = performance()
    cycle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    return replace(
        drawn,
        phase=np.tile(cycle, (len(PARTS), 1)),
        amplitude=np.ones(len(PARTS)),
        bones=np.ones(len(BODY)),
        fidgets={},
        sway=np.zeros_like(drawn.sway),
        yaw=0.0,
        place=np.zeros(2),
    )


def tracks(action):
    """Positions ``(T, 3)`` of each joint on the still body."""
    points = perform(ACTIONS[action], still(), NTURGBD)
    return dict(zip(NTURGBD.joints, points.transpose(1, 0, 2), strict=True))


# ------------------------------------------------------------- the truth


def test_there_are_enough_classes_and_no_two_are_the_same():
    assert len(CLASSES) >= 12
    rows = [tuple(sorted(row.items())) for row in ACTIONS.values()]
    assert len(set(rows)) == len(rows)
    assert {g for row in ACTIONS.values() for g in row.values()} == set(
        GESTURES
    ) - {REST}
    few = [c for c in CLASSES if len(salient_parts(c)) <= 3]
    assert len(few) >= 0.9 * len(CLASSES)


@EACH_CLASS
def test_salient_parts_are_those_whose_rest_changes_the_class(action):
    salient = salient_parts(action)
    for part in PARTS:
        rested = {**ACTIONS[action], part: REST}
        if part in salient:
            assert find_action(rested) != action
        else:
            assert find_action(rested) == action
    assert set(salient) == set(ACTIONS[action])


def test_some_salient_parts_leave_another_class_and_some_leave_none():
    def without(action, part):
        return find_action({**ACTIONS[action], part: REST})

    assert without('greet', 'trunk') == 'wave_right'
    assert without('wave_right', 'right_arm') == 'stand'
    assert without('clap', 'left_arm') is None


def test_a_resting_part_that_is_named_is_not_salient(monkeypatch):
    monkeypatch.setitem(ACTIONS, 'bow', dict(trunk='bow'))
    assert find_action(dict(trunk='bow', left_leg=REST)) == 'bow'
    assert salient_parts('bow') == ('trunk',)


@LAYOUTS
@EACH_CLASS
def test_resting_a_part_moves_the_joints_of_that_part_only(action, layout):
    drawn = performance(seed=3)
    whole = perform(ACTIONS[action], drawn, layout)
    names = list(layout.parts)
    for index, part in enumerate(NTURGBD.parts):
        rested = perform({**ACTIONS[action], part: REST}, drawn, layout)
        moved = np.abs(whole - rested).max((0, 2)) > 1e-9
        own = set(layout.parts[names[index]])
        assert set(np.flatnonzero(moved)) <= own
        assert moved.any() == (
            names[index] in salient_parts(action, layout.name)
        )


@LAYOUTS
@EACH_CLASS
def test_salient_parts_move_far_more_than_resting_ones(action, layout):
    def seen(movement, drawn):
        points = perform(movement, replace(drawn, yaw=0.3), layout)
        return points if layout.dims == 3 else project(points)

    def distances(movement):
        """Distances to the still body by joints, frames and performances."""
        size = dict(bones=np.ones(len(BODY)), place=np.zeros(2))
        apart = [
            seen(movement, performance(i, **size)) - seen({}, still())
            for i in range(20)
        ]
        squares = np.square(apart).mean((0, 1, 3))
        return {
            part: squares[list(joints)].mean() ** 0.5
            for part, joints in layout.parts.items()
        }

    salient = salient_parts(action, layout)
    moving, resting = distances(ACTIONS[action]), distances({})
    for part in layout.parts:
        ratio = moving[part] / resting[part]
        assert ratio > 1.8 if part in salient else ratio == 1, part


def test_the_trunk_is_the_head_on_coco():
    assert salient_parts('bow', 'coco') == ('head',)
    assert salient_parts('kick_left', 'coco') == ('left_leg',)
    assert set(salient_parts('jumping_jack', COCO)) == set(COCO.parts) - {
        'head'
    }


# ------------------------------------------------------------- the movements


def test_a_standing_body_is_upright_and_faces_the_camera():
    stand = {k: v[0] for k, v in tracks('stand').items()}
    assert 1.4 < stand['head'][2] < 1.8
    assert -0.02 < stand['l_foot'][2] < 0.1
    assert stand['l_shoulder'][0] < 0 < stand['r_shoulder'][0]
    assert stand['l_foot'][1] > stand['l_ankle'][1]
    np.testing.assert_allclose(
        stand['l_hand'] * (-1, 1, 1), stand['r_hand'], atol=1e-12
    )


def test_gestures_go_where_their_names_say():
    wave = tracks('wave_right')
    assert (wave['r_wrist'][:, 2] > wave['r_elbow'][:, 2]).all()
    assert (wave['r_elbow'][:, 0] > wave['r_shoulder'][:, 0]).all()
    assert (wave['l_wrist'][:, 2] < wave['l_elbow'][:, 2]).all()
    up = tracks('arms_up')
    assert up['l_hand'][:, 2].max() > up['head'][:, 2].max()
    kick = tracks('kick_left')
    assert np.ptp(kick['l_foot'][:, 1]) > 0.4
    assert kick['l_foot'][:, 1].max() > kick['l_hip'][:, 1].max() + 0.4
    bow = tracks('bow')
    assert bow['head'][:, 1].max() > 0.2
    assert bow['head'][:, 2].min() < bow['head'][:, 2].max() - 0.1
    squat = tracks('squat')
    assert squat['l_knee'][:, 1].max() > squat['l_ankle'][:, 1].max()
    clap = tracks('clap')
    gap = clap['r_hand'][:, 0] - clap['l_hand'][:, 0]
    assert gap.min() < 0.6 * gap.max()


def test_walking_alternates_and_squatting_does_not():
    walk, squat = tracks('walk'), tracks('squat')

    def together(joints):
        return np.corrcoef(joints['l_knee'][:, 2], joints['r_knee'][:, 2])

    assert together(walk)[0, 1] < -0.9
    assert together(squat)[0, 1] > 0.9


def test_wave_left_mirrors_wave_right():
    left, right = tracks('wave_left'), tracks('wave_right')
    np.testing.assert_allclose(
        left['l_hand_tip'] * (-1, 1, 1), right['r_hand_tip'], atol=1e-12
    )


def test_bones_keep_their_length_when_the_body_moves():
    points = perform(ACTIONS['jumping_jack'], performance(7), NTURGBD)
    index = NTURGBD.joints.index
    for joint, (parent, _) in BODY.items():
        if parent:
            bone = points[:, index(joint)] - points[:, index(parent)]
            length = np.linalg.norm(bone, axis=-1)
            np.testing.assert_allclose(length, length[0], rtol=1e-9)


# ----------------------------------------------------------------- the camera


@pytest.mark.parametrize('seed', range(5))
def test_coco_limbs_are_the_projected_limbs_of_the_body(seed):
    drawn = performance(seed)
    body = project(perform(ACTIONS['wave_and_kick'], drawn, NTURGBD))
    flat = project(perform(ACTIONS['wave_and_kick'], drawn, COCO))
    for v, name in enumerate(COCO.joints[5:], start=5):
        same = body[:, NTURGBD.joints.index(name)]
        np.testing.assert_allclose(flat[:, v], same)


def test_left_is_the_right_of_the_picture_for_who_faces_the_camera():
    flat = project(perform({}, still(), COCO))
    for left, right in COCO.mirror:
        assert (flat[:, left, 0] > flat[:, right, 0]).all()
    assert (flat[:, 0, 1] < flat[:, 15, 1]).all()  # the nose above the ankle
    point = project(np.array([0.4, 0.0, 1.0]))
    np.testing.assert_allclose(point, [960 - 110, 540])


def test_both_layouts_show_the_same_performance():
    def waved(layout):
        rng = np.random.default_rng(5)
        return make_sequence(ACTIONS['wave_left'], layout, rng)

    body, flat = waved('nturgb+d'), waved('coco')
    assert body['total_frames'] == flat['total_frames']
    wrist = NTURGBD.joints.index('l_wrist')
    seen = project(body['keypoint'][0, :, wrist].astype(float))
    # 8 mm of noise are about 2 pixels; the detector's own noise is 3 to 6.
    error = np.abs(seen - flat['keypoint'][0, :, 9])
    assert error.mean() < 10
    assert np.ptp(seen, axis=0).max() > 50


# --------------------------------------------------------------- the data set


def test_counts_are_exactly_as_promised(dataset):
    labels = {a['frame_dir']: a['label'] for a in dataset['annotations']}
    assert len(labels) == len(dataset['annotations'])
    k = len(CLASSES)
    expected = dict(
        train=[4] * k, train_lt=long_tail_counts(k, 4, 4), val=[2] * k
    )
    for split, counts in expected.items():
        names = dataset['split'][split]
        assert len(set(names)) == len(names)
        found = np.bincount([labels[name] for name in names], minlength=k)
        np.testing.assert_array_equal(found, counts)
    train, val = set(dataset['split']['train']), set(dataset['split']['val'])
    assert not train & val and train | val == set(labels)
    assert set(dataset['split']['train_lt']) < train


@LAYOUTS
def test_samples_are_in_pyskl_form(layout):
    made = make_dataset(layout.name, 1, 1, val_per_class=1, frames=(9, 12))
    for sample in made['annotations']:
        frames = sample['total_frames']
        assert 9 <= frames <= 12
        shape = (1, frames, layout.num_joints)
        assert sample['keypoint'].shape == (*shape, layout.dims)
        assert sample['keypoint'].dtype == np.float32
        assert np.isfinite(sample['keypoint']).all()
        action = made['classes'][sample['label']]
        assert f'_{action}_' in sample['frame_dir']
        assert ('keypoint_score' in sample) == (layout.dims == 2)
        if layout.dims == 2:
            score = sample['keypoint_score']
            assert score.shape == shape and score.dtype == np.float32
            assert 0 < score.min() and score.max() <= 1
            assert sample['img_shape'] == sample['original_shape'] == IMG_SHAPE
            inside = (sample['keypoint'] >= 0) & (
                sample['keypoint'] < IMG_SHAPE[::-1]
            )
            assert inside.all()
    assert made['salient_parts'] == {
        action: list(salient_parts(action, layout)) for action in CLASSES
    }


def test_the_same_seed_gives_the_same_bytes(dataset):
    again = make_dataset(max_per_class=4, imbalance_ratio=4, val_per_class=2)
    assert pickle.dumps(again) == pickle.dumps(dataset)


def test_seeds_splits_classes_and_samples_differ(dataset):
    other = make_dataset(
        max_per_class=4, imbalance_ratio=4, val_per_class=2, seed=1
    )
    arrays = list(keypoints(dataset).values())
    arrays += list(keypoints(other).values())
    assert len({a.tobytes() for a in arrays}) == len(arrays)
    # The bodies differ, too: equal bodies would give equal first draws.
    assert len({len(a[0]) for a in arrays}) > 10


def test_a_sample_does_not_depend_on_how_many_others_there_are(dataset):
    more = make_dataset(max_per_class=6, imbalance_ratio=1, val_per_class=3)
    for name, array in keypoints(dataset).items():
        np.testing.assert_array_equal(array, keypoints(more)[name])


def test_the_global_rng_is_left_alone():
    np.random.seed(3)
    before = np.random.get_state()
    make_dataset(max_per_class=1, imbalance_ratio=1, val_per_class=1)
    after = np.random.get_state()
    np.testing.assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]


def test_a_thousand_sequences_take_seconds():
    rng, start = np.random.default_rng(0), time.perf_counter()
    for i in range(500):
        make_sequence(ACTIONS[CLASSES[i % len(CLASSES)]], 'nturgb+d', rng)
    assert time.perf_counter() - start < 5


def test_the_pickle_is_read_by_the_restricted_unpickler(dataset, tmp_path):
    save_pickle(dataset, tmp_path / 'a.pkl')
    read = load_pickle(tmp_path / 'a.pkl')
    assert read['split'] == dataset['split']
    for name, array in keypoints(dataset).items():
        np.testing.assert_array_equal(keypoints(read)[name], array)


@pytest.mark.parametrize(
    'wrong, message',
    [
        (dict(layout='openpose'), 'openpose'),
        (dict(val_per_class=0), 'val_per_class'),
        (dict(seed=-1), 'seed'),
        (dict(frames=(5, 4)), 'frames'),
        (dict(max_per_class=10, imbalance_ratio=30), 'imbalance_ratio'),
    ],
)
def test_what_cannot_be_had_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        make_dataset(**wrong)


def test_an_unknown_action_is_refused():
    with pytest.raises(ValueError, match='somersault'):
        salient_parts('somersault')


# ------------------------------------------------------------------- the tool


def test_the_tool_writes_what_is_asked_for(tmp_path, capsys):
    out = tmp_path / 'new' / 'synthetic.pkl'
    options = '--max-per-class 3 --imbalance-ratio 3 --val-per-class 1'.split()
    options += '--layout coco --seed 7'.split()
    synthetic.main([str(out), *options])
    read, wanted = load_pickle(out), make_dataset('coco', 3, 3, 1, seed=7)
    assert read['split'] == wanted['split']
    for name, array in keypoints(wanted).items():
        np.testing.assert_array_equal(keypoints(read)[name], array)
    greet = next(
        line
        for line in capsys.readouterr().out.splitlines()
        if line.startswith('greet')
    )
    assert greet.split()[1:] == ['3', '1', '1', 'head,', 'right_arm']
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_the_tool_overwrites_by_force_only(tmp_path):
    out = tmp_path / 'synthetic.pkl'
    out.write_text('mine')
    options = [str(out), '--max-per-class', '1', '--imbalance-ratio', '1']
    with pytest.raises(FileExistsError, match='--force'):
        synthetic.main(options)
    assert out.read_text() == 'mine'
    synthetic.main([*options, '--force'])
    assert load_pickle(out)['classes'] == list(CLASSES)
