"""Runs the real tools from a user's working folder."""

import io
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import mmaction
import pytest
import torch
from mmaction.visualization import ActionVisualizer
from mmengine.logging import MessageHub, MMLogger
from mmengine.visualization import Visualizer
from packaging.version import Version

from mmshapmix import cli
from mmshapmix.datasets.annotations import save_pickle
from mmshapmix.datasets.synthetic import make_dataset
from mmshapmix.dependencies import installed_version
from mmshapmix.words import method_files

ROOT = Path(__file__).parents[1]
TOOLS = ROOT / 'tools'
DOORS = {
    path.relative_to(TOOLS).as_posix(): re.search(
        r"run_tool\('(.+)'\)", path.read_text()
    )[1]
    for path in TOOLS.rglob('*.py')
}
"""Subcommand of each script in ``tools``."""
LEAVES = tempfile.TemporaryDirectory(prefix='leaves')


def leaf(method, **words):
    """A user's config that is a method with its words, on the synthetic set.

    Args:
        method: Name of a method.
        **words: Words of :mod:`mmshapmix.words`.
    """
    words = dict(data='synthetic-lt') | words
    path = Path(LEAVES.name, f'{"_".join([method, *words.values()])}.py')
    source = method_files()[method]
    name = f'{source.parent.name}/{source.name}'
    path.write_text(
        f"_base_ = __import__('mmshapmix').method({name!r}, **{words})\n"
    )
    return path


SMALL = """
val_dataloader = dict(num_workers=0, persistent_workers=False)
test_dataloader = dict(num_workers=0, persistent_workers=False)
model = dict(
    backbone=dict(
        base_channels=8, num_stages=3, inflate_stages=[2], down_stages=[2]),
    cls_head=dict(in_channels=16))
"""
"""Part of a config: a small model, tested without workers."""

FRAGILE = """
from pathlib import Path
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

@HOOKS.register_module()
class Fragile(Hook):
    def before_test(self, runner):
        if Path('broken').exists():
            raise RuntimeError('it is broken')
"""
"""A user's hook: the test fails as long as the file ``broken`` exists."""


@contextmanager
def user_folder(root, val_per_class=3):
    """A user's working folder, with small data and the hook FRAGILE."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv('PYTHONPATH', '.')
        patch.syspath_prepend(str(root))
        save_pickle(
            make_dataset(
                max_per_class=12,
                imbalance_ratio=6,
                val_per_class=val_per_class,
            ),
            'data/skeleton/synthetic.pkl',
        )
        Path('fragile.py').write_text(FRAGILE)
        yield root


def forget_runs():
    """Drop what MMEngine keeps of earlier runs, and finds by their names.

    The visualizers also keep their figures.
    """
    for kind in (MMLogger, MessageHub, Visualizer, ActionVisualizer):
        kind._instance_dict.clear()


def call_tool(name, *args):
    """Run a tool in this process; return its exit code or text, or ``None``.

    Args:
        name: The subcommand, or the script in ``tools`` that runs it.
        *args: Arguments on the command line.
    """
    forget_runs()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', [name, *map(str, args)])
        try:
            cli.run_tool(DOORS.get(name, name))
        except SystemExit as error:
            return error.code
    return None


def run_tool(name, *args):
    """Run a tool in this process; return its output, or fail if it fails."""
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        code = call_tool(name, *args)
    assert not code, f'{printed.getvalue()[-5000:]}\n{code}'
    return printed.getvalue()


def contents(folder):
    """Files of a folder, and the times when they were written."""
    files = filter(Path.is_file, Path(folder).rglob('*'))
    return {path: path.stat().st_mtime_ns for path in files}


def environment():
    """The environment of a user who keeps modules in the current folder."""
    return dict(
        os.environ, OMP_NUM_THREADS='1', PYTHON=sys.executable, PYTHONPATH='.'
    )


def run(*args, **kwargs):
    """Run a command in the current folder; if it fails, show its output."""
    result = subprocess.run(
        [str(a) for a in args],
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
        **kwargs,
    )
    assert result.returncode == 0, result.stdout[-5000:]
    return result.stdout


def mmaction_tool(name):
    """Return the command of a script in MMAction2's own ``tools``.

    On the fork of OneDL Lab, MMAction2 refuses mmcv unless mmshapmix is
    imported first.
    """
    script = Path(mmaction.__file__).parent / '.mim' / 'tools' / name
    newer = installed_version('mmcv') >= Version('2.2')
    first = ('-m', 'mmshapmix.mended') if newer else ()
    return (sys.executable, *first, script)


def train(config, work_dir, *options):
    """Train in this process with seed 0; return the output."""
    return run_tool(
        *('train.py', config, '--work-dir', work_dir),
        *('--cfg-options', 'randomness.seed=0', *options),
    )


def train_and_kill(config, work_dir, sign):
    """Train, and kill the training as soon as its output shows a sign."""
    log = Path(f'{work_dir}.log')
    with log.open('w') as file:
        process = subprocess.Popen(
            [
                sys.executable,
                TOOLS / 'train.py',
                config,
                '--work-dir',
                work_dir,
                '--seed',
                '0',
            ],
            stdout=file,
            stderr=file,
            start_new_session=True,
            env=environment(),
        )
        deadline = time.time() + 120
        while sign not in log.read_text():
            assert process.poll() is None and time.time() < deadline
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def train_distributed(config, work_dir, *args):
    """Train with two gloo processes."""
    port = str(20000 + os.getpid() % 20000)
    script = TOOLS / 'dist_train.sh'
    return run(
        *('env', f'PORT={port}', 'bash', script, config, 2),
        *('--work-dir', work_dir, *args),
    )


def evaluate(config, work_dir, path, *args):
    """Test a checkpoint in this process; return the output."""
    return run_tool('test.py', config, path, '--work-dir', work_dir, *args)


def metrics_of(text):
    """The last line of metrics in a log."""
    line = [x for x in text.splitlines() if 'acc/top1:' in x][-1]
    return {k: float(v) for k, v in re.findall(r'acc/(\w+): ([\d.]+)', line)}


def losses_of(text):
    return [float(x) for x in re.findall(r' loss_cls: ([\d.]+)', text)]


def checkpoint(work_dir, epoch):
    return torch.load(Path(work_dir) / f'epoch_{epoch}.pth', weights_only=True)


def save_checkpoint(path, weights=0):
    """Save a checkpoint with all that resuming reads."""
    state = dict(weights=torch.tensor(weights))
    meta = dict(epoch=1, iter=1)
    torch.save(dict(meta=meta, message_hub={}, state_dict=state), path)


def assert_same_weights(one, other, epoch):
    one, other = (checkpoint(w, epoch)['state_dict'] for w in (one, other))
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name
