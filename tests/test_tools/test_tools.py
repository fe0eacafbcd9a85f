"""The small tools, and the start of train.py; see also test_end_to_end.py."""

import csv
import pickle
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.config import Config

from mmshapmix.cli import quickstart, train
from mmshapmix.datasets import LongTailPoseDataset
from mmshapmix.engine.launch import alone
from mmshapmix.functional.longtail import long_tail_counts
from mmshapmix.io.locks import locked

from ..conftest import make_data
from ..running import call_tool, leaf, save_checkpoint

ROOT = Path(__file__).parents[2]
TAIL = ('--max-per-class', '12', '--imbalance-ratio', '4')


@pytest.fixture
def tool(capsys):
    """Run a tool in this process; return its exit status and its output."""

    def run(name, *args):
        capsys.readouterr()
        code = call_tool(name, *args)
        out, err = capsys.readouterr()
        if isinstance(code, str):  # Python prints it, and exits with 1
            code, err = 1, f'{err}{code}\n'
        return SimpleNamespace(returncode=code or 0, stdout=out, stderr=err)

    return run


# make_longtail.py ------------------------------------------------------------


def test_make_longtail_writes_what_the_data_set_cuts(write, tmp_path, tool):
    path = write(make_data(5, 12))
    out = tmp_path / 'new' / 'lt.pkl'
    result = tool('data/make_longtail.py', path, 'train', out, *TAIL)
    assert result.returncode == 0, result.stderr
    by_config = LongTailPoseDataset(
        path,
        [],
        split='train',
        long_tail=dict(max_per_class=12, imbalance_ratio=4),
    )
    names = [by_config.get_data_info(i)['frame_dir'] for i in range(27)]
    by_split = LongTailPoseDataset(str(out), [], split='train_lt4')
    listed = tmp_path / 'new' / 'lt_train_lt4.txt'
    by_list = LongTailPoseDataset(
        path, [], split='train', sample_list=str(listed)
    )
    for dataset in (by_split, by_list):
        assert len(dataset) == len(by_config)
        for i, name in enumerate(names):
            assert dataset.get_data_info(i)['frame_dir'] == name
    with open(out, 'rb') as file:
        data = pickle.load(file)
    assert set(data['split']) == {'train', 'val', 'train_lt4'}
    printed = re.findall(r'class +(\d+) +(\d+)', result.stdout)
    assert [int(n) for _, n in printed] == (
        long_tail_counts(5, 12, 4).tolist()
    )
    assert 'imbalance ratio 4;' in result.stdout


def test_make_longtail_of_numbered_samples_and_a_bad_one(
    write, tmp_path, tool
):
    data = make_data(3, 13)
    for i, row in enumerate(data['annotations']):
        row['frame_dir'] = i
    data['split']['train'] = list(range(39))
    data['annotations'][7]['keypoint'] *= np.nan
    path, out = write(data), tmp_path / 'lt.pkl'
    args = ('data/make_longtail.py', path, 'train', out, *TAIL)
    refused = tool(*args)
    assert refused.returncode == 1 and '--skip-bad' in refused.stderr
    assert re.search(r'sample 7 of .*data\.pkl', refused.stderr)
    assert tool(*args, '--skip-bad').returncode == 0
    by_list = LongTailPoseDataset(
        path, [], sample_list=str(tmp_path / 'lt_train_lt4.txt')
    )
    by_split = LongTailPoseDataset(str(out), [], split='train_lt4')
    assert by_list.names.tolist() == by_split.names.tolist()
    assert 7 not in by_list.names
    assert by_list.class_counts.tolist() == [12, 6, 3]


def test_make_longtail_overwrites_only_when_told(write, tmp_path, tool):
    path, out = write(make_data(3, 12)), tmp_path / 'lt.pkl'
    args = ('data/make_longtail.py', path, 'train', out, *TAIL)
    assert tool(*args).returncode == 0
    kept = out.read_bytes()
    again = tool(*args, '--seed', '1')
    assert again.returncode == 1 and '--force overwrites' in again.stderr
    assert out.read_bytes() == kept
    assert tool(*args, '--seed', '1', '--force').returncode == 0
    assert out.read_bytes() != kept


