"""Kill trainings at all moments, resume them, and check that nothing is lost.

    python tests/drills/kill.py --random 50

A tiny training is killed (SIGKILL) at chosen steps of its work, for example in
the middle of writing a checkpoint, and after random times; or its disk is full
from a step on. Then the same command with --resume continues, and may be
killed again, until the training ends. The training must end with the weights,
checkpoints and validations of an undisturbed one. Each training is a fork of
this process, which saves the time of the imports. POSIX only.
"""

import argparse
import contextlib
import gc
import importlib
import json
import os
import random
import resource
import runpy
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
EPOCHS = 3
CONFIG = f"""
_base_ = __import__('mmshapmix').method(
    'baseline/ce.py', data='synthetic-lt')
train_dataloader = dict(
    batch_size=8, num_workers=0, persistent_workers=False,
    dataset=dict(times=1, dataset=dict(
        ann_file='data.pkl',
        long_tail=dict(max_per_class=2, imbalance_ratio=2))))
val_dataloader = dict(
    batch_size=16, num_workers=0, persistent_workers=False,
    dataset=dict(ann_file='data.pkl'))
test_dataloader = None
test_cfg = None
test_evaluator = None
model = dict(
    backbone=dict(
        base_channels=16, num_stages=2, inflate_stages=[2], down_stages=[2]),
    cls_head=dict(in_channels=32))
train_cfg = dict(max_epochs={EPOCHS})
default_hooks = dict(checkpoint=dict(max_keep_ckpts=1))
"""


@dataclass
class Moment:
    """When and how a training is disturbed.

    Attributes:
        seconds: Time after which the training is killed from outside.
        step: Step of its work at which it is killed, counted from 0.
        full: Whether, instead, the disk is full from this step on.
    """

    seconds: float | None = None
    step: int | None = None
    full: bool = False


@dataclass
class Steps:
    """The steps of a training's work, counted in its own process."""

    moment: Moment
    done: list[str] = field(default_factory=list)

    def take(self, name: str, path: str | Path | int | None = None) -> None:
        """Record the next step; disturb it if it is the chosen one."""
        if len(self.done) == self.moment.step:
            if self.moment.full:
                resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, -1))
            else:
                if name == 'write':  # half of the file is written
                    os.ftruncate(path, os.fstat(path).st_size // 2)
                os.kill(os.getpid(), signal.SIGKILL)
        self.done.append(name)

    def watch(self) -> None:
        """Report each call of a function that writes, trains or validates."""
        from mmengine.runner import EpochBasedTrainLoop, ValLoop

        for owner, name, step in (
            (os, 'fsync', 'write'),
            (os, 'replace', 'replace'),
            (os, 'remove', 'remove'),
            (os, 'unlink', 'remove'),
            (EpochBasedTrainLoop, 'run_iter', 'train'),
            (ValLoop, 'run_iter', 'validate'),
        ):
            setattr(owner, name, self._watched(getattr(owner, name), step))

    def _watched(self, function: Callable, step: str) -> Callable:
        def wrapped(*args, **kwargs):
            self.take(step, args[0])
            result = function(*args, **kwargs)
            if step == 'replace':
                self.take('replaced')
            return result

        return wrapped


def train(folder: str, moment: Moment, *args: str) -> tuple[int, list[str]]:
    """Train in a separate process.

    Returns:
        The exit status, as Popen's, and the steps, if the process has ended
        normally.
    """
    log = Path(f'{folder}.log')
    steps = Path(f'{folder}.steps')
    steps.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        _train(folder, log, steps, Steps(moment), args)
    if moment.seconds is not None:
        time.sleep(moment.seconds)
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    taken = json.loads(steps.read_text()) if steps.exists() else []
    return status, taken


def _train(
    folder: str, log: Path, steps: Path, taken: Steps, args: tuple[str, ...]
) -> None:
    """Train in the forked process; does not return."""
    status = 1
    try:
        with log.open('a') as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        tool = ROOT / 'tools' / 'train.py'
        sys.argv = [str(tool), 'config.py', '--work-dir', folder, *args]
        taken.watch()
        runpy.run_path(str(tool), run_name='__main__')
        steps.write_text(json.dumps(taken.done))
        status = 0
    except SystemExit as error:
        print(error.code, flush=True)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


@contextlib.contextmanager
def prepared() -> Iterator[Path]:
    """A folder with data and config; all imports are done before."""
    sys.path.insert(0, str(ROOT))
    torch.set_num_threads(1)
    from mmengine.config import Config

    import mmshapmix.engine.hooks  # noqa: F401, slow: once for all forks
    from mmshapmix.datasets.annotations import save_pickle
    from mmshapmix.datasets.synthetic import make_dataset

    for name in ('matplotlib.pyplot', 'torch._dynamo'):
        importlib.import_module(name)
    from mmaction.utils import register_all_modules  # repaired by now

    register_all_modules(init_default_scope=False)
    gc.freeze()
    # Formatting the config for each checkpoint would take most of the time.
    Config.pretty_text = 'the config'
    data = make_dataset(max_per_class=2, imbalance_ratio=2, val_per_class=2)
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        save_pickle(data, 'data.pkl')
        Path('config.py').write_text(CONFIG)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)


