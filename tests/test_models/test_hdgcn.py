"""Parts of HD-GCN against loops; see also test_backbones.py."""

import pytest
import torch

from mmshapmix.models import HDGCN
from mmshapmix.models.backbones.hdgcn import (
    BiasedConv,
    EdgeConv,
    HierarchicalGraphConv,
    HierarchyAttention,
)

NTU = dict(layout='nturgb+d')
SMALL = dict(base_channels=16, num_stages=2)


def randomise(module):
    torch.manual_seed(2)
    with torch.no_grad():
        for value in (*module.parameters(), *module.buffers()):
            if value.is_floating_point():
                value.uniform_(0.2, 1.0).mul_(torch.randn_like(value).sign())
        for name, value in module.named_buffers():
            if name.endswith('running_var'):
                value.abs_()
    return module.eval()


@pytest.mark.parametrize(
    ('arguments', 'first', 'hierarchies'),
    [
        (dict(), {20, 1, 2, 4, 8}, 6),
        (dict(center=0), {0, 1, 12, 16}, 6),
        (dict(center=1), {1, 0, 20}, 6),
        (dict(center=1, max_hierarchies=2), {1, 0, 20}, 2),
        (dict(center=0, max_hierarchies=9), {0, 1, 12, 16}, 7),
    ],
)
def test_hierarchies_begin_at_the_center(arguments, first, hierarchies):
    model = HDGCN(NTU, **arguments, **SMALL)
    start = model.l1.gcn1.PA
    assert start.shape == (hierarchies, 3, 25, 25)
    assert set(start[0, 0].diag().nonzero().flatten().tolist()) == first
    weights = model.l2.gcn1.aha.members[0]
    inside = torch.tensor([v in first for v in range(25)])
    torch.testing.assert_close(weights, inside / len(first))


@torch.no_grad()
@pytest.mark.parametrize('vertices', [7, 3])
def test_edge_conv_as_a_loop(vertices):
    """With fewer vertices than neighbours, all vertices are neighbours."""
    conv = randomise(EdgeConv(4, 6, neighbours=5))
    x = torch.randn(2, 4, vertices)
    out = conv(x)
    for n in range(2):
        for v in range(vertices):
            own = x[n, :, v]
            distances = [(x[n, :, u] - own).norm() for u in range(vertices)]
            nearest = sorted(range(vertices), key=distances.__getitem__)[:5]
            edges = [torch.cat([x[n, :, u] - own, own]) for u in nearest]
            values = [conv.conv(e[None, :, None, None]) for e in edges]
            expected = torch.stack(values).amax(0).flatten()
            torch.testing.assert_close(out[n, :, v], expected)


def test_half_precision_does_not_choose_neighbours():
    torch.manual_seed(0)
    conv, x = EdgeConv(4, 4, neighbours=3), torch.randn(2, 4, 25)
    x[:, :, 1:] += 100  # far from 0, half precision sees no differences
    with torch.autocast('cpu', dtype=torch.bfloat16):
        nearest = conv.nearest(x)
    torch.testing.assert_close(nearest, conv.nearest(x.double()))


@torch.no_grad()
def test_hierarchies_are_weighed_as_in_a_loop():
    members = torch.tensor([[1, 1, 0], [0, 1, 1]]).bool()
    attention = HierarchyAttention(8, members)
    means = attention.members.clone()
    randomise(attention).members.copy_(means)
    x = torch.randn(2, 8, 2, 5, 3)
    pooled = torch.stack(
        [
            attention.conv_down(x[:, :, [i]].amax(3))[:, :, 0, row].mean(2)
            for i, row in enumerate(members)
        ],
        dim=2,
    )
    weights = attention.aggregate(attention.edge_conv(pooled)).sigmoid()
    expected = sum(weights[:, :, i, None, None] * x[:, :, i] for i in (0, 1))
    torch.testing.assert_close(attention(x), expected)


@torch.no_grad()
def test_graph_convolution_as_a_loop():
    unit = HierarchicalGraphConv(5, 8, torch.rand(2, 3, 4, 4), False)
    randomise(unit)
    x = torch.randn(2, 5, 6, 4)
    total = torch.zeros(2, 8, 6, 4)
    for h, convs in enumerate(unit.conv):
        narrow, outs = unit.conv_down[h](x), []
        for conv, matrix in zip(convs[:3], unit.PA[h], strict=True):
            mixed = torch.zeros_like(narrow)
            for i in range(4):
                for j in range(4):
                    mixed[..., i] += matrix[i, j] * narrow[..., j]
            outs.append(conv(mixed))
        edge = convs[3](narrow.mean(2))
        outs.append(torch.stack([edge] * 6, dim=2))
        total += torch.cat(outs, dim=1)
    expected = torch.relu(unit.bn(total) + unit.down(x))
    torch.testing.assert_close(unit(x), expected)


@torch.no_grad()
@pytest.mark.parametrize(('stride', 'dilation'), [(1, 1), (1, 2), (2, 2)])
def test_temporal_convolution_as_a_loop(stride, dilation):
    conv = randomise(BiasedConv(3, 4, 5, stride, dilation))
    x = torch.randn(1, 3, 9, 2)
    out = torch.zeros(1, 4, -(-9 // stride), 2)
    for t in range(out.shape[2]):
        for tap in range(5):
            source = t * stride + (tap - 2) * dilation
            if 0 <= source < 9:
                weight = conv.conv.weight[:, :, tap, 0]
                out[0, :, t] += weight @ x[0, :, source]
    torch.testing.assert_close(conv(x), conv.bn(out + conv.bias))


@torch.no_grad()
def test_it_begins_as_its_residual():
    model = HDGCN(NTU, **SMALL)
    model.init_weights()
    x = torch.randn(2, 3, 8, 25)
    unit = model.l1.gcn1.eval()
    torch.testing.assert_close(
        unit(x), torch.relu(unit.down(x)), rtol=0, atol=1e-4
    )


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(base_channels=18), 'multiple of 4, but got 18'),
        (dict(center=25), 'centre of 0 to 24, but got 25'),
        (dict(max_hierarchies=0), 'two levels'),
        (
            dict(
                graph_cfg=dict(
                    layout=dict(num_node=3, inward=[(1, 0)], center=0)
                )
            ),
            r'connects all joints to joint 0, but got none for \[2\]',
        ),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        HDGCN(**{'graph_cfg': NTU, **SMALL, **arguments})
