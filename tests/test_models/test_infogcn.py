"""InfoGCN against loops; see also test_backbones.py."""

import pytest
import torch
from mmengine.registry import init_default_scope

from mmshapmix.functional.layouts import LAYOUTS
from mmshapmix.models import InfoGCN, InfoGCNHead
from mmshapmix.models.backbones.infogcn import (
    AttentiveGraphConv,
    JointAttention,
)
from tests.parity import filled, inputs, parity

NTU = LAYOUTS['nturgb+d']
SMALL = dict(base_channels=8, num_stages=1)


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmaction')


def infogcn(layout='nturgb+d', **options):
    return InfoGCN(dict(layout=layout), **options)


@torch.no_grad()
def test_logits_are_the_published_ones():
    """The head is included."""
    file = parity('infogcn')
    state = filled(file['state'])
    model, head = infogcn().eval(), InfoGCNHead(60, 256).eval()
    names = dict(fc='fc_latent', decoder='fc', fc_mu='fc_mu')
    names['fc_logvar'] = 'fc_logvar'
    for theirs, ours in names.items():
        for kind in ('weight', 'bias'):
            value = state.pop(f'{theirs}.{kind}')
            head.get_submodule(ours).get_parameter(kind).copy_(value)
    assert len(head.state_dict()) == 8
    assert not model.load_state_dict(state, strict=False).unexpected_keys
    expected = torch.tensor(file['eval_logits'])
    logits = head(model(inputs()))
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-5)


def relative(joint, others):
    """A row of the matrix: a joint minus the sum of the others."""
    row = torch.zeros(25)
    row[joint] = 1
    row[list(others)] -= 1
    return row


@pytest.mark.parametrize(
    ('options', 'ancestor'),
    [
        (dict(), {1: [], 0: [1], 20: [1], 4: [20], 22: [7], 21: [22]}),
        (dict(k=2), {1: [], 0: [], 4: [1], 22: [6], 21: [7], 15: [13]}),
        (dict(k=8), {v: [] for v in range(25)}),
        (dict(center=20), {20: [], 1: [20], 0: [1], 4: [20]}),
    ],
)
def test_joints_are_seen_from_their_ancestors(options, ancestor):
    """By default, bones are seen, with the middle of the spine as the root."""
    differences, *others = infogcn(**options, **SMALL).differences
    assert len(others) == 2
    assert all(torch.equal(other, differences) for other in others)
    for joint, before in ancestor.items():
        assert torch.equal(differences[joint], relative(joint, before))


def test_scores_of_planar_joints_stay():
    model = infogcn('coco', in_channels=6, **SMALL)
    for channel, matrix in enumerate(model.differences):
        score = channel in (2, 5)
        assert torch.equal(matrix, torch.eye(17)) == score


def test_without_bones_and_origin_the_graph_is_taken():
    graph, *_ = infogcn(NTU.graph(), **SMALL).differences
    assert torch.equal(graph[21], relative(21, [7]))
    assert torch.equal(graph[1], relative(1, [20]))
    assert torch.equal(graph[20], relative(20, []))


@torch.no_grad()
def test_attention_as_a_loop():
    attention = JointAttention(8, heads=3, reduction=2)
    x = torch.randn(2, 8, 4, 5)
    weights = attention(x)
    for n in range(2):
        for t in range(4):
            pairs = attention.to_qk(attention.ln(x[n, :, t].T))  # (V, 24)
            for h in range(3):
                query = pairs[:, 4 * h : 4 * h + 4]
                key = pairs[:, 12 + 4 * h : 16 + 4 * h]
                expected = (query @ key.T / 2).softmax(1)
                torch.testing.assert_close(weights[n, t, h], expected)


@torch.no_grad()
def test_graph_convolution_as_a_loop():
    torch.manual_seed(0)
    unit = AttentiveGraphConv(8, 6, torch.randn(2, 5, 5)).eval()
    x = torch.randn(2, 8, 4, 5)
    attention = unit.attn(x)
    total = torch.zeros(2, 6, 4, 5)
    for h, conv in enumerate(unit.conv_d):
        mixed = torch.zeros_like(x)
        for i in range(5):
            for j in range(5):
                weight = (
                    attention[:, :, h, i, j] * unit.shared_topology[h, i, j]
                )
                mixed[..., i] += weight[:, None] * x[..., j]
        total += conv(mixed)
    expected = torch.relu(unit.bn(total) + unit.down(x))
    torch.testing.assert_close(unit(x), expected)


@torch.no_grad()
def test_initialisation_is_the_authors():
    torch.manual_seed(0)
    model = infogcn(num_stages=4)
    model.init_weights()
    unit = model.l4.agcn.eval()
    assert unit.attn.to_qk.weight.std().item() == pytest.approx(1, abs=0.05)
    drawn = torch.stack([conv.weight for conv in unit.conv_d])
    std = (2 / (64 * 128 * 3)) ** 0.5
    assert drawn.std().item() == pytest.approx(std, rel=0.03)
    x = torch.randn(1, 64, 4, 25)
    torch.testing.assert_close(
        unit(x), torch.relu(unit.down(x)), rtol=0, atol=1e-3
    )


def test_no_ancestor_is_refused():
    with pytest.raises(ValueError, match='Expected k of 1 or more.*got 0'):
        infogcn(k=0, **SMALL)
