"""Jobs with scripts of a few lines; for real trainings see test_tools/."""

import errno
import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from mmshapmix.experiments import jobs, progress
from mmshapmix.experiments.jobs import Job, last_checkpoint, run_jobs
from mmshapmix.experiments.progress import JobsProgress, Timing, time_left
from mmshapmix.io import locks
from mmshapmix.io.locks import locked

from ..running import save_checkpoint

TRAIN = '11/21 17:28:04 - mmengine - INFO - Epoch(train) '


@pytest.fixture(autouse=True)
def scripts_for_subcommands(monkeypatch):
    monkeypatch.setattr(jobs, 'MMSHAPMIX', ())


@pytest.fixture
def script(tmp_path):
    """Write a script, which gets its arguments as ``args``."""

    def write(name, body):
        path = tmp_path / f'{name}.py'
        start = 'import os, sys, time\nfrom pathlib import Path\n'
        path.write_text(f'{start}args = sys.argv[1:]\n{body}\n')
        return path

    return write


@pytest.fixture
def printed():
    return Console(file=io.StringIO(), width=200)


def text_of(console):
    return console.file.getvalue()


def test_commands_run_one_after_another(script, tmp_path, printed):
    """An argument may become known only when its command starts."""
    one = script('one', 'print("first"); Path(args[0]).write_text("of one")')
    two = script('two', 'print(args); sys.stderr.write("and errors\\n")')
    path = tmp_path / 'made'
    commands = dict(one=[one, path], two=[two, path.read_text, 7])
    job = Job('a', tmp_path / 'new/a', commands)
    assert run_jobs([job], console=printed) == {}
    assert (job.work_dir / 'one.log').read_text() == 'first\n'
    log = (job.work_dir / 'two.log').read_text()
    assert "['of one', '7']" in log and 'and errors' in log
    assert f"$ mmshapmix {two} 'of one' 7" in text_of(printed)


SPANS = """
path, name = args
start = time.time()
time.sleep(1)
with open(path, 'a') as file:
    gpu = os.environ.get('CUDA_VISIBLE_DEVICES')
    threads = os.environ['OMP_NUM_THREADS']
    file.write(f'{name} {gpu} {start} {time.time()} {threads}\\n')
"""


