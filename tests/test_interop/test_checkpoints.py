"""Published checkpoints in our models, and conversion back."""

import argparse
import os
import re
from itertools import permutations, product

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from mmshapmix.interop.checkpoints import (
    class_counts_of,
    convert_state_dict,
    meta_of,
    plain_meta,
    read_weights,
    save_checkpoint,
    to_pyskl,
    weights_of,
)
from mmshapmix.interop.sources import SOURCES, source_of

from ..parity import filled, inputs, parity

CLASSES = 4
TRIANGLE = dict(num_node=3, inward=[(0, 1), (2, 1)], center=1)
SMALL = dict(
    base_channels=8, num_stages=2, inflate_stages=[2], down_stages=[2]
)
SPATIAL = dict(graph_cfg=dict(layout=TRIANGLE, mode='spatial'), **SMALL)
CTRGCN = dict(type='mmshapmix.CTRGCN', **SPATIAL)
BACKBONES = dict(
    stgcnpp=dict(
        type='STGCN',
        gcn_adaptive='init',
        gcn_with_res=True,
        tcn_type='mstcn',
        **SPATIAL,
    ),
    aagcn=dict(type='AAGCN', **SPATIAL),
    ctrgcn=dict(CTRGCN, variant='pyskl'),
)

# For parity files: backbones that are not MMAction2's, and their heads.
NTU = dict(layout='nturgb+d')
PARITY = dict(
    stgcn=({}, {}),
    stgcnpp=({}, {}),
    aagcn=({}, {}),
    infogcn=(
        dict(type='mmshapmix.InfoGCN', graph_cfg=NTU),
        dict(type='mmshapmix.InfoGCNHead'),
    ),
    hdgcn=(dict(type='mmshapmix.HDGCN', graph_cfg=NTU, center=0), {}),
)


def build(backbone, num_classes=CLASSES, **head):
    head = dict(type='GCNHead', in_channels=16) | head
    cfg = dict(
        type='RecognizerGCN',
        backbone=backbone,
        cls_head=dict(head, num_classes=num_classes),
    )
    with DefaultScope.overwrite_default_scope('mmaction'):
        return MODELS.build(cfg)


def logits(model, x):
    with torch.no_grad():
        return model.cls_head(model.backbone(x))


def random_state(model):
    """A random state with a model's shapes; all tensors differ."""
    generator = torch.Generator().manual_seed(0)
    return {
        name: 0.5 + torch.rand(value.shape, generator=generator)
        if value.is_floating_point()
        else value + 7
        for name, value in model.state_dict().items()
    }


def as_pyskl(state):
    return {n.replace('.fc.', '.fc_cls.'): v for n, v in state.items()}


def as_authors(state):
    """Names as in code without the prefixes `backbone` and `cls_head`."""
    return {re.sub(r'^(backbone|cls_head)\.', '', n): state[n] for n in state}


def as_ctrgcn(state):
    """Names and shapes as in CTR-GCN's own code, with other values."""
    result = {}
    for name, value in as_authors(state).items():
        block = re.match(r'net\.(\d+)\.', name)
        if block:
            name = f'l{int(block[1]) + 1}.{name[block.end() :]}'
        result[name.replace('gcn1.A', 'gcn1.PA')] = value
    del result['A']
    return result


# Names -----------------------------------------------------------------------


@pytest.mark.parametrize('name', PARITY)
def test_models_compute_what_their_authors_do(name):
    """Weights with the authors' names give the logits of the authors' code."""
    published, (backbone, head) = parity(name), PARITY[name]
    model = build(
        published.get('backbone', backbone), 60, in_channels=256, **head
    )
    rename = as_pyskl if 'backbone' in published else as_authors
    kept = rename(model.state_dict())  # graphs and counters
    weights = filled(published['state'])
    names = [n for n, *_ in published['state'] if n in weights | kept]
    state = {n: weights[n] if n in weights else kept[n] for n in names}
    model.load_state_dict(convert_state_dict(state, model))
    for mode in ('eval', 'train'):
        if f'{mode}_logits' not in published:
            continue
        model.train(mode == 'train')
        expected = torch.tensor(published[f'{mode}_logits'])
        size = expected.abs().max().clamp(min=1)
        torch.testing.assert_close(
            logits(model, inputs()) / size,
            expected / size,
            rtol=1e-3,
            atol=1e-4,
        )


