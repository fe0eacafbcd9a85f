"""Backbones against their published implementations and against loops.

One row of the table is one backbone; see :class:`Row`.
"""

from collections.abc import Callable
from copy import deepcopy
from itertools import product
from typing import NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmaction.models.utils import unit_tcn
from mmengine.model import BaseModule
from torch import nn

from mmshapmix.functional.layouts import LAYOUTS
from mmshapmix.models.backbones.base import plan_stages
from mmshapmix.models.backbones.ctrgcn import RefinedGraphConv
from mmshapmix.models.backbones.dgstgcn import DynamicGroupGCN
from mmshapmix.models.backbones.graph import LayoutGraph
from mmshapmix.models.backbones.msg3d import disentangled
from mmshapmix.registry import MODELS
from tests.parity import inputs, parity, weights

N, M = 2, 2


def latent_mean(features, state):
    """Mean of InfoGCN's features, then its classifier."""
    hidden = torch.relu(linear('fc')(features, state))
    mean = F.linear(hidden, state['fc_mu.weight'], state['fc_mu.bias'])
    return F.linear(mean, state['decoder.weight'], state['decoder.bias'])


def linear(prefix):
    """Mean over persons, time and joints, then the classifier."""

    def head(features, state):
        pooled = features.mean((1, 3, 4))
        weight, bias = state[f'{prefix}.weight'], state[f'{prefix}.bias']
        return F.linear(pooled, weight, bias)

    return head


class Row(NamedTuple):
    """Settings of a backbone for its tests."""

    small: dict
    """Its arguments, small; ``graph`` but for the layout."""
    channels: int
    """C' of the small one."""
    stride: int
    """T / T', which is rounded up."""
    published: dict = {}
    """Arguments of the published one, where the parity file has none."""
    prefix: str = 'backbone.'
    """Of its weights in the parity file."""
    others: tuple = ('cls_head.',)
    """Prefixes of weights of the file that are not its own."""
    head: Callable = linear('cls_head.fc_cls')
    """Logits of features and of the file's weights."""
    alias: tuple[str, str] = ('', '')
    """Part of a name in the file, and of the name that it is another of."""
    by_joint: tuple[str, ...] = ()
    """Parameters ``(1, V, C)`` that begin at random."""


STAGES = dict(
    base_channels=16, num_stages=3, inflate_stages=[2], down_stages=[3]
)
BACKBONES = dict(
    ctrgcn=Row(dict(type='CTRGCN', graph={}, **STAGES), 32, 2),
    msg3d=Row(
        dict(
            type='MSG3D',
            graph={},
            base_channels=16,
            num_gcn_scales=4,
            num_g3d_scales=3,
        ),
        64,
        4,
    ),
    # With the skeleton's graph: a random graph has no symmetry to test.
    dgstgcn=Row(
        dict(type='DGSTGCN', graph=dict(mode='spatial'), **STAGES), 32, 2
    ),
    hdgcn=Row(
        dict(type='HDGCN', graph={}, **STAGES),
        32,
        2,
        published=dict(center=0),
        prefix='',
        others=('fc.',),
        head=linear('fc'),
        alias=('conv_d.', 'conv.5.'),
    ),
    infogcn=Row(
        dict(type='InfoGCN', graph={}, **STAGES),
        32,
        2,
        prefix='',
        others=('fc', 'decoder.'),
        head=latent_mean,
        by_joint=('pos_embedding',),
    ),
)
each = pytest.mark.parametrize('name', BACKBONES)


def make(cfg):
    """Build a backbone in whatever default scope an earlier test left."""
    return MODELS.build({**cfg, 'type': f'mmshapmix.{cfg["type"]}'})


def build(name, layout='penn-action', **changes):
    """A small backbone in eval mode, whose weights all have an effect."""
    torch.manual_seed(0)
    cfg = {**BACKBONES[name].small, **changes}
    model = make(
        dict(graph_cfg=dict(layout=layout, **cfg.pop('graph')), **cfg)
    )
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():  # alpha, beta, biases
                parameter.fill_(0.3)
    return model.eval()


def skeletons(joints=13, persons=M, frames=8):
    torch.manual_seed(1)
    return torch.randn(N, persons, frames, joints, 3)


