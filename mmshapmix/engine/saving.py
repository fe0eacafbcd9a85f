"""How MMEngine saves checkpoints, made so that a kill loses none.

:func:`mmshapmix.compat.save_at_once` puts this in the place of what MMEngine
does. That writes files in place, those that it resumes from among them, and
removes the old before it writes the new.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from mmengine.dist import master_only
from mmengine.hooks.checkpoint_hook import CheckpointHook
from mmengine.logging import MessageHub
from mmengine.runner import BaseLoop, IterBasedTrainLoop

from ..io.files import remove_partial, replaced

# What a message hub, and so a checkpoint, knows besides.
SUPERSEDED = 'superseded'  # names of files to be removed, now that it is saved
# Not with 'val' at its beginning: MMEngine would log it as a metric.
VALIDATED = 'last_validated'  # the step after which there was a validation


@contextmanager
def open_replaced(path: str, mode: str) -> Iterator[IO]:
    """Stand in for ``open``, to write a file at once or not at all."""
    with replaced(path) as partial, partial.open(mode) as file:
        yield file


def put_at_once(put: Callable) -> Callable:
    """Let a storage backend write a file at once or not at all.

    Args:
        put: Its method; it still writes by itself to what is no file.
    """

    @functools.wraps(put)
    def wrapped(self, obj: Any, filepath: str | Path, *args, **kwargs) -> None:
        path = Path(filepath)
        if path.exists() and not path.is_file():
            put(self, obj, filepath, *args, **kwargs)
            return
        with replaced(path) as partial:
            put(self, obj, partial, *args, **kwargs)

    return wrapped


def step_of(runner) -> int:
    """The epoch, or the iteration where the loop counts these alone."""
    loop = runner.train_loop
    by_iteration = isinstance(loop, IterBasedTrainLoop)
    return loop.iter if by_iteration else loop.epoch


class RemovesLater:
    """A storage backend that at first takes note of what is to be removed.

    Args:
        backend: Does all else.
        message_hub: Where the note goes, so that it is in the checkpoint that
            takes the place of what is removed.
    """

    def __init__(self, backend: Any, message_hub: MessageHub) -> None:
        self.backend = backend
        self.message_hub = message_hub
        self.paths: list[str] = []
        message_hub.update_info(SUPERSEDED, [])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def remove(self, path: str) -> None:
        """Take note of a file."""
        self.paths.append(path)
        names = [Path(path).name for path in self.paths]
        self.message_hub.update_info(SUPERSEDED, names)

    def remove_all(self, but: set[str | None]) -> None:
        """Remove the files now.

        Args:
            but: Paths of those that stay.
        """
        for path in self.paths:
            if path not in but:
                self.backend.remove(path)


class SafeCheckpointHook(CheckpointHook):
    """MMEngine's, that removes after it saves, and keeps to its own folder.

    It saves a checkpoint again after each validation, as MMEngine does after a
    new best: what has been validated is not again when a run is resumed.
    """

    file_backend: Any

    def before_train(self, runner) -> None:
        """Find the folder's own checkpoints, and tidy the folder."""
        super().before_train(runner)
        if '://' not in self.out_dir:
            self._stay_in_folder(runner)
            self._tidy(runner)

    def _stay_in_folder(self, runner) -> None:
        """Look for the last and the best checkpoint in the folder.

        The message hub of a resumed run has the paths of when it was saved.
        The folder may be a copy; the original must not lose its best then.
        """
        hub, folder = runner.message_hub, Path(self.out_dir)
        for key, path in hub.runtime_info.items():
            if key.startswith(('best_ckpt', 'last_ckpt')) and path:
                hub.update_info(key, str(folder / Path(path).name))
        if getattr(self, 'best_ckpt_path', None):
            self.best_ckpt_path = hub.get_info('best_ckpt')
        for key, path in getattr(self, 'best_ckpt_path_dict', {}).items():
            if path:
                best = hub.get_info(f'best_ckpt_{key}')
                self.best_ckpt_path_dict[key] = best
        last = folder / self.filename_tmpl.format(self._step(runner))
        self.last_ckpt = str(last) if last.is_file() else None

    @master_only
    def _tidy(self, runner) -> None:
        """Remove what a killed process was about to remove, or to write."""
        folder = Path(self.out_dir)
        for name in runner.message_hub.get_info(SUPERSEDED) or []:
            path = folder / Path(name).name
            if str(path) not in self._current():
                path.unlink(missing_ok=True)
        for place in {folder, Path(runner.work_dir)}:
            if place.is_dir():
                remove_partial(place)

    def _step(self, runner) -> int:
        return runner.epoch if self.by_epoch else runner.iter

    def _current(self) -> set[str | None]:
        best = getattr(self, 'best_ckpt_path_dict', {}).values()
        return {self.last_ckpt, getattr(self, 'best_ckpt_path', None), *best}

    def after_val_epoch(self, runner, metrics: dict) -> None:
        """Save the best checkpoint, and say in the last that this was done."""
        if not isinstance(runner._train_loop, BaseLoop):
            return  # nothing is trained, and so nothing to be saved
        runner.message_hub.update_info(VALIDATED, step_of(runner))
        self.saved: int | None = None
        super().after_val_epoch(runner, metrics)
        step = self._step(runner)
        name = self.filename_tmpl.format(step)
        if Path(self.last_ckpt or '').name == name and self.saved != step:
            meta = dict(epoch=runner.epoch, iter=runner.iter)
            self._save_checkpoint_with_step(runner, step, meta)

    def _save_best_checkpoint(self, runner, metrics: dict) -> None:
        with self._removing_last(runner):
            super()._save_best_checkpoint(runner, metrics)

    def _save_checkpoint_with_step(
        self, runner, step: int, meta: dict
    ) -> None:
        with self._removing_last(runner):
            super()._save_checkpoint_with_step(runner, step, meta)
        self.saved = step

    @contextmanager
    def _removing_last(self, runner) -> Iterator[None]:
        """Remove files only after others have been saved.

        Raises:
            OSError: If one cannot be saved.
        """
        backend = self.file_backend
        if isinstance(backend, RemovesLater):  # best, then last
            yield
            return
        self.file_backend = RemovesLater(backend, runner.message_hub)
        try:
            yield
            self.file_backend.remove_all(but=self._current())
        except OSError as error:
            raise OSError(
                f'Expected to save a checkpoint in {self.out_dir}, but got: '
                f'{error}. Those that were saved before are there: make room, '
                'then go on with --resume.'
            ) from error
        finally:
            self.file_backend = backend