@pytest.mark.parametrize('name', BACKBONES)
def test_there_and_back_is_the_identity(name):
    model = build(BACKBONES[name])
    state = as_pyskl(random_state(model))
    ours = convert_state_dict(state, model)
    assert ours.keys() == model.state_dict().keys()
    back = to_pyskl(ours, model)
    assert [*back] == [*state]
    assert all(torch.equal(back[n], state[n]) for n in state)


COCO = dict(type='mmshapmix.DGSTGCN', graph_cfg=dict(layout='coco'), **SMALL)


def as_pyskls_dgstgcn(state):
    """Coefficients for 25 joints, whatever the layout; the first are used."""
    theirs = as_pyskl(state)
    for name in filter(re.compile('add_coeff').search, theirs):
        rest = torch.arange(25.0 - len(theirs[name])) + 9
        theirs[name] = torch.cat([theirs[name], rest])
    return theirs


def test_dgstgcn_of_fewer_than_25_joints():
    """Unused coefficients are 0 in the conversion back, as PYSKL starts."""
    model = build(COCO)
    state = random_state(model)
    theirs = as_pyskls_dgstgcn(state)
    name = 'backbone.gcn.1.tcn.add_coeff'
    assert theirs[name].shape == (25,)
    ours = convert_state_dict(theirs, model)
    assert ours.keys() == state.keys()
    assert all(torch.equal(ours[n], state[n]) for n in state)
    back = to_pyskl(ours, model)
    assert {n: v.shape for n, v in back.items()} == {
        n: v.shape for n, v in theirs.items()
    }
    assert torch.equal(back[name][:17], theirs[name][:17])
    assert not back[name][17:].any()
    again = convert_state_dict(back, model)
    assert all(torch.equal(again[n], state[n]) for n in state)


def test_dgstgcn_of_more_than_25_joints_is_not_pyskls():
    line = dict(num_node=26, inward=[(i, i + 1) for i in range(25)], center=0)
    model = build(COCO | dict(graph_cfg=dict(layout=line)))
    with pytest.raises(ValueError, match='at most 25 joints.*but got 26'):
        to_pyskl(model.state_dict(), model)


def test_whose_they_are():
    """Neither MMAction2's own weights nor PYSKL's image models are known."""
    model = build(BACKBONES['stgcnpp'])
    ours = model.state_dict()
    assert source_of(as_pyskl(ours)).name == 'PYSKL'
    assert source_of(as_ctrgcn(build(CTRGCN).state_dict())).name == 'CTR-GCN'
    assert source_of(ours) is None
    image = ('backbone.conv1.weight', 'cls_head.fc_cls.weight')
    assert source_of(dict.fromkeys(image)) is None
    for one, other in permutations(SOURCES, 2):
        assert source_of(dict.fromkeys(one.signs)) is one
        assert not {*one.signs} >= {*other.signs}


@pytest.mark.parametrize('key', [None, 'state_dict', 'model_state_dict'])
@pytest.mark.parametrize('prefix', ['', 'module.'])
def test_weights_lie_where_files_have_them(key, prefix):
    state = {f'{prefix}fc.weight': torch.ones(1)}
    checkpoint = state if key is None else {key: state, 'epoch': 3}
    assert weights_of(checkpoint) == {'fc.weight': state[f'{prefix}fc.weight']}


def test_two_tensors_of_a_name_are_refused():
    doubled = {'fc.weight': torch.ones(1), 'module.fc.weight': torch.ones(1)}
    with pytest.raises(ValueError, match="one tensor for 'fc.weight', but"):
        weights_of(doubled)


def test_arguments_are_not_changed():
    model = build(CTRGCN | dict(variant='ctrgcn'))
    before = random_state(model)
    model.load_state_dict(before)
    state = as_ctrgcn(random_state(model))
    kept = {name: value.clone() for name, value in state.items()}
    convert_state_dict(state, model)
    assert [*state] == [*kept]
    assert all(torch.equal(state[n], kept[n]) for n in kept)
    after = model.state_dict()
    assert all(torch.equal(after[n], before[n]) for n in before)


# CTR-GCN ---------------------------------------------------------------------


