"""Published checkpoints through the real tools."""

import pickle
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DATASETS, MODELS, DefaultScope

from mmshapmix.analysis.scores import read_scores

from ..parity import fill
from ..running import call_tool, leaf, user_folder

LEAF = leaf('ce')
CONFIG = f"""
_base_ = {str(LEAF)!r}
test_dataloader = dict(num_workers=0, persistent_workers=False)
model = dict(
    backbone=dict(
        base_channels=8, num_stages=2, inflate_stages=[2], down_stages=[2]),
    cls_head=dict(in_channels=16))
"""
OTHER_CLASSES = """
_base_ = 'config.py'
model = dict(cls_head=dict(num_classes=5))
"""

convert = partial(call_tool, 'convert/pyskl_checkpoint.py')


def recognizer():
    """The model of the config, with weights that distinguish the samples."""
    model = MODELS.build(Config.fromfile('config.py').model)
    for name, value in model.state_dict().items():
        if value.is_floating_point() and not name.endswith('.A'):
            weight = torch.tensor(fill(name, value.shape))
            value.copy_(weight * (50 if name.endswith('fc.weight') else 1))
    return model.eval()


def scores_of(model):
    """The model's scores of the test data, by name."""
    cfg = Config.fromfile('config.py').test_dataloader.dataset
    dataset = DATASETS.build(cfg)
    with torch.no_grad():
        samples = model.test_step(
            pseudo_collate([dataset[i] for i in range(len(dataset))])
        )
    return {row.frame_dir: row.pred_score.numpy() for row in samples}


@pytest.fixture(scope='module', autouse=True)
def published(tmp_path_factory):
    """A user's folder with ``pyskl.pth``, and a model of the same weights."""
    with (
        user_folder(tmp_path_factory.mktemp('user')),
        DefaultScope.overwrite_default_scope('mmaction'),
    ):
        Path('config.py').write_text(CONFIG)
        Path('other.py').write_text(OTHER_CLASSES)
        model = recognizer()
        state = {
            f'module.{name}'.replace('.fc.', '.fc_cls.'): value
            for name, value in model.state_dict().items()
        }
        meta = dict(epoch=16, CLASSES=['wave'], config='work_dir = 1')
        torch.save(dict(state_dict=state, meta=meta), 'pyskl.pth')
        assert convert('config.py', 'pyskl.pth', 'ours/x.pth') is None
        yield model


@pytest.mark.parametrize('checkpoint', ['ours/x.pth', 'pyskl.pth'])
def test_the_tested_model_is_the_published_one(published, checkpoint):
    """Converted before the test, or by the hook."""
    dump = f'{Path(checkpoint).stem}.pkl'
    work_dir = f'work_{Path(checkpoint).stem}'
    args = ('config.py', checkpoint, '--work-dir', work_dir, '--dump', dump)
    assert call_tool('test.py', *args) is None
    log = next(Path(work_dir).rglob('*.log')).read_text()
    assert 'do not match exactly' not in log and 'acc/top1' in log
    by_hook = 'tensors of a PYSKL checkpoint' in log
    assert by_hook == (checkpoint == 'pyskl.pth')
    found, expected = read_scores(dump), scores_of(published)
    assert {*found.names} == {*expected} and len(expected) == 48
    rows = np.stack([expected[name] for name in found.names])
    assert rows.std(0).max() > 1e-3  # scores differ between samples
    np.testing.assert_allclose(found.scores, rows, rtol=1e-4, atol=1e-6)


STOCK = """
_base_ = 'config.py'
default_hooks = dict(_delete_=True, logger=dict(type='LoggerHook'))
"""


def odd(checkpoint, name):
    """Write a copy with changed names or content of its state or meta."""
    found = torch.load(checkpoint, weights_only=True)
    state, meta = found['state_dict'], found['meta']
    changed = {
        'prefix': dict(
            state_dict={f'model.{n}': v for n, v in state.items()}, meta=meta
        ),
        'head': dict(
            state_dict={n: v for n, v in state.items() if 'head' not in n},
            meta=meta,
        ),
        'list': dict(state_dict=[1]),
        'meta': dict(state_dict=state, meta=None),
        'counts': dict(state_dict=state, meta=dict(class_counts='abc')),
    }[name]
    torch.save(changed, f'{name}.pth')
    return f'{name}.pth'


@pytest.mark.parametrize(
    ('name', 'config', 'message'),
    [
        ('prefix', 'config.py', "prefix.pth has others.*begin with 'model.'"),
        ('head', 'stock.py', 'head.pth has others.*It has no head'),
        ('list', 'stock.py', 'list.pth has none'),
        ('meta', 'config.py', "a dict as 'meta' of meta.pth"),
        ('counts', 'config.py', "'class_counts'. of counts.pth"),
    ],
)
def test_odd_checkpoints_end_a_test_with_one_line(name, config, message):
    """Also with a config that has none of our hooks."""
    Path('stock.py').write_text(STOCK)
    args = (config, odd('ours/x.pth', name), '--work-dir', 'odd')
    end = call_tool('test.py', *args)
    assert re.fullmatch(rf'test\.py: Expected .*{message}.*', end)