def published(name):
    """The full model of the parity file."""
    row, file = BACKBONES[name], parity(name)
    cfg = dict(file.get('backbone', row.published))
    cfg.setdefault('type', row.small['type'])
    cfg.setdefault('graph_cfg', dict(layout='nturgb+d'))
    return make(cfg)


def own(name, values):
    """Values of the backbone, renamed from published to own names."""
    row = BACKBONES[name]
    return {
        key.removeprefix(row.prefix).replace(*row.alias): value
        for key, value in values.items()
        if not key.startswith(row.others)
    }


@each
def test_state_is_the_published_one(name):
    """State dicts have the same names and shapes, in the same order."""
    theirs = {row[0]: torch.Size(row[1]) for row in parity(name)['state']}
    ours = {k: v.shape for k, v in published(name).state_dict().items()}
    assert list(ours.items()) == list(own(name, theirs).items())


@pytest.mark.parametrize(
    ('name', 'mode'),
    [
        (name, mode)
        for name, mode in product(BACKBONES, ('eval', 'train'))
        if f'{mode}_logits' in parity(name)
    ],
)
def test_logits_are_the_published_ones(name, mode):
    kept = own(name, {row[0]: row[3] for row in parity(name)['state']})
    model = published(name).train(mode == 'train')
    loaded = model.load_state_dict(own(name, weights(name)), strict=False)
    assert not loaded.unexpected_keys
    assert {kept[key] for key in loaded.missing_keys} <= {'kept'}
    with torch.no_grad():
        logits = BACKBONES[name].head(model(inputs()), weights(name))
    expected = torch.tensor(parity(name)[f'{mode}_logits'])
    # The samples' logits may differ by only 1e-4, so all digits count.
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=2e-5)