def authors_convolution(state, unit, x):
    """y_u = sum_v (A_uv + alpha xi(tanh(psi(x_u) - phi(x_v)))) x_v, by hand.

    As the paper (arXiv 2107.12213) and its authors' code have it: psi is
    conv1, phi conv2, xi conv4, and x_v what conv3 makes of it.
    """

    def conv(k, i, value):
        weight, bias = (
            state[f'{unit}.convs.{k}.conv{i}.{kind}']
            for kind in ('weight', 'bias')
        )
        return weight[:, :, 0, 0] @ value + bias

    n, _, frames, joints = x.shape
    pooled = x.mean(2)
    width = len(state[f'{unit}.convs.0.conv3.bias'])
    y = torch.zeros(n, width, frames, joints)
    adjacency, alpha = state[f'{unit}.PA'], state[f'{unit}.alpha']
    places = product(range(n), range(joints), range(joints))
    for i, u, v in places:
        for k in range(len(adjacency)):
            psi = conv(k, 1, pooled[i, :, u])
            phi = conv(k, 2, pooled[i, :, v])
            edge = adjacency[k, u, v] + alpha * conv(
                k, 4, torch.tanh(psi - phi)
            )
            for t in range(frames):
                y[i, :, t, u] += edge * conv(k, 3, x[i, :, t, v])
    return y


def test_ctrgcns_own_convolution_is_computed():
    """With a graph and relations that are not symmetric."""
    model = build(CTRGCN | dict(variant='ctrgcn')).eval()
    state = as_ctrgcn(random_state(model))
    generator = torch.Generator().manual_seed(1)
    for name in filter(re.compile(r'gcn1\.(PA|alpha|convs)').search, state):
        state[name] = torch.randn(state[name].shape, generator=generator)
    model.load_state_dict(convert_state_dict(state, model))
    unit = model.backbone.net[1].gcn1
    x = torch.randn(2, 8, 3, 3, generator=generator)
    with torch.no_grad():
        expected = torch.relu(
            unit.bn(authors_convolution(state, 'l2.gcn1', x)) + unit.down(x)
        )
        torch.testing.assert_close(unit(x), expected, rtol=1e-4, atol=1e-5)


def authors_names():
    """Names of the parts of the ten blocks in the authors' classes."""
    norm = ('weight', 'bias', 'running_mean', 'running_var')
    norm += ('num_batches_tracked',)
    pair = ('weight', 'bias')
    yield from product(['data_bn'], norm)
    yield from product(['fc'], pair)
    for block in range(1, 11):
        unit, time = f'l{block}.gcn1', f'l{block}.tcn1.branches'
        yield from product([unit], ('PA', 'alpha'))
        yield from product([f'{unit}.bn'], norm)
        convs = product(range(3), range(1, 5))
        yield from product(
            [f'{unit}.convs.{k}.conv{i}' for k, i in convs], pair
        )
        if block in (1, 5, 8):  # wider than the previous block
            yield from product([f'{unit}.down.0'], pair)
            yield from product([f'{unit}.down.1'], norm)
        if block in (5, 8):
            yield from product([f'l{block}.residual.conv'], pair)
            yield from product([f'l{block}.residual.bn'], norm)
        for branch in range(4):
            yield from product([f'{time}.{branch}.0'], pair)
            yield from product([f'{time}.{branch}.1'], norm)
        for branch in range(2):
            yield from product([f'{time}.{branch}.3.conv'], pair)
            yield from product([f'{time}.{branch}.3.bn'], norm)
        yield from product([f'{time}.2.4'], norm)


def test_all_names_of_the_authors_are_taken():
    model = build(
        dict(type='mmshapmix.CTRGCN', variant='ctrgcn', graph_cfg=NTU),
        60,
        in_channels=256,
    )
    state = as_ctrgcn(model.state_dict())
    assert {*state} == {'.'.join(name) for name in authors_names()}
    model.load_state_dict(convert_state_dict(state, model), strict=False)


def test_the_rest_of_ctrgcn_is_renamed():
    """Only the graph, which the authors do not save, is the model's own."""
    model = build(CTRGCN | dict(variant='ctrgcn'))
    before = random_state(model)
    after = convert_state_dict(as_ctrgcn(before), model)
    assert [*after] == [*before]
    before['backbone.A'] = model.backbone.A
    changed = re.compile(r'gcn1\.(A$|convs\.\d\.conv[124])')
    for name in filter(lambda n: not changed.search(n), after):
        assert torch.equal(after[name], before[name]), name


@pytest.mark.parametrize(
    ('rename', 'has', 'needs'),
    [(as_ctrgcn, 'pyskl', 'ctrgcn'), (as_pyskl, 'ctrgcn', 'pyskl')],
)
def test_the_other_variant_is_refused(rename, has, needs):
    model = build(CTRGCN | dict(variant=has))
    message = f"variant '{has}'.*model.backbone.variant='{needs}'"
    with pytest.raises(ValueError, match=message):
        convert_state_dict(rename(random_state(model)), model)