@pytest.mark.filterwarnings('ignore:The profile asks for')
def test_a_training_starts_with_another_head_or_with_what_fits():
    """One line of the log says which parameters start anew."""
    found = torch.load('ours/x.pth', weights_only=True)
    for name in ('cls_head.fc.weight', 'cls_head.fc.bias'):
        found['state_dict'][name] = found['state_dict'][name][:5]
    torch.save(found, 'few.pth')
    short = ('--cfg-options', 'train_cfg.max_epochs=0', 'param_scheduler=[]')
    start = partial(
        call_tool, 'train.py', 'config.py', '--load-from', 'few.pth'
    )
    assert start('--work-dir', 'start', *short) is None
    log = next(Path('start').rglob('*.log')).read_text()
    assert 'anew: 2 (cls_head.fc.bias, cls_head.fc.weight)' in log
    wide = (*short, 'model.backbone.num_stages=3')
    end = start('--work-dir', 'wide', *wide)
    assert 'missing: ' in end and 'tools/train.py --partial' in end
    assert start('--work-dir', 'wide', '--partial', *wide) is None


def test_the_written_file_is_an_ordinary_checkpoint(published, capsys):
    found = torch.load('ours/x.pth', weights_only=True)
    own = published.state_dict()
    assert found['state_dict'].keys() == own.keys()
    assert all(torch.equal(found['state_dict'][n], own[n]) for n in own)
    assert found['meta'] == dict(epoch=16, CLASSES=['wave'])
    args = ('config.py', 'pyskl.pth', 'again.pth')
    assert convert(*args) is None
    line = f'PYSKL to MMAction2: {len(own)} tensors, 16 classes\nagain.pth\n'
    assert capsys.readouterr().out.endswith(line)


def test_back_to_pyskl(capsys):
    assert convert('config.py', 'ours/x.pth', 'back.pth', '--reverse') is None
    assert 'MMAction2 to PYSKL: ' in capsys.readouterr().out
    back, first = (
        torch.load(path, weights_only=True)['state_dict']
        for path in ('back.pth', 'pyskl.pth')
    )
    assert [f'module.{name}' for name in back] == [*first]
    assert all(torch.equal(back[n], first[f'module.{n}']) for n in back)


def test_without_the_head_for_other_classes(capsys):
    args = ('other.py', 'pyskl.pth', 'headless.pth')
    assert 'It knows 16 classes, the model 5.' in convert(*args)
    assert not Path('headless.pth').exists()
    assert convert(*args, '--without-head') is None
    assert 'tensors, without the head' in capsys.readouterr().out
    state = torch.load('headless.pth', weights_only=True)['state_dict']
    assert {name.split('.')[0] for name in state} == {'backbone'}


def test_it_overwrites_only_when_told():
    Path('kept.pth').write_text('mine')
    args = ('config.py', 'pyskl.pth', 'kept.pth')
    assert 'kept.pth is there already; --force overwrites' in convert(*args)
    assert Path('kept.pth').read_text() == 'mine'
    assert convert(*args, '--force') is None
    assert Path('kept.pth').stat().st_size > 1000


@pytest.mark.parametrize(
    ('config', 'checkpoint', 'message'),
    [
        ('config.py', 'nowhere.pth', 'a checkpoint at nowhere.pth'),
        ('nowhere.py', 'pyskl.pth', 'a config at nowhere.py'),
        ('config.py', 'cut.pth', 'cut.pth cannot be read: it is truncated'),
        ('config.py', 'ours/x.pth', "MMAction2's own models need no conv"),
        (
            leaf('ce'),
            'pyskl.pth',
            'Take the config of the model that was trained',
        ),
    ],
)
def test_it_ends_with_a_line_that_says_what_is_wrong(
    config, checkpoint, message
):
    Path('cut.pth').write_bytes(Path('pyskl.pth').read_bytes()[:5000])
    end = convert(config, checkpoint, 'bad.pth')
    assert end.startswith('pyskl_checkpoint.py: ') and message in end
    assert not Path('bad.pth').exists()


# pyskl_results.py ------------------------------------------------------------

results = partial(call_tool, 'convert/pyskl_results.py')
ANN_FILE = 'data/skeleton/synthetic.pkl'


@pytest.fixture(scope='module')
def order():
    """Names of the tested samples, in the order of the annotations."""
    with open(ANN_FILE, 'rb') as file:
        data = pickle.load(file)
    split = {*data['split']['val']}
    names = [row['frame_dir'] for row in data['annotations']]
    return [name for name in names if name in split]


def test_pyskls_scores_are_fused(published, order, capsys):
    """The published model's scores, by PYSKL's test and by ours."""
    expected = scores_of(published)
    rows = [expected[name] for name in order]
    Path('result.pkl').write_bytes(pickle.dumps(rows))
    args = ('result.pkl', ANN_FILE, 'dump.pkl', '--split', 'val')
    assert results(*args) is None
    said = capsys.readouterr().out
    assert 'dump.pkl is there already' in results(*args)
    found = read_scores('dump.pkl')
    assert [*found.names] == order
    np.testing.assert_array_equal(found.scores, np.stack(rows))
    fuse = partial(call_tool, 'analysis/fuse_streams.py')
    assert fuse('j=dump.pkl', 'b=dump.pkl') is None
    top1 = 100 * np.mean(found.scores.argmax(1) == found.labels)
    assert said.startswith(f'48 samples, 16 classes; top-1 {top1:.2f}%: ')
    printed = capsys.readouterr().out
    assert len(re.findall(rf'│ +{top1:.1f} +│', printed)) >= 3


def test_results_end_with_a_line_that_says_what_is_wrong(published, order):
    rows = list(np.ones((len(order) + 1, 16)))
    Path('more.pkl').write_bytes(pickle.dumps(rows))
    end = results('more.pkl', ANN_FILE, 'bad.pkl', '--split', 'val')
    assert end.startswith('pyskl_results.py: Expected scores of 48 samples')
    end = results('more.pkl', ANN_FILE, 'bad.pkl', '--split', 'test')
    assert "'val'" in end and "got 'test'" in end
    assert not Path('bad.pkl').exists()