@pytest.mark.parametrize(
    ('split', 'name', 'message'),
    [
        ('nowhere', 'x', r"\['train', 'val'\]\), but got 'nowhere'"),
        ('train', 'val', "'val' already"),
    ],
)
def test_make_longtail_says_what_is_wrong(
    write, tmp_path, split, name, message, tool
):
    path, out = write(make_data(3, 12)), tmp_path / 'lt.pkl'
    result = tool(
        'data/make_longtail.py', path, split, out, *TAIL, '--name', name
    )
    assert result.returncode == 1 and re.search(message, result.stderr)
    assert 'Traceback' not in result.stderr and not out.exists()


# plot_per_class.py -----------------------------------------------------------


def write_table(path, classes, **columns):
    rows = [
        dict(
            class_id=k,
            name=f'action {k}',
            train_samples=10 * k,
            test_samples=4,
            correct=k % 5,
            **columns,
        )
        for k in classes
    ]
    with path.open('w', newline='') as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_bars_are_the_accuracies_from_head_to_tail(tmp_path, monkeypatch):
    from matplotlib import pyplot as plt

    from mmshapmix.analysis.per_class import plot_per_class, read_table

    table = read_table(write_table(tmp_path / 'a.csv', range(5)))
    monkeypatch.setattr(plt, 'close', lambda figure: None)
    plot_per_class(dict(one=table, two=table), tmp_path / 'x.png')
    axes = plt.gca()
    for bars in axes.containers:
        heights = [bar.get_height() for bar in bars]
        np.testing.assert_allclose(heights, [100, 75, 50, 25, 0])
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels[0] == 'action 4 (40)' and labels[-1] == 'action 0 (0)'
    assert {t.get_text() for t in axes.get_legend().get_texts()} == {
        'one',
        'two',
    }


def test_a_class_without_test_samples_has_no_bar(tmp_path, monkeypatch):
    """It differs from a class that is always wrong."""
    from matplotlib import pyplot as plt

    from mmshapmix.analysis.per_class import plot_per_class, read_table

    table = read_table(write_table(tmp_path / 'a.csv', range(2)))
    table[1].update(test_samples='0', correct='0')
    monkeypatch.setattr(plt, 'close', lambda figure: None)
    plot_per_class(dict(one=table), tmp_path / 'x.png')
    heights = [bar.get_height() for bar in plt.gca().containers[0]]
    np.testing.assert_array_equal(heights, [np.nan, 0])


def test_plot_per_class(tmp_path, tool):
    one = write_table(tmp_path / 'a.csv', range(5))
    out = tmp_path / 'figure.png'
    result = tool(
        'analysis/plot_per_class.py', f'A={one}', f'B={one}', '--out', out
    )
    assert result.returncode == 0, result.stderr
    assert out.read_bytes().startswith(b'\x89PNG')


def test_plot_per_class_says_what_is_wrong(tmp_path, tool):
    one = write_table(tmp_path / 'a.csv', range(5))
    other = write_table(tmp_path / 'b.csv', range(4))
    text = tmp_path / 'c.csv'
    text.write_text('a,b\n1,2\n')
    for args, message in (
        ([f'A={one}', f'B={other}'], "'B' has others"),
        ([f'A={text}'], 'class_id'),
        (['A=nowhere.csv'], 'nowhere.csv'),
        ([str(one)], 'expected NAME=CSV'),
    ):
        result = tool('analysis/plot_per_class.py', *args)
        assert result.returncode != 0 and message in result.stderr
        assert 'Traceback' not in result.stderr


# quickstart.py ---------------------------------------------------------------


@pytest.mark.slow
def test_quickstart(tmp_path, tool):
    """One pass each; see `make quickstart` for the real one.

    The name of the folder is one that no option would take unchanged.
    """
    folder = tmp_path / "it's, [x] {y} =1 ü"
    args = ['--work-dir', folder, '--passes', '1', '--seeds', '3']
    result = tool('quickstart.py', *args)
    assert result.returncode == 0, result.stdout + result.stderr
    assert '$ mmshapmix train ' in result.stdout
    assert '$ mmshapmix test ' in result.stdout
    for name in ('cross-entropy', 'balanced softmax', 'Shap-Mix'):
        assert f'  {name}, seed 3: train [1][20/' in result.stdout
        row = re.search(rf'{name}.*', result.stdout.split('Results')[1])[0]
        values = [float(x) for x in re.findall(r'\d+\.\d', row)]
        assert len(values) == 4 and all(0 <= v <= 100 for v in values)
    for figure in ('per_class.png', 'saliency.png'):
        content = (folder / figure).read_bytes()
        assert content.startswith(b'\x89PNG')
    assert len(list(folder.glob('seed3/*/epoch_1.pth'))) == 3
    assert 'One seed does not tell differences from noise' in result.stdout