# Refused and accepted checkpoints --------------------------------------------


@pytest.fixture(scope='module')
def model():
    return build(BACKBONES['stgcnpp'])


@pytest.fixture
def state(model):
    return as_pyskl(random_state(model))


def test_all_differences_are_listed_at_once(model, state):
    for i in range(12):
        state[f'backbone.more.{i}'] = torch.ones(1)
    del state['backbone.gcn.0.gcn.A']  # a parameter of the graph
    del state['backbone.data_bn.running_var']
    state['backbone.gcn.1.gcn.bn.bias'] = torch.ones(5)
    with pytest.raises(ValueError) as error:
        convert_state_dict(state, model)
    message = str(error.value)
    assert 'unexpected: 12 (backbone.more.0, ' in message
    assert 'backbone.more.9, …)' in message
    assert 'backbone.more.10' not in message
    expected = 'missing: 2 (backbone.data_bn.running_var, backbone.gcn.0.gcn.A'
    assert expected in message
    expected = '1 (backbone.gcn.1.gcn.bn.bias (5,), in the model (16,))'
    assert expected in message
    assert 'Take the config of the model that was trained' in message


def test_old_files_have_no_counters_of_batches(model, state):
    old = {n: v for n, v in state.items() if 'num_batches' not in n}
    assert len(old) < len(state)
    found = as_pyskl(convert_state_dict(old, model))
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], old[name]) for name in old)
    assert not any(found[name] for name in state.keys() - old.keys())


def test_another_architecture_is_refused(model):
    other = as_pyskl(random_state(build(BACKBONES['aagcn'])))
    with pytest.raises(ValueError, match=r'unexpected: \d+ .*missing: \d+ '):
        convert_state_dict(other, model)


def test_other_classes_are_refused_unless_without_head(model):
    other = as_pyskl(random_state(build(BACKBONES['stgcnpp'], CLASSES + 3)))
    message = (
        r'fc\.weight \(7, 16\), in the model \(4, 16\).*It knows 7 classes, '
        r'the model 4\. Set model\.cls_head\.num_classes=7\. .*--without-head'
    )
    with pytest.raises(ValueError, match=message):
        convert_state_dict(other, model)
    found = convert_state_dict(other, model, without_head=True)
    own = model.state_dict()
    assert own.keys() - found.keys() == {
        'cls_head.fc.weight',
        'cls_head.fc.bias',
    }
    assert all(torch.equal(found[name], other[name]) for name in found)


def test_unknown_names_are_refused(model):
    with pytest.raises(ValueError, match='PYSKL, CTR-GCN, .*2 .a.weight, b'):
        convert_state_dict({'a.weight': torch.ones(1), 'b': None}, model)
    with pytest.raises(ValueError, match="MMAction2's own models need no"):
        convert_state_dict(model.state_dict(), model)


@pytest.mark.parametrize(
    ('backbone', 'head', 'message'),
    [
        (CTRGCN | dict(variant='ctrgcn'), {}, "CTRGCN of variant 'ctrgcn'"),
        (
            BACKBONES['stgcnpp'],
            dict(type='mmshapmix.ScaledGCNHead'),
            'ScaledGCNHead with',
        ),
    ],
)
def test_what_pyskl_does_not_have_is_not_for_it(backbone, head, message):
    model = build(backbone, **head)
    with pytest.raises(ValueError, match=message):
        to_pyskl(model.state_dict(), model)


def test_pyskls_get_weights_of_the_model_alone(model):
    """The state of a mixer is left out; a missing weight is an error."""
    state = random_state(model)
    table = {'data_preprocessor.blending.estimator.table': torch.ones(2)}
    assert to_pyskl(state | table, model).keys() == as_pyskl(state).keys()
    del state['cls_head.fc.bias']
    with pytest.raises(ValueError, match=r'missing: 1 \(cls_head.fc.bias\)'):
        to_pyskl(state, model)


# Files -----------------------------------------------------------------------


@pytest.mark.parametrize('zipped', [True, False], ids=['zip', 'old'])
def test_files_of_all_times_are_read(tmp_path, state, zipped):
    path = tmp_path / 'x.pth'
    torch.save(
        dict(state_dict=state, meta=dict(epoch=3)),
        path,
        _use_new_zipfile_serialization=zipped,
    )
    found = read_weights(path)
    assert found['meta'] == dict(epoch=3)
    assert all(torch.equal(found['state_dict'][n], state[n]) for n in state)


class Foreign(nn.Linear):
    """A whole model in a file, as by torch.save(model)."""