@pytest.mark.parametrize('slots', [(None,), ('0', '3'), (None, None, None)])
def test_a_slot_runs_one_job_at_a_time(
    script, tmp_path, printed, monkeypatch, slots
):
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    monkeypatch.setattr(os, 'cpu_count', lambda: 8)
    path, body = tmp_path / 'spans', script('spans', SPANS)
    jobs = [
        Job(str(i), tmp_path / str(i), dict(x=[body, path, i]))
        for i in range(4)
    ]
    assert run_jobs(jobs, slots, console=printed) == {}
    rows = [line.split() for line in path.read_text().splitlines()]
    assert sorted(row[0] for row in rows) == ['0', '1', '2', '3']
    spans = [(row[1], float(row[2]), float(row[3])) for row in rows]
    at_once = [
        [gpu for gpu, start, end in spans if start <= moment <= end]
        for _, moment, _ in spans
    ]
    assert max(map(len, at_once)) == len(slots)
    for gpus in at_once:
        assert gpus == ['None'] * len(gpus) or len({*gpus}) == len(gpus)
    assert {gpu for gpu, _, _ in spans} == {*map(str, slots)}
    assert {row[4] for row in rows} == {str(8 // len(slots))}


def test_users_threads_are_kept(script, tmp_path, printed, monkeypatch):
    monkeypatch.setenv('OMP_NUM_THREADS', '5')
    body = script('x', 'print(os.environ["OMP_NUM_THREADS"])')
    run_jobs([Job('a', tmp_path, dict(x=[body]))], console=printed)
    assert (tmp_path / 'x.log').read_text() == '5\n'


def test_what_is_done_is_not_done_again(script, tmp_path, printed):
    done = tmp_path / 'done'
    body = script('x', 'Path(args[0]).open("a").write("x")')
    job = Job('a', tmp_path / 'a', dict(x=[body, done]), done)
    assert run_jobs([job], console=printed) == {}
    assert run_jobs([job], console=printed) == {}
    assert done.read_text() == 'x'
    assert 'a: was done before' in text_of(printed)


def test_the_others_go_on_after_a_failure(script, tmp_path, printed):
    bad = script('bad', 'print("\\n".join(map(str, range(50)))); sys.exit(3)')
    good, lazy = script('good', ''), script('lazy', 'print("did nothing")')
    jobs = [
        Job('bad', tmp_path / 'bad', dict(x=[bad], never=[good])),
        Job('lazy', tmp_path / 'lazy', dict(x=[lazy]), tmp_path / 'absent'),
        Job('early', tmp_path / 'early', dict(x=[tmp_path.read_text])),
        Job('good', tmp_path / 'good', dict(x=[good])),
    ]
    failed = run_jobs(jobs, console=printed)
    assert failed == {j.name: j.work_dir / 'x.log' for j in jobs[:3]}
    assert not (tmp_path / 'bad' / 'never.log').exists()
    text = text_of(printed)
    assert 'bad: x failed (exit status 3); its whole output: ' in text
    assert '\n30\n31\n' in text and '\n29\n' not in text
    assert f'lazy: x did not make {tmp_path / "absent"}' in text
    assert 'did nothing' in text and 'early: x failed (it did not' in text
    assert 'directory' in (tmp_path / 'early' / 'x.log').read_text()
    assert 'good: done' in text


def test_a_job_waits_for_another(script, tmp_path, printed):
    """Also if a slot is free; jobs that need not wait come first."""
    path, body = tmp_path / 'spans', script('spans', SPANS)

    def job(name, after=None):
        commands = dict(x=[body, path, name])
        return Job(name, tmp_path / name, commands, after=after)

    jobs = [job('a'), job('b', 'a'), job('c', 'b'), job('d')]
    assert run_jobs(jobs, [None, None], console=printed) == {}
    rows = [line.split() for line in path.read_text().splitlines()]
    spans = {row[0]: (float(row[2]), float(row[3])) for row in rows}
    assert spans['a'][1] <= spans['b'][0] and spans['b'][1] <= spans['c'][0]
    assert spans['d'][0] < spans['a'][1]
    with pytest.raises(ValueError, match='c to wait for a job .* got b'):
        run_jobs([job('a'), job('c', 'b'), job('b')], console=printed)


def test_jobs_start_in_their_order(script, tmp_path, printed):
    """A job that has waited starts as soon as it can, before later jobs."""
    body = script('x', 'Path(args[0]).open("a").write(args[1])')
    path = tmp_path / 'order'

    def job(name, after=None):
        commands = dict(x=[body, path, name])
        return Job(name, tmp_path / name, commands, after=after)

    jobs = [job('a'), job('b', 'a'), job('c'), job('d', 'a'), job('e')]
    assert run_jobs(jobs, console=printed) == {}
    assert path.read_text() == 'abcde'


def test_a_refused_argument_is_a_failure(script, tmp_path, printed):
    """The argument is refused when the command starts; other jobs go on."""

    def refuse():
        raise ValueError('Expected the settings of before.')

    good = script('good', '')
    jobs = [
        Job('a', tmp_path / 'a', dict(x=[good, refuse])),
        Job('b', tmp_path / 'b', dict(x=[good])),
    ]
    assert [*run_jobs(jobs, console=printed)] == ['a']
    error = (tmp_path / 'a/error.txt').read_text()
    assert 'x failed (it did not start): Expected the settings' in error
    assert 'b: done' in text_of(printed)


def test_what_waits_for_a_failed_job_fails(script, tmp_path, printed):
    bad, good = script('bad', 'sys.exit("broken")'), script('good', '')
    done = tmp_path / 'done'
    done.touch()
    jobs = [
        Job('a', tmp_path / 'a', dict(x=[bad])),
        Job('b', tmp_path / 'b', dict(x=[good]), after='a'),
        Job('c', tmp_path / 'c', dict(x=[good]), after='b'),
        Job('d', tmp_path / 'd', dict(x=[good]), done, after='a'),
        Job('e', tmp_path / 'e', dict(x=[good])),
    ]
    failed = run_jobs(jobs, console=printed)
    assert failed == dict.fromkeys('abc', tmp_path / 'a/x.log')
    assert not (tmp_path / 'b/x.log').exists()
    log = f'({tmp_path / "a/x.log"})'
    errors = [(tmp_path / x / 'error.txt').read_text() for x in 'ab']
    assert errors == [
        f'x failed (exit status 1): broken {log}',
        f'a failed: broken {log}',
    ]
    bad.write_text('')
    assert run_jobs(jobs, console=printed) == {}
    assert not [*tmp_path.rglob('error.txt')]
    text = text_of(printed)
    assert 'b: a failed; ' in text and 'c: b failed; ' in text
    assert text.count('broken\n') == 1
    assert 'd: was done before' in text and 'e: done' in text


WAITS = """
import subprocess
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)'])
Path(args[0]).write_text(f'{os.getpid()} {child.pid}')
time.sleep(99)
"""


def wait_for(condition, seconds=20):
    deadline = time.time() + seconds
    while not condition():
        assert time.time() < deadline
        time.sleep(0.02)


def runs(pid):
    """Return whether there is such a process, and it is no zombie."""
    try:
        status = Path(f'/proc/{pid}/stat').read_text()
    except FileNotFoundError:
        return False
    return status.rsplit(')', 1)[1].split()[0] != 'Z'


def test_the_first_failure_may_end_all(script, tmp_path, printed):
    pids = tmp_path / 'pids'
    bad = script(
        'bad',
        'while not Path(args[0]).exists(): time.sleep(0.02)\n'
        'while not Path(args[0]).read_text(): time.sleep(0.02)\n'
        'sys.exit(1)',
    )
    jobs = [
        Job('waits', tmp_path / 'a', dict(x=[script('w', WAITS), pids])),
        Job('bad', tmp_path / 'b', dict(x=[bad, pids])),
        Job('never', tmp_path / 'c', dict(x=[bad, pids])),
    ]
    start = time.time()
    assert [*run_jobs(jobs, (None, None), True, printed)] == ['bad']
    assert time.time() - start < 20
    for pid in pids.read_text().split():
        wait_for(lambda pid=pid: not runs(pid))
    assert not (tmp_path / 'c').exists()


@pytest.mark.parametrize(
    'number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
)
def test_interrupted(script, tmp_path, number):
    """All commands that were started end, with their children."""
    pids = tmp_path / 'pids'
    code = (
        'import signal\n'
        'from pathlib import Path\n'
        'from mmshapmix.experiments import jobs\n'
        'from mmshapmix.experiments.jobs import Job, run_jobs\n'
        'jobs.MMSHAPMIX = ()\n'
        # The tests may run in the background, where both are ignored.
        'signal.signal(signal.SIGINT, signal.default_int_handler)\n'
        'signal.signal(signal.SIGHUP, signal.SIG_DFL)\n'
        f'args = [{str(script("waits", WAITS))!r}, {str(pids)!r}]\n'
        f'folder = Path({str(tmp_path)!r})\n'
        'run_jobs([Job("a", folder / "a", dict(x=args)),\n'
        '          Job("b", folder / "b", dict(x=args))])\n'
    )
    with subprocess.Popen(
        [sys.executable, '-W', 'ignore', '-c', code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            wait_for(lambda: pids.exists() and pids.read_text(), 60)
            process.send_signal(number)
            _, error = process.communicate(timeout=30)
        finally:
            process.kill()
    assert 'KeyboardInterrupt' in error and process.returncode
    for pid in pids.read_text().split():
        wait_for(lambda pid=pid: not runs(pid))
    assert not (tmp_path / 'b').exists()


def test_last_checkpoint(tmp_path):
    """The newest checkpoint in the folder counts, not the note."""
    (tmp_path / 'last_checkpoint').write_text('/before/work/epoch_2.pth')
    with pytest.raises(FileNotFoundError, match='there is none. Train first'):
        last_checkpoint(tmp_path)
    for epoch in (2, 3):
        save_checkpoint(tmp_path / f'epoch_{epoch}.pth')
    assert last_checkpoint(tmp_path) == tmp_path / 'epoch_3.pth'
    (tmp_path / 'epoch_3.pth').write_bytes(b'half')
    assert last_checkpoint(tmp_path) == tmp_path / 'epoch_2.pth'


HOLDER = """
from mmshapmix.io.locks import locked
with locked(args[0]):
    if not os.fork():  # as a worker of a data loader
        time.sleep(60)
        os._exit(0)
    print('locked', flush=True)
    time.sleep(60)
"""


def test_a_folder_is_locked_until_its_process_ends(tmp_path, script):
    """The lock ends with the process, even if workers are left behind."""
    folder = tmp_path / 'new'
    with subprocess.Popen(
        [sys.executable, '-W', 'ignore', script('hold', HOLDER), folder],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as holder:
        try:
            assert holder.stdout.readline() == 'locked\n'
            with pytest.raises(ValueError, match=f'alone in {folder}, but .*'):
                locked(folder).__enter__()
            holder.kill()
            holder.wait()
            with locked(folder):
                pass
        finally:
            os.killpg(holder.pid, signal.SIGKILL)


def test_a_lock_is_no_others_file(tmp_path):
    """The file is neither emptied nor followed nor replaced by a link."""
    own, lock = tmp_path / 'own.txt', tmp_path / 'work/.lock'
    lock.parent.mkdir()
    own.write_text('content')
    for make in (
        lambda: lock.symlink_to(own),
        lambda: lock.symlink_to(tmp_path / 'nowhere'),
        lambda: lock.hardlink_to(own),
        lambda: lock.write_text('notes'),
        lambda: os.mkfifo(lock),
        lock.mkdir,
    ):
        make()
        with pytest.raises(ValueError, match=r'\.lock, or none, .* it away'):
            locked(lock.parent).__enter__()
        lock.rmdir() if lock.is_dir() else lock.unlink()
    assert own.read_text() == 'content'
    assert not (tmp_path / 'nowhere').exists()
    with locked(lock.parent), pytest.raises(ValueError, match='alone'):
        locked(lock.parent).__enter__()


def test_a_file_system_without_locks_is_warned_of(tmp_path, monkeypatch):
    def acquire(lock):
        raise OSError(errno.ENOLCK, 'No locks available')

    monkeypatch.setattr(locks.FileLock, 'acquire', acquire)
    with pytest.warns(UserWarning, match='has no locks'), locked(tmp_path):
        pass


def test_jobs_run_without_what_only_posix_has(tmp_path, script):
    """As on Windows, without fcntl, most signals and process groups."""
    code = (
        'import os, signal, sys\n'
        'from pathlib import Path\n'
        'sys.modules["fcntl"] = None\n'
        'del os.killpg, signal.SIGHUP, signal.SIGKILL\n'
        'from mmshapmix.experiments import jobs\n'
        'from mmshapmix.experiments.jobs import Job, run_jobs\n'
        'jobs.MMSHAPMIX = ()\n'
        'from mmshapmix.io.locks import locked\n'
        f'folder = Path({str(tmp_path)!r})\n'
        f'job = Job("a", folder / "a", dict(x=[{str(script("x", ""))!r}]))\n'
        f'bad = [{str(script("bad", "sys.exit(3)"))!r}]\n'
        'with locked(folder):\n'
        '    assert not run_jobs([job])\n'
        '    assert run_jobs([Job("b", folder / "b", dict(x=bad))], stop=1)\n'
    )
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


# Progress --------------------------------------------------------------------


@pytest.mark.parametrize(
    ('timings', 'slots', 'expected'),
    [
        # One job is half done; two that have not begun take 10 each.
        ([Timing(0, 10), Timing(), Timing()], 1, 5 + 20),
        ([Timing(0, 10), Timing(), Timing()], 2, 12.5),
        # The single slot has to do the longest job.
        ([Timing(0, 25), Timing(0, 6)], 2, 20),
        # The jobs took 10 and 20, 15 on average, of which 3 are over.
        ([Timing(0, 10, True), Timing(-17, 3, True), Timing(2)], 1, 12),
        # A job that was done before does not tell how long it took.
        ([Timing(None, 3, True), Timing(0, 7)], 1, 2),
        # The job takes longer than expected.
        ([Timing(0, 4)], 1, 0),
        ([Timing(0), Timing()], 1, None),
    ],
)
def test_time_left(timings, slots, expected):
    assert time_left(timings, slots, now=5) == expected


def test_share_of_the_time():
    assert Timing(2, 10).share(4) == 0.25
    assert Timing(2, 10).share(12) == 1
    assert Timing(2).share(4) == Timing().share(4) == 0
    assert Timing(2, 3, True).share(3) == 1


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set."""
    now = [100.0]
    monkeypatch.setattr(progress.time, 'monotonic', lambda: now[0])
    return now


def test_lines_now_and_then(clock, printed):
    shown = JobsProgress(dict.fromkeys(['a', 'b']), 1, printed)
    shown.start('a', 'train', ['train.py'])
    shown.read('a', 'no log line\n')
    for seconds, line in enumerate(range(1, 51)):
        clock[0] = 100 + seconds
        shown.read('a', f'{TRAIN} [2][{line:3}/50]  lr: 0.1  eta: 0:00:50  x')
    lines = [x for x in text_of(printed).splitlines() if 'lr: 0.1' in x]
    assert [re.search(r'\[ *(\d+)/50\]', x)[1] for x in lines] == [
        *('1', '21', '41')
    ]
    # It ends at 40 + 50, so b takes 90 from then on.
    assert lines[-1] == (
        '  a: train [2][ 41/50]  lr: 0.1  eta: 0:00:50  x'
        '  (all: about 0:02:20 left)'
    )
    shown.finish('a', 'done')
    assert text_of(printed).endswith('  a: done  (all: about 0:00:49 left)\n')


def test_days_and_validations(clock, printed):
    shown = JobsProgress(dict.fromkeys(['a']), 1, printed)
    shown.start('a', 'train', [])
    shown.read('a', f'{TRAIN}[1][1/2]  eta: 1 day, 2:03:04  time: 1')
    expected = 100 + 93784
    assert shown.timings['a'].end == expected
    shown.read('a', 'Epoch(val) [1][1/2]    eta: 0:00:01  time: 1')
    assert shown.timings['a'].end == expected
    shown.read('a', 'Epoch(test) [ 10/320]    eta: 2 days, 0:00:01')
    assert shown.timings['a'].end == 100 + 2 * 86400 + 1


def test_what_a_resumed_job_took_before_counts_for_the_others(clock, printed):
    """Resumed in the last of 10 epochs of 50 steps of 2 s."""
    shown = JobsProgress(dict.fromkeys(['failed', 'a', 'b']), 1, printed)
    shown.start('failed', 'train', [])
    clock[0] += 2
    shown.finish('failed', 'failed', in_vain=True)
    shown.start('a', 'train', [])
    clock[0] += 20
    shown.read('a', f'{TRAIN}[10][10/50]  eta: 0:01:20  time: 2.0  loss: 1')
    left = time_left([*shown.timings.values()], 1, clock[0])
    assert left == 80 + 10 * 50 * 2
    shown.read('a', 'Epoch(test) [ 10/320]    eta: 0:00:30  time: 1')
    left = time_left([*shown.timings.values()], 1, clock[0])
    assert left == 30 + 10 * 50 * 2


def test_jobs_of_a_kind_take_equally_long(clock, printed):
    """Tests take another time than trainings, and failures do not count."""
    kinds = dict(a='train', b='test', c='train', d='test', e='other')
    shown = JobsProgress(kinds, 1, printed)
    for name, seconds in (('a', 90), ('b', 10)):
        shown.start(name, 'x', [])
        clock[0] += seconds
        shown.finish(name, 'done')
    left = time_left([*shown.timings.values()], 1, clock[0])
    assert left == 90 + 10 + 50


def test_bars_on_a_terminal(script, tmp_path):
    body = script(
        'x', f'print("{TRAIN} [3][20/47]  lr: 0.1  eta: 0:01:00  time: 1")'
    )
    console = Console(file=io.StringIO(), width=120, force_terminal=True)
    jobs = [
        Job(name, tmp_path / name, dict(train=[body])) for name in ('a', 'b')
    ]
    assert run_jobs(jobs, console=console) == {}
    text = re.sub(r'\x1b\[[\d;?]*[a-zA-Z]', '', text_of(console))
    assert re.search(r'all +[━╸ ]+ 2 of 2', text)
    assert 'lr: 0.1' not in text


def test_many_bars_hide_nothing(clock):
    """All of 50 jobs, and the two that run, are counted on 10 lines."""
    names = [f'job{i}' for i in range(50)]
    console = Console(
        file=io.StringIO(), width=120, height=10, force_terminal=True
    )
    with JobsProgress(dict.fromkeys(names), 2, console) as shown:
        for name in ('job0', 'job20', 'job49'):
            shown.start(name, 'train', [])
        shown.finish('job0', 'done')
        seen = [t.description for t in shown.bars.tasks if t.visible]
    assert seen == ['all', 'job20', 'job49']


def test_bars_show_where_jobs_are(clock):
    console = Console(file=io.StringIO(), width=120, force_terminal=True)
    with JobsProgress(dict.fromkeys(['a', 'b']), 1, console) as shown:
        shown.start('a', 'train', [])
        clock[0] = 140
        shown.read('a', f'{TRAIN} [3][20/47]  lr: 0.1  eta: 0:02:00  time: 1')
        bars = {task.description: task for task in shown.bars.tasks}
    assert bars['a'].completed == 40 / 160
    assert bars['a'].fields['state'] == 'train [3][20/47]'
    assert bars['b'].completed == 0 and not bars['b'].visible
    # Time of b, which takes (2 * 47 + 20 + 120) s, and the rest of a.
    assert bars['all'].fields['state'] == '0 of 2  (all: about 0:05:54 left)'