@each
@pytest.mark.parametrize('layout', LAYOUTS)
def test_every_layout(name, layout):
    joints, row = LAYOUTS[layout].num_joints, BACKBONES[name]
    features = build(name, layout)(skeletons(joints, frames=7))
    shape = (N, M, row.channels, -(-7 // row.stride), joints)
    assert features.shape == shape and features.isfinite().all()


@each
@pytest.mark.parametrize('training', [False, True])
def test_the_joints_order_is_free(name, training):
    """If joints and graph are permuted alike, features stay the same.

    With the old graph they differ.
    """
    old = LAYOUTS['penn-action']
    order = np.random.default_rng(0).permutation(old.num_joints)
    place = order.argsort()  # index of an old joint in the new order
    new = dict(
        num_node=old.num_joints,
        inward=[(int(place[i]), int(place[j])) for i, j in old.inward],
        center=int(place[old.center]),
    )
    ours, theirs = (
        build(name, graph).train(training) for graph in (old.graph(), new)
    )
    for key in BACKBONES[name].by_joint:
        theirs.get_parameter(key).data = ours.get_parameter(key)[:, order].data
    x = skeletons()
    expected = deepcopy(ours)(x)[..., order]
    moved = x[:, :, :, order]
    torch.testing.assert_close(theirs(moved), expected, rtol=1e-3, atol=1e-3)
    assert (ours(moved) - expected).abs().max() > 0.1


@each
@pytest.mark.parametrize('persons', [1, 3])
def test_persons_do_not_see_each_other(name, persons):
    x = skeletons(persons=persons)
    features = build(name, data_bn_type='MVC', num_person=persons)(x)
    shared = build(name, data_bn_type='VC')
    for person in range(persons):
        alone = shared(x[:, [person]])
        torch.testing.assert_close(features[:, [person]], alone)


@each
def test_wrong_number_of_persons_is_refused(name):
    model = build(name, data_bn_type='MVC', num_person=2)
    with pytest.raises(ValueError, match='Set num_person'):
        model(skeletons(persons=1))


@each
@pytest.mark.slow
def test_compiles_as_one_graph(name):
    model = build(name).train()
    torch.compiler.reset()
    compiled = torch.compile(deepcopy(model), fullgraph=True, backend='eager')
    x = skeletons()
    torch.testing.assert_close(compiled(x), model(x))


@each
@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_is_near(name, dtype):
    model, x = build(name), skeletons()
    expected = model(x)
    with torch.autocast('cpu', dtype=dtype):
        features = model(x)
    assert features.dtype == dtype
    error = (features.float() - expected).norm() / expected.norm()
    assert 0 < error < 0.02


@each
def test_batch_norm_can_be_synchronised(name):
    """MMEngine's ``sync_bn='torch'`` does the same."""
    model, x = build(name), skeletons()
    expected = model(x)
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    assert isinstance(converted.data_bn, nn.SyncBatchNorm)
    torch.testing.assert_close(converted(x), expected)


@pytest.mark.parametrize(
    ('name', 'millions'),
    [('ctrgcn', 1.46), ('hdgcn', 1.68), ('infogcn', 1.57)],
)
def test_parameters_are_as_many_as_published(name, millions):
    """The numbers are those for 120 classes."""
    hidden = 3 * 257 * 256 if name == 'infogcn' else 0  # type of its head
    numbers = sum(value.numel() for value in published(name).parameters())
    total = numbers + hidden + 257 * 120
    assert total / 1e6 == pytest.approx(millions, rel=0.01)


@each
def test_every_parameter_takes_part(name):
    model = build(name)
    features = model(skeletons())
    (features * torch.randn(features.shape)).sum().backward()
    idle = [
        key
        for key, parameter in model.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert not idle


@each
def test_initialisation_reaches_every_part(name):
    """Own initialisations have no bias; Kaiming's spread is over time."""
    model = build(name)
    model.init_weights()
    for part in model.modules():
        if isinstance(part, BaseModule) and part.init_cfg:
            assert not any(
                conv.bias.any()
                for conv in part.modules()
                if isinstance(conv, nn.Conv2d) and conv.bias is not None
            )
    drawn = [
        part.conv.weight.flatten()
        * (part.conv.weight[:, 0].numel() / 2) ** 0.5
        for part in model.modules()
        if isinstance(part, unit_tcn)
    ]
    assert torch.cat(drawn).std().item() == pytest.approx(1, abs=0.1)


def test_widths_grow_by_the_ratio():
    stages = plan_stages(3, 10, 4, [2, 4], [3], ch_ratio=1.25)
    assert [stage.out_channels for stage in stages] == [10, 12, 12, 15]
    assert [stage.in_channels for stage in stages] == [3, 10, 12, 12]
    assert [stage.stride for stage in stages] == [1, 1, 2, 1]


@pytest.mark.parametrize(
    ('name', 'changes'),
    [
        ('ctrgcn', dict(variant='mine')),
        ('ctrgcn', dict(data_bn_type='MC')),
        ('ctrgcn', dict(graph=dict(mode='near'))),
        ('msg3d', dict(graph=dict(mode='spatial'))),
        ('ctrgcn', dict(kernel_size=4)),
        ('hdgcn', dict(base_channels=4, dilations=(1, 2, 3, 4))),
        ('dgstgcn', dict(gcn_ctr='V')),
        ('dgstgcn', dict(gcn_ada=None)),
    ],
)
def test_wrong_arguments_are_refused(name, changes):
    with pytest.raises(ValueError, match='Expected .* but got'):
        build(name, **changes)


def affine(conv, vector):
    """A 1x1 convolution of one vector."""
    return conv.weight.flatten(1) @ vector + conv.bias


def randomise(module):
    torch.manual_seed(2)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=0.5)
    return module.eval()


def refined(conv, x, adjacency, alpha, authors=False):
    """Sum of e_ij x from i to j (authors: from j to i), joint by joint.

    e_ij = A_ij + alpha xi(tanh(psi(x_i) - phi(x_j)))
    """
    values, pooled = conv.conv3(x), x.mean(2)
    out = torch.zeros_like(values)
    for n, i, j in np.ndindex(len(x), *adjacency.shape):
        psi = affine(conv.conv1, pooled[n, :, i])
        phi = affine(conv.conv2, pooled[n, :, j])
        change = affine(conv.conv4, torch.tanh(psi - phi))
        source, target = (j, i) if authors else (i, j)
        for c, edge in enumerate(adjacency[i, j] + alpha * change):
            out[n, c, :, target] += edge * values[n, c, :, source]
    return out


@torch.no_grad()
def test_ctrgcn_refines_as_a_loop():
    conv = randomise(RefinedGraphConv(3, 6))
    x, adjacency = torch.randn(2, 3, 4, 5), torch.rand(5, 5)
    alpha = torch.tensor([0.7])
    torch.testing.assert_close(
        conv(x, adjacency, alpha), refined(conv, x, adjacency, 0.7)
    )


@torch.no_grad()
def test_ctrgcn_authors_graph_convolution():
    """The authors' weights, with psi and phi exchanged and xi negated."""
    model = build('ctrgcn', 'sbu', variant='ctrgcn', base_channels=6)
    unit = model.net[0].gcn1
    start = unit.A.clone()
    randomise(unit)
    unit.A.copy_(start)
    x = torch.randn(1, 3, 2, 15)
    matrices = torch.tensor(model.graph.A, dtype=torch.float32)
    expected = sum(
        refined(conv, x, matrix, unit.alpha, authors=True)
        for conv, matrix in zip(unit.convs, matrices, strict=True)
    )
    expected = torch.relu(unit.bn(expected) + unit.down(x))
    for conv in unit.convs:
        conv.conv1, conv.conv2 = conv.conv2, conv.conv1
        conv.conv4.weight.neg_()
    torch.testing.assert_close(unit(x), expected)


@torch.no_grad()
def test_ctrgcn_authors_have_no_relu_behind_the_branches():
    authors, pyskl = (
        randomise(build('ctrgcn', variant=variant).net[0].tcn1)
        for variant in ('ctrgcn', 'pyskl')
    )
    x = torch.randn(2, 16, 8, 13)
    assert authors(x).min() < 0
    torch.testing.assert_close(pyskl(x), torch.relu(authors(x)))


@torch.no_grad()
def test_ctrgcn_begins_as_its_residual():
    unit = build('ctrgcn').net[0].gcn1
    unit.init_weights()
    x = torch.randn(2, 3, 8, 13)
    torch.testing.assert_close(
        unit(x), torch.relu(unit.down(x)), rtol=0, atol=1e-4
    )


@pytest.mark.parametrize('layout', LAYOUTS)
def test_msg3d_tells_hops_apart(layout):
    """Compared with shortest paths (Floyd, Warshall)."""
    graph = LayoutGraph(layout, mode='binary_adj')
    linked = graph.A[0] > 0
    hops = np.where(np.eye(len(linked)), 0, np.where(linked, 1, np.inf))
    for k in range(len(hops)):
        hops = np.minimum(hops, hops[:, [k]] + hops[[k]])
    scales = disentangled(graph.A[0], 5)
    for k, matrix in enumerate(scales):
        near = (hops == k) | (hops == 0)
        np.testing.assert_allclose(matrix, near / near.sum(0))


@torch.no_grad()
@pytest.mark.parametrize('ctr', ['T', 'NA'])
@pytest.mark.parametrize('ada', ['T', 'NA'])
def test_dgstgcn_topology_as_a_loop(ctr, ada):
    groups, joints, frames, width = 2, 4, 3, 3
    adjacency = torch.rand(groups, joints, joints)
    unit = randomise(DynamicGroupGCN(5, 6, adjacency, 0.5, ctr, ada))
    x = torch.randn(2, 5, frames, joints)
    data = dict(T=x.mean(2, keepdim=True).expand_as(x), NA=x)
    topology = unit.topology(x).expand(-1, -1, -1, frames, -1, -1)
    for n, g, t, j in np.ndindex(2, groups, frames, joints):
        mine = slice(g * width, (g + 1) * width)
        similar = torch.stack(
            [
                affine(unit.conv1, data[ada][n, :, t, i])[mine]
                @ affine(unit.conv2, data[ada][n, :, t, j])[mine]
                for i in range(joints)
            ]
        ).softmax(0)
        for i in range(joints):
            apart = (
                affine(unit.conv1, data[ctr][n, :, t, i])
                - affine(unit.conv2, data[ctr][n, :, t, j])
            )[mine]
            expected = unit.A[g, i, j] + unit.alpha[0] * torch.tanh(apart)
            expected += unit.beta[0] * similar[i]
            torch.testing.assert_close(topology[n, g, :, t, i, j], expected)


def test_a_random_graph_knows_no_skeleton():
    np.random.seed(0)
    graph = LayoutGraph(
        'coco', mode='random', num_filter=50, init_off=0.3, init_std=0.1
    )
    assert graph.A.shape == (50, 17, 17)
    assert graph.A.mean() == pytest.approx(0.3, abs=0.005)
    assert graph.A.std() == pytest.approx(0.1, abs=0.005)