@pytest.mark.parametrize('zipped', [True, False], ids=['zip', 'old'])
@pytest.mark.parametrize('cut', [0, 1, 100, -100])
def test_truncated_files_are_refused(tmp_path, state, zipped, cut):
    path = tmp_path / 'x.pth'
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    path.write_bytes(path.read_bytes()[:cut])
    message = r'x\.pth cannot be read: it is tru'
    with pytest.raises(ValueError, match=message) as refused:
        read_weights(path)
    assert 'weights_only' not in str(refused.value)  # torch's unsafe option


@pytest.mark.parametrize('zipped', [True, False], ids=['zip', 'old'])
@pytest.mark.parametrize(
    ('content', 'name'),
    [
        (argparse.Namespace(lr=0.1), 'argparse.Namespace'),
        (Foreign(1, 1), 'tests.test_interop.test_checkpoints.Foreign'),
        (os.system, 'posix.system'),
    ],
)
def test_foreign_classes_are_refused(tmp_path, state, content, name, zipped):
    path = tmp_path / 'x.pth'
    torch.save(
        dict(state_dict=state, args=content),
        path,
        _use_new_zipfile_serialization=zipped,
    )
    message = rf'x\.pth asks for {name}, .*the state dict alone'
    with pytest.raises(ValueError, match=message):
        read_weights(path)


@pytest.mark.parametrize(
    'content', [[1, 2], {}, {1: 2}, dict(state_dict={}), dict(epoch=3)]
)
def test_files_without_weights_are_refused(tmp_path, content):
    path = tmp_path / 'x.pth'
    torch.save(content, path)
    with pytest.raises(ValueError, match=r'x\.pth has none'):
        read_weights(path)


def test_no_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere.pth'):
        read_weights(tmp_path / 'nowhere.pth')


def test_plain_meta_is_kept():
    """Except for the config, which MMEngine would run on resume."""
    kept = dict(epoch=3, CLASSES=('a', 'b'), env=dict(x=[1.5, None, True]))
    other = dict(config='import os', device=torch.device('cpu'), a={1: [{2}]})
    assert plain_meta(dict(meta=kept | other)) == kept
    assert plain_meta({}) == plain_meta(dict(meta=None)) == {}


def test_meta_that_is_nested_without_end_is_left_out():
    """It may be deep, or wide, as a list that contains itself repeatedly."""
    deep, wide = [], [1]
    for _ in range(10**5):
        deep = [deep]
    for _ in range(100):
        wide = [wide, wide]
    meta = dict(epoch=3, deep=deep, wide=wide)
    assert plain_meta(dict(meta=meta)) == dict(epoch=3)


@pytest.mark.parametrize('meta', [None, [1], 'a', 3])
def test_other_meta_than_a_dict_is_refused(meta):
    with pytest.raises(ValueError, match="a dict as 'meta' of x.pth, but got"):
        meta_of(dict(meta=meta), 'x.pth')
    assert meta_of({}, 'x.pth') == {}


@pytest.mark.parametrize(
    'counts',
    [
        *('abc', 3, ['1', '2'], [1], [1, 2, 3], [-1, 2], [[1], [2]], [0, 0]),
        *([1.5, 2], [float('nan'), 2], [None, 1], [10**30, 1], [True, 1], []),
        *({0: 1, 1: 2}, torch.ones(2), torch.ones(2, 2, dtype=int)),
    ],
    ids=repr,
)
def test_strange_class_counts_are_refused(counts):
    with pytest.raises(ValueError, match=r"meta\['class_counts'\] of x.pth"):
        class_counts_of(dict(class_counts=counts), 2, 'x.pth')


def test_class_counts_are_whole_numbers():
    for counts in ([3, 0], (3, 0), torch.tensor([3, 0]), np.array([3, 0])):
        assert class_counts_of(dict(class_counts=counts), 2, '') == [3, 0]
    assert class_counts_of(dict(class_counts=None), 2, '') is None
    assert class_counts_of({}, 2, '') is None


def test_a_file_is_written_at_once_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / 'new' / 'x.pth'
    save_checkpoint(dict(meta={}, state_dict=dict(a=torch.ones(1))), path)
    kept = path.read_bytes()

    def fail(content, file):
        file.write_bytes(b'half')
        raise OSError('the disk is full')

    monkeypatch.setattr(torch, 'save', fail)
    with pytest.raises(OSError, match='full'):
        save_checkpoint({}, path)
    assert path.read_bytes() == kept
    assert [*path.parent.iterdir()] == [path]
