"""Jobs: sequences of commands, with several jobs at once.

The output of commands goes into log files; the progress is computed from
MMEngine's log lines in it (:mod:`mmshapmix.experiments.progress`).
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ..engine.checkpoints import newest_checkpoint
from .progress import JobsProgress

Argument = object | Callable[[], object]
"""Argument of a command; a function is called when the command starts."""

# Arguments of Python that run the command. The current folder is removed from
# the places of modules, as for any installed command: with -m, a file there
# could hide a module, and a clone in a folder `mmshapmix` the package.
MMSHAPMIX = (
    '-c',
    'import sys; sys.path[:] = filter(None, sys.path); '
    'from mmshapmix.cli import main; main()',
)
ERROR = 'error.txt'  # in the folder of a job whose last attempt failed
GRACE_SECONDS = 10  # between SIGTERM and SIGKILL
TAIL = 20  # last lines of the log that are shown for a failed command


@dataclass(frozen=True)
class Job:
    """Commands of ``mmshapmix`` that run one after another.

    Attributes:
        name: Name of the job in the progress.
        work_dir: Folder of the logs; made when the job starts.
        commands: Subcommand and arguments of each command, by name. The log
            is ``work_dir/NAME.log``.
        done: File that exists if the job is done. An existing file keeps the
            job from running; a job that ends without the file has failed.
            ``None``: the job always runs.
        after: Name of the job to wait for; if that job fails, this one fails,
            too.
    """

    name: str
    work_dir: Path
    commands: Mapping[str, Sequence[Argument]]
    done: Path | None = None
    after: str | None = None


def last_checkpoint(work_dir: Path) -> Path:
    """Path of the newest readable checkpoint of a training.

    Args:
        work_dir: Work folder of the training; may have been moved since.

    Raises:
        FileNotFoundError: If there is no checkpoint.
        ValueError: If there are checkpoints, but none can be read.
    """
    path, _ = newest_checkpoint(work_dir)
    if path is None:
        raise FileNotFoundError(
            f'Expected a checkpoint of a training in {work_dir}, but there '
            'is none. Train first.'
        )
    return path


def run_jobs(
    jobs: Sequence[Job],
    slots: Sequence[str | None] = (None,),
    stop: bool = False,
    console: Console | None = None,
) -> dict[str, Path]:
    """Run jobs, as many at once as there are slots.

    Each job gets its share of the CPU's cores as ``OMP_NUM_THREADS``, unless
    the environment sets this variable. Ctrl-C, SIGTERM and a closed terminal
    end all commands that were started. Must be called from the main thread.

    Args:
        jobs: Jobs with distinct names, in the order in which they start; a job
            that waits for another comes after it.
        slots: For each slot, the number of a GPU, which the commands get as
            ``CUDA_VISIBLE_DEVICES``, or ``None``: the commands see the same
            GPUs as this process.
        stop: Whether the first failure ends all jobs; otherwise the other jobs
            continue.
        console: Console for commands, progress and failures.

    Returns:
        The log of each failed job, by name; empty if no job has failed.
        ``error.txt`` in the folder of a failed job has the reason and the last
        line of the log.

    Raises:
        ValueError: If a job waits for one that does not come before it.
        KeyboardInterrupt: When interrupted.
    """
    _check_order(jobs)
    console = console or Console(highlight=False, soft_wrap=True)
    # Jobs of one kind take about the same time: trainings, second stages,
    # tests.
    kinds = {j.name: (j.after is None, *j.commands) for j in jobs}
    display = JobsProgress(kinds, len(slots), console)
    runner = _Runner(len(slots), stop, display)
    with (
        _ended_as_interrupted(),
        display,
        ThreadPoolExecutor(len(slots)) as pool,
    ):
        try:
            _run_in_order(jobs, slots, runner.run, pool)
        except BaseException:
            runner.end_all()
            raise
    return runner.failed


def _check_order(jobs: Sequence[Job]) -> None:
    known: set[str | None] = {None}
    for job in jobs:
        if job.after not in known:
            raise ValueError(
                f'Expected {job.name} to wait for a job that comes before it, '
                f'but got {job.after}.'
            )
        known.add(job.name)


def _run_in_order(
    jobs: Sequence[Job],
    slots: Sequence[str | None],
    run: Callable[[Job, str | None], None],
    pool: ThreadPoolExecutor,
) -> None:
    """Run the jobs; a free slot gets the first job that need not wait."""
    waiting, free = [*jobs], [*slots]
    running: dict[Future, tuple[Job, str | None]] = {}
    while waiting or running:
        to_end = {j.name for j in waiting} | {
            j.name for j, _ in running.values()
        }
        ready = [job for job in waiting if job.after not in to_end]
        for job in ready[: len(free)]:
            waiting.remove(job)
            slot = free.pop(0)
            running[pool.submit(run, job, slot)] = job, slot
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            future.result()
            free.append(running.pop(future)[1])


@contextmanager
def _ended_as_interrupted() -> Iterator[None]:
    # Windows has no SIGHUP.
    names = [n for n in ('SIGTERM', 'SIGHUP') if hasattr(signal, n)]
    numbers = [getattr(signal, name) for name in names]
    before = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:  # ignored under nohup
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Runner:
    """Runs the commands of jobs, from several threads, and ends them."""

    def __init__(
        self,
        num_slots: int,
        stop: bool,
        display: JobsProgress,
    ) -> None:
        self.threads = max(1, (os.cpu_count() or 1) // num_slots)
        self.stop = stop
        self.display = display
        self.failed: dict[str, Path] = {}
        self.lock = threading.Lock()
        self.ended = False
        self.processes: set[subprocess.Popen] = set()

    def run(self, job: Job, slot: str | None) -> None:
        """Run a job on a slot."""
        if job.done and job.done.exists():
            self.display.finish(job.name, 'was done before')
            return
        if job.after in self.failed:
            self._fail(job, f'{job.after} failed', self.failed[job.after])
            return
        (job.work_dir / ERROR).unlink(missing_ok=True)
        for command, args in job.commands.items():
            if self.ended:
                return
            job.work_dir.mkdir(parents=True, exist_ok=True)
            log = job.work_dir / f'{command}.log'
            try:
                status = self._execute(job, command, args, log, slot)
            except (OSError, ValueError) as error:
                log.write_text(f'{error}\n')
                status = 'it did not start'
            if status:
                self._fail(job, f'{command} failed ({status})', log)
                return
        if job.done and not job.done.exists():
            self._fail(job, f'{command} did not make {job.done}', log)
            return
        self.display.finish(job.name, 'done')

    def _execute(
        self,
        job: Job,
        command: str,
        args: Sequence[Argument],
        log: Path,
        slot: str | None,
    ) -> str:
        """Run a command; return the reason of a failure, or an empty text."""
        words = [str(arg() if callable(arg) else arg) for arg in args]
        self.display.start(job.name, command, words)
        process = self._start(words, slot)
        if process is None:
            return 'it was not started'
        with process, log.open('w', buffering=1) as file:
            for line in process.stdout or ():
                file.write(line)
                self.display.read(job.name, line)
        with self.lock:
            self.processes.discard(process)
        code = process.returncode
        return f'exit status {code}' if code else ''

    def _start(
        self, args: Sequence[str], slot: str | None
    ) -> subprocess.Popen | None:
        env = {'OMP_NUM_THREADS': str(self.threads), **os.environ}
        if slot is not None:
            env['CUDA_VISIBLE_DEVICES'] = slot
        with self.lock:
            if self.ended:
                return None
            process = subprocess.Popen(
                [sys.executable, *MMSHAPMIX, *args],
                env=env,
                text=True,
                errors='replace',
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # A new process group, to end the command and its children.
                start_new_session=True,
            )
            self.processes.add(process)
        return process

    def _fail(self, job: Job, reason: str, log: Path) -> None:
        with self.lock:
            if self.ended:
                return
            shown = log in self.failed.values()
            self.failed[job.name] = log
        self.display.finish(job.name, 'failed', in_vain=True)
        lines = log.read_text().rstrip().splitlines(True)
        job.work_dir.mkdir(parents=True, exist_ok=True)
        error = f'{reason}: {lines[-1] if lines else "no output"} ({log})'
        (job.work_dir / ERROR).write_text(error)
        if not shown:
            self.display.say(''.join(lines[-TAIL:]))
        self.display.say(f'{job.name}: {reason}; its whole output: {log}')
        if self.stop:
            self.end_all()

    def end_all(self) -> None:
        """End all running commands, and start no more."""
        with self.lock:
            self.ended = True
            processes = [*self.processes]
        for process in processes:
            _end(process, 'SIGTERM')
        deadline = time.monotonic() + GRACE_SECONDS
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0, deadline - time.monotonic()))
            _end(process, 'SIGKILL')


def _end(process: subprocess.Popen, signal_name: str) -> None:
    """End a command and its children; on Windows, only the command."""
    if not hasattr(os, 'killpg'):
        process.kill()
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, getattr(signal, signal_name))
