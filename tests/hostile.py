"""Files of all kinds, broken at random, and the outcomes of reading them."""

import json
import os
import pickle
import random
import resource
import signal
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch

from mmshapmix.analysis.per_class import read_table
from mmshapmix.analysis.scores import read_scores
from mmshapmix.datasets import LongTailPoseDataset
from mmshapmix.datasets.annotations import (
    load_pickle,
    read_list,
    save_pickle,
)
from mmshapmix.datasets.synthetic import make_dataset
from mmshapmix.evaluation.dump_scores import write_scores
from mmshapmix.experiments.benchmark import read_benchmark
from mmshapmix.interop.results import read_results
from mmshapmix.io.reading import read_json
from mmshapmix.io.tensors import load_tensors

SECONDS = 10  # longer counts as a hang
MEMORY = 256 << 20  # bytes; far more than these files need
TABLE = """
recipe: brl
methods: {ce: {label: Cross-entropy}, crt: {label: cRT, after: ce}}
data:
  sbu: {label: SBU, options: [a=1]}
seeds: [0, 1]
"""


def _scores(path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = (
        dict(
            pred_score=rng.random(4, np.float32),
            gt_label=np.array([i % 4]),
            frame_dir=f's{i}',
        )
        for i in range(6)
    )
    write_scores(rows, path, np.array([5, 4, 3, 2]))


def _stock_scores(path: Path) -> None:
    batch = torch.rand(6, 4)
    rows = [
        dict(pred_score=s, gt_label=torch.tensor([1]), frame_dir=f's{i}')
        for i, s in enumerate(batch)
    ]
    path.write_bytes(pickle.dumps(rows))


def _results(path: Path) -> None:
    rows = [*np.random.default_rng(0).random((6, 4), np.float32)]
    path.write_bytes(pickle.dumps(rows))


def _checkpoint(path: Path, **how: bool) -> None:
    meta = dict(epoch=1, best=np.float64(0.5), counts=np.arange(3))
    torch.save(dict(meta=meta, state_dict=dict(w=torch.ones(3))), path, **how)


def _old_checkpoint(path: Path) -> None:
    _checkpoint(path, _use_new_zipfile_serialization=False)


def _annotations(path: Path, protocol: int = 4) -> None:
    data = make_dataset(max_per_class=2, imbalance_ratio=1, val_per_class=1)
    data['annotations'] = data['annotations'][:3]
    for one in data['annotations']:
        one['keypoint'] = one['keypoint'][:, :2, :4]
    save_pickle(data, path)
    if protocol < 4:
        path.write_bytes(pickle.dumps(data, protocol))


def _old_annotations(path: Path) -> None:
    _annotations(path, 0)


def _whole_annotations(path: Path) -> None:
    data = make_dataset(max_per_class=2, imbalance_ratio=1, val_per_class=1)
    rows = data['annotations'][:3]
    for one in rows:
        one.update(keypoint=one['keypoint'][:, :2], total_frames=2)
    names = [one['frame_dir'] for one in rows]
    save_pickle(dict(split=dict(train=names), annotations=rows), path)


def _read_samples(path: Path) -> None:
    data = LongTailPoseDataset(str(path), [], 'train', layout='nturgb+d')
    for index in range(len(data)):
        data[index]


KINDS: Mapping[str, tuple[str, Callable, Callable]] = {
    # Kind of file: suffix, function that writes a good one, reader.
    'annotations': ('.pkl', _annotations, load_pickle),
    'annotations (protocol 0)': ('.pkl', _old_annotations, load_pickle),
    'data set': ('.pkl', _whole_annotations, _read_samples),
    'scores': ('.pkl', _scores, read_scores),
    "scores (MMAction2's)": ('.pkl', _stock_scores, read_scores),
    "scores (PYSKL's)": ('.pkl', _results, read_results),
    'checkpoint': ('.pth', _checkpoint, load_tensors),
    'checkpoint (old form)': ('.pth', _old_checkpoint, load_tensors),
    'table': ('.yml', lambda path: path.write_text(TABLE), read_benchmark),
    'sample list': ('.txt', lambda p: p.write_text('é\nb\nc\n'), read_list),
    'per-class table': (
        '.csv',
        lambda path: path.write_text(
            'class_id,test_samples,correct,name\n0,3,2,a\n1,3,1,"b, c"\n'
        ),
        read_table,
    ),
    'settings': (
        '.json',
        lambda path: path.write_text(json.dumps(dict(a='1', b='x'))),
        lambda path: read_json(path, 'settings'),
    ),
}
OPCODES = [
    value[0]
    for name, value in vars(pickle).items()
    if name.isupper() and isinstance(value, bytes) and len(value) == 1
]
EXTREMES = [b'\xff' * 4, b'\xff\xff\xff\x7f', b'\0' * 4, b'\xff' * 8, b'[' * 9]


def broken(content: bytes, draw: random.Random) -> bytes:
    """Content of a file with one to three random faults."""
    data = bytearray(content)
    for _ in range(draw.choice([1, 1, 2, 3])):
        at = draw.randrange(len(data) + 1)
        end = min(len(data), at + draw.choice([1, 2, 8, 40]))
        fault = draw.randrange(7)
        if fault == 0:
            data[at:end] = draw.randbytes(end - at)
        elif fault == 1:
            del data[at:]
        elif fault == 2:
            del data[at:end]
        elif fault == 3:
            data[at:at] = data[at:end] * draw.choice([1, 2, 50])
        elif fault == 4:
            data[at : at + 1] = bytes([draw.choice(OPCODES)])
        elif fault == 5:
            extreme = draw.choice(EXTREMES)
            data[at : at + len(extreme)] = extreme
        else:
            data[at:at] = bytes(draw.choices(OPCODES, k=draw.randint(1, 4)))
    return bytes(data)


def _pages() -> list[int]:
    """Pages of this process: all, pages in memory, shared pages of files."""
    return [*map(int, Path('/proc/self/statm').read_text().split()[:3])]


def outcome(read: Callable, path: Path) -> str:
    """Outcome of reading a file in a separate process."""
    _, resident, shared = _pages()
    # A child does not start with the pages of files.
    before = (resident - shared) * resource.getpagesize()
    child = os.fork()
    if not child:
        _read_and_exit(read, path)
    _, status, used = os.wait4(child, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return 'hang' if number == signal.SIGALRM else f'signal {number}'
    if 1024 * used.ru_maxrss - before > MEMORY:
        return 'memory'
    return ('read', 'refused', 'traceback', 'no line', 'memory')[
        os.WEXITSTATUS(status)
    ]


def refused(read: Callable, path: Path) -> bool:
    """Return whether a file was refused with one line."""
    try:
        read(path)
    except (ValueError, OSError) as error:
        text = str(error)
        if 'MemoryError' in text:
            raise MemoryError from error
        assert '\n' not in text and len(text) < 1000, text
        return True
    return False


def _read_and_exit(read: Callable, path: Path) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # also in C code
    signal.alarm(SECONDS)
    limit = _pages()[0] * resource.getpagesize() + 8 * MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    code = 2
    try:
        code = int(refused(read, path))
    except AssertionError:
        code = 3
    except MemoryError:
        code = 4
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def broken_files(
    folder: Path, kind: str, number: int, seed: int
) -> Iterator[tuple[Path, bytes]]:
    """Break a file of a kind again and again.

    Args:
        folder: Folder for the file.
        kind: Key of :data:`KINDS`.
        number: Number of broken files.
        seed: Seed of the faults.

    Yields:
        Path and content of each broken file.
    """
    ending, write, _ = KINDS[kind]
    path = folder / f'x{ending}'
    write(path)
    content = path.read_bytes()
    draw = random.Random(f'{seed} {kind}')
    for _ in range(number):
        bad = broken(content, draw)
        path.write_bytes(bad)
        yield path, bad