def test_quickstart_tells_differences_from_noise():
    runs = {
        name: [dict(overall=x, few=0.5) for x in values]
        for name, values in dict(
            a=(0.80, 0.82, 0.81), b=(0.90, 0.91, 0.92), c=(0.93, 0.89, 0.92)
        ).items()
    }
    lines = quickstart.comparisons(runs)[1:]
    assert lines == [
        '  b against a: overall +10.0 (more than noise), '
        'few +0.0 (within noise)',
        '  c against a: overall +10.3 (more than noise), '
        'few +0.0 (within noise)',
        '  c against b: overall +0.3 (within noise), few +0.0 (within noise)',
    ]
    assert quickstart.is_sure([0.1, 0.1])  # all differences are equal


def test_quickstart_shows_mean_and_deviation():
    runs = [dict.fromkeys(quickstart.COLUMNS, x) for x in (0.8, 0.9)]
    row = quickstart.row_of('a', runs)
    assert row == dict.fromkeys(row, '85.0 ± 7.1') | dict(model='a')
    assert quickstart.row_of('a', runs[:1])['few'] == '80.0'


@pytest.mark.parametrize('seeds', [('0', '0'), ('-1',)])
def test_quickstart_refuses_seeds(capsys, seeds):
    with pytest.raises(SystemExit):
        quickstart.parse_args(['--seeds', *seeds])
    assert '--seeds: expected' in capsys.readouterr().err


# Functions that the tools share ----------------------------------------------


def test_flags_of_train():
    def merged(*flags, **cfg):
        defaults = dict(optim_wrapper={}, auto_scale_lr=dict(enable=False))
        cfg = Config({**defaults, **cfg})
        train.merge_args(cfg, train.parse_args(['x.py', *flags]))
        return cfg

    cfg = merged('--amp', '--auto-scale-lr', '--no-validate')
    assert cfg.optim_wrapper.type == 'mmshapmix.AmpOptimWrapper'
    assert cfg.auto_scale_lr.enable
    assert cfg.val_cfg is cfg.val_dataloader is cfg.val_evaluator is None
    assert merged().randomness == dict(seed=None)
    hooks = merged('--compile', default_hooks=dict(a=1)).default_hooks
    assert hooks == dict(a=1, compile=dict(type='mmshapmix.CompileHook'))
    kept = merged(randomness=dict(seed=3, deterministic=False))
    assert kept.randomness == dict(seed=3, deterministic=False)
    told = merged('--seed', '0', '--deterministic', randomness=kept.randomness)
    assert told.randomness == dict(seed=0, deterministic=True)
    with pytest.raises(ValueError, match="--amp, but got 'Mine'"):
        merged('--amp', optim_wrapper=dict(type='Mine'))


@pytest.fixture
def start(tmp_path):
    """Checkpoint from which a training with these arguments starts."""

    def find(args, **settings):
        work = dict(work_dir=str(tmp_path), load_from='of_config.pth')
        cfg = Config({**work, **settings})
        train.set_start(cfg, train.parse_args(['config.py', *args]))
        return bool(cfg.get('resume')), cfg.load_from

    return find


GOES_ON = (True, None)  # from the newest in the folder


@pytest.mark.parametrize(
    ('args', 'begun', 'expected'),
    [
        ([], False, (False, 'of_config.pth')),
        (['--load-from', 'x.pth'], False, (False, 'x.pth')),
        (['--resume', 'x.pth'], False, (True, 'x.pth')),
        (['--resume'], True, GOES_ON),
        # A second stage that was killed before its first checkpoint starts
        # anew.
        (['--resume'], False, (False, 'of_config.pth')),
        (['--overwrite'], True, (False, 'of_config.pth')),
        (['--overwrite', '--load-from', 'x.pth'], True, (False, 'x.pth')),
        (['--overwrite', '--resume', 'x.pth'], True, (True, 'x.pth')),
    ],
)
def test_where_a_training_starts(tmp_path, start, args, begun, expected):
    if begun:
        save_checkpoint(tmp_path / 'epoch_1.pth')
    assert start(args) == expected
    kept = begun and '--overwrite' not in args
    assert (tmp_path / 'epoch_1.pth').exists() == kept


