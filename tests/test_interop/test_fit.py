"""Which weights fit a model, and the messages about others."""

import pytest
import torch
from torch import nn

from mmshapmix.interop.fit import Misfit, misfit, refuse, some
from mmshapmix.io.unpickling import brief


class Model(nn.Module):
    """Parts of a recognizer: a graph, statistics, a head, a mixer's table."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.BatchNorm1d(2)
        self.backbone.register_buffer('A', torch.ones(3))
        self.cls_head = nn.ModuleDict(dict(fc=nn.Linear(2, 4)))
        self.register_buffer('pose', torch.zeros(0, 5, 0))


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def state(model):
    return model.state_dict()


def test_its_own_state_fits(model, state):
    assert not misfit(state, model, whole=True)
    refuse(misfit(state, model), state, model, 'x.pth')


def test_buffers_may_be_absent_unless_a_training_goes_on(model, state):
    for name in ('backbone.A', 'backbone.num_batches_tracked', 'pose'):
        del state[name]
    assert not misfit(state, model)
    assert len(misfit(state, model, whole=True).names('missing')) == 3
    del state['backbone.running_mean']
    assert misfit(state, model).names() == {'backbone.running_mean'}


@pytest.mark.parametrize(
    ('shape', 'fits'),
    [
        ((2, 5, 3), True),
        ((0, 5, 0), True),
        ((0,), True),
        ((2, 4, 3), False),
        ((5,), False),
        ((), False),
        ((2, 5, 3, 1), False),
    ],
)
def test_what_is_not_measured_yet_has_some_shapes_only(
    model, state, shape, fits
):
    state['pose'] = torch.zeros(shape)
    assert bool(misfit(state, model)) != fits


@pytest.mark.parametrize(
    'change',
    [
        lambda w: w.to(torch.int8),
        lambda w: w.to(torch.complex64),
        lambda w: w > 0,
        lambda w: w.to_sparse(),
        lambda w: w.to('meta'),
        lambda w: torch.quantize_per_tensor(w, 0.1, 0, torch.qint8),
        lambda w: w * float('nan'),
        lambda w: w / 0,
    ],
)
@pytest.mark.filterwarnings('ignore')
def test_what_cannot_be_a_weight_is_none(model, state, change):
    """torch would refuse or round such a value; MMEngine would go on."""
    state['cls_head.fc.weight'] = change(state['cls_head.fc.weight'])
    with pytest.raises(ValueError, match=r'not usable: 1 \(cls_head.fc.we'):
        refuse(misfit(state, model), state, model, 'x.pth')


def test_lower_precision_is_a_weight(model, state):
    half = {
        n: v.half() if v.is_floating_point() else v for n, v in state.items()
    }
    assert not misfit(half, model)


@pytest.mark.parametrize(
    ('change', 'advice'),
    [
        (
            lambda s: {f'net.model.{n}': v for n, v in s.items()},
            "All its names begin with 'net.model.': save",
        ),
        (
            lambda s: s | {'cls_head.fc.weight': torch.ones(9, 2)},
            r'It knows 9 classes, the model 4. Set model.cls_head.num_classes',
        ),
        (
            lambda s: {n: v for n, v in s.items() if 'head' not in n},
            'It has no head. Train one first',
        ),
        (
            lambda s: s | {'backbone.weight': torch.full((2,), float('nan'))},
            'has diverged',
        ),
        (lambda s: s | {'backbone.b': torch.ones(1)}, 'Take the config of'),
        (lambda s: {'a': torch.ones(1)}, 'Take the config of'),
    ],
)
def test_it_is_said_what_to_do(model, state, change, advice):
    state = change(state)
    with pytest.raises(ValueError, match=advice) as error:
        refuse(misfit(state, model), state, model, 'x.pth', ' Or not.')
    message = str(error.value)
    assert message.startswith('Expected the weights of the configured model')
    assert 'but x.pth has others. ' in message and message.endswith(' Or not.')


def test_messages_are_of_one_line_and_not_long():
    assert brief('a\n b\t') == 'a b' and len(brief('a' * 10**6)) == 200
    names = {f'a\n{i}' * 99: f'a\n{i}' * 99 for i in range(99)}
    text = str(Misfit({'missing': names, 'unexpected': {}}))
    assert text.startswith('missing: 99 (a ') and '\n' not in text
    assert len(text) < 3000
    assert some([]) == '0 ()'
