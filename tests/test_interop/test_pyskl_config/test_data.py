"""PYSKL's data sets and how they are loaded."""

import pytest
from mmaction.registry import DATASETS
from mmengine.registry import DATA_SAMPLERS, init_default_scope

from mmshapmix.functional.layouts import get_layout
from mmshapmix.interop.pyskl_config import convert_config

from ...pyskl_configs import CLASSES, built, source, working_folder


@pytest.fixture(scope='module', autouse=True)
def folder(tmp_path_factory):
    """A working folder with the data; MMEngine formats no config."""
    init_default_scope('mmaction')
    with working_folder(tmp_path_factory.mktemp('pyskl')) as root:
        yield root


def test_the_data_are_those_of_the_source():
    cfg = built(source('brl'))
    train = DATASETS.build(cfg.train_dataloader.dataset)
    assert train.times == 2 and len(train.dataset) == 8  # of its list
    assert train.dataset.class_counts.tolist() == [2] * CLASSES
    assert train.dataset.layout is get_layout('nturgb+d')
    loaders = [cfg[f'{part}_dataloader'] for part in ('train', 'val', 'test')]
    assert [loader.batch_size for loader in loaders] == [8, 8, 2]
    assert [loader.num_workers for loader in loaders] == [0] * 3
    for loader in loaders[1:]:
        assert loader.dataset.test_mode and loader.dataset.split == 'val'
        assert loader.sampler == dict(type='DefaultSampler', shuffle=False)


def test_class_prob_draws_as_pyskl_does():
    """Whole passes, then that share of the class; by a naive loop."""
    cfg = built(source('dgstgcn'))
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    sampler = DATA_SAMPLERS.build(
        cfg.train_dataloader.sampler,
        default_args=dict(dataset=dataset, seed=0),
    )
    expected = []
    for label, prob in enumerate([1, 1, 1.25, 2]):
        for _ in range(int(prob * dataset.times)):
            expected += [label] * 4
        rest = prob * dataset.times % 1
        expected += [label] * int(rest * 4)
    labels = [
        dataset.dataset.labels[i % len(dataset.dataset)] for i in sampler
    ]
    assert sorted(labels) == expected


def data_of(cfg):
    """The training data, as a sampler takes them."""
    return dict(dataset=DATASETS.build(built(cfg).train_dataloader.dataset))


@pytest.mark.parametrize(
    ('given', 'there'),
    [
        ({0: 2, 3: 0.5}, [2, 1, 1, 0.5]),
        ({2: 0}, [1, 1, 0, 1]),
        ({}, [1, 1, 1, 1]),
        ([1, 2, 3, 4], [1, 2, 3, 4]),
        ([1, 2], [1, 2, 1, 1]),
        ((1, 2, 3, 4), [1, 2, 3, 4]),
    ],
)
def test_class_prob_is_a_list_by_class(given, there):
    cfg = source('stgcnpp')
    cfg['data']['train']['dataset']['class_prob'] = given
    sampler = convert_config(cfg).config['train_dataloader']['sampler']
    assert sampler['class_prob'] == there
    sampled = DATA_SAMPLERS.build(sampler, default_args=data_of(cfg))
    del cfg['model']['cls_head']['num_classes']  # the data will say it
    sampler = built(cfg).train_dataloader.sampler
    again = DATA_SAMPLERS.build(sampler, default_args=data_of(cfg))
    assert (again.draws == sampled.draws).all()
    assert sampled.draws.tolist() == [8 * number for number in there]
    cfg['data']['val']['class_prob'] = given
    new, notes = convert_config(cfg)
    assert new['val_dataloader']['sampler']['type'] == 'DefaultSampler'
    assert ('data.val.class_prob', 'dropped') in [n[:2] for n in notes]


@pytest.mark.parametrize('given', [{4: 2}, {'0': 2}, [1] * 5])
def test_class_prob_of_unknown_classes_is_refused(given):
    cfg = source('stgcnpp')
    cfg['data']['train']['dataset']['class_prob'] = given
    with pytest.raises(ValueError, match=r'Expected classes in 0\.\.3'):
        convert_config(cfg)


def test_without_a_test_set_there_is_no_test():
    cfg = source('stgcnpp')
    del cfg['data']['test']
    config, notes = convert_config(cfg)
    assert not [key for key in config if key.startswith('test_')]
    assert 'data.test_dataloader' in [note.path for note in notes]


def test_several_data_sets_are_one():
    cfg = source('stgcnpp')
    part = cfg['data']['train']['dataset']
    cfg['data']['train'] = dict(type='ConcatDataset', datasets=[part, part])
    train = DATASETS.build(built(cfg).train_dataloader.dataset)
    assert len(train) == 2 * 16


def test_none_in_a_data_set_is_its_default():
    cfg = source('stgcnpp')
    cfg['data']['val'].update(box_thr=None, valid_ratio=None)
    cfg['data']['test'].update(box_thr=0.5, valid_ratio=0.3)
    config = convert_config(cfg).config
    assert 'box_thr' not in config['val_dataloader']['dataset']
    test = config['test_dataloader']['dataset']
    assert (test['box_thr'], test['valid_ratio']) == (0.5, 0.3)


@pytest.mark.parametrize(
    ('parts', 'kind'), [(1, 'changed'), (2, 'unmapped'), (3, 'unmapped')]
)
def test_class_prob_of_one_of_several_data_sets_is_not_mapped(parts, kind):
    """The sampler would draw by it from all of them."""
    cfg = source('dgstgcn')
    inner = cfg['data']['train']['dataset']
    plain = {k: v for k, v in inner.items() if k != 'class_prob'}
    cfg['data']['train']['dataset'] = dict(
        type='ConcatDataset', datasets=[inner] + [plain] * (parts - 1)
    )
    config, notes = convert_config(cfg)
    path = 'data.train.dataset.datasets[0].class_prob'
    assert [n.kind for n in notes if n.path == path] == [kind]
    sampler = config['train_dataloader']['sampler']
    assert ('class_prob' in sampler) == (parts == 1)
