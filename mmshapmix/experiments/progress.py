"""Progress of jobs, computed from MMEngine's log lines in their output."""

import re
import shlex
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from statistics import mean
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

LOG_LINE = re.compile(r'Epoch\((train|val|test)\)\s+((?:\[[ \d/]+\])+)(.*)')
STEP_TIME = re.compile(r' time: ([\d.]+)')
ETA = re.compile(r'eta: (?:(\d+) days?, )?(\d+):(\d+):(\d+)')
PLAIN_SECONDS = 20  # between two lines of a job, without a terminal


@dataclass
class Timing:
    """Start and end of a job, in seconds of the same clock.

    Attributes:
        started: Time of the start; ``None``: not started yet.
        end: Time of the end, or the expected time; ``None``: unknown.
        finished: Whether the job has ended.
        whole: Duration of a resumed job from its original beginning; ``None``:
            the time from ``started`` to ``end``.
        kind: Kind of the job; jobs of one kind take about the same time.
    """

    started: float | None = None
    end: float | None = None
    finished: bool = False
    whole: float | None = None
    kind: Any = None

    @property
    def span(self) -> float | None:
        """Duration of the whole job in seconds; ``None`` if unknown."""
        if self.started is None or self.end is None:
            return None
        return self.whole or self.end - self.started

    def share(self, now: float) -> float:
        """Share of the job's time that has passed; 0 if unknown."""
        if self.finished:
            return 1.0
        if self.started is None or self.end is None:
            return 0.0
        passed = now - self.started
        return passed / max(self.end - self.started, passed, 1e-9)


def time_left(
    timings: Sequence[Timing], num_slots: int, now: float
) -> float | None:
    """Estimate the seconds until all jobs have ended.

    A job of unknown duration is assumed to take as long as the average of its
    kind, or of all jobs. The remaining time is divided evenly among the slots,
    but is at least that of the longest job.

    Args:
        timings: Timings of all jobs, also of those that wait.
        num_slots: Number of jobs at once.
        now: The present time.

    Returns:
        The seconds, or ``None`` if the duration of no job is known.

    Example:
        >>> time_left([Timing(0, 10), Timing()], num_slots=1, now=4)
        16.0
    """
    spans = defaultdict(list)
    for timing in timings:
        if timing.span is not None:
            spans[timing.kind].append(timing.span)
    if not spans:
        return None
    of_all = mean(chain(*spans.values()))
    left = []
    for timing in timings:
        start = now if timing.started is None else timing.started
        span = mean(spans.get(timing.kind, [of_all]))
        end = start + span if timing.end is None else timing.end
        left.append(0.0 if timing.finished else max(0.0, end - now))
    return max(*left, sum(left) / num_slots)


def _whole(phase: str, place: str, rest: str, left: float) -> float | None:
    """Estimate the seconds of a whole training from one log line.

    The result is the time of all iterations so far, at the present rate, plus
    the time left. Other log lines give ``None``.
    """
    step = STEP_TIME.search(rest)
    if phase != 'train' or not step:
        return None
    epoch, done, steps = map(int, re.findall(r'\d+', place))
    return ((epoch - 1) * steps + done) * float(step[1]) + left


class JobsProgress:
    """Shows the progress of jobs; a context manager.

    On a terminal there is a bar for all jobs and one for each running job;
    otherwise a log line of each job is printed from time to time.

    Args:
        kinds: Kind of each job by name, see :class:`Timing`.
        num_slots: Number of jobs at once.
        console: Console to print on.
    """

    def __init__(
        self, kinds: Mapping[str, Any], num_slots: int, console: Console
    ) -> None:
        self.num_slots = num_slots
        self.console = console
        self.timings = {n: Timing(kind=kind) for n, kind in kinds.items()}
        self.printed = dict.fromkeys(kinds, float('-inf'))
        self.bars = Progress(
            TextColumn('{task.description}', markup=False),
            BarColumn(),
            TextColumn('{task.fields[state]}', markup=False),
            console=console,
            disable=not console.is_terminal,
        )
        # This bar is first, and only running jobs have one, since a terminal
        # cuts off what exceeds its height.
        self.all = self.bars.add_task('all', total=len(kinds), state='')
        self.tasks = {
            name: self.bars.add_task(name, total=1, state='', visible=False)
            for name in kinds
        }

    def __enter__(self) -> 'JobsProgress':
        self.bars.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self.bars.stop()

    def say(self, text: str, style: str | None = None) -> None:
        """Print a text above the bars."""
        self.console.print(text, style=style, markup=False)

    def start(self, name: str, command: str, args: Sequence[str]) -> None:
        """Show that a command of a job starts."""
        timing = self.timings[name]
        if timing.started is None:
            timing.started = time.monotonic()
        self.say(f'$ mmshapmix {shlex.join(args)}', 'dim')
        self._show(name, command)

    def finish(self, name: str, how: str, in_vain: bool = False) -> None:
        """Show that a job has ended.

        Args:
            name: Name of the job.
            how: Text to show.
            in_vain: Whether the job failed; its duration is then not used to
                estimate those of others.
        """
        timing = self.timings[name]
        timing.finished, timing.end = True, time.monotonic()
        if in_vain:
            timing.started = None
        self._show(name, how)
        self.say(f'  {name}: {how}{self._left()}')

    def read(self, name: str, line: str) -> None:
        """Update the progress from a line of a job's output."""
        found = LOG_LINE.search(line)
        if not found:
            return
        phase, place, rest = found.groups()
        eta, now = ETA.search(rest), time.monotonic()
        # The remaining time in a validation's log line is only its own.
        if eta and phase != 'val':
            days, hours, minutes, seconds = (int(x or 0) for x in eta.groups())
            rest_of_it = timedelta(
                days, hours=hours, minutes=minutes, seconds=seconds
            )
            timing = self.timings[name]
            timing.end = now + rest_of_it.total_seconds()
            whole = _whole(phase, place, rest, timing.end - now)
            timing.whole = whole or timing.whole
        self._show(name, f'{phase} {place}')
        due = now - self.printed[name] >= PLAIN_SECONDS
        if due and not self.console.is_terminal:
            self.printed[name] = now
            self.say(f'  {name}: {phase:5} {place}{rest}{self._left()}')

    def _show(self, name: str, state: str) -> None:
        share = self.timings[name].share(time.monotonic())
        self.bars.update(
            self.tasks[name],
            completed=share,
            state=state,
            visible=not self.timings[name].finished,
        )
        finished = sum(timing.finished for timing in self.timings.values())
        state = f'{finished} of {len(self.timings)}{self._left()}'
        self.bars.update(self.all, completed=finished, state=state)

    def _left(self) -> str:
        timings = [*self.timings.values()]
        left = time_left(timings, self.num_slots, time.monotonic())
        if not left:
            return ''
        return f'  (all: about {timedelta(seconds=round(left))} left)'