@pytest.mark.parametrize('args', [[], ['--load-from', 'x.pth']])
@pytest.mark.parametrize('name', ['epoch_1', 'iter_9', 'best_acc_epoch_1'])
def test_a_training_writes_over_no_other(tmp_path, start, args, name):
    save_checkpoint(tmp_path / f'{name}.pth')
    with pytest.raises(FileExistsError, match=f'{name}.pth.*--overwrite'):
        start(args)
    (tmp_path / f'{name}.pth').rename(tmp_path / 'mine.pth')
    start(args)


def test_a_config_that_resumes(tmp_path, start):
    """As --resume, or --resume x.pth, which goes back only if asked to."""
    assert start([], resume=True, load_from=None) == (False, None)
    for epoch in (1, 2):
        save_checkpoint(tmp_path / f'epoch_{epoch}.pth')
    assert start([], resume=True, load_from=None) == GOES_ON
    assert start(['--resume'], resume=True) == GOES_ON
    first = str(tmp_path / 'epoch_1.pth')
    with pytest.raises(FileExistsError, match='epoch_2.pth'):
        start([], resume=True, load_from=first)
    assert start(['--overwrite'], resume=True, load_from=first)[0]
    assert start([], resume=True, load_from=first) == (True, first)


def test_checkpoints_of_a_folder_of_their_own_count(tmp_path, start):
    hook = dict(checkpoint=dict(out_dir=str(tmp_path / 'out')))
    (tmp_path / 'out' / tmp_path.name).mkdir(parents=True)
    save_checkpoint(tmp_path / 'out' / tmp_path.name / 'epoch_1.pth')
    with pytest.raises(FileExistsError, match='epoch_1.pth'):
        start([], default_hooks=hook)
    assert start(['--resume'], default_hooks=hook) == GOES_ON


def test_only_the_first_process_looks_for_checkpoints(
    tmp_path, start, monkeypatch
):
    """The first process may already have renamed some checkpoints."""
    save_checkpoint(tmp_path / 'epoch_1.pth')
    monkeypatch.setenv('RANK', '1')
    start(['--launcher', 'pytorch', '--overwrite'])
    assert (tmp_path / 'epoch_1.pth').exists()
    with pytest.raises(FileExistsError):
        start([])


def test_going_on_and_beginning_anew_exclude_each_other(start, capsys):
    with pytest.raises(SystemExit):
        start(['--resume', '--overwrite'])
    assert 'not with --resume' in capsys.readouterr().err


# train.py --------------------------------------------------------------------


def said_by_train(*args):
    """Exit text of a training's start, also of an error that is passed on."""
    try:
        return call_tool('train.py', *args)
    except ValueError as error:
        return str(error)


def test_a_training_is_alone_in_its_folder(tmp_path):
    config = leaf('ce')
    folder = tmp_path / 'work'
    with locked(folder):
        said = said_by_train(config, '--work-dir', folder)
    assert f'alone in {folder}, but another command' in said
    assert [path.name for path in folder.iterdir()] == ['.lock']


@pytest.mark.parametrize('rank', ['0', '1'])
def test_of_many_processes_one_holds_the_lock(tmp_path, monkeypatch, rank):
    monkeypatch.setenv('RANK', rank)
    monkeypatch.setenv('SLURM_PROCID', '5')
    cfg = Config(dict(work_dir=str(tmp_path), launcher='pytorch'))
    with alone(cfg):
        if rank == '0':
            with pytest.raises(ValueError, match='alone in'):
                locked(tmp_path).__enter__()
        else:
            assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ('name', 'text', 'message'),
    [
        ('x.py', 'import sys; sys.exit(0)', r'it ends the .*\(exit status 0'),
        ('x.yml', '', 'cannot be read'),
        ('x.yml', 'a:\n\tb: 1', 'cannot be read: .* line 2'),
        ('x.yml', 'a: !!python/object/apply:os._exit [0]', 'os._exit'),
        ('x.json', '{', 'cannot be read'),
    ],
)
def test_a_config_that_is_none_is_a_line(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    said = said_by_train(tmp_path / name)
    assert name in said and re.search(message, said) and '\n' not in said