def state_of(folder: str) -> dict:
    """Results that a training has left, for comparison."""
    last = torch.load(f'{folder}/epoch_{EPOCHS}.pth', weights_only=True)
    scalars = {}
    for path in sorted(Path(folder).glob('*/vis_data/scalars.json')):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            if 'acc/top1' in row:
                scalars.setdefault(row['step'], []).append(row['acc/top1'])
    return dict(
        weights=last['state_dict'],
        momentum=last['optimizer']['state'],
        files={path.name for path in Path(folder).iterdir() if path.is_file()},
        validated={step: {*values} for step, values in scalars.items()},
    )


def differences(one: dict, other: dict) -> list[str]:
    """Differences between the results of two trainings."""
    found = []
    for name, tensor in one['weights'].items():
        if not torch.equal(tensor, other['weights'][name]):
            found.append(f'weights {name}')
    for key, state in one['momentum'].items():
        buffer = other['momentum'][key]['momentum_buffer']
        if not torch.equal(state['momentum_buffer'], buffer):
            found.append(f'momentum {key}')
    for key in ('files', 'validated'):
        if one[key] != other[key]:
            found.append(f'{key}: {one[key]} and {other[key]}')
    return found[:3]


class Drill:
    """Disturbs trainings, and compares each with an undisturbed one.

    Args:
        again: Probability that a resumed training is killed again.
        seed: Seed of the random times.
    """

    def __init__(self, again: float = 0.3, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self.again = again
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        start = time.time()
        status, self.steps = train('whole', Moment(), '--seed', '0')
        self.seconds = time.time() - start
        assert status == 0, Path('whole.log').read_text()[-3000:]
        self.whole = state_of('whole')

    def moments(self, number: int) -> list[Moment]:
        """Random times with a uniform distribution."""
        times = [self.random.uniform(0, self.seconds) for _ in range(number)]
        return [Moment(seconds=t) for t in times]

    def disturb(self, moment: Moment) -> None:
        """Run one disturbed training from its start to its end."""
        name = 'random time'
        if moment.step is not None:
            name = f'{"full disk" if moment.full else "kill"} at '
            name += self.steps[moment.step]
        folder = f'{len(self.wrong)}_{sum(self.counts.values())}'
        status, _ = train(folder, moment, '--seed', '0')
        disturbed = status != 0
        self.counts[f'{name}, tried'] += 1
        for _ in range(9):
            if status == 0:
                break
            if moment.full and not self._says_so(folder):
                self.wrong.append(f'{name} {moment}: no clear line')
            moment = Moment()
            if self.random.random() < self.again:
                moment = self.moments(1)[0]
                self.counts['again, tried'] += 1
            status, _ = train(folder, moment, '--seed', '0', '--resume')
            if status == 1 and not moment.full:
                break
        self._judge(name, folder, moment, status, disturbed)

    def _says_so(self, folder: str) -> bool:
        last = Path(f'{folder}.log').read_text().rstrip().splitlines()[-1]
        return last.startswith('train.py: ') and 'too large' in last

    def _judge(
        self,
        name: str,
        folder: str,
        moment: Moment,
        status: int,
        disturbed: bool,
    ) -> None:
        log = Path(f'{folder}.log').read_text()
        if status:
            self.wrong.append(f'{name} {moment}: {log[-1500:]}')
            return
        found = differences(self.whole, state_of(folder))
        if found:
            self.wrong.append(f'{name} {moment}: {"; ".join(found)}')
        else:
            self.counts[f'{name}, held'] += 1
        shutil.rmtree(folder)
        Path(f'{folder}.log').unlink()


def run(number: int, every: int, again: float = 0.3, seed: int = 0) -> Drill:
    """Disturb trainings at random times and at steps of their work.

    Args:
        number: Number of random times.
        every: Kill at every n-th step; fill the disk at every third of these.
        again: See :class:`Drill`.
        seed: See :class:`Drill`.
    """
    with prepared():
        drill = Drill(again, seed)
        places = range(seed % every, len(drill.steps), every)
        moments = drill.moments(number)
        moments += [Moment(step=place) for place in places]
        moments += [Moment(step=p, full=True) for p in places[::3]]
        for number, moment in enumerate(moments, 1):
            drill.disturb(moment)
            if number % 10 == 0:
                print(f'{number} of {len(moments)}', flush=True)
    return drill


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--random', type=int, default=20, help='random times')
    parser.add_argument(
        '--every', type=int, default=1, help='every n-th step of the work'
    )
    parser.add_argument('--again', type=float, default=0.3)
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args()
    start = time.time()
    drill = run(args.random, args.every, args.again, args.seed)
    for name, count in sorted(drill.counts.items()):
        print(f'{name:30} {count}')
    print(f'{len(drill.steps)} steps: {Counter(drill.steps)}')
    print(f'{time.time() - start:.0f} s, {drill.seconds:.1f} s undisturbed')
    for text in drill.wrong:
        print(f'WRONG: {text}')
    sys.exit(bool(drill.wrong))


if __name__ == '__main__':
    main()
